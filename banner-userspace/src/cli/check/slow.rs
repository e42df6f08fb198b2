//! Lines for which a filter takes long.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::{
    agent,
    filter::{Filter, FilterState, Line, Stretched},
};

/// More than this for a line is slow.
const SLOW: Duration = Duration::from_millis(1);

/// How long a filter is tried.
const TIME: Duration = Duration::from_secs(2);

/// What was found of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Slowest {
    /// How long the line takes that takes longest.
    pub(in crate::cli) time: Duration,
    /// Its beginning and end, and how often what is repeated between them.
    pub(in crate::cli) line: String,
    /// How many lines were tried, and whether that is all.
    pub(in crate::cli) tried: usize,
    pub(in crate::cli) all: bool,
}

impl Slowest {
    /// Whether that is slow.
    pub(in crate::cli) fn is_slow(&self) -> bool {
        self.time > SLOW
    }
}

/// The slowest of many lines of at most `limit` bytes; none: there is nothing to make lines of.
pub(in crate::cli) fn slowest(filter: &Filter, limit: usize) -> Option<Slowest> {
    let begin = agent::processor_time();
    let mut slowest: Option<Slowest> = None;
    let mut tried = 0;
    let mut all = true;
    for mut stretched in filter.stretched(limit, agent::now().wall) {
        let worst = slowest.as_ref().map_or(Duration::ZERO, |slow| slow.time);
        let time = time(filter, &mut stretched, worst);
        tried += 1;
        if time >= worst {
            slowest = Some(Slowest {
                time,
                line: stretched.shown,
                tried,
                all,
            });
        }
        if agent::processor_time().saturating_sub(begin) > TIME {
            all = false;
            break;
        }
    }
    slowest.map(|slowest| Slowest {
        tried,
        all,
        ..slowest
    })
}

/// The best of three, unless it is no worse than `worst` before: whoever else uses the machine takes the
/// caches, too. What is random is so each time.
fn time(filter: &Filter, stretched: &mut Stretched, worst: Duration) -> Duration {
    let mut best = Duration::MAX;
    for seed in 1..=3 {
        stretched.vary(seed);
        let line = Line {
            bytes: &stretched.line,
            cut: false,
            at: stretched.at,
        };
        let mut state = FilterState::new(filter, &TimeZone::UTC);
        let now = agent::now().wall;
        let begin = agent::processor_time();
        let _ = filter.judge_in(&mut state, line, now);
        best = best.min(agent::processor_time().saturating_sub(begin));
        if best <= worst {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Expect, FilterSpec, Key, Prefixes, Sample};

    #[test]
    fn a_pattern_that_tries_many_ways_is_found() {
        let host = Key::Address("192.0.2.7".parse().unwrap());
        let spec = FilterSpec {
            // Look-around needs the engine that tries.
            fail: vec![r"^(?:(?!zz)(?:a|a )+)+ from <HOST>$".into()],
            samples: vec![Sample::new("a from 192.0.2.7", Expect::Fail(host))],
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        let slow = slowest(&filter, 4096).expect("a slow line");
        assert!(slow.is_slow());
        assert!(slow.line.contains("times>"), "{}", slow.line);
    }
}
