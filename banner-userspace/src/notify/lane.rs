//! A target, what waits for it, and what became of what did.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::{failure::Failure, queue::Queue, target::Target};

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) target: Target,
    pub(super) queue: Queue,
    pub(super) counts: Counts,
}

/// What became of the messages of a target since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetStatus {
    /// Its name.
    pub name: String,
    /// `mail`, `webhook` or `command`.
    pub way: &'static str,
    /// Events that wait.
    pub queued: usize,
    /// Messages that arrived.
    pub sent: u64,
    /// Attempts after the first ones.
    pub retried: u64,
    /// Messages that did not arrive, and are not tried any more.
    pub dropped: u64,
    /// Events that went into digests.
    pub folded: u64,
    /// Why the last attempt failed; none: it did not.
    pub problem: Option<String>,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    retried: AtomicU64,
    dropped: AtomicU64,
    folded: AtomicU64,
    /// Events of the message that is being sent.
    under_way: AtomicU64,
    problem: Mutex<Option<String>>,
}

impl Lane {
    pub(super) fn new(target: Target) -> Self {
        Self {
            target,
            queue: Queue::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn status(&self) -> TargetStatus {
        let counts = &self.counts;
        let count = |of: &AtomicU64| of.load(Ordering::Relaxed);
        TargetStatus {
            name: self.target.name.clone(),
            way: self.target.way.word(),
            queued: self.queue.len(),
            sent: count(&counts.sent),
            retried: count(&counts.retried),
            dropped: count(&counts.dropped),
            folded: count(&counts.folded),
            problem: counts.problem().clone(),
        }
    }

    /// Events that nobody has been told of yet.
    pub(super) fn left(&self) -> u64 {
        self.queue.left() + self.counts.under_way.load(Ordering::Relaxed)
    }
}

impl Counts {
    pub(super) fn folded(&self, events: u64) {
        self.folded.fetch_add(events, Ordering::Relaxed);
    }

    pub(super) fn begin(&self, events: u64) {
        self.under_way.store(events, Ordering::Relaxed);
    }

    /// Returns whether there was a problem before.
    pub(super) fn sent(&self) -> bool {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.begin(0);
        self.problem().take().is_some()
    }

    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        self.begin(0);
    }

    /// Returns whether there was no problem before.
    pub(super) fn failed(&self, failure: &Failure) -> bool {
        self.problem().replace(failure.why.clone()).is_none()
    }

    fn problem(&self) -> MutexGuard<'_, Option<String>> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
