//! The sample lines of a filter, which are its specification and its test.

use std::fmt;

use super::{Expect, Filter};

/// A sample that did not get the verdict that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Index in `samples`.
    pub sample: usize,
    /// What the sample names.
    pub expected: Expect,
    /// What the filter says.
    pub found: Expect,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "expected {}, but the filter says {}",
            self.expected, self.found
        )
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(host) => write!(f, "a failure of {host}"),
            Self::Pass => f.write_str("no failure"),
        }
    }
}

impl Filter {
    /// Runs the filter's own samples: how many there are, and those that went wrong.
    pub fn check_samples(&self) -> (usize, Vec<Mismatch>) {
        let wrong = (self.samples.iter().enumerate()).filter_map(|(n, sample)| {
            let found = self.judge_sample(sample);
            (found != sample.expect).then_some(Mismatch {
                sample: n,
                expected: sample.expect,
                found,
            })
        });
        (self.samples.len(), wrong.collect())
    }

    /// The line of a sample; empty when there is no such sample.
    pub fn sample_line(&self, sample: usize) -> &str {
        self.samples.get(sample).map_or("", |sample| &sample.line)
    }
}
