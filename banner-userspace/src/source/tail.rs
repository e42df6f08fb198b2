//! [`Tail`]: all logs, followed through one descriptor.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;

use super::mark::Inode;
use super::moves::Moves;
use super::names::{Followed, Name};
use super::pattern::Pattern;
use super::settle::POLL;
use super::state::{FileState, Problem, Progress, Stats};
use super::turns::{ROOM, give};
use super::watch::{FileId, Watches};
use crate::model::Mark;
use crate::model::{Chunk, LogId, Mono};

/// What [`Tail::open`] has to know besides the logs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The longest line that is given out whole, in bytes without the newline; at least 1.
    pub max_line: usize,
    /// What [`Tail::marks`] returned before the restart.
    pub resume: Vec<Mark>,
}

/// Follows log files. See the [module](super) for what it promises.
#[derive(Debug)]
pub struct Tail {
    pub(super) logs: Vec<Log>,
    pub(super) limit: usize,
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
    pub(super) parting: Vec<Followed>,
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
    /// Opens everything that the entries mean now; `logs[i]` is `LogId(i)`.
    ///
    /// Call [`poll`](Self::poll) once before the first wait: there may be lines to resume at.
    ///
    /// Fails when an entry is no absolute path, or when the kernel gives no inotify instance.
    /// Whatever is amiss with a single log is told by [`files`](Self::files) instead.
    pub fn open(logs: &[String], options: Options) -> io::Result<Self> {
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
        logs: &[String],
        options: Options,
    ) -> io::Result<Self> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let logs = logs
            .iter()
            .enumerate()
            .map(|(index, text)| {
                let index = u16::try_from(index)
                    .map_err(|_| io::Error::other("more than 65536 log entries"))?;
                Ok(Log {
                    id: LogId(index),
                    text: PathBuf::from(text),
                    pattern: Pattern::parse(text).map_err(invalid)?,
                    polled: None,
                    problem: None,
                })
            })
            .collect::<io::Result<Vec<_>>>()?;
        let dirty = logs.iter().map(|log| log.id).collect();
        let mut tail = Self {
            logs,
            limit: options.max_line.max(1),
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
        for mut parting in std::mem::take(&mut self.parting) {
            let Followed { file, logs, .. } = &mut parting;
            file.finish(&mut |bytes, end| give(&mut self.stats, logs, bytes, end, sink));
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

    /// Counters since [`open`](Self::open).
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Where reading may resume after a restart: one mark for each name of each file, the oldest
    /// file of a name first. To lose nothing and repeat nothing, take them when all lines that
    /// were given out have had their effect.
    pub fn marks(&self) -> Vec<Mark> {
        let mut marks = Vec::new();
        for (path, name) in &self.names {
            for id in name.formers.iter().chain(&name.current) {
                marks.extend(self.files.get(id).map(|followed| followed.file.mark(path)));
            }
        }
        marks
    }

    pub(super) fn log(&self, id: LogId) -> Option<&Log> {
        self.logs.get(usize::from(id.0))
    }

    pub(super) fn log_mut(&mut self, id: LogId) -> Option<&mut Log> {
        self.logs.get_mut(usize::from(id.0))
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
