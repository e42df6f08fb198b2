//! One filter with one set of options: its lines asked of both.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};

use super::{
    banner::{self, Banner, Engines},
    mutate::{self, Dice},
    peer::{Case, Name, Patterns, Peer},
    row::{Expected, Found, Verdict},
};

/// A filter and a set of options.
pub(super) struct Job {
    pub(super) filter: Name,
    pub(super) case: Case,
    /// How many changed lines to ask.
    pub(super) mutations: usize,
}

impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.filter.name, banner::options(&self.case))
    }
}

/// What is the same for all jobs.
pub(super) struct Setting {
    pub(super) banner: Banner,
    /// The folder for the logs that are asked; they stay, for whoever looks into a disagreement.
    pub(super) logs: PathBuf,
    pub(super) seed: u64,
    pub(super) every_pattern: bool,
}

/// What came of a job.
#[derive(Default)]
pub(super) struct Comparison {
    pub(super) samples: Tally,
    pub(super) mutated: Tally,
    /// Sample lines whose annotation says something else than fail2ban's daemon does.
    pub(super) annotations: Vec<String>,
    /// Lines on which fail2ban's tests see another verdict than its daemon.
    pub(super) every_pattern: Vec<String>,
    pub(super) engines: Engines,
    /// Why banner could not be asked.
    pub(super) refused: Option<String>,
}

/// Lines of one kind.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) rows: usize,
    pub(super) failures: usize,
    /// Lines at which fail2ban ran into an exception.
    pub(super) exceptions: usize,
    /// Lines that nobody waited for fail2ban to judge; they are not compared.
    pub(super) slow: Vec<String>,
    /// Failures at a time beyond what banner can tell.
    pub(super) at_the_end: usize,
    pub(super) disagreements: Vec<Disagreement>,
}

/// A line on which the two are not of one mind.
pub(super) struct Disagreement {
    place: String,
    line: Vec<u8>,
    expected: Expected,
    found: Option<Found>,
    fields: Vec<&'static str>,
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} ({}): {}",
            self.place,
            self.fields.join(", "),
            self.line.escape_ascii()
        )?;
        writeln!(f, "      fail2ban: {}", self.expected)?;
        match &self.found {
            Some(found) => write!(f, "      banner:   {found}"),
            None => f.write_str("      banner:   nothing"),
        }
    }
}

/// Asks both.
pub(super) fn compare(job: &Job, setting: &Setting, peer: &mut Peer) -> Result<Comparison> {
    let mut comparison = Comparison::default();
    match setting.banner.engines(&job.filter, &job.case) {
        Ok(engines) => comparison.engines = engines,
        Err(error) => comparison.refused = Some(format!("{error:#}")),
    }
    let name = job.to_string().replace(['[', ']', '=', ','], "_");
    let lines: Vec<_> = job
        .case
        .rows
        .iter()
        .map(super::peer::Sample::bytes)
        .collect();

    let log = setting.logs.join(format!("{name}.log"));
    write(&log, &lines)?;
    let expected = peer.judge(&job.filter, &job.case, &log, Patterns::First)?;
    ensure!(
        expected.len() == lines.len(),
        "fail2ban saw {} lines",
        expected.len()
    );
    for (row, expected) in job.case.rows.iter().zip(&expected) {
        if (expected.verdict == Verdict::Fail) != row.failure {
            comparison
                .annotations
                .push(format!("{}: {expected}", row.place));
        }
    }
    let place = |n: usize| job.case.rows[n].place.clone();
    if setting.every_pattern {
        let every = peer.judge(&job.filter, &job.case, &log, Patterns::Every)?;
        (comparison.every_pattern).extend(changed(&expected, &every, &place));
    }
    comparison.samples = ask(
        job,
        setting,
        &log,
        &lines,
        &expected,
        &place,
        &mut comparison.refused,
    );

    let dice = Dice::new(setting.seed, &name);
    let lines = mutate::lines(&lines, job.mutations, dice);
    let log = setting.logs.join(format!("{name}.mutated.log"));
    write(&log, &lines)?;
    let expected = peer.judge(&job.filter, &job.case, &log, Patterns::First)?;
    ensure!(
        expected.len() == lines.len(),
        "fail2ban saw {} changed lines",
        expected.len()
    );
    let place = |n: usize| format!("changed line {}", n + 1);
    if setting.every_pattern {
        let every = peer.judge(&job.filter, &job.case, &log, Patterns::Every)?;
        (comparison.every_pattern).extend(changed(&expected, &every, &place));
    }
    comparison.mutated = ask(
        job,
        setting,
        &log,
        &lines,
        &expected,
        &place,
        &mut comparison.refused,
    );
    Ok(comparison)
}

/// Lines of which fail2ban's tests say something else than its daemon.
fn changed(first: &[Expected], every: &[Expected], place: &dyn Fn(usize) -> String) -> Vec<String> {
    let pairs = first.iter().zip(every).enumerate();
    pairs
        .filter(|(_, (first, every))| first != every)
        .map(|(n, (first, every))| {
            format!("{}: {first}; with every pattern tried: {every}", place(n))
        })
        .collect()
}

fn write(log: &Path, lines: &[Vec<u8>]) -> Result<()> {
    let mut text = lines.join(&b'\n');
    if !lines.is_empty() {
        text.push(b'\n');
    }
    fs::write(log, text).with_context(|| format!("writing {}", log.display()))
}

fn ask(
    job: &Job,
    setting: &Setting,
    log: &Path,
    lines: &[Vec<u8>],
    expected: &[Expected],
    place: &dyn Fn(usize) -> String,
    refused: &mut Option<String>,
) -> Tally {
    let found = match setting.banner.judge(&job.filter, &job.case, log) {
        Ok(found) => found,
        Err(error) => {
            refused.get_or_insert(format!("{error:#}"));
            Vec::new()
        }
    };
    let mut tally = Tally {
        rows: lines.len(),
        failures: expected
            .iter()
            .filter(|row| row.verdict == Verdict::Fail)
            .count(),
        exceptions: expected.iter().filter(|row| row.error.is_some()).count(),
        at_the_end: found.iter().filter(|row| row.is_at_the_end()).count(),
        slow: Vec::new(),
        disagreements: Vec::new(),
    };
    for (n, (line, expected)) in lines.iter().zip(expected).enumerate() {
        if expected.slow {
            tally.rows -= 1;
            tally
                .slow
                .push(format!("{}: {}", place(n), line.escape_ascii()));
            continue;
        }
        let found = found.get(n);
        let fields = found.map_or(vec!["no answer"], |found| expected.differences(found));
        if !fields.is_empty() {
            tally.disagreements.push(Disagreement {
                place: place(n),
                line: line.clone(),
                expected: expected.clone(),
                found: found.cloned(),
                fields,
            });
        }
    }
    tally
}
