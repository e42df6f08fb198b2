//! [`Tail`]: all logs, followed through one descriptor.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;

use super::mark::Inode;
use super::moves::Moves;
use super::names::{Followed, Name, Piece};
use super::pattern::Pattern;
use super::settle::POLL;
use super::state::{FileState, Problem, Progress, Stats};
use super::turns::{ROOM, give};
use super::watch::{FileId, Watches};
use crate::model::Mark;
use crate::model::{Chunk, LogId, Mono};

/// What [`Tail::open`] has to know besides the logs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The longest line that is given out whole, in bytes without the newline; at least 1.
    pub max_line: usize,
    /// What [`Tail::marks`] returned before the restart.
    pub resume: Vec<Mark>,
    /// Entries whose lines are longer than the text in them, and how long they may be.
    pub records: (BTreeSet<LogId>, usize),
}

/// Follows log files. See the [module](super) for what it promises.
#[derive(Debug)]
pub struct Tail {
    pub(super) logs: Vec<Log>,
    pub(super) limit: usize,
    /// The entries with a limit of their own.
    pub(super) records: BTreeSet<LogId>,
    /// The limit of the longest lines, of whatever entry.
    pub(super) longest: usize,
    pub(super) watches: Watches,
    pub(super) files: BTreeMap<FileId, Followed>,
    pub(super) by_inode: HashMap<Inode, FileId>,
    pub(super) names: BTreeMap<Arc<Path>, Name>,
    pub(super) next_id: u64,
    pub(super) moves: Moves,
    /// Marks to resume from, while opening; `None` afterwards.
    pub(super) opening: Option<Vec<Mark>>,
    /// Entries to be walked anew.
    pub(super) dirty: BTreeSet<LogId>,
    /// Files that may have something new, each once, in the order of their turns.
    pub(super) queue: VecDeque<FileId>,
    /// Files that nobody needs any more, but for their unfinished line.
    pub(super) parting: Vec<(FileId, Arc<Path>, Followed)>,
    /// Something changed on which a deadline depends.
    pub(super) unsettled: bool,
    /// The next deadline.
    pub(super) next: Option<Mono>,
    dated: bool,
    pub(super) buffer: Vec<u8>,
    pub(super) stats: Stats,
}

/// A log entry and how it stands.
#[derive(Debug)]
pub(super) struct Log {
    pub(super) id: LogId,
    pub(super) text: PathBuf,
    pub(super) pattern: Pattern,
    /// Why it is looked at once a second, and when next.
    pub(super) polled: Option<(String, Mono)>,
    /// What is wrong with its way, or that nothing matches it yet.
    pub(super) problem: Option<Problem>,
}

impl Tail {
    /// Opens everything that the entries mean now: absolute paths and patterns, each with its number,
    /// in ascending order.
    ///
    /// Call [`poll`](Self::poll) once before the first wait: there may be lines to resume at.
    ///
    /// Fails when an entry is no absolute path, or when the kernel gives no inotify instance.
    /// Whatever is amiss with a single log is told by [`files`](Self::files) instead.
    pub fn open(logs: &[(LogId, String)], options: Options) -> io::Result<Self> {
        let watches = Watches::new().map_err(|errno| match errno {
            Errno::EMFILE => io::Error::other(
                "no inotify instance is left for this user: raise fs.inotify.max_user_instances, \
                 or the limit of open files",
            ),
            other => other.into(),
        })?;
        Self::open_with(watches, logs, options)
    }

    pub(super) fn open_with(
        watches: Watches,
        logs: &[(LogId, String)],
        options: Options,
    ) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let logs = logs
            .iter()
            .map(|(id, text)| {
                Ok(Log {
                    id: *id,
                    text: PathBuf::from(text),
                    pattern: Pattern::parse(text).map_err(invalid)?,
                    polled: None,
                    problem: None,
                })
            })
            .collect::<io::Result<Vec<_>>>()?;
        let dirty = logs.iter().map(|log| log.id).collect();
        let limit = options.max_line.max(1);
        let (records, longest) = options.records;
        let longest = if records.is_empty() {
            limit
        } else {
            longest.max(limit)
        };
        let mut tail = Self {
            logs,
            limit,
            records,
            longest,
            watches,
            files: BTreeMap::new(),
            by_inode: HashMap::new(),
            names: BTreeMap::new(),
            next_id: 0,
            moves: Moves::default(),
            opening: Some(options.resume),
            dirty,
            queue: VecDeque::new(),
            parting: Vec::new(),
            unsettled: true,
            next: None,
            dated: false,
            buffer: vec![0; ROOM],
            stats: Stats::default(),
        };
        tail.scan(Mono(0));
        tail.resume_rotated(Mono(0));
        Ok(tail)
    }

    /// Takes the pending events and reads at most about `budget` bytes, giving whole lines to
    /// `sink`. Lines of one file come in their order; a file that lost its name to rotation comes
    /// before the one that follows it, as far as it was written when that was noticed.
    pub fn poll(&mut self, now: Mono, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> Progress {
        self.poll_pieces(now, budget, &mut |piece| sink(piece.into()))
    }

    /// As [`poll`](Self::poll), with the file that lines are from.
    pub(super) fn poll_pieces(
        &mut self,
        now: Mono,
        budget: usize,
        sink: &mut dyn FnMut(Piece<'_>),
    ) -> Progress {
        if !self.dated {
            self.date(now);
        }
        let drained = self.take_events();
        if self.next.is_some_and(|next| next <= now) {
            self.look_again(now);
        }
        self.follow_moved(now);
        self.scan(now);
        self.read(now, budget, sink);
        if self.unsettled {
            self.settle(now);
        }
        for (id, path, mut parting) in std::mem::take(&mut self.parting) {
            let Followed { file, logs, .. } = &mut parting;
            file.finish(&mut |bytes, end| {
                let piece = Piece {
                    logs,
                    bytes,
                    end,
                    file: id,
                    path: Some(&path),
                };
                give(&mut self.stats, piece, sink);
            });
        }
        if drained && self.queue.is_empty() && self.dirty.is_empty() {
            Progress::Idle { retry: self.next }
        } else {
            Progress::More
        }
    }

    /// Every name that is followed, and every entry that nothing matches. Asks the kernel for the
    /// size of each file.
    pub fn files(&self) -> impl Iterator<Item = FileState<'_>> {
        let named = self.names.iter().flat_map(|(path, name)| {
            let formers = name.formers.iter().map(|id| (Some(*id), true));
            let current =
                (name.current.is_some() || name.problem.is_some()).then_some((name.current, false));
            formers
                .chain(current)
                .map(|(id, former)| self.state_of(path, name, id, former))
        });
        let entries = self.logs.iter().filter_map(|log| {
            Some(FileState {
                path: &log.text,
                logs: std::slice::from_ref(&log.id),
                former: false,
                bytes: 0,
                lag: 0,
                polled: log.polled.as_ref().map(|(why, _)| why.as_str()),
                problem: Some(log.problem.as_ref()?),
            })
        });
        named.chain(entries)
    }

    fn state_of<'a>(
        &'a self,
        path: &'a Path,
        name: &'a Name,
        id: Option<FileId>,
        former: bool,
    ) -> FileState<'a> {
        let followed = id.and_then(|id| self.files.get(&id));
        let polled = name
            .logs
            .iter()
            .find_map(|log| self.log(*log)?.polled.as_ref());
        let problem = followed.and_then(|followed| followed.problem.as_ref());
        FileState {
            path,
            logs: &name.logs,
            former,
            bytes: followed.map_or(0, |followed| followed.file.bytes()),
            lag: followed.map_or(0, |followed| followed.file.lag()),
            polled: polled.map(|(why, _)| why.as_str()),
            problem: problem.or(name.problem.as_ref().filter(|_| !former)),
        }
    }

    /// How many files are followed.
    pub(super) fn followed(&self) -> usize {
        self.files.len()
    }

    /// Whether a name has or had a file that is followed.
    pub(super) fn follows(&self, path: &Path) -> bool {
        self.names.contains_key(path)
    }

    /// Counters since [`open`](Self::open).
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Where reading may resume after a restart: one mark for each name of each file, the oldest
    /// file of a name first. To lose nothing and repeat nothing, take them when all lines that
    /// were given out have had their effect.
    pub fn marks(&self) -> Vec<Mark> {
        self.marks_before(|_| 0)
    }

    /// The same, where so many of the last bytes that were given out of a file had no effect yet.
    pub(super) fn marks_before(&self, held: impl Fn(FileId) -> u64) -> Vec<Mark> {
        let mut marks = Vec::new();
        for (path, name) in &self.names {
            for id in name.formers.iter().chain(&name.current) {
                let mark = |followed: &Followed| followed.file.mark(path, held(*id));
                marks.extend(self.files.get(id).map(mark));
            }
        }
        marks
    }

    pub(super) fn log(&self, id: LogId) -> Option<&Log> {
        let at = self.logs.binary_search_by_key(&id, |log| log.id).ok()?;
        self.logs.get(at)
    }

    pub(super) fn log_mut(&mut self, id: LogId) -> Option<&mut Log> {
        let at = self.logs.binary_search_by_key(&id, |log| log.id).ok()?;
        self.logs.get_mut(at)
    }

    /// Dates what was found before the time was known.
    fn date(&mut self, now: Mono) {
        self.dated = true;
        for followed in self.files.values_mut() {
            followed.stirred = now;
        }
        for (_, due) in self.logs.iter_mut().filter_map(|log| log.polled.as_mut()) {
            *due = now.after(POLL);
        }
        let names = self
            .names
            .values_mut()
            .filter_map(|name| name.problem.as_mut());
        let logs = self.logs.iter_mut().filter_map(|log| log.problem.as_mut());
        let files = self
            .files
            .values_mut()
            .filter_map(|followed| followed.problem.as_mut());
        names
            .chain(logs)
            .chain(files)
            .for_each(|problem| problem.date(now));
    }
}

impl AsFd for Tail {
    /// Readable, level-triggered, as long as something happened that [`poll`](Tail::poll) has not
    /// seen.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watches.as_fd()
    }
}
