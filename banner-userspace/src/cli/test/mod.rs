//! `banner test`: what a filter says of the lines of logs.

mod forms;
mod input;
mod lines;
mod report;
mod row;
mod subject;
mod tally;
mod timing;

use std::{
    io::{self, IsTerminal as _},
    mem,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::tz::TimeZone;

use self::{
    input::Log,
    row::Row,
    tally::{Tally, Wanted},
    timing::Kept,
};
use super::{output, table};
use crate::{
    agent, config,
    filter::{Filter, FilterState, Line},
    model::Wall,
};

/// Options of `banner test`.
#[derive(Debug, Args)]
pub(super) struct Test {
    /// A filter's name, a file with one (a path, or a name that ends with .yaml), or
    /// fail2ban:NAME[OPTION=VALUE,…] for one of fail2ban's configuration.
    #[arg(value_name = "FILTER")]
    filter: String,
    /// Logs to read, one after the other; - is standard input. What is compressed with gzip, zstd
    /// or xz is decompressed.
    #[arg(value_name = "LOG", required_unless_present_any = ["line", "patterns"])]
    logs: Vec<PathBuf>,
    /// A line to judge instead of a log; may be given several times.
    #[arg(long, value_name = "TEXT", conflicts_with = "logs")]
    line: Vec<String>,
    /// Where fail2ban's configuration is.
    #[arg(long, value_name = "DIR", default_value = "/etc/fail2ban")]
    fail2ban_dir: PathBuf,
    /// The filter's parameter `mode`.
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// A parameter of the filter; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    settings: Vec<(String, String)>,
    /// When the lines are read, in seconds since 1970, instead of now: it says what a stamp without
    /// a year means, and which lies in the future.
    #[arg(long, value_name = "EPOCH", value_parser = epoch)]
    now: Option<Wall>,
    /// The zone of stamps without one, instead of the system's: a name (Europe/Berlin) or a rule
    /// (CET-1CEST,M3.5.0,M10.5.0/3).
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    tz: Option<TimeZone>,
    /// Where stamps stand; `none`: lines have none, as those of the journal, and are of now.
    #[arg(long, value_enum, default_value_t)]
    stamp: StampIn,
    /// One JSON object for each line, and nothing else.
    #[arg(long)]
    json: bool,
    /// List lines that are failures, the first 20 or so many.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "20")]
    failures: Option<usize>,
    /// List lines that are ignored.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "20")]
    ignored: Option<usize>,
    /// List lines that are neither.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "20")]
    missed: Option<usize>,
    /// How many addresses to list.
    #[arg(long, value_name = "N", default_value_t = 10)]
    top: usize,
    /// List the filter's patterns, and which engine each needs, instead of reading logs.
    #[arg(long, conflicts_with_all = ["logs", "line"])]
    patterns: bool,
}

/// Where a line says when it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum StampIn {
    /// In itself
    #[default]
    Line,
    /// Nowhere
    None,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn epoch(text: &str) -> Result<Wall, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().map_err(|_| "expected seconds since 1970")?;
    let digits = part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() <= 9;
    let nanos: Option<i64> = format!("{part:0<9}").parse().ok();
    let part = (nanos.filter(|_| digits)).ok_or("expected at most nine digits behind the point")?;
    let part = if whole.starts_with('-') { -part } else { part };
    let nanos = seconds
        .checked_mul(1_000_000_000)
        .and_then(|nanos| nanos.checked_add(part));
    nanos
        .map(Wall)
        .ok_or_else(|| "too far from 1970".to_owned())
}

fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text)
        .or_else(|_| TimeZone::posix(text))
        .map_err(|_| "neither the name of a zone, such as Europe/Berlin, nor a rule".to_owned())
}

/// Runs it.
pub(super) fn test(config: &Path, test: &Test) -> anyhow::Result<ExitCode> {
    let journal = test.stamp == StampIn::None;
    let mode = test
        .mode
        .iter()
        .map(|mode| ("mode".to_owned(), mode.clone()));
    let options: Vec<_> = test.settings.iter().cloned().chain(mode).collect();
    let places = subject::Places {
        config,
        fail2ban: &test.fail2ban_dir,
    };
    let subject = subject::find(&test.filter, &options, journal, &places)?;
    if test.patterns {
        report::patterns(&subject, test.json);
        return Ok(ExitCode::SUCCESS);
    }
    let now = test.now.unwrap_or_else(|| agent::now().wall);
    let zone = test.tz.clone().unwrap_or_else(TimeZone::system);
    let wanted = Wanted {
        failures: test.failures.unwrap_or(0),
        ignored: test.ignored.unwrap_or(0),
        missed: test.missed.unwrap_or(0),
    };
    let mut run = Run {
        filter: &subject.filter,
        state: FilterState::new(&subject.filter, &zone).keep_fields(test.json),
        now,
        at: journal.then_some(now),
        limit: usize::try_from(config::line_limit(config)).unwrap_or(usize::MAX),
        tally: Tally::new(subject.filter.spec().fail.len(), wanted),
        kept: Kept::default(),
        json: test.json.then(output::Lines::new),
    };
    let mut unread = 0;
    for line in &test.line {
        run.line(line.as_bytes(), false);
    }
    let logs: Vec<_> = test.logs.iter().map(Log::from).collect();
    let read = Arc::new(AtomicU64::new(0));
    let bar = progress(&logs, test.json);
    for log in &logs {
        // What one log has shown says nothing about the next.
        let fresh = FilterState::new(&subject.filter, &zone).keep_fields(test.json);
        run.tally.exhausted += mem::replace(&mut run.state, fresh).exhausted();
        if let Err(error) = run.log(log, &read, &bar) {
            bar.suspend(|| eprintln!("banner: {}", table::escaped(&format!("{error:#}"))));
            unread += 1;
        }
    }
    bar.finish_and_clear();
    let Run {
        mut tally,
        kept,
        json,
        at,
        state,
        ..
    } = run;
    tally.exhausted += state.exhausted();
    if let Some(mut lines) = json {
        lines.flush();
    } else {
        if !journal {
            tally.forms = forms::seen(subject.filter.spec(), &kept, &zone, now);
        }
        let costs = timing::costs(&subject, &kept, &zone, at);
        report::report(&subject, &tally, &costs, test.top);
    }
    Ok(if unread > 0 {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// A run over all logs.
struct Run<'r> {
    filter: &'r Filter,
    state: FilterState,
    now: Wall,
    /// When lines were written that do not say so.
    at: Option<Wall>,
    /// Longer lines are cut.
    limit: usize,
    tally: Tally,
    kept: Kept,
    json: Option<output::Lines>,
}

impl Run<'_> {
    fn log(&mut self, log: &Log, read: &Arc<AtomicU64>, bar: &ProgressBar) -> anyhow::Result<()> {
        let mut input = log.open(read)?;
        let limit = self.limit;
        let mut sink = Reading {
            run: self,
            read,
            bar,
        };
        lines::each(&mut *input, limit, &mut sink)
            .map_err(|error| anyhow::anyhow!("{}: cannot read it: {error}", log.name()))
    }

    fn line(&mut self, bytes: &[u8], cut: bool) {
        let line = Line {
            bytes,
            cut,
            at: self.at,
        };
        let verdict = self.filter.judge_in(&mut self.state, line, self.now);
        self.tally.add(bytes, cut, &verdict);
        match &mut self.json {
            Some(lines) => lines.json(&Row::new(self.tally.lines, &verdict)),
            None => self.kept.add(bytes),
        }
    }
}

/// The reading of one log.
struct Reading<'a, 'r> {
    run: &'a mut Run<'r>,
    read: &'a AtomicU64,
    bar: &'a ProgressBar,
}

impl lines::Sink for Reading<'_, '_> {
    fn line(&mut self, line: &[u8], cut: bool) {
        self.run.line(line, cut);
    }

    fn wait(&mut self) {
        self.bar.set_position(self.read.load(Ordering::Relaxed));
        if let Some(lines) = &mut self.run.json {
            lines.flush();
        }
    }
}

/// Above this, reading takes long enough for a bar.
const LONG: u64 = 16 << 20;

/// A bar on standard error for long logs, where somebody looks on and no line of output is in its
/// way.
fn progress(logs: &[Log], json: bool) -> ProgressBar {
    let sizes: Option<u64> = logs.iter().map(Log::size).sum();
    let crossed = json && io::stdout().is_terminal();
    let Some(size) = sizes.filter(|size| *size >= LONG && !crossed) else {
        return ProgressBar::hidden();
    };
    // indicatif draws nothing where standard error is no terminal.
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    let template = "{bar:30} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left";
    bar.with_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    )
}
