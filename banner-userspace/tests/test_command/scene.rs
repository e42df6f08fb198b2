//! A folder with a filter and a log, and `banner test` in it.

use std::{
    fs,
    io::Write as _,
    path::PathBuf,
    process::{Command, Output, Stdio},
    thread,
};

use serde_json::Value;

/// 2026-11-20 12:00:00 UTC.
pub(crate) const NOW: &str = "1795176000";

pub(crate) const LOG: &str = "\
Nov 20 10:00:00 h sshd[1]: Failed password for root from 192.0.2.7 port 1 ssh2
Nov 20 10:00:01 h sshd[1]: Accepted password for root from 192.0.2.8 port 1 ssh2
Nov 20 10:00:02.5 h sshd[2]: Failed password for root from 2001:db8::7 port 1 ssh2
Nov 20 10:00:03 h sshd[3]: Failed password for root from 192.0.2.7 port 1 ssh2
";

pub(crate) const FILTER: &str = "\
prefix: syslog
program: sshd
fail:
  - ^Failed password for (?P<user>\\S+) from <HOST> port \\d+ ssh2$
";

/// A folder with a filter and a log.
pub(crate) struct Scene {
    pub(crate) folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let scene = Self { folder };
        scene.write("f.yaml", FILTER);
        scene.write("log", LOG);
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banner"));
        command
            .current_dir(&self.folder)
            .args([
                "test",
                "--config",
                "banner.yaml",
                "--now",
                NOW,
                "--tz",
                "UTC",
            ])
            .args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments)
            .stdin(Stdio::null())
            .output()
            .expect("banner starts")
    }

    /// Standard output of a run that went well.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        good(self.run(arguments))
    }

    pub(crate) fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        rows(&self.text(&[arguments, &["--json"]].concat()))
    }

    pub(crate) fn stdin(&self, arguments: &[&str], bytes: &[u8]) -> Output {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("banner starts");
        let mut stdin = child.stdin.take().expect("its input");
        // What ends early may leave input unread.
        let bytes = bytes.to_vec();
        let writer = thread::spawn(move || drop(stdin.write_all(&bytes)));
        let output = child.wait_with_output().expect("its output");
        writer.join().expect("the writer");
        output
    }
}

pub(crate) fn good(output: Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {errors}", output.status);
    assert_eq!(errors, "");
    String::from_utf8(output.stdout).expect("UTF-8")
}

pub(crate) fn rows(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// What it says on standard error when it cannot do what it was asked for.
pub(crate) fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
