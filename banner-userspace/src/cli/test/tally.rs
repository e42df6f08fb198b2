//! What was seen, counted.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use crate::filter::{Stamp, Verdict};

/// Hosts and ids that are counted one by one; those beyond are counted together.
const DIFFERENT: usize = 1 << 20;

/// How much of a line is shown.
const SHOWN_BYTES: usize = 400;

/// Which lines to list, and how many of each kind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wanted {
    pub(super) failures: usize,
    pub(super) ignored: usize,
    pub(super) missed: usize,
}

/// All that is told of a run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) lines: u64,
    pub(super) failures: u64,
    pub(super) ignored: u64,
    /// Lines longer than the limit.
    pub(super) cut: u64,
    /// How often a pattern gave up on a line.
    pub(super) exhausted: u64,
    /// How many of the lines that were kept have a stamp of which form.
    pub(super) forms: BTreeMap<String, u64>,
    /// By pattern.
    pub(super) hits: Vec<u64>,
    /// What stamps of failures were worth, in words.
    pub(super) stamps: BTreeMap<&'static str, u64>,
    /// By host or id.
    pub(super) who: HashMap<String, u64>,
    /// Failures of hosts and ids that were too many to be counted one by one.
    pub(super) others: u64,
    pub(super) listed_failures: Vec<Listed>,
    pub(super) listed_ignored: Vec<Listed>,
    pub(super) listed_missed: Vec<Listed>,
    wanted: Wanted,
}

/// A line to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) line: u64,
    pub(super) text: String,
}

impl Tally {
    pub(super) fn new(patterns: usize, wanted: Wanted) -> Self {
        Self {
            hits: vec![0; patterns],
            wanted,
            ..Self::default()
        }
    }

    /// Lines that are no failure and are not ignored either.
    pub(super) fn missed(&self) -> u64 {
        self.lines - self.failures - self.ignored
    }

    /// Counts a line.
    pub(super) fn add(&mut self, line: &[u8], cut: bool, verdict: &Verdict) {
        self.lines += 1;
        self.cut += u64::from(cut);
        let (list, most) = match verdict {
            Verdict::Miss => (&mut self.listed_missed, self.wanted.missed),
            Verdict::Ignored => {
                self.ignored += 1;
                (&mut self.listed_ignored, self.wanted.ignored)
            }
            Verdict::Fail(hit) => {
                self.failures += 1;
                if let Some(hits) = self.hits.get_mut(hit.pattern) {
                    *hits += 1;
                }
                *self.stamps.entry(worth(hit.stamp)).or_default() += 1;
                let who = hit.key.to_string();
                if let Some(count) = self.who.get_mut(&who) {
                    *count += 1;
                } else if self.who.len() < DIFFERENT {
                    self.who.insert(who, 1);
                } else {
                    self.others += 1;
                }
                (&mut self.listed_failures, self.wanted.failures)
            }
        };
        if list.len() < most {
            list.push(Listed {
                line: self.lines,
                text: shown(line),
            });
        }
    }

    /// Those with most failures, most first.
    pub(super) fn top(&self, count: usize) -> Vec<(&str, u64)> {
        let mut all: Vec<_> = (self.who.iter())
            .map(|(who, count)| (&**who, *count))
            .collect();
        all.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        all.truncate(count);
        all
    }
}

fn worth(stamp: Stamp) -> &'static str {
    match stamp {
        Stamp::At(_) => "usable",
        Stamp::Missing => "missing",
        Stamp::Unreadable => "unreadable",
        Stamp::Future => "in the future",
    }
}

fn shown(line: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&line[..line.len().min(SHOWN_BYTES)]).into_owned();
    if line.len() > SHOWN_BYTES {
        text.push('…');
    }
    text
}
