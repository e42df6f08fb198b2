//! Asking banner: `banner test`, as a user would type it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;

use super::{
    peer::{Case, NOW, Name, ZONE},
    row::Found,
};
use crate::{command, test};

/// The program to ask.
pub(super) struct Banner {
    program: PathBuf,
}

/// How the patterns of a filter are matched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Engines {
    /// In time that grows with the line's length.
    pub(super) linear: usize,
    /// By trying, within a limit.
    pub(super) backtracking: usize,
}

impl Banner {
    /// The one at `program`, else one that is built for it.
    pub(super) fn find(program: Option<&Path>, release: bool) -> Result<Self> {
        if let Some(program) = program {
            let program = program.to_path_buf();
            return Ok(Self { program });
        }
        let mut arguments = vec!["build", "--package", "banner-userspace", "--bin", "banner"];
        arguments.extend(release.then_some("--release"));
        let program = test::built(&arguments)?.pop();
        Ok(Self {
            program: program.context("cargo built no program")?,
        })
    }

    /// What it says of each line of `log`.
    pub(super) fn judge(&self, filter: &Name, case: &Case, log: &Path) -> Result<Vec<Found>> {
        let mut command = self.test(filter, case);
        command
            .args(["--now", &NOW.to_string(), "--tz", ZONE])
            .arg(log);
        if case.journal {
            command.args(["--stamp", "none"]);
        }
        let rows: Vec<Found> = objects(&mut command)?;
        for (n, row) in rows.iter().enumerate() {
            ensure!(
                row.line == n + 1,
                "line {} came as line {}",
                n + 1,
                row.line
            );
        }
        Ok(rows)
    }

    /// How it matches each pattern.
    pub(super) fn engines(&self, filter: &Name, case: &Case) -> Result<Engines> {
        #[derive(Deserialize)]
        struct Pattern {
            engine: String,
        }
        let patterns: Vec<Pattern> = objects(self.test(filter, case).arg("--patterns"))?;
        let mut engines = Engines::default();
        for pattern in &patterns {
            match &*pattern.engine {
                "linear" => engines.linear += 1,
                "backtracking" => engines.backtracking += 1,
                other => bail!("an engine named {other:?}"),
            }
        }
        Ok(engines)
    }

    fn test(&self, filter: &Name, case: &Case) -> Command {
        let mut command = Command::new(&self.program);
        let name = format!("fail2ban:{}{}", filter.name, options(case));
        command.arg("test").arg(name).arg("--json");
        command.args([
            OsString::from("--fail2ban-dir"),
            filter.config.clone().into(),
        ]);
        command
    }
}

/// `[mode=aggressive,logtype=journal]`.
pub(super) fn options(case: &Case) -> String {
    if case.options.is_empty() {
        return String::new();
    }
    let options: Vec<_> = (case.options.iter())
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!("[{}]", options.join(","))
}

/// The objects that `command` writes, one a line.
fn objects<T: serde::de::DeserializeOwned>(command: &mut Command) -> Result<Vec<T>> {
    let line = command::line(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {line}"))?;
    ensure!(
        output.status.success(),
        "{line} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    );
    let objects: Result<_, _> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter()
        .collect();
    objects.with_context(|| format!("reading the output of {line}"))
}
