//! A child process whose output goes to files, where it can be read while the process lives and
//! after.

use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context as _, Result, anyhow, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::wait::wait_for;

/// A child process; killed and waited for when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stem: PathBuf,
}

/// What a process left behind.
#[derive(Debug)]
pub struct Finished {
    /// Exit code or signal.
    pub status: ExitStatus,
    /// All it wrote to standard output.
    pub stdout: String,
    /// All it wrote to standard error.
    pub stderr: String,
}

impl Finished {
    /// Fails unless the exit code was 0, with what the process said.
    pub fn succeeded(self) -> Result<Self> {
        if !self.status.success() {
            bail!("{}: {}{}", self.status, self.stdout, self.stderr);
        }
        Ok(self)
    }
}

impl Process {
    /// Output goes to `stem` with `.out` and `.err` appended.
    pub(crate) fn spawn(stem: PathBuf, command: &mut Command) -> Result<Self> {
        let file = |kind| {
            let path = stem.with_extension(kind);
            File::create(&path).with_context(|| format!("create {}", path.display()))
        };
        let child = command
            .stdout(file("out")?)
            .stderr(file("err")?)
            .spawn()
            .with_context(|| format!("start {}", command.get_program().display()))?;
        Ok(Self { child, stem })
    }

    /// Its number outside the lab, which is also the one below the lab's /proc.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it has written to standard output so far.
    pub fn stdout(&self) -> Result<String> {
        self.read("out")
    }

    /// What it has written to standard error so far.
    pub fn stderr(&self) -> Result<String> {
        self.read("err")
    }

    fn read(&self, kind: &str) -> Result<String> {
        let path = self.stem.with_extension(kind);
        let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Writes to its standard input, which must be a pipe.
    pub fn write(&mut self, text: &str) -> Result<()> {
        let input = self
            .child
            .stdin
            .as_mut()
            .context("the process has no input")?;
        input
            .write_all(text.as_bytes())
            .context("write to the process")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        let pid = i32::try_from(self.child.id()).context("process id")?;
        kill(Pid::from_raw(pid), signal).with_context(|| format!("send {signal}"))
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("wait for the process")
    }

    /// Waits for its end.
    pub fn finish(mut self, within: Duration) -> Result<Finished> {
        let name = self.stem.display().to_string();
        let status = wait_for(&format!("{name} to end"), within, || self.ended())?;
        Ok(Finished {
            status,
            stdout: self.stdout()?,
            stderr: self.stderr()?,
        })
    }

    /// Waits for a line on standard error for which `wanted` holds. Fails at once when the process
    /// ends without having written one.
    pub fn wait_for_line(
        &mut self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let name = self.stem.display().to_string();
        wait_for(&format!("{what} from {name}"), within, || {
            // The status first: what is written before the end is then certainly read.
            let ended = self.ended()?;
            let text = self.stderr()?;
            // Without the last piece: a line is complete only with its newline.
            let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
            if let Some(line) = complete.lines().find(|line| wanted(line)) {
                return Ok(Some(line.to_owned()));
            }
            match ended {
                Some(status) => Err(anyhow!("it ended ({status}): {text}")),
                None => Ok(None),
            }
        })
    }
}

/// Whether the process died by `signal`.
pub fn died_by(status: ExitStatus, signal: Signal) -> bool {
    status.signal() == Some(signal as i32)
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is already gone.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
