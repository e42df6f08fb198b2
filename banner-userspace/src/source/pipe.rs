//! Standard input and named pipes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::lines::{End, Lines};
use super::state::Problem;
use super::stream::{Poller, SLICE, Stream, StreamState, Tally, Turn};
use crate::model::{Chunk, LogId, Mono, Now};

/// How often it is looked whether there is a named pipe where none was.
const AWAIT: Duration = Duration::from_secs(1);

/// How often it is looked whether a named pipe is still the one that has its name, of which nobody tells.
const LOOK: Duration = Duration::from_secs(5);

/// What is read.
#[derive(Debug)]
pub(super) enum Which {
    Fifo(PathBuf),
    Stdin,
}

/// Standard input or a named pipe.
///
/// When the last writer of a named pipe has left, the line that it did not finish is given out as cut, and
/// the pipe is opened anew for the next one. Standard input ends with its writer.
#[derive(Debug)]
pub(super) struct Pipe {
    which: Which,
    log: LogId,
    handle: Option<File>,
    poller: Poller,
    number: u32,
    ready: bool,
    /// It is a file, of whose end nobody has to be told.
    always: bool,
    ended: bool,
    look_at: Option<Mono>,
    lines: Lines,
    limit: usize,
    buffer: Vec<u8>,
    tally: Tally,
    problem: Option<Problem>,
}

impl Pipe {
    /// The stream of this number. Lines of more than `limit` bytes are cut.
    pub(super) fn new(which: Which, log: LogId, poller: Poller, number: u32, limit: usize) -> Self {
        Self {
            which,
            log,
            handle: None,
            poller,
            number,
            ready: true,
            always: false,
            ended: false,
            look_at: Some(Mono(0)),
            lines: Lines::default(),
            limit,
            buffer: Vec::new(),
            tally: Tally::default(),
            problem: None,
        }
    }

    /// Opens what there is now; what was open before stays when that fails.
    fn open(&mut self, now: Mono) {
        let opened = match &self.which {
            Which::Stdin => io::stdin().as_fd().try_clone_to_owned().map(File::from),
            Which::Fifo(path) => fifo(path),
        };
        let added = opened.and_then(|file| {
            let waits = self.poller.add(&file, self.number, 0)?;
            Ok((file, waits))
        });
        let problem = match added {
            Ok((file, waits)) => {
                self.always = !waits;
                self.handle = Some(file);
                self.ready = true;
                None
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Problem::awaiting(
                "there is no such named pipe yet (mkfifo makes one)".to_owned(),
                now,
            )),
            Err(error) => Some(Problem::standing(error.to_string(), now)),
        };
        Problem::note(&mut self.problem, problem);
    }

    /// Sees to it that what has the name is what is open.
    fn look(&mut self, now: Mono, sink: &mut dyn FnMut(Chunk<'_>)) {
        if self.ended {
            self.look_at = None;
            return;
        }
        let same = match (&self.which, &self.handle) {
            (_, None) => false,
            (Which::Stdin, Some(_)) => true,
            (Which::Fifo(path), Some(handle)) => is_same(path, handle),
        };
        if !same {
            if self.handle.take().is_some() {
                self.finish(sink);
            }
            self.open(now);
        }
        self.look_at = match (&self.which, &self.handle) {
            (Which::Stdin, Some(_)) => None,
            (_, Some(_)) => Some(now.after(LOOK)),
            (_, None) => Some(now.after(AWAIT)),
        };
    }

    /// Reads once; `None`: there is nothing to read now.
    fn read(&mut self, want: usize) -> io::Result<Option<usize>> {
        let Some(handle) = &mut self.handle else {
            return Ok(None);
        };
        // Also where reading would not wait: a pipe that nobody has opened for writing yet reads as ended.
        if !self.always && !is_ready(handle) {
            return Ok(None);
        }
        self.buffer.resize(SLICE, 0);
        match handle.read(&mut self.buffer[..want.min(SLICE)]) {
            Ok(count) => Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn finish(&mut self, sink: &mut dyn FnMut(Chunk<'_>)) {
        let Self {
            lines, tally, log, ..
        } = self;
        lines.finish(&mut |bytes, end| give(tally, *log, bytes, end, sink));
    }
}

impl Stream for Pipe {
    fn wake(&mut self, _token: u32) {
        self.ready = true;
    }

    fn poll(&mut self, now: Now, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> Turn {
        let now = now.mono;
        let mut turn = Turn::default();
        while self.ready && turn.bytes < budget {
            match self.read(budget - turn.bytes) {
                Ok(None) => self.ready = false,
                Ok(Some(0)) => {
                    self.finish(sink);
                    match self.which {
                        Which::Stdin => {
                            self.ended = true;
                            self.ready = false;
                            self.handle = None;
                        }
                        Which::Fifo(_) => {
                            // Only one that is opened after the last writer has left waits for the next.
                            // What that has written meanwhile is kept for as long as either is open.
                            self.open(now);
                            if self.problem.is_some() {
                                self.handle = None;
                                self.look_at = Some(now.after(AWAIT));
                            }
                        }
                    }
                }
                Ok(Some(count)) => {
                    turn.bytes += count;
                    self.tally.bytes += count as u64;
                    let Self {
                        lines,
                        tally,
                        log,
                        buffer,
                        ..
                    } = self;
                    let piece = &buffer[..count];
                    lines.take(piece, self.limit, &mut |bytes, end| {
                        give(tally, *log, bytes, end, sink);
                    });
                }
                Err(error) => {
                    let problem = Problem::standing(error.to_string(), now);
                    Problem::note(&mut self.problem, Some(problem));
                    self.handle = None;
                    self.ready = false;
                    self.look_at = Some(now.after(AWAIT));
                }
            }
        }
        if !self.ready && self.look_at.is_some_and(|at| at <= now) {
            self.look(now, sink);
        }
        turn.more = self.ready;
        turn
    }

    fn retry(&self) -> Option<Mono> {
        self.look_at
    }

    fn state(&self) -> StreamState {
        let name = match &self.which {
            Which::Fifo(path) => format!("fifo {}", path.display()),
            Which::Stdin => "stdin".to_owned(),
        };
        StreamState {
            name,
            logs: vec![self.log],
            tally: self.tally,
            note: self.ended.then(|| "at its end".to_owned()),
            problem: self.problem.clone(),
        }
    }
}

fn give(tally: &mut Tally, log: LogId, bytes: &[u8], end: End, sink: &mut dyn FnMut(Chunk<'_>)) {
    tally.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
    let cut = end != End::Whole;
    tally.cut += u64::from(cut);
    sink(Chunk {
        cut,
        ..Chunk::new(&[log], bytes)
    });
}

fn fifo(path: &Path) -> io::Result<File> {
    // Asked before opening: to open a device does something to whoever is at its other end.
    let kind = fs::metadata(path)?.file_type();
    if kind.is_fifo() {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags((OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits())
            .open(path)?;
        if file.metadata()?.file_type().is_fifo() {
            return Ok(file);
        }
    }
    Err(io::Error::other(
        "is no named pipe; a regular file is given as a path alone",
    ))
}

fn is_same(path: &Path, handle: &File) -> bool {
    let id = |found: fs::Metadata| (found.dev(), found.ino());
    match (fs::metadata(path), handle.metadata()) {
        (Ok(there), Ok(here)) => id(there) == id(here),
        // Its writers may go on.
        (Err(_), Ok(_)) => true,
        _ => false,
    }
}

fn is_ready(handle: &File) -> bool {
    let mut fds = [PollFd::new(handle.as_fd(), PollFlags::POLLIN)];
    poll(&mut fds, PollTimeout::ZERO).is_ok_and(|count| count > 0)
}
