//! The real fail2ban, run by Python: `peer.py` asks it.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::row::Expected;
use crate::command;

/// When the lines are read, in seconds since 1970: 2005-08-14 12:00:00 in [`ZONE`], as in
/// fail2ban's own tests.
pub(super) const NOW: u64 = 1_124_013_600;

/// The zone of stamps without one: Zurich's rule, so that no database of zones decides.
pub(super) const ZONE: &str = "CET-01CEST-02,M3.5.0,M10.5.0";

/// A filter of fail2ban's.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Name {
    /// Its file's name without the ending.
    pub(super) name: String,
    /// The folder with `filter.d` in it.
    pub(super) config: PathBuf,
}

/// The sample lines of a filter that are for one set of options.
#[derive(Debug, Deserialize)]
pub(super) struct Case {
    /// The options, as `filter = name[option=value]` would have them.
    pub(super) options: BTreeMap<String, String>,
    /// Whether the lines are the journal's, which have no stamp.
    pub(super) journal: bool,
    /// The lines.
    pub(super) rows: Vec<Sample>,
}

/// A line of a sample log.
#[derive(Debug, Deserialize)]
pub(super) struct Sample {
    /// File and number.
    pub(super) place: String,
    line: String,
    /// Whether its annotation says that it is a failure.
    pub(super) failure: bool,
}

impl Sample {
    /// Its bytes; Python sends each as a character.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let byte = |c| u8::try_from(u32::from(c)).unwrap_or(b'?');
        self.line.chars().map(byte).collect()
    }
}

/// Whether fail2ban stops at the first pattern that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patterns {
    /// As its daemon does.
    First,
    /// As its tests do.
    Every,
}

/// A Python with fail2ban in it.
pub(super) struct Peer {
    python: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    /// Starts it for the package that is unpacked in `folder`.
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let mut command = Command::new("python3");
        // Bytecode would be written into the package.
        command
            .args(["-B", "-c", include_str!("peer.py")])
            .arg(folder)
            .env_remove("PYTHONPATH")
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut python = command.spawn().context("starting python3")?;
        let (requests, answers) = (python.stdin.take(), python.stdout.take());
        Ok(Self {
            python,
            requests: requests.context("python3 has no input")?,
            answers: BufReader::new(answers.context("python3 has no output")?),
        })
    }

    /// All filters that the package brings.
    pub(super) fn filters(&mut self) -> Result<Vec<Name>> {
        self.ask(&json!({"ask": "filters"}))
    }

    /// The sample lines of `filter`, by options.
    pub(super) fn cases(&mut self, filter: &Name) -> Result<Vec<Case>> {
        self.ask(&json!({"ask": "cases", "filter": filter.name}))
    }

    /// What `filter` says of each line of `log`.
    pub(super) fn judge(
        &mut self,
        filter: &Name,
        case: &Case,
        log: &Path,
        patterns: Patterns,
    ) -> Result<Vec<Expected>> {
        self.ask(&json!({
            "ask": "judge",
            "filter": filter.name,
            "config": filter.config,
            "options": case.options,
            "journal": case.journal,
            "log": log,
            "every": patterns == Patterns::Every,
        }))
    }

    fn ask<T: DeserializeOwned>(&mut self, request: &Value) -> Result<T> {
        #[derive(Deserialize)]
        #[serde(rename_all = "lowercase")]
        enum Reply<T> {
            Answer(T),
            Error(String),
        }
        writeln!(self.requests, "{request}").context("python3 takes no request")?;
        let mut reply = String::new();
        self.answers.read_line(&mut reply)?;
        match serde_json::from_str(&reply).with_context(|| format!("python3 said {reply:?}"))? {
            Reply::Answer(answer) => Ok(answer),
            Reply::Error(error) => bail!("fail2ban: {error}"),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Killed and not asked to end: it may be busy with a line that takes for ever.
        drop(self.python.kill());
        drop(self.python.wait());
    }
}

/// Which Python it is.
pub(super) fn python() -> Result<String> {
    command::read(Command::new("python3").arg("--version"))
}
