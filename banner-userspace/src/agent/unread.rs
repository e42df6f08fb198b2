//! Tells of logs that cannot be read.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use tracing::{info, warn};

use crate::{
    model::Mono,
    source::{Problem, Tail},
};

/// How often it is looked for changes while logs are being written. Each look asks for the size of
/// every file.
const PAUSE: Duration = Duration::from_secs(1);

/// The logs that cannot be read, as far as was told.
#[derive(Debug, Default)]
pub(super) struct Unread {
    told: BTreeMap<PathBuf, String>,
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
    pub(super) fn look(&mut self, tail: &Tail, now: Mono) {
        self.looked = Some(now);
        self.look_at = None;
        let mut unread: BTreeMap<&Path, &Problem> = BTreeMap::new();
        for file in tail.files() {
            if let Some(problem) = file.problem {
                unread.insert(file.path, problem);
            }
        }
        for (path, problem) in &unread {
            if self
                .told
                .get(*path)
                .is_some_and(|told| *told == problem.error)
            {
                continue;
            }
            let retry = problem.retry.map_or("", |_| "; it is tried again");
            let (path, error) = (path.display(), &problem.error);
            if problem.awaited {
                info!("{path}: {error}");
            } else {
                warn!("{path}: not read: {error}{retry}");
            }
        }
        for path in self.told.keys() {
            let is_read = || tail.files().any(|file| file.path == path);
            if !unread.contains_key(&**path) && is_read() {
                info!("{}: is read now", path.display());
            }
        }
        self.told = (unread.into_iter())
            .map(|(path, problem)| (path.to_owned(), problem.error.clone()))
            .collect();
    }

    /// How many cannot be read.
    pub(super) fn count(&self) -> usize {
        self.told.len()
    }
}
