//! Journals, written by `systemd-journal-remote`.

use std::{
    env,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, ensure};

/// Adds entries to one journal file.
#[derive(Debug)]
pub struct Writer {
    program: PathBuf,
    file: PathBuf,
}

/// An entry of a service that runs as root.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// `_COMM` and `SYSLOG_IDENTIFIER`.
    pub program: &'a str,
    /// `_SYSTEMD_UNIT`.
    pub unit: Option<&'a str>,
    /// `MESSAGE`.
    pub message: &'a [u8],
}

impl Writer {
    /// For the journal `file`, whose name ends in `.journal`; it is made with the first entry.
    pub fn new(file: PathBuf) -> Result<Self> {
        let program = env::var_os("BANNER_JOURNAL_REMOTE").map_or_else(
            || "/lib/systemd/systemd-journal-remote".into(),
            PathBuf::from,
        );
        ensure!(
            program.exists(),
            "no systemd-journal-remote at {}: `cargo xtask setup tests` unpacks it, \
             $BANNER_JOURNAL_REMOTE says where it is",
            program.display()
        );
        Ok(Self { program, file })
    }

    /// Adds entries, of now.
    pub fn write(&self, entries: &[Entry<'_>]) -> Result<()> {
        let mut child = Command::new(&self.program)
            .arg("--output")
            .arg(&self.file)
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("start systemd-journal-remote")?;
        let text: Vec<u8> = entries.iter().flat_map(Entry::export).collect();
        let mut input = child.stdin.take().context("its input")?;
        input.write_all(&text).context("write entries")?;
        drop(input);
        let done = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(
            done.status.success(),
            "systemd-journal-remote: {}: {said}",
            done.status
        );
        Ok(())
    }
}

impl Entry<'_> {
    /// In systemd's "Journal Export Format".
    fn export(&self) -> Vec<u8> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let now = now.as_micros();
        let unit = self
            .unit
            .map(|unit| format!("_SYSTEMD_UNIT={unit}\n"))
            .unwrap_or_default();
        let program = self.program;
        let mut text = format!(
            "__REALTIME_TIMESTAMP={now}\n__MONOTONIC_TIMESTAMP={now}\n\
             _BOOT_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=host\n_UID=0\n_PID=7\n\
             _COMM={program}\nSYSLOG_IDENTIFIER={program}\n{unit}MESSAGE\n"
        )
        .into_bytes();
        text.extend((self.message.len() as u64).to_le_bytes());
        text.extend(self.message);
        text.extend(b"\n\n");
        text
    }
}
