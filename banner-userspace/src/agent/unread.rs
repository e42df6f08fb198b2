//! Tells of logs that cannot be read.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use tracing::{info, warn};

use crate::{
    model::Mono,
    source::{Problem, Sources},
};

/// How often it is looked for changes while logs are being written. Each look asks for the size of
/// every file.
const PAUSE: Duration = Duration::from_secs(1);

/// The logs that cannot be read, as far as was told.
#[derive(Debug, Default)]
pub(super) struct Unread {
    /// By the names of their sources.
    told: BTreeMap<String, String>,
    looked: Option<Mono>,
    /// When to look next; not while nothing happens.
    pub(super) look_at: Option<Mono>,
}

impl Unread {
    /// Something happened to a log.
    pub(super) fn stir(&mut self, now: Mono) {
        let soonest = self.looked.map_or(now, |looked| looked.after(PAUSE));
        self.look_at.get_or_insert(soonest.max(now));
    }

    /// Writes a line for each log that cannot be read, or can be read now, since the last look.
    pub(super) fn look(&mut self, sources: &Sources, now: Mono) {
        self.looked = Some(now);
        self.look_at = None;
        let mut unread: BTreeMap<String, Problem> = BTreeMap::new();
        let mut read = BTreeSet::new();
        for (name, problem) in sources.problems() {
            match problem {
                Some(problem) => drop(unread.insert(name, problem)),
                None if self.told.contains_key(&name) => drop(read.insert(name)),
                None => {}
            }
        }
        for (name, problem) in &unread {
            if self.told.get(name) == Some(&problem.error) {
                continue;
            }
            let retry = problem.retry.map_or("", |_| "; it is tried again");
            let error = &problem.error;
            if problem.awaited {
                info!("{name}: {error}");
            } else {
                warn!("{name}: not read: {error}{retry}");
            }
        }
        for name in read.iter().filter(|name| !unread.contains_key(*name)) {
            info!("{name}: is read now");
        }
        self.told = (unread.into_iter())
            .map(|(name, problem)| (name, problem.error))
            .collect();
    }

    /// How many cannot be read.
    pub(super) fn count(&self) -> usize {
        self.told.len()
    }
}
