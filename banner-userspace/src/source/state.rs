//! What can be said about the tailing, for `banner status` and metrics.

use std::path::Path;
use std::time::Duration;

use crate::model::{LogId, Mono};

/// The first wait before something that failed is tried again, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// Whether the caller of [`poll`](super::Tail::poll) may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// The budget is used up and there is more to do: poll again soon, without waiting.
    More,
    /// Nothing to do until the descriptor is readable or `retry` is reached.
    Idle {
        /// `None` when all is well: then nothing but an event needs a wake-up.
        retry: Option<Mono>,
    },
}

/// Counters since [`open`](super::Tail::open).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Lines given out, cut and unfinished ones included.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Lines that were longer than the limit.
    pub cut: u64,
    /// Lines that never got an end: their file was deleted, given up or truncated.
    pub unfinished: u64,
    /// How often a log's name was taken from its file, by renaming, deleting or replacing it.
    pub rotations: u64,
    /// How often a file was truncated.
    pub truncations: u64,
    /// Bytes that are known to have been there and were not read. What was written and truncated
    /// between two looks cannot be known and is not in it.
    pub lost: u64,
    /// Files that had a log's name and were gone from sight before they could be opened.
    pub missed: u64,
    /// How often the kernel's queue of events was full. Then everything was looked at again.
    pub overflows: u64,
    /// Lines that were not in the form that their source should have, and were passed over.
    pub strange: u64,
}

/// Why something is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In words, without the path.
    pub error: String,
    /// Nothing is there yet, which is no fault by itself: a configuration may name the logs of
    /// several systems.
    pub awaited: bool,
    /// When it was first seen.
    pub since: Mono,
    /// When it is tried again; `None` when only a change in the filesystem can help, which is
    /// noticed without trying.
    pub retry: Option<Mono>,
    wait: Duration,
}

impl Problem {
    /// One that time may cure.
    pub(super) fn passing(error: String, now: Mono) -> Self {
        Self {
            error,
            awaited: false,
            since: now,
            retry: Some(now.after(BACK_OFF.0)),
            wait: BACK_OFF.0,
        }
    }

    /// One that stays until somebody changes something.
    pub(super) fn standing(error: String, now: Mono) -> Self {
        Self {
            error,
            awaited: false,
            since: now,
            retry: None,
            wait: BACK_OFF.0,
        }
    }

    /// None, until something comes.
    pub(super) fn awaiting(error: String, now: Mono) -> Self {
        Self {
            awaited: true,
            ..Self::standing(error, now)
        }
    }

    /// Notes the outcome of another look: the same problem keeps its date and its waits.
    pub(super) fn note(slot: &mut Option<Self>, new: Option<Self>) {
        let same = matches!((&*slot, &new), (Some(old), Some(new)) if old.error == new.error);
        if !same {
            *slot = new;
        }
    }

    /// Whether it is time for another look. If so, the next one is set twice as far off.
    pub(super) fn is_due(&mut self, now: Mono) -> bool {
        let due = self.retry.is_some_and(|retry| retry <= now);
        if due {
            self.wait = (self.wait * 2).min(BACK_OFF.1);
            self.retry = Some(now.after(self.wait));
        }
        due
    }

    /// Dates a problem that was found before the time was known.
    pub(super) fn date(&mut self, now: Mono) {
        self.since = now;
        self.retry = self.retry.map(|_| now.after(self.wait));
    }
}

/// One name of a log, as [`files`](super::Tail::files) tells of it. A file with two names is told
/// of twice.
#[derive(Clone, Debug)]
pub struct FileState<'a> {
    /// As the log entry spells it; the entry itself when nothing matches it.
    pub path: &'a Path,
    /// The log entries that it counts for.
    pub logs: &'a [LogId],
    /// It has lost this name by rotation, and is followed for as long as somebody may still write
    /// to it.
    pub former: bool,
    /// Bytes read since it was opened.
    pub bytes: u64,
    /// Bytes in the file that were not yet read.
    pub lag: u64,
    /// Why it has to be looked at once a second; `None` where the kernel tells of changes.
    pub polled: Option<&'a str>,
    /// Why it is not read.
    pub problem: Option<&'a Problem>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_waits_double_up_to_a_minute() {
        let mut problem = Problem::passing("x".to_owned(), Mono(0));
        let mut waits = Vec::new();
        let mut now = Mono(0);
        for _ in 0..9 {
            let retry = problem.retry.expect("it is passing");
            waits.push(retry.since(now).as_secs());
            assert!(!problem.is_due(Mono(retry.0 - 1)));
            assert!(problem.is_due(retry));
            now = retry;
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(!Problem::standing("x".to_owned(), Mono(0)).is_due(now));
    }

    #[test]
    fn the_same_problem_keeps_its_date_and_another_begins_anew() {
        let mut slot = Some(Problem::passing("x".to_owned(), Mono(0)));
        let before = slot.clone();
        Problem::note(&mut slot, Some(Problem::passing("x".to_owned(), Mono(5))));
        assert_eq!(slot, before);
        Problem::note(&mut slot, Some(Problem::passing("y".to_owned(), Mono(7))));
        assert_eq!(slot.as_ref().map(|problem| problem.since), Some(Mono(7)));
        Problem::note(&mut slot, None);
        assert_eq!(slot, None);
    }
}
