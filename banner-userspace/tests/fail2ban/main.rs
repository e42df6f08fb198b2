//! What banner reads in fail2ban's configuration, compared with what fail2ban itself reads in it.
//!
//! fail2ban is not part of this repository. `BANNER_FAIL2BAN` names a folder with its Debian
//! package unpacked in it (`dpkg-deb -x`): its configuration is `etc/fail2ban` there.

mod filters;
mod jails;
mod random;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

/// A fail2ban that is unpacked somewhere.
struct Unpacked(PathBuf);

impl Unpacked {
    fn find() -> Self {
        let folder = std::env::var_os("BANNER_FAIL2BAN")
            .expect("BANNER_FAIL2BAN names the folder that fail2ban is unpacked in");
        Self(folder.into())
    }

    fn configuration(&self) -> PathBuf {
        self.0.join("etc/fail2ban")
    }

    fn code(&self) -> PathBuf {
        self.0.join("usr/lib/python3/dist-packages")
    }

    /// Runs a script of this folder and reads the JSON lines that it writes.
    fn ask(&self, script: &str, arguments: &[&Path], input: &[Value]) -> Vec<Value> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fail2ban")
            .join(script);
        let mut python = Command::new("python3")
            .arg(script)
            .args(arguments)
            .env("PYTHONPATH", self.code())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        let mut stdin = python.stdin.take().expect("it is piped");
        let lines: Vec<_> = input.iter().map(ToString::to_string).collect();
        let lines = lines.join("\n") + "\n";
        let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
        let output = python.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", output.status);
        writer.join().expect("it writes").expect("it reads");
        let text = String::from_utf8(output.stdout).expect("JSON is UTF-8");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }
}
