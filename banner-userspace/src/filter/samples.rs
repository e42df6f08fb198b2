//! The sample lines of a filter, which are its specification and its test.

use std::fmt;

use jiff::{Timestamp, tz::TimeZone};

use super::{Filter, FilterState, Key, Line, Verdict, fields::Fields};
use crate::model::Wall;

/// When samples are read that do not say when: 2026-12-31T23:59:59Z.
const NOW: Wall = Wall::from_secs(1_798_761_599);

/// Lines and the verdict that the last of them must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The lines as they stand in the log, prefix included; one, or several that belong together.
    pub lines: Vec<String>,
    /// What the filter must say of the last. All before it must be no failures.
    pub expect: Expect,
    /// The user that it must find.
    pub user: Option<String>,
    /// The time that it must find.
    pub time: Option<Wall>,
    /// When the lines are read, which says what a stamp without a year means.
    pub now: Option<Wall>,
}

impl Sample {
    /// One line, and what must be said of it.
    pub fn new(line: impl Into<String>, expect: Expect) -> Self {
        Self {
            lines: vec![line.into()],
            expect,
            user: None,
            time: None,
            now: None,
        }
    }
}

/// The verdict that a sample must get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A failure.
    Fail(Key),
    /// No failure.
    Pass,
}

/// A sample that did not get the verdict that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Index in `samples`.
    pub sample: usize,
    /// What is not as it should be.
    pub why: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(Key::Id(id)) => write!(f, "a failure of the id {id}"),
            Self::Fail(key) => write!(f, "a failure of {key}"),
            Self::Pass => f.write_str("no failure"),
        }
    }
}

impl Filter {
    /// Runs the filter's own samples: how many there are, and those that went wrong.
    pub fn check_samples(&self) -> (usize, Vec<Mismatch>) {
        let wrong = (self.spec.samples.iter().enumerate()).filter_map(|(n, sample)| {
            let why = self.check_sample(sample).err()?;
            Some(Mismatch { sample: n, why })
        });
        (self.spec.samples.len(), wrong.collect())
    }

    /// The last line of a sample; empty when there is no such sample.
    pub fn sample_line(&self, sample: usize) -> &str {
        let sample = self.spec.samples.get(sample);
        (sample.and_then(|sample| sample.lines.last())).map_or("", String::as_str)
    }

    fn check_sample(&self, sample: &Sample) -> Result<(), String> {
        let mut state = FilterState::new(self, &TimeZone::UTC).keep_fields(true);
        let second = std::time::Duration::from_secs(1);
        let now = sample.now.or(sample.time.map(|time| time.after(second)));
        let now = now.unwrap_or(NOW);
        let mut verdict = Verdict::Miss;
        for (n, line) in sample.lines.iter().enumerate() {
            if let Verdict::Fail(hit) = &verdict {
                return Err(format!("line {n} is a failure of {} already", hit.key));
            }
            verdict = self.judge_in(&mut state, Line::whole(line.as_bytes()), now);
        }
        let Verdict::Fail(hit) = verdict else {
            return match &sample.expect {
                Expect::Pass => Ok(()),
                fail @ Expect::Fail(_) => {
                    Err(format!("expected {fail}, but the filter says no failure"))
                }
            };
        };
        let found = Expect::Fail(hit.key);
        if found != sample.expect {
            return Err(format!(
                "expected {}, but the filter says {found}",
                sample.expect
            ));
        }
        if let Some(expected) = &sample.user {
            let user = hit.fields.as_deref().and_then(user);
            if user.as_ref() != Some(expected) {
                let user = user.unwrap_or_else(|| "nobody".into());
                return Err(format!(
                    "expected the user {expected}, but the filter says {user}"
                ));
            }
        }
        if let Some(expected) = sample.time
            && hit.at != Some(expected)
        {
            let found = hit.at.map_or_else(|| "none".into(), shown);
            let expected = shown(expected);
            return Err(format!(
                "expected the time {expected}, but the filter says {found}"
            ));
        }
        Ok(())
    }
}

fn user(fields: &Fields) -> Option<String> {
    fields.get("user").map(ToString::to_string)
}

fn shown(at: Wall) -> String {
    match Timestamp::from_nanosecond(i128::from(at.0)) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{} ns", at.0),
    }
}
