//! What is known of the comparison of what is in force with what should be.

use std::{collections::HashSet, time::Duration};

use crate::{
    decide::Cursor,
    enforce::{EnforceError, Found, Held},
    model::{Change, Entry, Mono},
};

/// An answer to an inquiry.
#[derive(Debug)]
pub(in crate::agent) struct Answer {
    pub(super) way: usize,
    pub(super) asked: Mono,
    pub(super) took: Duration,
    pub(super) found: Result<Found, EnforceError>,
}

/// What is looked at of one way, and what was put right.
#[derive(Debug, Default)]
pub(super) struct Repair {
    pub(super) at: Option<Mono>,
    /// Others who go on changing things do not have it asked before.
    pub(super) not_before: Mono,
    pub(super) asked: bool,
    /// What the last look said that costs nothing; none: it is to be looked at anew.
    pub(super) glance: Option<u64>,
    /// How far samples of what should be there have been looked at.
    pub(super) sampled: Cursor,
    /// Since it was asked.
    pub(super) touched: HashSet<Entry>,
    pub(super) comparison: Option<Comparison>,
    /// How often in a row it was asked again.
    pub(super) doubts: u32,
    /// It is written down that there is something to be taken away.
    pub(super) listed: bool,
    /// Bans that were missing.
    pub(super) restored: u64,
    /// Bans that nobody had decided on.
    pub(super) strange: u64,
    /// How often something beside bans was missing.
    pub(super) rebuilt: u64,
}

#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) asked: Mono,
    pub(super) held: Vec<Held>,
    pub(super) seen: Vec<bool>,
    pub(super) at: Cursor,
    pub(super) missing: usize,
    /// Of these, what could not be put back.
    pub(super) failed: usize,
    pub(super) strange: usize,
    /// What is to be done.
    pub(super) changes: Vec<Change>,
    pub(super) compared: bool,
}

impl Repair {
    /// The next inquiry is not later than this.
    pub(super) fn plan(&mut self, at: Mono) {
        self.at = Some(self.at.map_or(at, |planned| planned.min(at)));
    }

    /// The same where others have changed something.
    pub(super) fn hurry(&mut self, at: Mono) {
        self.plan(at.max(self.not_before));
    }

    /// Whether an answer is waited for, or being worked on.
    pub(super) fn is_busy(&self) -> bool {
        self.asked || self.comparison.is_some()
    }

    /// Whether an entry has been changed since it was asked.
    pub(super) fn is_touched(&self, entry: Entry) -> bool {
        self.touched.contains(&entry)
    }

    /// Nothing is looked at any more.
    pub(super) fn stop(&mut self) {
        self.at = None;
        self.comparison = None;
    }

    /// These are being changed.
    pub(super) fn touch(&mut self, changes: &[Change]) {
        if self.asked || self.comparison.is_some() {
            self.touched.extend(changes.iter().map(Change::entry));
        }
    }
}
