//! Patterns that an attacker, who writes much of what is logged, could make match elsewhere, and
//! patterns that can be slow.

use std::borrow::Cow;

use super::{
    Dialect, Filter,
    engine::Judge,
    matcher::{BACKTRACKING_TEXT, Matcher, STEPS},
};

/// A pattern that should be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loose {
    /// Index of the pattern in `fail`.
    pub pattern: usize,
    /// What is wrong with it, in words.
    pub why: Cow<'static, str>,
}

impl Filter {
    /// The patterns that match more than they should, and those that cost more than others.
    pub fn loose(&self) -> Vec<Loose> {
        let matchers: Vec<&Matcher> = match &self.judge {
            Judge::Native(native) => native.fail.iter().map(|pattern| &pattern.matcher).collect(),
            Judge::Fail2ban(judge) => judge.fail.iter().collect(),
        };
        let own = self.spec.dialect == Dialect::Banner;
        let mut found = Vec::new();
        for (pattern, text) in self.spec.fail.iter().enumerate() {
            let why = if !own {
                None
            } else if !text.starts_with('^') {
                Some("does not begin with ^, so text in the middle of a message counts")
            } else if text.ends_with("<HOST>") {
                Some("ends with <HOST>, so 192.0.2.7.example counts as 192.0.2.7; end it with $")
            } else {
                None
            };
            let why = why.map(Cow::Borrowed);
            found.extend(why.map(|why| Loose { pattern, why }));
            if let Some(reason) = matchers.get(pattern).and_then(|matcher| matcher.slow()) {
                let why = format!(
                    "needs a backtracking engine ({reason}): it gives up after {STEPS} steps, and on \
                     messages longer than {BACKTRACKING_TEXT} bytes"
                );
                let why = Cow::Owned(why);
                found.push(Loose { pattern, why });
            }
        }
        found
    }
}
