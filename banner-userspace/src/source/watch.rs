//! inotify: which folders and files are watched, for whom, and for what.
//!
//! A watch belongs to an inode, not to a path, and there is one for each inode however many log
//! entries need it. A folder is watched for what somebody needs to know of it and no more: writes
//! to the files in a folder are never asked for, so a busy `/var/log` wakes nobody.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

use super::pattern::Part;
use super::remote;
use crate::model::LogId;

/// The folder itself is renamed or removed.
pub(super) const SELF: AddWatchFlags =
    AddWatchFlags::IN_MOVE_SELF.union(AddWatchFlags::IN_DELETE_SELF);
/// A name in the folder comes, goes, or becomes another file's.
pub(super) const NAMES: AddWatchFlags = AddWatchFlags::IN_CREATE
    .union(AddWatchFlags::IN_MOVED_TO)
    .union(AddWatchFlags::IN_MOVED_FROM)
    .union(AddWatchFlags::IN_DELETE);
/// The rights on something in the folder, or on the folder itself, change.
pub(super) const RIGHTS: AddWatchFlags = AddWatchFlags::IN_ATTRIB;

/// `IN_MASK_ADD`, which nix does not name: add to the mask of a watch that exists.
const MASK_ADD: AddWatchFlags = AddWatchFlags::from_bits_retain(0x2000_0000);

/// Number of an open file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FileId(pub(super) u64);

/// What a log entry needs to know of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interest {
    /// The entry.
    pub(super) log: LogId,
    /// Which names in the folder; `None` for the folder itself only.
    pub(super) name: Option<Part>,
    /// Which events, [`SELF`] apart.
    pub(super) events: AddWatchFlags,
    /// The logs that bear these names, if it is their folder.
    pub(super) shown: Option<Shown>,
}

/// The path of a log as its entry spells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// For one name, which a symbolic link may spell otherwise than its folder does.
    File(PathBuf),
    /// For every name that matches in this folder.
    Within(PathBuf),
}

impl Shown {
    pub(super) fn path(&self, name: &OsStr) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            Self::Within(folder) => folder.join(name),
        }
    }
}

/// A watched folder.
#[derive(Debug)]
pub(super) struct Folder {
    /// Without symbolic links, as it was when the watch was set.
    pub(super) path: PathBuf,
    pub(super) interests: Vec<Interest>,
    mask: AddWatchFlags,
}

/// Everything that is watched.
#[derive(Debug)]
pub(super) struct Watches {
    inotify: Inotify,
    folders: HashMap<WatchDescriptor, Folder>,
    files: HashMap<WatchDescriptor, FileId>,
    /// What adding a watch fails with, so that tests need not exhaust the machine's.
    #[cfg(test)]
    pub(super) refuse: Option<Errno>,
    /// Every folder lies on a network filesystem.
    #[cfg(test)]
    pub(super) pretend_remote: bool,
}

impl Watches {
    pub(super) fn new() -> Result<Self, Errno> {
        Ok(Self {
            inotify: Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?,
            folders: HashMap::new(),
            files: HashMap::new(),
            #[cfg(test)]
            refuse: None,
            #[cfg(test)]
            pretend_remote: false,
        })
    }

    /// The next events, at most 4 KiB of them; none when there are none left.
    pub(super) fn read(&self) -> Result<Vec<InotifyEvent>, Errno> {
        loop {
            match self.inotify.read_events() {
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(Vec::new()),
                result => return result,
            }
        }
    }

    /// Watches a folder for an entry. `path` is free of symbolic links.
    pub(super) fn watch_folder(
        &mut self,
        path: &Path,
        interest: Interest,
    ) -> Result<WatchDescriptor, Errno> {
        let mask = SELF | interest.events;
        let wd = self.add(path, mask | AddWatchFlags::IN_ONLYDIR | MASK_ADD)?;
        let folder = self.folders.entry(wd).or_insert_with(|| Folder {
            path: path.to_owned(),
            interests: Vec::new(),
            mask,
        });
        folder.mask |= mask;
        path.clone_into(&mut folder.path);
        self.add_interest(wd, interest);
        Ok(wd)
    }

    /// Adds to what an entry needs to know of a folder that is watched for these events already.
    pub(super) fn add_interest(&mut self, wd: WatchDescriptor, interest: Interest) {
        if let Some(folder) = self.folders.get_mut(&wd)
            && !folder.interests.contains(&interest)
        {
            folder.interests.push(interest);
        }
    }

    /// Watches an open file for writes and, if it has lost its name, for its removal.
    pub(super) fn watch_file(
        &mut self,
        file: &File,
        id: FileId,
        former: bool,
    ) -> Result<WatchDescriptor, Errno> {
        let rights = if former {
            RIGHTS
        } else {
            AddWatchFlags::empty()
        };
        // This name leads to the open file itself, whatever its path has become.
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        let wd = self.add(Path::new(&path), AddWatchFlags::IN_MODIFY | rights)?;
        self.files.insert(wd, id);
        Ok(wd)
    }

    fn add(&self, path: &Path, mask: AddWatchFlags) -> Result<WatchDescriptor, Errno> {
        #[cfg(test)]
        if let Some(errno) = self.refuse {
            return Err(errno);
        }
        self.inotify.add_watch(path, mask)
    }

    /// The name of the filesystem of a folder, if it is one that does not tell of changes.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests pretend"))]
    pub(super) fn remote(&self, folder: &Path) -> Option<&'static str> {
        #[cfg(test)]
        if self.pretend_remote {
            return Some("NFS");
        }
        remote::name(folder)
    }

    pub(super) fn file(&self, wd: WatchDescriptor) -> Option<FileId> {
        self.files.get(&wd).copied()
    }

    pub(super) fn folder(&self, wd: WatchDescriptor) -> Option<&Folder> {
        self.folders.get(&wd)
    }

    /// The file is not read any more.
    pub(super) fn release_file(&mut self, wd: WatchDescriptor) {
        self.files.remove(&wd);
        self.remove(wd);
    }

    /// The kernel has removed this watch.
    pub(super) fn forget(&mut self, wd: WatchDescriptor) {
        self.files.remove(&wd);
        self.folders.remove(&wd);
    }

    /// Before an entry is walked anew: whatever it does not ask for again, it does not need.
    pub(super) fn begin(&mut self, log: LogId) {
        for folder in self.folders.values_mut() {
            folder.interests.retain(|interest| interest.log != log);
        }
    }

    /// After the walk: gives back what nobody needs any more.
    pub(super) fn settle(&mut self) {
        let mut idle = Vec::new();
        let mut stray = Vec::new();
        for (wd, folder) in &mut self.folders {
            if folder.interests.is_empty() {
                idle.push(*wd);
                continue;
            }
            let needed = folder
                .interests
                .iter()
                .fold(SELF, |mask, one| mask | one.events);
            if needed != folder.mask {
                folder.mask = needed;
                // Another folder may have the path now. Then the entries that go through here are
                // about to be walked anew anyway; only the watch that this set is one too many.
                match self
                    .inotify
                    .add_watch(&folder.path, needed | AddWatchFlags::IN_ONLYDIR)
                {
                    Ok(other) if other != *wd => stray.push(other),
                    _ => {}
                }
            }
        }
        stray.retain(|wd| !self.folders.contains_key(wd));
        for wd in idle.into_iter().chain(stray) {
            self.folders.remove(&wd);
            self.remove(wd);
        }
    }

    fn remove(&self, wd: WatchDescriptor) {
        // The kernel may have been first, when the inode went away.
        let _gone = self.inotify.rm_watch(wd);
    }

    /// How many folders and files are watched.
    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.folders.len(), self.files.len())
    }
}

impl AsFd for Watches {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
