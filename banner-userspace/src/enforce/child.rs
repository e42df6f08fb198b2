//! Programs that enforcers run: an argument vector, never a shell's text, and a deadline.

use std::{
    env, fmt,
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    os::{fd::AsFd as _, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    time::Duration,
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        memfd::{MFdFlags, memfd_create},
        signal::{Signal, killpg},
    },
    unistd::Pid,
};

use crate::sys::pidfd;

/// Where programs of administrators are, also when `PATH` is an ordinary user's.
const SBIN: [&str; 3] = ["/usr/sbin", "/sbin", "/usr/local/sbin"];

/// How much of what a program says is repeated in messages.
const SAID: usize = 600;

/// What a program did and said.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Finished {
    /// What it said of its failure, on one line.
    pub(super) fn said(&self) -> String {
        let text = String::from_utf8_lossy(&self.stderr);
        let text: String = text.chars().take(SAID).collect();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Why a program did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It is not there.
    #[error("there is no program {program} here{}", install(package))]
    Missing {
        /// Its name.
        program: String,
        /// The Debian package that has it; empty when it is not known.
        package: &'static str,
    },
    /// It could not be started, or fed.
    #[error("{program}: cannot {operation}: {source}")]
    Start {
        /// Its name.
        program: String,
        /// What was tried.
        operation: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// It did not end in time, and was killed.
    #[error("{program}: killed, because it did not end within {} ms", within.as_millis())]
    Late {
        /// Its name.
        program: String,
        /// The time that it had.
        within: Duration,
    },
    /// It said no.
    #[error("{program}: {status}: {said}{}", allow(said))]
    Failed {
        /// Its name.
        program: String,
        /// Exit code or signal.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
}

fn install(package: &str) -> String {
    match package {
        "" => String::new(),
        package => format!("; install the package {package}"),
    }
}

/// Programs word it in many ways.
fn allow(said: &str) -> &'static str {
    let denied = [
        "permitted",
        "Permission denied",
        "must be root",
        "you must be root",
    ];
    if denied.iter().any(|words| said.contains(words)) {
        " (run as root, or grant CAP_NET_ADMIN)"
    } else {
        ""
    }
}

/// A program to run.
pub(super) struct Child {
    program: String,
    command: Command,
    within: Duration,
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Child").field(&self.command).finish()
    }
}

impl Child {
    /// A program, by its name or path. `package` is where Debian has it.
    pub(super) fn new(
        program: &str,
        package: &'static str,
        within: Duration,
    ) -> Result<Self, ChildError> {
        let path = find(program).ok_or_else(|| ChildError::Missing {
            program: program.to_owned(),
            package,
        })?;
        let mut command = Command::new(path);
        // A group of its own, so that what it starts can be killed with it.
        command.process_group(0);
        command.env("LC_ALL", "C");
        Ok(Self {
            program: program.to_owned(),
            command,
            within,
        })
    }

    pub(super) fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Self {
        self.command.args(args);
        self
    }

    pub(super) fn env(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self
    }

    /// Runs it with this input. An exit code other than 0 is an error.
    pub(super) fn run(self, input: &[u8]) -> Result<Finished, ChildError> {
        let program = self.program.clone();
        let finished = self.finish(input)?;
        if finished.status.success() {
            return Ok(finished);
        }
        Err(ChildError::Failed {
            program,
            status: finished.status,
            said: finished.said(),
        })
    }

    /// Runs it with this input; any exit code will do.
    pub(super) fn finish(mut self, input: &[u8]) -> Result<Finished, ChildError> {
        let program = self.program.clone();
        let failed = |operation| {
            let program = program.clone();
            move |source: io::Error| ChildError::Start {
                program,
                operation,
                source,
            }
        };
        // Files in memory: nobody has to feed or drain a pipe meanwhile, and what a program leaves
        // running cannot keep them open in the agent's way.
        let stdin = memory(input).map_err(failed("prepare its input"))?;
        let [mut stdout, mut stderr] = [memory(&[]), memory(&[])].map(Result::ok);
        let of = |file: &Option<File>| match file.as_ref().and_then(|file| file.try_clone().ok()) {
            Some(file) => Stdio::from(file),
            None => Stdio::null(),
        };
        self.command
            .stdin(stdin)
            .stdout(of(&stdout))
            .stderr(of(&stderr));
        let mut child = self.command.spawn().map_err(failed("start it"))?;
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let ended = pidfd::of(child.id()).and_then(|ended| {
            let mut polled = [PollFd::new(ended.as_fd(), PollFlags::POLLIN)];
            let within = PollTimeout::try_from(self.within).unwrap_or(PollTimeout::MAX);
            loop {
                // A signal that the agent handles makes it begin anew.
                match poll(&mut polled, within) {
                    Err(Errno::EINTR) => {}
                    outcome => return Ok(outcome? > 0),
                }
            }
        });
        // Without an answer there is no telling, and no waiting for ever.
        let late = !ended.unwrap_or(false);
        if late {
            let _ = killpg(pid, Signal::SIGKILL);
        }
        let status = child.wait().map_err(failed("wait for it"))?;
        if late {
            return Err(ChildError::Late {
                program,
                within: self.within,
            });
        }
        Ok(Finished {
            status,
            stdout: content(stdout.as_mut()),
            stderr: content(stderr.as_mut()),
        })
    }
}

fn memory(content: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create(c"banner", MFdFlags::MFD_CLOEXEC)?);
    file.write_all(content)?;
    file.rewind()?;
    Ok(file)
}

fn content(file: Option<&mut File>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(file) = file
        && file.rewind().is_ok()
    {
        // From memory: it cannot fail half-way.
        let _ = file.read_to_end(&mut bytes);
    }
    bytes
}

/// Where a program is.
pub(super) fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        let path = Path::new(program);
        return path.is_file().then(|| path.to_owned());
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SBIN.iter().map(PathBuf::from));
    folders
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, within: Duration) -> Child {
        Child::new("sh", "dash", within)
            .unwrap()
            .args(["-c", script])
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn input_goes_in_and_output_comes_out_however_much() {
        let input = vec![b'x'; 3 << 20];
        let finished = shell("cat; echo done >&2", LONG).run(&input).unwrap();
        assert_eq!(
            (finished.stdout == input, finished.said()),
            (true, "done".into())
        );
    }

    #[test]
    fn what_does_not_end_is_killed_with_what_it_started() {
        let within = Duration::from_millis(50);
        let error = shell("sleep 1000 & sleep 1000", within)
            .run(&[])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "sh: killed, because it did not end within 50 ms"
        );
    }

    #[test]
    fn failures_say_what_to_do() {
        let error = shell("echo 'Operation not permitted' >&2; exit 3", LONG)
            .run(&[])
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "sh: exit status: 3: Operation not permitted (run as root, or grant CAP_NET_ADMIN)"
        );
        let error = Child::new("no-such-nft", "nftables", LONG).unwrap_err();
        assert_eq!(
            error.to_string(),
            "there is no program no-such-nft here; install the package nftables"
        );
    }
}
