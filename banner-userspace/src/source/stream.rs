//! Sources that are no files: what they have in common.

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::state::Problem;
use crate::model::{Chunk, Log, LogId, Mono, Now};

/// The most that is read from one stream before the next has its turn, in bytes.
pub(super) const SLICE: usize = 128 * 1024;

/// A source that is no file.
pub(super) trait Stream: fmt::Debug {
    /// One of its descriptors is ready: that with this token.
    fn wake(&mut self, token: u32);

    /// Does what is due and reads about `budget` bytes at most, if there is anything.
    fn poll(&mut self, now: Now, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> Turn;

    /// When it has to be polled though nothing is ready.
    fn retry(&self) -> Option<Mono>;

    /// Where reading may resume after a restart: what it is kept under, and where that is.
    fn cursor(&self) -> Option<(String, String)> {
        None
    }

    /// Counts for one more entry of the configuration, if that can be read together with the others.
    fn want(&mut self, _id: LogId, _log: &Log) -> bool {
        false
    }

    /// Counts for an entry no more; whether there is none left.
    fn unwant(&mut self, id: LogId) -> bool {
        self.state().logs == [id]
    }

    /// How it stands.
    fn state(&self) -> StreamState;
}

/// In the place of one that is read no more.
#[derive(Debug)]
pub(super) struct Gone;

impl Stream for Gone {
    fn wake(&mut self, _token: u32) {}

    fn poll(&mut self, _now: Now, _budget: usize, _sink: &mut dyn FnMut(Chunk<'_>)) -> Turn {
        Turn::default()
    }

    fn retry(&self) -> Option<Mono> {
        None
    }

    fn state(&self) -> StreamState {
        StreamState {
            name: String::new(),
            logs: Vec::new(),
            tally: Tally::default(),
            note: None,
            problem: None,
        }
    }
}

/// What came of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Turn {
    /// Bytes read.
    pub(super) bytes: usize,
    /// There may be more to read at once.
    pub(super) more: bool,
}

/// How a source that is no file stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// As the configuration names it.
    pub name: String,
    /// The log entries that it counts for.
    pub logs: Vec<LogId>,
    /// What came of it.
    pub tally: Tally,
    /// What else there is to know.
    pub note: Option<String>,
    /// Why it is not read, or not as it should be.
    pub problem: Option<Problem>,
}

/// What came of a stream since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Lines given out.
    pub lines: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Lines longer than the limit, or without an end.
    pub cut: u64,
    /// Messages that were sent and could not be read: nobody has seen them.
    pub lost: u64,
    /// Messages and connections of senders that are not allowed, or one too many; silent connections that
    /// had to make room.
    pub refused: u64,
    /// What is in no form that is known.
    pub strange: u64,
}

/// Says which descriptors of streams are ready. One descriptor stands for all of them.
#[derive(Clone, Debug)]
pub(super) struct Poller(Arc<Epoll>);

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        Ok(Self(Arc::new(epoll)))
    }

    /// Says from now on when `fd` is readable, until it is closed; false: it is one that always is, such as
    /// a regular file.
    pub(super) fn add(&self, fd: impl AsFd, stream: u32, token: u32) -> io::Result<bool> {
        let data = u64::from(stream) << 32 | u64::from(token);
        let event = EpollEvent::new(EpollFlags::EPOLLIN, data);
        match self.0.add(fd, event) {
            Ok(()) => Ok(true),
            Err(Errno::EPERM) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Calls `each` with the stream and the token of what is ready; whether there may be more of them.
    pub(super) fn ready(&self, mut each: impl FnMut(u32, u32)) -> bool {
        let mut events = [EpollEvent::empty(); 64];
        let count = self.0.wait(&mut events, EpollTimeout::ZERO).unwrap_or(0);
        for event in &events[..count] {
            let (stream, token) = (event.data() >> 32, event.data() & 0xffff_ffff);
            if let (Ok(stream), Ok(token)) = (u32::try_from(stream), u32::try_from(token)) {
                each(stream, token);
            }
        }
        count == events.len()
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.0.as_fd()
    }
}
