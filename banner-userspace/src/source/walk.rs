//! From a log entry to the files that it means now, and to the watches that tell when that changes.
//!
//! The way is walked as the kernel walks it, name by name and through symbolic links, because a
//! change anywhere on it may change what the entry means. Every look at a name happens after the
//! watch that tells of its changes is set, so nothing can slip between.

use std::collections::{HashMap, HashSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, WatchDescriptor};

use super::pattern::{Part, Pattern};
use super::watch::{Interest, NAMES, RIGHTS, SELF, Shown, Watches};
use crate::model::LogId;

/// How many symbolic links one name may lead through; the kernel's own limit (`MAXSYMLINKS`).
const LINKS: usize = 40;

/// How often a walk is begun anew because something moved under its feet.
const ATTEMPTS: usize = 3;

/// How many files one entry may mean.
pub(super) const FILES: usize = 4096;

/// A name that the entry means.
#[derive(Debug)]
pub(super) struct Found {
    /// As the entry spells it.
    pub(super) shown: PathBuf,
    /// Without symbolic links.
    pub(super) real: PathBuf,
    /// The entry has a glob, so the name was not asked for by itself.
    pub(super) globbed: bool,
    /// What is there.
    pub(super) what: io::Result<Metadata>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Ways {
    /// In order of their names.
    pub(super) found: Vec<Found>,
    /// The first folder on the way that could not be looked into.
    pub(super) trouble: Option<(PathBuf, io::Error)>,
    /// More than [`FILES`] match; those beyond are not in `found`.
    pub(super) too_many: bool,
    /// A folder on the way lies on a filesystem that does not tell of changes: its name.
    pub(super) remote: Option<&'static str>,
    /// A folder on the way cannot be watched.
    pub(super) unwatched: Option<Errno>,
}

/// The folders that were watched since a scan began, and for which events. To set a watch costs the
/// kernel a look at everything in the folder, so what many entries pass through is watched once. If
/// such a folder is replaced meanwhile, its watch tells all who passed through it.
pub(super) type Kept = HashMap<PathBuf, (WatchDescriptor, AddWatchFlags)>;

/// Walks the way of one entry and sets its watches.
pub(super) fn walk(watches: &mut Watches, kept: &mut Kept, log: LogId, pattern: &Pattern) -> Ways {
    let mut attempt = 0;
    loop {
        attempt += 1;
        watches.begin(log);
        let mut walk = Walk {
            watches,
            log,
            ways: Ways::default(),
            kept,
            passed: HashSet::new(),
            moved: false,
        };
        let root = PathBuf::from("/");
        walk.descend(&root, &root, &pattern.parts, false);
        if !walk.moved {
            return walk.ways;
        }
        walk.kept.clear();
        if attempt == ATTEMPTS {
            // Something keeps moving. It is looked at again as if it could not be watched.
            walk.ways.unwatched.get_or_insert(Errno::EBUSY);
            return walk.ways;
        }
    }
}

struct Walk<'a> {
    watches: &'a mut Watches,
    log: LogId,
    ways: Ways,
    kept: &'a mut Kept,
    /// The folders that this walk went through.
    passed: HashSet<PathBuf>,
    /// A folder was gone when it was to be watched.
    moved: bool,
}

impl Walk<'_> {
    /// Follows the rest of the entry from a folder.
    fn descend(&mut self, real: &Path, shown: &Path, parts: &[Part], globbed: bool) {
        let Some((part, rest)) = parts.split_first() else {
            return;
        };
        match part {
            Part::Name(name) => self.step(real, &shown.join(name), name, rest, globbed, false),
            Part::Glob(_) => {
                let last = rest.is_empty().then(|| Shown::Within(shown.to_owned()));
                self.keep(real, Some(part), NAMES, last);
                let mut names = match names(real, part) {
                    Ok(names) => names,
                    Err(error) => return self.stuck(real, error),
                };
                names.sort_unstable();
                for name in names {
                    self.step(real, &shown.join(&name), &name, rest, true, true);
                }
            }
        }
    }

    /// Follows one name. `covered` means that a glob's watch already tells of this name.
    fn step(
        &mut self,
        folder: &Path,
        shown: &Path,
        name: &OsStr,
        rest: &[Part],
        globbed: bool,
        covered: bool,
    ) {
        let last = rest.is_empty().then(|| Shown::File(shown.to_owned()));
        match self.resolve(folder, name, last.as_ref(), covered) {
            Ok((real, what)) if rest.is_empty() => self.found(shown, real, globbed, Ok(what)),
            Ok((real, what)) if what.is_dir() => self.descend(&real, shown, rest, globbed),
            // A glob also finds files where the entry has a folder.
            Ok(_) if globbed => {}
            Ok((real, _)) => self.stuck(&real, Errno::ENOTDIR.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if rest.is_empty() => {
                self.found(shown, folder.join(name), globbed, Err(error));
            }
            Err(error) => self.stuck(shown, error),
        }
    }

    fn found(&mut self, shown: &Path, real: PathBuf, globbed: bool, what: io::Result<Metadata>) {
        if self.ways.found.len() == FILES {
            self.ways.too_many = true;
            return;
        }
        self.ways.found.push(Found {
            shown: shown.to_owned(),
            real,
            globbed,
            what,
        });
    }

    fn stuck(&mut self, at: &Path, error: io::Error) {
        // Gone since it was found. The watch on the folder that had it tells.
        if error.kind() != io::ErrorKind::NotFound {
            self.watch_rights(at);
            self.ways
                .trouble
                .get_or_insert_with(|| (at.to_owned(), error));
        }
    }

    /// Where a name in a folder leads, through any symbolic links, and what is there.
    fn resolve(
        &mut self,
        folder: &Path,
        name: &OsStr,
        last: Option<&Shown>,
        mut covered: bool,
    ) -> io::Result<(PathBuf, Metadata)> {
        let mut at = folder.to_owned();
        let mut ahead = VecDeque::from([name.to_owned()]);
        let mut links = 0;
        while let Some(name) = ahead.pop_front() {
            if name == ".." {
                at.pop();
                continue;
            }
            self.keep(&at, None, AddWatchFlags::empty(), None);
            let path = at.join(&name);
            let plain_folder =
                |what: &io::Result<Metadata>| what.as_ref().is_ok_and(Metadata::is_dir);
            let mut what = fs::symlink_metadata(&path);
            let last = last.filter(|_| ahead.is_empty()).cloned();
            if !covered && (last.is_some() || !plain_folder(&what)) {
                // A folder on the way tells itself when it goes; of anything else, its own folder
                // must tell.
                self.keep(&at, Some(&Part::Name(name.clone())), NAMES, last);
                what = fs::symlink_metadata(&path);
            }
            covered = false;
            let what = match what {
                Ok(what) => what,
                Err(error) => {
                    if error.kind() != io::ErrorKind::NotFound {
                        self.watch_rights(&path);
                    }
                    return Err(error);
                }
            };
            if what.is_symlink() {
                links += 1;
                if links > LINKS {
                    return Err(Errno::ELOOP.into());
                }
                let target = fs::read_link(&path)?;
                for component in target.components().rev() {
                    match component {
                        Component::RootDir => at = PathBuf::from("/"),
                        Component::CurDir | Component::Prefix(_) => {}
                        other => ahead.push_front(other.as_os_str().to_owned()),
                    }
                }
            } else if what.is_dir() || ahead.is_empty() {
                at = path;
                if ahead.is_empty() {
                    return Ok((at, what));
                }
            } else {
                return Err(Errno::ENOTDIR.into());
            }
        }
        // A link to the root or to a parent folder.
        let what = fs::symlink_metadata(&at)?;
        Ok((at, what))
    }

    /// Watches for the rights on a path to change, and for those on its folder.
    fn watch_rights(&mut self, path: &Path) {
        watch_rights(path, |folder, name| {
            self.keep(folder, Some(&name), RIGHTS, None)
        });
    }

    /// Watches a folder; false where that is not possible.
    fn keep(
        &mut self,
        folder: &Path,
        name: Option<&Part>,
        events: AddWatchFlags,
        shown: Option<Shown>,
    ) -> bool {
        if self.passed.insert(folder.to_owned()) {
            if self.ways.remote.is_none() {
                self.ways.remote = self.watches.remote(folder);
            }
        } else if name.is_none() {
            return true;
        }
        let interest = Interest {
            log: self.log,
            name: name.cloned(),
            events,
            shown,
        };
        let kept = self.kept.get(folder).copied();
        if let Some((wd, mask)) = kept
            && mask.contains(events)
        {
            self.watches.add_interest(wd, interest);
            return true;
        }
        match self.watches.watch_folder(folder, interest) {
            Ok(wd) => {
                let mask = kept.map_or(SELF, |(_, mask)| mask) | events;
                self.kept.insert(folder.to_owned(), (wd, mask));
                return true;
            }
            Err(Errno::ENOENT | Errno::ENOTDIR) => self.moved = true,
            Err(errno) => {
                self.ways.unwatched.get_or_insert(errno);
            }
        }
        false
    }
}

/// Watches for a change of rights that may make `path` readable: in the folder that has it or, where
/// that is so closed that it cannot be watched, in the folder above. `watch` returns whether it did.
pub(super) fn watch_rights(path: &Path, mut watch: impl FnMut(&Path, Part) -> bool) {
    for path in path.ancestors().take(2) {
        if let (Some(folder), Some(name)) = (path.parent(), path.file_name())
            && watch(folder, Part::Name(name.to_owned()))
        {
            return;
        }
    }
}

/// The names in a folder that match.
fn names(folder: &Path, part: &Part) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if part.matches(&name) {
            names.push(name);
        }
    }
    Ok(names)
}
