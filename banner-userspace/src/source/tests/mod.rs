//! The promises of the [module](super), each kept on a real filesystem.

mod change;
mod containers;
mod house;
mod journal;
mod model;
mod names;
mod reading;
mod resume;
mod rotation;
mod shell;
mod stale;
mod streams;
mod syslog;
mod trouble;

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use tempfile::TempDir;

use super::watch::Watches;
use super::{FileState, Progress, Tail, TailOptions};
use crate::model::Mark;
use crate::model::{LogId, Mono};

/// One chunk as the sink got it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Given {
    logs: Vec<u16>,
    bytes: Vec<u8>,
    cut: bool,
}

/// A folder of logs and the tail that follows some of them.
struct Site {
    folder: TempDir,
    logs: Vec<String>,
    max_line: usize,
    tail: Option<Tail>,
    given: Vec<Given>,
    now: Mono,
    /// What the last poll of [`Site::settle`] said.
    retry: Option<Mono>,
}

impl Site {
    /// Log entries are relative to the folder. Nothing is opened yet.
    fn new(logs: &[&str]) -> Self {
        let folder = TempDir::new().expect("temp folder");
        let root = folder
            .path()
            .to_str()
            .expect("UTF-8 temp folder")
            .to_owned();
        Self {
            logs: logs.iter().map(|log| format!("{root}/{log}")).collect(),
            folder,
            max_line: 1000,
            tail: None,
            given: Vec::new(),
            now: Mono(1_000_000_000_000),
            retry: None,
        }
    }

    /// A site whose tail is open and has nothing to do.
    fn opened(logs: &[&str]) -> Self {
        let mut site = Self::new(logs);
        site.open();
        site
    }

    fn open(&mut self) {
        self.open_with(Watches::new().expect("inotify"), Vec::new());
    }

    fn open_with(&mut self, watches: Watches, resume: Vec<Mark>) {
        let options = TailOptions {
            max_line: self.max_line,
            resume,
            ..TailOptions::default()
        };
        let logs = self.logs.iter().zip(0..);
        let logs: Vec<_> = logs.map(|(log, id)| (LogId(id), log.clone())).collect();
        self.tail = Some(Tail::open_with(watches, &logs, options).expect("open"));
        self.settle();
    }

    /// Stops the tail and starts it with the marks that it left.
    fn restart(&mut self, while_down: impl FnOnce(&Self)) {
        let marks = self.tail.take().expect("it is open").marks();
        while_down(self);
        self.open_with(Watches::new().expect("inotify"), marks);
    }

    fn tail(&mut self) -> &mut Tail {
        self.tail.as_mut().expect("it is open")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, bytes: impl AsRef<[u8]>) {
        append(&self.path(name), bytes.as_ref());
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).expect("rename");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).expect("remove");
    }

    fn truncate(&self, name: &str, size: u64) {
        let file = OpenOptions::new()
            .write(true)
            .open(self.path(name))
            .expect("open");
        file.set_len(size).expect("truncate");
    }

    fn poll(&mut self, budget: usize) -> Progress {
        let Self {
            tail, given, now, ..
        } = self;
        let tail = tail.as_mut().expect("it is open");
        tail.poll(*now, budget, &mut |chunk| {
            assert!(chunk.bytes.ends_with(b"\n"));
            given.push(Given {
                logs: chunk.logs.iter().map(|log| log.0).collect(),
                bytes: chunk.bytes.to_vec(),
                cut: chunk.cut,
            });
        })
    }

    /// Polls until there is nothing to do.
    fn settle(&mut self) {
        for _ in 0..100_000 {
            if let Progress::Idle { retry } = self.poll(1 << 20) {
                self.retry = retry;
                return;
            }
        }
        panic!("it finds no rest");
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    /// Everything that was given out since the last call, line by line.
    fn lines(&mut self) -> Vec<String> {
        self.settle();
        let given = std::mem::take(&mut self.given);
        let lines = given
            .iter()
            .flat_map(|one| one.bytes.split_inclusive(|byte| *byte == b'\n'));
        lines
            .map(|line| {
                String::from_utf8_lossy(line)
                    .trim_end_matches('\n')
                    .to_owned()
            })
            .collect()
    }

    fn chunks(&mut self) -> Vec<Given> {
        self.settle();
        std::mem::take(&mut self.given)
    }

    fn states(&self) -> Vec<FileState<'_>> {
        self.tail.as_ref().expect("it is open").files().collect()
    }

    /// What is wrong with a log.
    fn problem(&self, name: &str) -> Option<String> {
        let path = self.path(name);
        let states = self.states();
        let state = states
            .iter()
            .find(|state| state.path == path && !state.former)?;
        Some(state.problem?.error.clone())
    }

    /// Whether the descriptor becomes readable within a deadline.
    fn is_readable(&self, within: Duration) -> bool {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).expect("epoll");
        let tail = self.tail.as_ref().expect("it is open");
        epoll
            .add(tail.as_fd(), EpollEvent::new(EpollFlags::EPOLLIN, 0))
            .expect("epoll add");
        let timeout = EpollTimeout::try_from(within).expect("short");
        epoll
            .wait(&mut [EpollEvent::empty()], timeout)
            .expect("epoll wait")
            == 1
    }
}

fn append(path: &Path, bytes: &[u8]) {
    writer(path).write_all(bytes).expect("write");
}

/// What a logging daemon holds open.
fn writer(path: &Path) -> File {
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .expect("open for writing")
}

fn given(log: u16, text: &str) -> Given {
    Given {
        logs: vec![log],
        bytes: text.as_bytes().to_vec(),
        cut: false,
    }
}

fn cut(log: u16, text: &str) -> Given {
    Given {
        cut: true,
        ..given(log, text)
    }
}

#[test]
fn a_write_wakes_the_descriptor_and_quiet_does_not() {
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "old\n");
    site.open();
    assert!(!site.is_readable(Duration::ZERO));
    site.append("a.log", "new\n");
    assert!(site.is_readable(Duration::from_secs(5)));
    // Level-triggered: it stays so until it is polled.
    assert!(site.is_readable(Duration::from_secs(5)));
    assert_eq!(site.lines(), ["new"]);
    assert!(!site.is_readable(Duration::ZERO));
    assert_eq!(site.retry, None);
}

#[test]
fn other_files_in_the_folder_wake_nobody() {
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "");
    site.append("other", "");
    site.open();
    for _ in 0..100 {
        site.append("other", "busy\n");
        drop(File::open(site.path("other")).expect("open"));
        fs::set_permissions(
            site.path("other"),
            fs::metadata(site.path("other"))
                .expect("stat")
                .permissions(),
        )
        .expect("chmod");
    }
    assert!(!site.is_readable(Duration::ZERO));
}

#[test]
fn an_entry_has_to_be_an_absolute_path() {
    let logs = [(LogId(0), "var/log/auth.log".to_owned())];
    let error = Tail::open(
        &logs,
        TailOptions {
            max_line: 10,
            ..TailOptions::default()
        },
    );
    assert_eq!(
        error.expect_err("it is relative").to_string(),
        "the log `var/log/auth.log` is not an absolute path"
    );
}

#[test]
fn ids_are_the_places_of_the_entries() {
    let mut site = Site::opened(&["a.log", "b.log"]);
    site.append("b.log", "b\n");
    assert_eq!(site.chunks(), [given(1, "b\n")]);
    let states = site.states();
    assert!(
        states
            .iter()
            .any(|state| state.logs == [LogId(1)] && state.bytes == 2)
    );
}
