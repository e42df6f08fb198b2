//! Looking at what the entries mean now, after an event, at a deadline, and at the start.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;

use super::file::{LogFile, Refusal, Start, check_kind};
use super::mark::Inode;
use super::settle::POLL;
use super::state::Problem;
use super::tail::Tail;
use super::walk::{FILES, Found, Kept, Ways, walk, watch_rights};
use super::watch::{FileId, Interest, RIGHTS};
use crate::model::{LogId, Mono};

impl Tail {
    /// Walks every entry about which something may have changed.
    pub(super) fn scan(&mut self, now: Mono) {
        if self.dirty.is_empty() {
            return;
        }
        let mut kept = Kept::new();
        while let Some(log) = self.dirty.pop_first() {
            self.scan_log(log, &mut kept, now);
        }
        self.watches.settle();
        self.unsettled = true;
    }

    fn scan_log(&mut self, id: LogId, kept: &mut Kept, now: Mono) {
        let Some(pattern) = self.log(id).map(|log| log.pattern.clone()) else {
            return;
        };
        let mut ways = walk(&mut self.watches, kept, id, &pattern);
        let mut present = BTreeSet::new();
        for found in std::mem::take(&mut ways.found) {
            present.extend(self.look(id, found, now));
        }
        // Where not everything was seen, what was not seen is not gone.
        if ways.trouble.is_none() && !ways.too_many {
            let names = self.names.iter();
            let gone: Vec<Arc<Path>> = names
                .filter(|(path, name)| name.logs.contains(&id) && !present.contains(*path))
                .map(|(path, _)| Arc::clone(path))
                .collect();
            for path in gone {
                self.demote(&path, now);
                if let Some(name) = self.names.get_mut(&path) {
                    name.problem = None;
                    name.unread = None;
                }
            }
        }
        let unwatched = self.watch_files(id).or(ways.unwatched);
        if let Some(log) = self.log_mut(id) {
            Problem::note(&mut log.problem, problem_of(&ways, present.is_empty(), now));
            let due = log.polled.as_ref().map_or(now.after(POLL), |(_, due)| *due);
            log.polled = why_polled(ways.remote, unwatched).map(|why| (why, due));
        }
    }

    /// Looks at a name that an entry means. Returns its path if there is something.
    fn look(&mut self, log: LogId, found: Found, now: Mono) -> Option<Arc<Path>> {
        let Found {
            shown,
            real,
            globbed,
            what,
        } = found;
        let outcome = match what {
            // A glob is about the files in a folder.
            Ok(what) if what.is_dir() && globbed => return None,
            Ok(what) => {
                let path = self.name(&shown);
                let outcome = self.open_name(&path, &real, &what, now);
                if outcome.is_err() {
                    self.demote(&path, now);
                }
                outcome
            }
            Err(error) => Err(error.into()),
        };
        let problem = match outcome {
            Ok(()) => None,
            Err(Refusal::Io(error)) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(Refusal::Io(error)) => {
                // Without the watch it is still tried again, at longer and longer intervals.
                watch_rights(&real, |folder, name| {
                    let name = Some(name);
                    let interest = Interest {
                        log,
                        name,
                        events: RIGHTS,
                        shown: None,
                    };
                    self.watches.watch_folder(folder, interest).is_ok()
                });
                Some(Problem::passing(error.to_string(), now))
            }
            Err(refused @ Refusal::Kind(_)) => Some(Problem::standing(refused.to_string(), now)),
        };
        let path = self.name(&shown);
        if let Some(name) = self.names.get_mut(&path) {
            name.real = real;
            Problem::note(&mut name.problem, problem);
        }
        Some(path)
    }

    /// Sees to it that the file that has a name is followed under it.
    fn open_name(
        &mut self,
        path: &Arc<Path>,
        real: &Path,
        what: &Metadata,
        now: Mono,
    ) -> Result<(), Refusal> {
        check_kind(what.file_type())?;
        let inode = Inode {
            device: what.dev(),
            inode: what.ino(),
        };
        let id = match self.by_inode.get(&inode) {
            Some(id) => *id,
            None => match self.open_new(path, real, now) {
                Ok(id) => id,
                Err(refusal) => {
                    if let Some(name) = self.names.get_mut(path)
                        && self.opening.is_some()
                    {
                        name.unread = Some((inode, what.len()));
                    }
                    return Err(refusal);
                }
            },
        };
        self.attach(path, id, now);
        Ok(())
    }

    fn open_new(&mut self, path: &Arc<Path>, real: &Path, now: Mono) -> Result<FileId, Refusal> {
        let mut file = LogFile::open(real)?;
        // Another file may have taken the name since it was looked at.
        if let Some(id) = self.by_inode.get(&file.inode()) {
            return Ok(*id);
        }
        let start = self.start_of(path, &file)?;
        file.start(start, self.longest)?;
        Ok(self.add_file(file, now))
    }

    /// Where to begin with a file that was not known.
    fn start_of(&mut self, path: &Arc<Path>, file: &LogFile) -> io::Result<Start> {
        let Some(marks) = &self.opening else {
            let unread = self.names.get_mut(path).and_then(|name| name.unread.take());
            return Ok(match unread {
                Some((inode, size)) if inode == file.inode() => Start::Past(size),
                _ => Start::Beginning,
            });
        };
        if let Some(mark) = marks.iter().find(|mark| file.fits(mark, path)) {
            return Ok(Start::Marked(mark.offset));
        }
        let mut before = marks.iter().filter(|mark| *mark.path == **path).peekable();
        if before.peek().is_none() {
            return Ok(Start::Past(file.look()?.0));
        }
        // The log was read, and this is not what was read of it, so all of it is new.
        if before.any(|mark| mark.may_be(file.inode(), path)) {
            self.stats.truncations += 1;
        }
        Ok(Start::Beginning)
    }

    /// Sets the watches that the files of an entry do not have. Returns why one cannot be set.
    fn watch_files(&mut self, log: LogId) -> Option<Errno> {
        let unwatched = self
            .files
            .iter()
            .filter(|(_, followed)| followed.watch.is_none() && followed.logs.contains(&log));
        let ids: Vec<FileId> = unwatched.map(|(id, _)| *id).collect();
        let mut failure = None;
        for id in ids {
            match self.watch(id) {
                // It may have been written to since it was last read.
                Ok(()) => self.enqueue(id),
                Err(errno) => failure = Some(errno),
            }
        }
        failure
    }

    /// Opens the files that were renamed before they could be opened under their log's name.
    pub(super) fn follow_moved(&mut self, now: Mono) {
        for moved in self.moves.settle() {
            let Some(folder) = self.watches.folder(moved.at.folder) else {
                self.stats.missed += 1;
                continue;
            };
            let real = folder.path.join(&moved.at.name);
            if self.follow_former(&moved.was, &real, now).is_err() {
                self.stats.missed += 1;
            }
        }
        self.stats.missed += self.moves.missed();
    }

    fn follow_former(&mut self, was: &Path, real: &Path, now: Mono) -> Result<(), Refusal> {
        let mut file = LogFile::open(real)?;
        if self.by_inode.contains_key(&file.inode()) {
            return Ok(());
        }
        file.start(Start::Beginning, self.longest)?;
        let path = self.name(was);
        // It came after the file that has the name as far as is known, if that has lost it.
        if let Some(name) = self.names.get(&path)
            && let Some(current) = name.current.and_then(|id| self.files.get(&id))
        {
            let there = fs::metadata(&name.real).ok();
            let there = there.map(|what| Inode {
                device: what.dev(),
                inode: what.ino(),
            });
            if there != Some(current.file.inode()) {
                self.demote(&path, now);
            }
        }
        let id = self.add_file(file, now);
        self.add_former(&path, id, now);
        self.stats.rotations += 1;
        // Whether it can be watched is seen, and told, with the entry.
        if let Some(name) = self.names.get(&path) {
            self.dirty.extend(&name.logs);
        }
        Ok(())
    }
}

/// Why an entry has to be looked at again and again.
fn why_polled(remote: Option<&str>, unwatched: Option<Errno>) -> Option<String> {
    let why = match (unwatched, remote) {
        (Some(Errno::ENOSPC), _) => {
            let limit = fs::read_to_string("/proc/sys/fs/inotify/max_user_watches");
            let limit = limit.as_deref().map_or("unknown", str::trim_end);
            format!("no inotify watch is left: raise fs.inotify.max_user_watches, now {limit}")
        }
        (Some(errno), _) => format!("it cannot be watched: {}", errno.desc()),
        (None, Some(filesystem)) => format!("{filesystem} does not tell of changes"),
        (None, None) => return None,
    };
    Some(format!("looked at once a second, because {why}"))
}

fn problem_of(ways: &Ways, nothing: bool, now: Mono) -> Option<Problem> {
    if let Some((folder, error)) = &ways.trouble {
        return Some(Problem::passing(
            format!("{}: {error}", folder.display()),
            now,
        ));
    }
    if ways.too_many {
        let error = format!("more than {FILES} files match; the others are not read");
        return Some(Problem::standing(error, now));
    }
    nothing.then(|| {
        let error = "no such file yet; it is read from its beginning when it comes";
        Problem::awaiting(error.to_owned(), now)
    })
}
