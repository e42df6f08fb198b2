//! [`Sources`] over whatever a test puts into a folder.

use std::fs;
use std::os::fd::AsFd as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tempfile::TempDir;

use crate::model::{Log, Mark, Mono, Now, Wall};
use crate::source::{Options, Progress, Sources, StreamState};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// When the tests take place: 2026-11-20T12:00:00Z.
pub(super) const NOON: i64 = 1_795_176_000;

/// One line as the sink got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) logs: Vec<u16>,
    pub(super) text: String,
    /// In seconds after noon.
    pub(super) at: Option<i64>,
    pub(super) cut: bool,
    pub(super) origin: Option<String>,
}

/// A folder, and the sources that read some of what is in it.
pub(super) struct House {
    pub(super) folder: TempDir,
    pub(super) sources: Option<Sources>,
    logs: Vec<Log>,
    /// With which the sources are opened next.
    pub(super) cursors: Vec<(String, String)>,
    /// What stands for journalctl.
    pub(super) journalctl: Option<PathBuf>,
    given: Vec<Line>,
    pub(super) now: Now,
}

impl House {
    /// With the logs that `logs` makes of the folder's path.
    pub(super) fn new(logs: impl FnOnce(&str) -> Vec<Log>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = fs::canonicalize(folder.path()).expect("the folder");
        let logs = logs(path.to_str().expect("a path of text"));
        let now = Now {
            wall: Wall::from_secs(NOON),
            mono: Mono(1_000_000_000_000),
        };
        Self {
            folder,
            sources: None,
            logs,
            cursors: Vec::new(),
            journalctl: None,
            given: Vec::new(),
            now,
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        fs::canonicalize(self.folder.path())
            .expect("the folder")
            .join(name)
    }

    pub(super) fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("make folders");
        super::append(&path, bytes.as_ref());
    }

    pub(super) fn open(&mut self, resume: Vec<Mark>) {
        let options = Options {
            max_line: 30,
            resume,
            cursors: std::mem::take(&mut self.cursors),
            journalctl: self.journalctl.clone(),
        };
        self.sources = Some(Sources::open(&self.logs, options).expect("sources"));
        self.settle();
    }

    /// Stops the sources and starts them with what they left.
    pub(super) fn restart(&mut self) {
        let sources = self.sources.take().expect("they are open");
        let marks = sources.marks();
        self.cursors = sources.cursors();
        drop(sources);
        self.open(marks);
    }

    /// Polls until there is nothing to do.
    pub(super) fn settle(&mut self) {
        let most = 1_000_000;
        let idle = (0..most).any(|_| self.poll(1 << 20) != Progress::More);
        assert!(idle, "there is always more; {:?}", self.states());
    }

    pub(super) fn poll(&mut self, budget: usize) -> Progress {
        let Self {
            sources,
            given,
            now,
            ..
        } = self;
        let sources = sources.as_mut().expect("they are open");
        sources.poll(*now, budget, &mut |chunk| {
            assert!(chunk.bytes.ends_with(b"\n"));
            for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
                given.push(Line {
                    logs: chunk.logs.iter().map(|log| log.0).collect(),
                    text: String::from_utf8_lossy(&line[..line.len() - 1]).into_owned(),
                    at: chunk.time_of(line).map(|at| at.as_secs() - NOON),
                    cut: chunk.cut,
                    origin: chunk.origin.map(ToString::to_string),
                });
            }
        })
    }

    /// Everything that was given out since the last call.
    pub(super) fn lines(&mut self) -> Vec<Line> {
        self.settle();
        std::mem::take(&mut self.given)
    }

    /// The same, without reading on.
    pub(super) fn take(&mut self) -> Vec<Line> {
        std::mem::take(&mut self.given)
    }

    /// The same, without what is known of the lines.
    pub(super) fn texts(&mut self) -> Vec<String> {
        self.lines().into_iter().map(|line| line.text).collect()
    }

    /// Waits for so many lines.
    pub(super) fn wait_for(&mut self, count: usize) -> Vec<Line> {
        self.wait_until(|house| house.given.len() >= count);
        self.lines()
    }

    /// Polls, and sleeps on the descriptor, until `done`; time passes meanwhile.
    pub(super) fn wait_until(&mut self, done: impl Fn(&Self) -> bool) {
        self.wait(Duration::from_millis(50), done);
    }

    /// The same, while time stands still.
    pub(super) fn wait_still(&mut self, done: impl Fn(&Self) -> bool) {
        self.wait(Duration::ZERO, done);
    }

    fn wait(&mut self, step: Duration, done: impl Fn(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        loop {
            self.settle();
            if done(self) {
                return;
            }
            assert!(Instant::now() < end, "waited too long; {:?}", self.states());
            let sources = self.sources.as_ref().expect("they are open");
            let mut fds = [PollFd::new(sources.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::from(50_u8)) {
                // A child of another test has ended.
                Ok(_) | Err(Errno::EINTR) => {}
                Err(error) => panic!("poll: {error}"),
            }
            self.now.mono = self.now.mono.after(step);
        }
    }

    pub(super) fn states(&self) -> Vec<StreamState> {
        self.sources
            .as_ref()
            .expect("they are open")
            .streams()
            .collect()
    }
}
