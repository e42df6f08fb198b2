//! Follows files that had a log's name for so short a time that it was taken from them before they
//! were opened: a log rotated twice between two looks.
//!
//! Events tell what happened in order, while the folder shows only how it ended. A file that came
//! under a log's name and was renamed from it is found under the name to which the renames lead.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use nix::sys::inotify::{AddWatchFlags, WatchDescriptor};

/// More than this at once is no rotation; the oldest is given up.
const LIMIT: usize = 1024;

/// A name in a watched folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) folder: WatchDescriptor,
    pub(super) name: OsString,
}

/// A file that was renamed before it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    /// Where it is now.
    pub(super) at: Spot,
    /// The log that it was.
    pub(super) was: PathBuf,
}

#[derive(Debug)]
struct Leaving {
    cookie: u32,
    /// The log that it was; `None` for a file that had its name at the last look and is known.
    was: Option<PathBuf>,
    /// A batch of events has ended since.
    waited: bool,
}

/// What is under way since the last look.
#[derive(Debug, Default)]
pub(super) struct Moves {
    /// Logs' names that a file has got since.
    fresh: Vec<Spot>,
    /// Renamed from somewhere, and not yet seen to arrive.
    leaving: Vec<Leaving>,
    moved: Vec<Moved>,
    missed: u64,
}

impl Moves {
    /// Takes an event about a name. `log` is the path of the log that bears this name, if one does.
    pub(super) fn take(
        &mut self,
        folder: WatchDescriptor,
        name: &OsStr,
        mask: AddWatchFlags,
        cookie: u32,
        log: Option<PathBuf>,
    ) {
        if log.is_none() && self.leaving.is_empty() && self.moved.is_empty() {
            return;
        }
        let at = Spot {
            folder,
            name: name.to_owned(),
        };
        if mask.contains(AddWatchFlags::IN_MOVED_TO) {
            // Whatever had the name has been replaced.
            self.lose(&at);
            let arriving = self.leaving.iter().position(|one| one.cookie == cookie);
            match arriving.map(|at| self.leaving.remove(at).was) {
                Some(Some(was)) => {
                    self.moved.push(Moved {
                        at: at.clone(),
                        was,
                    });
                    self.fresh.extend(log.map(|_| at));
                }
                Some(None) => {}
                None => self.fresh.extend(log.map(|_| at)),
            }
        } else if mask.contains(AddWatchFlags::IN_CREATE) {
            self.fresh.extend(log.map(|_| at));
        } else if mask.contains(AddWatchFlags::IN_MOVED_FROM) {
            let is_log = log.is_some();
            let moved = self.moved.iter().position(|one| one.at == at);
            let was = match moved.map(|moved| self.moved.remove(moved).was) {
                Some(was) => Some(was),
                None => log.filter(|_| self.fresh.contains(&at)),
            };
            self.fresh.retain(|fresh| *fresh != at);
            if is_log || was.is_some() {
                self.leaving.push(Leaving {
                    cookie,
                    was,
                    waited: false,
                });
            }
        } else if mask.contains(AddWatchFlags::IN_DELETE) {
            self.lose(&at);
        }
        self.bound();
    }

    /// The file at a name is gone.
    fn lose(&mut self, at: &Spot) {
        let before = self.moved.len();
        self.moved.retain(|one| one.at != *at);
        let was_fresh = self.fresh.contains(at);
        self.fresh.retain(|fresh| fresh != at);
        if was_fresh || self.moved.len() < before {
            self.missed += 1;
        }
    }

    /// All events are taken, and the folders are about to be looked at: what is now in sight is
    /// known from here on. Returns the files that are not where their log is, oldest first.
    pub(super) fn settle(&mut self) -> Vec<Moved> {
        self.fresh.clear();
        let mut out_of_sight = 0;
        // The two halves of a rename are queued one right after the other, but a batch may end
        // between them.
        self.leaving.retain_mut(|one| {
            let waited = std::mem::replace(&mut one.waited, true);
            out_of_sight += u64::from(waited && one.was.is_some());
            !waited
        });
        self.missed += out_of_sight;
        std::mem::take(&mut self.moved)
    }

    /// Events are missing: nothing can be concluded from those before.
    pub(super) fn clear(&mut self) {
        self.fresh.clear();
        self.leaving.clear();
        self.moved.clear();
    }

    /// How many files were gone before they could be opened, since the last call.
    pub(super) fn missed(&mut self) -> u64 {
        std::mem::take(&mut self.missed)
    }

    fn bound(&mut self) {
        if self.fresh.len() > LIMIT {
            self.fresh.remove(0);
        }
        if self.leaving.len() > LIMIT {
            self.missed += u64::from(self.leaving.remove(0).was.is_some());
        }
        if self.moved.len() > LIMIT {
            self.moved.remove(0);
            self.missed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use nix::sys::inotify::{InitFlags, Inotify};
    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;

    const CREATE: AddWatchFlags = AddWatchFlags::IN_CREATE;
    const FROM: AddWatchFlags = AddWatchFlags::IN_MOVED_FROM;
    const TO: AddWatchFlags = AddWatchFlags::IN_MOVED_TO;
    const DELETE: AddWatchFlags = AddWatchFlags::IN_DELETE;

    /// A descriptor can only be had from the kernel.
    fn folder() -> WatchDescriptor {
        let inotify = Inotify::init(InitFlags::IN_CLOEXEC).expect("inotify");
        let _fd = inotify.as_fd();
        let folder = TempDir::new().expect("temp folder");
        inotify
            .add_watch(folder.path(), AddWatchFlags::IN_CREATE)
            .expect("watch")
    }

    /// Runs events on the log `log` (and other names) and returns where the unopened files are.
    fn run(events: &[(AddWatchFlags, &str, u32)]) -> (Vec<String>, u64) {
        let folder = folder();
        let mut moves = Moves::default();
        for (mask, name, cookie) in events {
            let log = (*name == "log").then(|| PathBuf::from("/log"));
            moves.take(folder, OsStr::new(name), *mask, *cookie, log);
        }
        let found = moves.settle().into_iter().map(|one| {
            assert_eq!(one.was, PathBuf::from("/log"));
            one.at.name.to_string_lossy().into_owned()
        });
        (found.collect(), moves.missed())
    }

    #[test]
    fn what_was_there_at_the_last_look_is_not_followed() {
        assert_eq!(
            run(&[(FROM, "log", 1), (TO, "log.1", 1), (CREATE, "log", 0)]),
            (vec![], 0)
        );
    }

    #[test]
    fn a_file_that_came_and_was_renamed_is_found_where_the_renames_lead() {
        let events = [
            (FROM, "log", 1),
            (TO, "log.1", 1),
            (CREATE, "log", 0),
            // Second rotation.
            (FROM, "log.1", 2),
            (TO, "log.2", 2),
            (FROM, "log", 3),
            (TO, "log.1", 3),
            (CREATE, "log", 0),
            // Third.
            (FROM, "log.2", 4),
            (TO, "log.3", 4),
            (FROM, "log.1", 5),
            (TO, "log.2", 5),
            (FROM, "log", 6),
            (TO, "log.1", 6),
            (CREATE, "log", 0),
        ];
        assert_eq!(
            run(&events),
            (vec!["log.2".to_owned(), "log.1".to_owned()], 0)
        );
    }

    #[test]
    fn what_is_gone_for_good_is_counted() {
        assert_eq!(run(&[(CREATE, "log", 0), (DELETE, "log", 0)]), (vec![], 1));
        assert_eq!(run(&[(DELETE, "log", 0), (CREATE, "log", 0)]), (vec![], 0));
        let renamed = [(CREATE, "log", 0), (FROM, "log", 1), (TO, "x", 1)];
        assert_eq!(
            run(&[&renamed[..], &[(DELETE, "x", 0)]].concat()),
            (vec![], 1)
        );
        assert_eq!(run(&[&renamed[..], &[(TO, "x", 7)]].concat()), (vec![], 1));
    }

    #[test]
    fn a_rename_that_leads_out_of_sight_is_counted_after_one_more_batch() {
        let folder = folder();
        let mut moves = Moves::default();
        let log = || Some(PathBuf::from("/log"));
        moves.take(folder, OsStr::new("log"), CREATE, 0, log());
        moves.take(folder, OsStr::new("log"), FROM, 9, log());
        assert_eq!((moves.settle(), moves.missed()), (vec![], 0));
        assert_eq!((moves.settle(), moves.missed()), (vec![], 1));
    }

    #[test]
    fn any_events_keep_it_bounded() {
        let folder = folder();
        let events = prop::collection::vec((0..4_usize, 0..5_usize, 0..4_u32), 0..300);
        proptest!(|(events in events)| {
            let mut moves = Moves::default();
            for (mask, name, cookie) in events.iter().cycle().take(20 * events.len()) {
                let mask = [CREATE, FROM, TO, DELETE][*mask];
                let name = ["log", "log.1", "log.2", "a", "b"][*name];
                let log = (name == "log").then(|| PathBuf::from("/log"));
                moves.take(folder, OsStr::new(name), mask, *cookie, log);
                let longest = moves.fresh.len().max(moves.leaving.len()).max(moves.moved.len());
                prop_assert!(longest <= LIMIT);
            }
        });
    }
}
