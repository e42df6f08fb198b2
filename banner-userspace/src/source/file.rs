//! One open log file: how far it was read, and how a read tells that it is no longer the file that
//! it was.

use std::fs::{self, File, FileType, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use memchr::memrchr;
use nix::fcntl::OFlag;
use nix::unistd::{Whence, lseek};

use super::lines::{End, Lines};
use super::mark::{HEAD, Inode};
use crate::model::{Fingerprint, Mark};

/// How many bytes before the position are read again with every read, to see that they are the
/// same. A truncation shows even when the file has since grown beyond the position. It is as much
/// as a whole line with its stamp has, as a rule; the end of a line alone may be the same for days.
pub(super) const GUARD: usize = 256;

/// Why a name is not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Only regular files have an end that can be read again and again.
    #[error("is {0}; only regular files can be followed")]
    Kind(&'static str),
}

/// Refuses what is not a regular file. Asked before opening: to open a named pipe or a device does
/// something to whoever is at its other end.
pub(super) fn check_kind(kind: FileType) -> Result<(), Refusal> {
    let name = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(Refusal::Kind(name))
}

/// Where reading begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start {
    /// All of it is new.
    Beginning,
    /// What was there when the file had this size is past. A line that was not finished then is
    /// seen whole when it is.
    Past(u64),
    /// The offset of a [`Mark`] that fits.
    Marked(u64),
}

/// What one read found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    /// New bytes.
    pub(super) bytes: usize,
    /// There may be more to read at once.
    pub(super) more: bool,
    /// The file was truncated, and will be read from its beginning. So many bytes had been seen to
    /// be there and were not read.
    pub(super) truncated: Option<u64>,
}

/// A regular file that is open for reading.
#[derive(Debug)]
pub(super) struct LogFile {
    handle: File,
    inode: Inode,
    /// The next byte to read.
    position: u64,
    /// Everything before it was given out or passed over.
    settled: u64,
    /// The last min([`GUARD`], position) bytes before the position, as they were when read.
    guard: [u8; GUARD],
    /// The first min([`HEAD`], position) bytes.
    head: Vec<u8>,
    /// Only NUL bytes so far: see [`LogFile::read`].
    blank: bool,
    /// The size at the last look, if that was beyond the position.
    size_seen: u64,
    bytes: u64,
    lines: Lines,
}

impl LogFile {
    /// Opens what is at `path`, following symbolic links.
    pub(super) fn open(path: &Path) -> Result<Self, Refusal> {
        check_kind(fs::metadata(path)?.file_type())?;
        let handle = OpenOptions::new()
            .read(true)
            // Another file may have taken the name since; whatever it is, do not wait for it.
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
            .open(path)?;
        let found = handle.metadata()?;
        check_kind(found.file_type())?;
        Ok(Self {
            handle,
            inode: Inode {
                device: found.dev(),
                inode: found.ino(),
            },
            position: 0,
            settled: 0,
            guard: [0; GUARD],
            head: Vec::new(),
            blank: true,
            size_seen: 0,
            bytes: 0,
            lines: Lines::default(),
        })
    }

    pub(super) fn handle(&self) -> &File {
        &self.handle
    }

    pub(super) fn inode(&self) -> Inode {
        self.inode
    }

    /// The next byte to read.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes were read since it was opened.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its size now, in bytes, and whether it still has a name somewhere.
    pub(super) fn look(&self) -> io::Result<(u64, bool)> {
        let found = self.handle.metadata()?;
        Ok((found.len(), found.nlink() > 0))
    }

    /// How many bytes it has that were not read.
    pub(super) fn lag(&self) -> u64 {
        self.look()
            .map_or(0, |(size, _)| size.saturating_sub(self.position))
    }

    /// Whether a mark speaks of this file, found at `path`, and the file still begins as it did
    /// then.
    pub(super) fn fits(&self, mark: &Mark, path: &Path) -> bool {
        let mut head = [0; HEAD];
        let head = &mut head[..HEAD.min(mark.fingerprint.length.into())];
        mark.may_be(self.inode, path)
            && self.look().is_ok_and(|(size, _)| size >= mark.offset)
            && self.handle.read_exact_at(head, 0).is_ok()
            && Fingerprint::of(head) == mark.fingerprint
    }

    /// What [`LogFile::fits`] will ask for after a restart.
    /// So many of the last bytes that were given out had no effect yet: `held`.
    pub(super) fn mark(&self, path: &Path, held: u64) -> Mark {
        let offset = self.settled.saturating_sub(held);
        let known = usize::try_from(offset).unwrap_or(HEAD).min(self.head.len());
        Mark {
            path: path.to_owned(),
            device: self.inode.device,
            inode: self.inode.inode,
            offset,
            fingerprint: Fingerprint::of(&self.head[..known]),
        }
    }

    /// Goes to where reading begins. `limit` is the longest line. A file that has meanwhile become
    /// too short for that is read from its beginning.
    pub(super) fn start(&mut self, start: Start, limit: usize) -> io::Result<()> {
        match self.go(start, limit) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.go(Start::Beginning, limit)
            }
            result => result,
        }
    }

    fn go(&mut self, start: Start, limit: usize) -> io::Result<()> {
        let (position, inside) = match start {
            Start::Beginning => (0, false),
            Start::Past(size) => self.line_at(size, limit)?,
            Start::Marked(offset) => {
                let mut before = [b'\n'];
                if offset > 0 {
                    self.handle.read_exact_at(&mut before, offset - 1)?;
                }
                (offset, before != [b'\n'])
            }
        };
        let guard = guard_of(position);
        let mut head = vec![0; usize::try_from(position).unwrap_or(HEAD).min(HEAD)];
        self.handle.read_exact_at(&mut head, 0)?;
        self.handle
            .read_exact_at(&mut self.guard[..guard], position - guard as u64)?;
        self.head = head;
        self.position = position;
        self.settled = position;
        self.blank = position == 0;
        self.lines = if inside {
            Lines::inside()
        } else {
            Lines::default()
        };
        Ok(())
    }

    /// The beginning of the line in which `end` lies; where that is further back than the longest
    /// line, `end` itself and true.
    fn line_at(&self, end: u64, limit: usize) -> io::Result<(u64, bool)> {
        let mut block = vec![0; 4096];
        let mut at = end;
        while at > 0 && end - at <= limit as u64 {
            let length = block.len().min(usize::try_from(at).unwrap_or(usize::MAX));
            let block = &mut block[..length];
            at -= length as u64;
            self.handle.read_exact_at(block, at)?;
            if let Some(newline) = memrchr(b'\n', block) {
                at += newline as u64 + 1;
                break;
            }
        }
        Ok(if end - at > limit as u64 {
            (end, true)
        } else {
            (at, false)
        })
    }

    /// Reads at most `want` new bytes and gives out the lines that they complete. `buffer` has room
    /// for [`GUARD`] bytes more.
    ///
    /// NUL bytes at the very beginning of the file are passed over: they are what a writer leaves
    /// that goes on at its old offset after its file was truncated (copytruncate without
    /// `O_APPEND`). They were never written, and would make the first line look overlong.
    pub(super) fn read(
        &mut self,
        buffer: &mut [u8],
        want: usize,
        limit: usize,
        give: &mut dyn FnMut(&[u8], End),
    ) -> io::Result<Taken> {
        let guard = guard_of(self.position);
        let room = &mut buffer[..guard + want];
        let length = self.read_at(room, self.position - guard as u64)?;
        if length < guard || room[..guard] != self.guard[..guard] {
            return Ok(self.begin_again(give));
        }
        let new = &room[guard..length];
        if new.is_empty() {
            self.size_seen = self.position;
            return Ok(Taken::default());
        }

        self.head
            .extend_from_slice(&new[..new.len().min(HEAD - self.head.len())]);
        let filler = if self.blank {
            new.iter().take_while(|byte| **byte == 0).count()
        } else {
            0
        };
        self.blank &= filler == new.len();
        let base = self.position + filler as u64;
        if let Some(settled) = self.lines.take(&new[filler..], limit, give) {
            self.settled = base + settled as u64;
        }
        self.position += new.len() as u64;
        self.bytes += new.len() as u64;
        let guard = guard_of(self.position);
        self.guard[..guard].copy_from_slice(&room[length - guard..length]);

        let more = length == room.len();
        if more {
            if self.blank || self.lines.is_skipping() {
                self.leap();
            }
            self.size_seen = self.look().map_or(self.position, |(size, _)| size);
        } else {
            self.size_seen = self.position;
        }
        Ok(Taken {
            bytes: new.len(),
            more,
            truncated: None,
        })
    }

    fn read_at(&self, room: &mut [u8], offset: u64) -> io::Result<usize> {
        loop {
            match self.handle.read_at(room, offset) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Passes over a hole at the position without reading it: it may be terabytes long. Where the
    /// filesystem does not tell, it is read.
    fn leap(&mut self) {
        // What is before the position has to look like the hole, or the guard would be wrong; and
        // the head is complete, as it is no longer than the guard.
        const { assert!(GUARD >= HEAD) };
        if self.position < GUARD as u64 || self.guard != [0; GUARD] {
            return;
        }
        let Ok(from) = i64::try_from(self.position) else {
            return;
        };
        let Ok(data) = lseek(&self.handle, from, Whence::SeekData) else {
            return;
        };
        let Ok(data) = u64::try_from(data) else {
            return;
        };
        if data > self.position {
            self.position = data;
        }
    }

    /// After a truncation: the unfinished line has no end any more, and the rest is new.
    fn begin_again(&mut self, give: &mut dyn FnMut(&[u8], End)) -> Taken {
        self.lines.finish(give);
        let lost = self.size_seen.saturating_sub(self.position);
        self.position = 0;
        self.settled = 0;
        self.head.clear();
        self.blank = true;
        self.size_seen = 0;
        Taken {
            bytes: 0,
            more: true,
            truncated: Some(lost),
        }
    }

    /// Gives out the line that will get no end. The file is not read any more.
    pub(super) fn finish(&mut self, give: &mut dyn FnMut(&[u8], End)) {
        self.lines.finish(give);
    }
}

/// How many bytes the guard has at a position.
fn guard_of(position: u64) -> usize {
    usize::try_from(position).unwrap_or(GUARD).min(GUARD)
}
