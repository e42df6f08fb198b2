//! Which files have and had which names.
//!
//! A file and its name are two things: rotation takes the name from a file that its writer may
//! still hold open, two names may lead to one file, and a renamed file may get a name that is
//! followed too.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::inotify::WatchDescriptor;

use super::file::LogFile;
use super::lines::End;
use super::mark::Inode;
use super::state::Problem;
use super::tail::Tail;
use super::watch::FileId;
use crate::model::{Chunk, LogId, Mono};

/// How many files that lost one name are followed at once. When one more comes, the oldest is
/// given up; what it has that was not read is counted as lost.
pub(super) const FORMERS: usize = 8;

/// The path of a log as an entry spells it, and the files that have or had it.
#[derive(Debug)]
pub(super) struct Name {
    /// The entries that it matches.
    pub(super) logs: Vec<LogId>,
    /// Where it led at the last look.
    pub(super) real: PathBuf,
    pub(super) current: Option<FileId>,
    /// Files that had this name and may still be written to, oldest first.
    pub(super) formers: VecDeque<FileId>,
    pub(super) problem: Option<Problem>,
    /// What was there when the tail was opened, and its size, if that could not be read then.
    pub(super) unread: Option<(Inode, u64)>,
}

/// An open file and who needs it.
#[derive(Debug)]
pub(super) struct Followed {
    pub(super) file: LogFile,
    /// The entries it counts for: those of all its names, present and former.
    pub(super) logs: Vec<LogId>,
    pub(super) current_of: Vec<Arc<Path>>,
    pub(super) former_of: Vec<Arc<Path>>,
    pub(super) watch: Option<WatchDescriptor>,
    /// It stands in the queue.
    pub(super) queued: bool,
    /// Up to here it has to be read before the files that came after it under its name.
    pub(super) due: u64,
    /// The files that have to be read up to their `due` first.
    pub(super) after: Vec<FileId>,
    /// When it last had something new, or lost a name.
    pub(super) stirred: Mono,
    pub(super) problem: Option<Problem>,
}

/// Lines of one file, as [`Tail`] gives them out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// The entries that the file counts for.
    pub(super) logs: &'a [LogId],
    pub(super) bytes: &'a [u8],
    pub(super) end: End,
    pub(super) file: FileId,
    /// A name that it has, or had.
    pub(super) path: Option<&'a Arc<Path>>,
}

impl<'a> From<Piece<'a>> for Chunk<'a> {
    fn from(piece: Piece<'a>) -> Self {
        Self {
            cut: piece.end != End::Whole,
            ..Self::new(piece.logs, piece.bytes)
        }
    }
}

impl Tail {
    /// The name with this path, known from now on if it was not.
    pub(super) fn name(&mut self, path: &Path) -> Arc<Path> {
        if let Some((known, _)) = self.names.get_key_value(path) {
            return Arc::clone(known);
        }
        let matching = self.logs.iter().filter(|log| log.pattern.matches(path));
        let name = Name {
            logs: matching.map(|log| log.id).collect(),
            real: path.to_owned(),
            current: None,
            formers: VecDeque::new(),
            problem: None,
            unread: None,
        };
        let path: Arc<Path> = path.into();
        self.names.insert(Arc::clone(&path), name);
        path
    }

    pub(super) fn add_file(&mut self, file: LogFile, now: Mono) -> FileId {
        let id = FileId(self.next_id);
        self.next_id += 1;
        self.by_inode.insert(file.inode(), id);
        let followed = Followed {
            file,
            logs: Vec::new(),
            current_of: Vec::new(),
            former_of: Vec::new(),
            watch: None,
            queued: false,
            due: 0,
            after: Vec::new(),
            stirred: now,
            problem: None,
        };
        self.files.insert(id, followed);
        id
    }

    /// A file has a name now.
    pub(super) fn attach(&mut self, path: &Arc<Path>, id: FileId, now: Mono) {
        let current = self.names.get(path).and_then(|name| name.current);
        if current == Some(id) {
            return;
        }
        self.demote(path, now);
        if let Some(name) = self.names.get_mut(path) {
            name.formers.retain(|former| *former != id);
            name.current = Some(id);
        }
        if let Some(followed) = self.files.get_mut(&id) {
            followed.former_of.retain(|one| one != path);
            followed.current_of.push(Arc::clone(path));
        }
        self.count_for(path, id);
        self.arrange(path);
        self.enqueue(id);
    }

    /// The file that has a name has it no more.
    pub(super) fn demote(&mut self, path: &Arc<Path>, now: Mono) {
        let Some(id) = self
            .names
            .get_mut(path)
            .and_then(|name| name.current.take())
        else {
            return;
        };
        if let Some(followed) = self.files.get_mut(&id) {
            followed.current_of.retain(|one| one != path);
        }
        self.stats.rotations += 1;
        self.add_former(path, id, now);
    }

    /// A file had a name, and is followed until it is clear that nobody writes to it any more.
    pub(super) fn add_former(&mut self, path: &Arc<Path>, id: FileId, now: Mono) {
        let Some(name) = self.names.get_mut(path) else {
            return;
        };
        let Some(followed) = self.files.get_mut(&id) else {
            return;
        };
        name.formers.push_back(id);
        let oldest = if name.formers.len() > FORMERS {
            name.formers.front().copied()
        } else {
            None
        };
        followed.former_of.push(Arc::clone(path));
        followed.stirred = now;
        followed.due = followed.file.look().map_or(0, |(size, _)| size);
        if followed.watch.is_some() {
            // Now its removal is of interest too. The watch exists, so no limit is in the way.
            let _same = self.watch(id);
        }
        self.count_for(path, id);
        self.arrange(path);
        self.enqueue(id);
        if let Some(oldest) = oldest {
            self.part(path, oldest);
        }
    }

    /// A file is not followed for a name that it had any longer.
    pub(super) fn part(&mut self, path: &Arc<Path>, id: FileId) {
        if let Some(name) = self.names.get_mut(path) {
            name.formers.retain(|former| *former != id);
        }
        let Some(followed) = self.files.get_mut(&id) else {
            return;
        };
        followed.former_of.retain(|one| one != path);
        if followed.former_of.is_empty() && followed.current_of.is_empty() {
            self.close(path, id);
        } else {
            self.count_anew(id);
        }
    }

    fn close(&mut self, path: &Arc<Path>, id: FileId) {
        let Some(followed) = self.files.remove(&id) else {
            return;
        };
        self.by_inode.remove(&followed.file.inode());
        if let Some(watch) = followed.watch {
            self.watches.release_file(watch);
        }
        self.stats.lost += followed.file.lag();
        self.parting.push((id, Arc::clone(path), followed));
    }

    /// After the files of a name have changed: who waits for whom.
    fn arrange(&mut self, path: &Arc<Path>) {
        let Some(name) = self.names.get(path) else {
            return;
        };
        let chain: Vec<FileId> = name.formers.iter().copied().chain(name.current).collect();
        for (index, id) in chain.iter().enumerate() {
            let Some(mut after) = self
                .files
                .get_mut(id)
                .map(|one| std::mem::take(&mut one.after))
            else {
                continue;
            };
            after.extend(&chain[..index]);
            after.sort_unstable();
            after.dedup();
            after.retain(|earlier| self.files.contains_key(earlier));
            if let Some(followed) = self.files.get_mut(id) {
                followed.after = after;
            }
        }
        self.unsettled = true;
    }

    /// A file counts for the entries of one more name.
    fn count_for(&mut self, path: &Arc<Path>, id: FileId) {
        if let Some(followed) = self.files.get_mut(&id)
            && let Some(name) = self.names.get(path)
        {
            followed.logs.extend(&name.logs);
            followed.logs.sort_unstable();
            followed.logs.dedup();
        }
    }

    /// A file has one name less.
    pub(super) fn count_anew(&mut self, id: FileId) {
        let Some(followed) = self.files.get_mut(&id) else {
            return;
        };
        let names = followed.current_of.iter().chain(&followed.former_of);
        let logs = names
            .filter_map(|path| self.names.get(path))
            .flat_map(|name| &name.logs);
        followed.logs = logs.copied().collect();
        followed.logs.sort_unstable();
        followed.logs.dedup();
    }

    /// Watches a file, or changes for what it is watched.
    pub(super) fn watch(&mut self, id: FileId) -> Result<(), Errno> {
        let Some(followed) = self.files.get_mut(&id) else {
            return Ok(());
        };
        let former = !followed.former_of.is_empty();
        let watch = self
            .watches
            .watch_file(followed.file.handle(), id, former)?;
        followed.watch = Some(watch);
        Ok(())
    }
}
