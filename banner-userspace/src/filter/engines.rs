//! Which engine each pattern of a filter needs.

use super::{Filter, engine::Judge, matcher::Matcher};

/// How a pattern is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// In time that is linear in the length of the line.
    Linear,
    /// By trying, with a limit on steps: for look-around, back-references and conditionals.
    Backtracking,
}

/// The engines of a filter's patterns, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engines {
    /// Of `prefilter`.
    pub prefilter: Option<Engine>,
    /// Of `fail`.
    pub fail: Vec<Engine>,
    /// Of `ignore`.
    pub ignore: Vec<Engine>,
}

impl Filter {
    /// How its patterns are matched.
    pub fn engines(&self) -> Engines {
        let of = |matcher: &Matcher| {
            if matcher.slow().is_some() {
                Engine::Backtracking
            } else {
                Engine::Linear
            }
        };
        match &self.judge {
            Judge::Native(native) => Engines {
                prefilter: native
                    .prefilter
                    .as_ref()
                    .map(|pattern| of(&pattern.matcher)),
                fail: (native.fail.iter())
                    .map(|pattern| of(&pattern.matcher))
                    .collect(),
                ignore: native.ignore.iter().map(of).collect(),
            },
            Judge::Fail2ban(judge) => Engines {
                prefilter: judge.prefilter.as_ref().map(of),
                fail: judge.fail.iter().map(of).collect(),
                ignore: judge.ignore.iter().map(of).collect(),
            },
        }
    }

    /// Where the message of a line begins, behind the prefix that the filter names, or before the content
    /// of fail2ban's prefilter; 0 where there is none.
    pub fn message_at(&self, line: &[u8]) -> usize {
        match &self.judge {
            Judge::Native(native) => native.message_at(line),
            Judge::Fail2ban(judge) => judge.message_at(line),
        }
    }
}
