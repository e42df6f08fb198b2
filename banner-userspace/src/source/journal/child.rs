//! A program whose output is read while it runs.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{self, ChildStderr, ChildStdout, Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use crate::source::stream::SLICE;
use crate::sys::orphan;

/// How much of what it complains of is kept, in bytes: the end of it.
const COMPLAINT: usize = 1024;

/// A running program; killed when dropped.
#[derive(Debug)]
pub(super) struct Child {
    process: process::Child,
    output: ChildStdout,
    errors: ChildStderr,
    complaint: Vec<u8>,
}

/// What one read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Nothing,
    Bytes(usize),
    End,
}

impl Child {
    pub(super) fn start(program: &Path, arguments: &[String]) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .args(arguments)
            // What it complains of is shown, and looked into for one word.
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // Else it would stay until it next writes, when the agent is killed.
        let mut process = orphan::none_of(&mut command).spawn()?;
        let (Some(output), Some(errors)) = (process.stdout.take(), process.stderr.take()) else {
            return Err(io::Error::other("its output is not there"));
        };
        let child = Self {
            process,
            output,
            errors,
            complaint: Vec::new(),
        };
        for fd in child.descriptors() {
            fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        Ok(child)
    }

    /// Those that tell when there is something to read.
    pub(super) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.output.as_fd(), self.errors.as_fd()]
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Reads into `buffer`, which grows to what it takes.
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>, want: usize) -> Piece {
        self.listen();
        buffer.resize(SLICE, 0);
        match self.output.read(&mut buffer[..want.min(SLICE)]) {
            Ok(0) => Piece::End,
            Ok(count) => Piece::Bytes(count),
            Err(error) if is_passing(&error) => Piece::Nothing,
            Err(_) => Piece::End,
        }
    }

    /// Takes what it complains of, so that it need not wait to be heard.
    fn listen(&mut self) {
        let mut text = [0; COMPLAINT];
        while let Ok(count @ 1..) = self.errors.read(&mut text) {
            self.complaint.extend_from_slice(&text[..count]);
            let surplus = self.complaint.len().saturating_sub(COMPLAINT);
            self.complaint.drain(..surplus);
        }
    }

    /// Ends it, and says why it ended.
    pub(super) fn finish(&mut self) -> String {
        self.listen();
        // It has closed its output, so nothing more can come of it. One that is ending keeps its status.
        let _ = self.process.kill();
        let status = self.process.wait();
        let status = status.map_or_else(|_| String::new(), |status| format!(" ({status})"));
        self.listen();
        let complaint = String::from_utf8_lossy(&self.complaint);
        let said: Vec<_> = complaint
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        match said.as_slice() {
            [] => format!("journalctl ended{status}"),
            said => format!("journalctl ended{status}: {}", said.join("; ")),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn is_passing(error: &io::Error) -> bool {
    [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted].contains(&error.kind())
}
