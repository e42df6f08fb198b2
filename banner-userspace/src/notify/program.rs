//! Programs: with a list of arguments, never through a shell; with a deadline, and bounded output.

use std::{process::Stdio, time::Duration};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};

use super::failure::Failure;

/// Where programs are looked for, whatever the environment says.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What is kept of what a program says.
const OUTPUT: u64 = 64 * 1024;

/// How a program ended, and what it said, up to a bound.
#[derive(Debug)]
pub(super) struct Ended {
    /// None when a signal ended it.
    pub(super) code: Option<i32>,
    how: String,
    pub(super) stdout: String,
    stderr: String,
}

impl Ended {
    pub(super) fn success(&self) -> bool {
        self.code == Some(0)
    }

    /// How it ended, with the end of what it complained.
    pub(super) fn complaint(&self, program: &str) -> String {
        let last = self
            .stderr
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty());
        match last {
            Some(last) => format!("{program}: {}: {}", self.how, last.trim()),
            None => format!("{program}: {}", self.how),
        }
    }
}

/// Runs a program in a process group of its own, which is killed at the deadline, or when the
/// future is dropped.
///
/// # Errors
/// It cannot be started, or has not ended in time.
pub(super) async fn run(
    argv: &[String],
    environment: &[(&'static str, String)],
    input: &[u8],
    deadline: Duration,
) -> Result<Ended, Failure> {
    let [program, arguments @ ..] = argv else {
        return Err(Failure::permanent("no program is named"));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    let child = command.spawn();
    let child = child.map_err(|error| Failure::passing(format!("{program}: {error}")))?;
    let mut group = Group(child);
    match timeout(deadline, group.talk(input)).await {
        Ok(Ok(ended)) => Ok(ended),
        Ok(Err(error)) => Err(Failure::passing(format!("{program}: {error}"))),
        Err(_) => Err(Failure::passing(format!(
            "{program}: not done in {} s, and killed",
            deadline.as_secs_f64().round()
        ))),
    }
}

/// A child and what it has started.
struct Group(Child);

impl Group {
    async fn talk(&mut self, input: &[u8]) -> std::io::Result<Ended> {
        let (stdin, stdout, stderr) = (
            self.0.stdin.take(),
            self.0.stdout.take(),
            self.0.stderr.take(),
        );
        let write = async {
            if let Some(mut stdin) = stdin {
                // A program need not want to know all of it.
                let _ = stdin.write_all(input).await;
                let _ = stdin.shutdown().await;
            }
        };
        let ((), stdout, stderr) = tokio::join!(write, bounded(stdout), bounded(stderr));
        let status = self.0.wait().await?;
        Ok(Ended {
            code: status.code(),
            how: status.to_string(),
            stdout: stdout?,
            stderr: stderr?,
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // None once it has been waited for: its number may be somebody else's by now.
        let id = self.0.id().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id {
            let _ = killpg(Pid::from_raw(id), Signal::SIGKILL);
        }
    }
}

/// The beginning of what comes; the rest is read and forgotten, so that the writer can end.
async fn bounded(from: Option<impl AsyncRead + Unpin>) -> std::io::Result<String> {
    let Some(mut from) = from else {
        return Ok(String::new());
    };
    let mut kept = Vec::new();
    (&mut from).take(OUTPUT).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(String::from_utf8_lossy(&kept).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn a_program_gets_its_arguments_as_they_are() {
        let argv = words(&[
            "/bin/sh",
            "-c",
            "printf '%s|' \"$@\" \"$X\" \"$HOME\"; cat; exit 3",
            "x",
            "$(id)",
            "a b",
        ]);
        let environment = [("X", "; id".to_owned())];
        let ended = run(&argv, &environment, b"input", LONG).await.unwrap();
        assert_eq!(ended.stdout, "$(id)|a b|; id||input");
        assert_eq!(ended.code, Some(3));
        assert_eq!(ended.how, "exit status: 3");
    }

    #[tokio::test]
    async fn a_program_need_not_read_and_may_say_more_than_is_kept() {
        let argv = words(&[
            "/bin/sh",
            "-c",
            "exec <&-; head -c 300000 /dev/zero | tr '\\0' x",
        ]);
        let ended = run(&argv, &[], &vec![b'a'; 1 << 20], LONG).await.unwrap();
        assert!(ended.success());
        assert_eq!(ended.stdout.len(), 65536);
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        // The grandchild has the FIFO open to write: its end is seen when it is gone.
        let script = format!("exec 3>{0}; sleep 1000 & sleep 1000", fifo.display());
        let argv = words(&["/bin/sh", "-c", &script]);
        let reader = std::thread::spawn(move || std::fs::read(fifo).unwrap());
        let failed = run(&argv, &[], b"", Duration::from_millis(300)).await;
        let failure = failed.unwrap_err();
        assert!(failure.why.contains("and killed"), "{failure}");
        assert_eq!(reader.join().unwrap(), b"");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_named() {
        let failure = run(&words(&["/nowhere/x"]), &[], b"", LONG)
            .await
            .unwrap_err();
        assert!(
            failure.why.starts_with("/nowhere/x: No such file"),
            "{failure}"
        );
    }
}
