//! [`Sources`]: everything that is read, behind one descriptor.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;

use super::container::{self, Containers};
use super::journal::{Journal, Query};
use super::pipe::{Pipe, Which};
use super::state::{FileState, Problem, Progress, Stats};
use super::stream::{Gone, Poller, SLICE, Stream, StreamState};
use super::syslog::Syslog;
use super::tail::{self, Tail};
use crate::model::{Chunk, JournalLog, Log, LogId, Mark, Mono, Now};

/// What [`Sources::open`] has to know besides the logs.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The longest line that is given out whole, in bytes without the newline; at least 1.
    pub max_line: usize,
    /// What [`Sources::marks`] returned before the restart.
    pub resume: Vec<Mark>,
    /// What [`Sources::cursors`] returned before the restart.
    pub cursors: Vec<(String, String)>,
    /// What to run instead of the `journalctl` of the system.
    pub journalctl: Option<PathBuf>,
}

/// Everything that is read: [files](Tail), and streams beside them.
///
/// It has no thread, no clock and no runtime. Its owner waits for its descriptor and calls
/// [`Sources::poll`] with the time. At most half of what is read in one turn is from streams, each of them
/// by turns, so that a flood in one place keeps no other waiting. Who writes into a pipe or a connection
/// waits for the reader; what is written into a file is there until it is read.
#[derive(Debug)]
pub struct Sources {
    tail: Tail,
    containers: Containers,
    streams: Vec<Box<dyn Stream>>,
    poller: Poller,
    /// The longest line that is given out whole.
    limit: usize,
    journalctl: PathBuf,
    /// The stream whose turn is next.
    turn: usize,
}

/// The token of the tail's descriptor; streams are numbered from 0.
const TAIL: u32 = u32::MAX;

impl Sources {
    /// Opens everything that the entries mean now; `logs[i]` is `LogId(i)`.
    ///
    /// Call [`poll`](Self::poll) once before the first wait: there may be lines to resume at.
    ///
    /// Fails when the kernel gives no inotify or epoll instance. Whatever is amiss with a single source is
    /// told by [`files`](Self::files) and [`streams`](Self::streams) instead.
    pub fn open(logs: &[Log], options: Options) -> io::Result<Self> {
        let poller = Poller::new()?;
        let mut files = Vec::new();
        let mut containers = Vec::new();
        let mut syslogs = Vec::new();
        let mut journals: Vec<Query> = Vec::new();
        let mut streams: Vec<Box<dyn Stream>> = Vec::new();
        let limit = options.max_line.max(1);
        let journalctl = options.journalctl.unwrap_or("journalctl".into());
        for (n, log) in logs.iter().enumerate() {
            let id =
                u16::try_from(n).map_err(|_| io::Error::other("more than 65536 log entries"))?;
            let id = LogId(id);
            let number = u32::try_from(streams.len()).unwrap_or(TAIL);
            let mut pipe = |which| {
                let pipe = Pipe::new(which, id, poller.clone(), number, limit);
                streams.push(Box::new(pipe));
            };
            match log {
                Log::File(pattern) => files.push((id, pattern.clone())),
                Log::Container(log) => {
                    files.push((id, log.pattern.clone()));
                    containers.push((id, log));
                }
                Log::Journal(JournalLog { matches, directory }) => {
                    let want = (id, matches.clone());
                    let mut known = journals.iter_mut();
                    match known.find(|journal| journal.directory == *directory) {
                        Some(journal) => journal.wants.push(want),
                        None => journals.push(Query {
                            program: journalctl.clone(),
                            directory: directory.clone(),
                            wants: vec![want],
                        }),
                    }
                }
                Log::Syslog(log) => syslogs.push((id, log)),
                Log::Fifo(path) => pipe(Which::Fifo(path.clone())),
                Log::Stdin => pipe(Which::Stdin),
            }
        }
        for (id, log) in syslogs {
            let entry = Log::Syslog(log.clone());
            if !streams.iter_mut().any(|stream| stream.want(id, &entry)) {
                let number = u32::try_from(streams.len()).unwrap_or(TAIL);
                let syslog = Syslog::new(id, log, poller.clone(), number, limit);
                streams.push(Box::new(syslog));
            }
        }
        for query in journals {
            let number = u32::try_from(streams.len()).unwrap_or(TAIL);
            let mut known = options.cursors.iter();
            let cursor = known.find(|(name, _)| *name == query.name());
            let cursor = cursor.map(|(_, cursor)| cursor.clone());
            let journal = Journal::new(query, cursor, poller.clone(), number, limit);
            streams.push(Box::new(journal));
        }
        let records: BTreeSet<LogId> = containers.iter().map(|(id, _)| *id).collect();
        let tail = Tail::open(
            &files,
            tail::Options {
                max_line: limit,
                resume: options.resume,
                records: (records, container::longest(limit)),
            },
        )?;
        poller.add(&tail, TAIL, 0)?;
        Ok(Self {
            tail,
            containers: Containers::new(containers, limit),
            streams,
            poller,
            limit,
            journalctl,
            turn: 0,
        })
    }

    /// Reads one more entry from now on, from where a source begins that was not read before a start.
    pub fn add(&mut self, id: LogId, log: &Log, now: Mono) -> io::Result<()> {
        let number = u32::try_from(self.streams.len()).unwrap_or(TAIL);
        let (poller, limit) = (self.poller.clone(), self.limit);
        let pipe = |which| Box::new(Pipe::new(which, id, poller.clone(), number, limit));
        match log {
            Log::File(pattern) => self.tail.add_log(id, pattern, None, now)?,
            Log::Container(log) => {
                let longest = Some(container::longest(limit));
                self.tail.add_log(id, &log.pattern, longest, now)?;
                self.containers.add(id, log);
            }
            Log::Journal(journal) => {
                if !self.streams.iter_mut().any(|stream| stream.want(id, log)) {
                    let query = Query {
                        program: self.journalctl.clone(),
                        directory: journal.directory.clone(),
                        wants: vec![(id, journal.matches.clone())],
                    };
                    let journal = Journal::new(query, None, poller.clone(), number, limit);
                    self.streams.push(Box::new(journal));
                }
            }
            Log::Syslog(syslog) => {
                if !self.streams.iter_mut().any(|stream| stream.want(id, log)) {
                    let syslog = Syslog::new(id, syslog, poller.clone(), number, limit);
                    self.streams.push(Box::new(syslog));
                }
            }
            Log::Fifo(path) => self.streams.push(pipe(Which::Fifo(path.clone()))),
            Log::Stdin => self.streams.push(pipe(Which::Stdin)),
        }
        Ok(())
    }

    /// Reads an entry no more.
    pub fn drop(&mut self, id: LogId) {
        self.tail.drop_log(id);
        self.containers.drop(id);
        for stream in &mut self.streams {
            if stream.unwant(id) {
                // Those behind it keep their numbers.
                *stream = Box::new(Gone);
            }
        }
    }

    /// Reads at most about `budget` bytes, giving whole lines to `sink`. Lines of one source come in their
    /// order.
    pub fn poll(&mut self, now: Now, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> Progress {
        let mut more = self.wake();
        let used = self.read_streams(now, budget / 2, sink, &mut more);
        let Self {
            tail, containers, ..
        } = self;
        let files = tail.poll_pieces(now.mono, budget - used.min(budget), &mut |piece| {
            containers.take(piece, sink);
        });
        self.containers
            .forget(self.tail.followed(), |path| self.tail.follows(path));
        let Progress::Idle { retry } = files else {
            return Progress::More;
        };
        if more {
            return Progress::More;
        }
        let streams = self.streams.iter().filter_map(|stream| stream.retry());
        Progress::Idle {
            retry: streams.chain(retry).min(),
        }
    }

    /// Wakes the streams that have something; whether there may be more of them.
    fn wake(&mut self) -> bool {
        let Self {
            streams, poller, ..
        } = self;
        if streams.is_empty() {
            return false;
        }
        poller.ready(|stream, token| {
            let stream = usize::try_from(stream).ok();
            if let Some(stream) = stream.and_then(|stream| streams.get_mut(stream)) {
                stream.wake(token);
            }
        })
    }

    /// Reads the streams by turns; how many bytes of them.
    fn read_streams(
        &mut self,
        now: Now,
        budget: usize,
        sink: &mut dyn FnMut(Chunk<'_>),
        more: &mut bool,
    ) -> usize {
        let mut used = 0;
        for n in 0..self.streams.len() {
            if used >= budget {
                *more = true;
                break;
            }
            let at = (self.turn + n) % self.streams.len();
            let want = SLICE.min(budget - used);
            let turn = self.streams[at].poll(now, want, sink);
            used += turn.bytes;
            *more |= turn.more;
            if used >= budget {
                // The next one is the first of the next time.
                self.turn = (at + 1) % self.streams.len();
            }
        }
        used
    }

    /// Every name of a file that is followed, and every entry that nothing matches.
    pub fn files(&self) -> impl Iterator<Item = FileState<'_>> {
        self.tail.files()
    }

    /// Every source that is no file.
    pub fn streams(&self) -> impl Iterator<Item = StreamState> {
        let states = self.streams.iter().map(|stream| stream.state());
        states.filter(|state| !state.logs.is_empty())
    }

    /// Every source by its name, and what is wrong with it.
    pub fn problems(&self) -> impl Iterator<Item = (String, Option<Problem>)> {
        let files =
            (self.files()).map(|file| (file.path.display().to_string(), file.problem.cloned()));
        files.chain(self.streams().map(|stream| (stream.name, stream.problem)))
    }

    /// The log entries from which something can come.
    pub fn read(&self) -> BTreeSet<LogId> {
        let files = self.files().filter(|file| file.problem.is_none());
        let streams = self.streams().filter(|stream| stream.problem.is_none());
        (files.flat_map(|file| file.logs.to_vec()))
            .chain(streams.flat_map(|stream| stream.logs))
            .collect()
    }

    /// Counters since [`open`](Self::open), over all sources.
    pub fn stats(&self) -> Stats {
        let mut stats = self.tail.stats();
        stats.strange += self.containers.strange();
        for StreamState { tally, .. } in self.streams() {
            stats.lines += tally.lines;
            stats.bytes += tally.bytes;
            stats.cut += tally.cut;
            stats.strange += tally.strange;
        }
        stats
    }

    /// Where reading may resume after a restart, as [`Tail::marks`] says.
    pub fn marks(&self) -> Vec<Mark> {
        self.tail.marks_before(|file| self.containers.held(file))
    }

    /// Where reading of other sources may resume: the name of each, and its place.
    pub fn cursors(&self) -> Vec<(String, String)> {
        self.streams
            .iter()
            .filter_map(|stream| stream.cursor())
            .collect()
    }
}

impl AsFd for Sources {
    /// Readable as long as something happened that [`poll`](Sources::poll) has not seen.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.poller.as_fd()
    }
}
