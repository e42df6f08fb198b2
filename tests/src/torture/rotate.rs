//! Rotations at random against a writer at full speed.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use banner_userspace::{
    model::{LogId, Mono},
    source::{Progress, Tail, TailOptions},
};
use nix::poll::{PollFd, PollFlags, poll};

use super::Dice;

/// Longer than everything takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// How many files the reader may be behind: fewer than it follows.
const BEHIND: usize = 7;

/// Of each generation of the log: how many lines were written, and whether it was truncated.
type Written = Vec<(u64, bool)>;

/// How much, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often the log is rotated.
    pub rotations: u32,
    /// Of what is chosen at random.
    pub seed: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Lines that were written.
    pub lines: u64,
    /// Renames, deletions, and how many of the renamed were compressed.
    pub renamed: u64,
    /// Deleted while it was written to.
    pub deleted: u64,
    /// Compressed and removed after they were renamed.
    pub compressed: u64,
    /// Truncated after they were copied.
    pub truncated: u64,
    /// Lines that were truncated before anybody could read them: the last ones of their generation.
    pub gone: u64,
    /// How long it took.
    pub took: Duration,
}

/// The writer: it goes on in the file that it has open until it is told to open the log anew.
struct Pen {
    file: File,
    written: Written,
}

/// How far the reader is.
#[derive(Debug, Default)]
struct Reader {
    /// How often it has looked.
    looks: AtomicU64,
    /// The generation of the last line that it has read.
    generation: AtomicUsize,
}

struct Rotor {
    log: PathBuf,
    dice: Dice,
    pen: Arc<Mutex<Pen>>,
    reader: Arc<Reader>,
    outcome: Outcome,
}

/// Rotates a log as often as the plan says. Every line has to be read once and in order, but for the last
/// ones before a truncation.
pub fn run(folder: &Path, plan: Plan) -> Result<Outcome> {
    let log = folder.join("log");
    let pen = Arc::new(Mutex::new(Pen {
        file: open(&log)?,
        written: vec![(0, false)],
    }));
    let (reader, stop) = (Arc::<Reader>::default(), Arc::<AtomicBool>::default());
    let start = Instant::now();
    let mut seen: Vec<u64> = Vec::new();
    let outcome = thread::scope(|scope| -> Result<Outcome> {
        let reading = {
            let (reader, stop) = (&reader, &stop);
            let tail = tail(&log)?;
            scope.spawn(move || read(tail, reader, stop, start))
        };
        let writing = scope.spawn(|| write(&pen, &stop));
        let mut rotor = Rotor {
            log,
            dice: Dice::new(plan.seed),
            pen: Arc::clone(&pen),
            reader: Arc::clone(&reader),
            outcome: Outcome::default(),
        };
        let rotated = (0..plan.rotations).try_for_each(|_| rotor.rotate());
        stop.store(true, Ordering::SeqCst);
        writing
            .join()
            .map_err(|_| anyhow::anyhow!("the writer"))??;
        let read = reading.join().map_err(|_| anyhow::anyhow!("the reader"))?;
        rotated?;
        seen = read?;
        Ok(rotor.outcome)
    })?;
    let written = &lock(&pen).written;
    compare(written, &seen, outcome, start.elapsed()).with_context(|| format!("seed {}", plan.seed))
}

fn compare(written: &Written, seen: &[u64], outcome: Outcome, took: Duration) -> Result<Outcome> {
    let mut outcome = Outcome { took, ..outcome };
    for (generation, &(lines, truncated)) in written.iter().enumerate() {
        let found = seen.get(generation).copied().unwrap_or(0);
        outcome.lines += lines;
        if truncated {
            ensure!(found <= lines, "{found} of {lines} lines of {generation}");
            outcome.gone += lines - found;
        } else {
            ensure!(
                found == lines,
                "{found} of {lines} lines of generation {generation} of {}",
                written.len()
            );
        }
    }
    ensure!(seen.len() <= written.len(), "lines of nobody");
    Ok(outcome)
}

fn tail(log: &Path) -> Result<Tail> {
    let logs = [(LogId(0), log.display().to_string())];
    let options = TailOptions {
        max_line: 1024,
        resume: Vec::new(),
        records: Default::default(),
    };
    Tail::open(&logs, options).context("open the log")
}

/// How many lines of each generation were seen; fails when one comes out of order, or twice.
fn read(mut tail: Tail, reader: &Reader, stop: &AtomicBool, start: Instant) -> Result<Vec<u64>> {
    let mut seen: Vec<u64> = Vec::new();
    let mut wrong = None;
    let mut idle_since_stop = 0;
    while idle_since_stop < 3 {
        // Before the look, so that what was written by then is in it.
        let stopped = stop.load(Ordering::SeqCst);
        let since = u64::try_from(start.elapsed().as_nanos())?;
        let progress = tail.poll(Mono(since), 1 << 20, &mut |chunk| {
            for line in chunk.bytes.split(|&byte| byte == b'\n') {
                if line.is_empty() || wrong.is_some() {
                    continue;
                }
                let text = String::from_utf8_lossy(line);
                if let Err(error) = take(&mut seen, &text, chunk.cut) {
                    wrong = Some(error);
                }
            }
        });
        let last = seen.len().saturating_sub(1);
        reader.generation.store(last, Ordering::SeqCst);
        reader.looks.fetch_add(1, Ordering::SeqCst);
        if let Some(error) = wrong.take() {
            return Err(error);
        }
        if let Progress::Idle { .. } = progress {
            idle_since_stop += u32::from(stopped);
            let mut wait = [PollFd::new(tail.as_fd(), PollFlags::POLLIN)];
            poll(&mut wait, 5u8)?;
        }
    }
    Ok(seen)
}

/// `GENERATION NUMBER`, each number once and in order.
fn take(seen: &mut Vec<u64>, line: &str, cut: bool) -> Result<()> {
    if cut {
        // The end of it was truncated away.
        return Ok(());
    }
    let mut words = line.split(' ').map(str::parse::<u64>);
    let (Some(Ok(generation)), Some(Ok(number))) = (words.next(), words.next()) else {
        bail!("{line:?} was never written");
    };
    let generation = usize::try_from(generation)?;
    if seen.len() <= generation {
        seen.resize(generation + 1, 0);
    }
    let next = &mut seen[generation];
    ensure!(
        number == *next,
        "line {number} of generation {generation} comes where {next} should"
    );
    *next += 1;
    Ok(())
}

fn write(pen: &Mutex<Pen>, stop: &AtomicBool) -> Result<()> {
    while !stop.load(Ordering::SeqCst) {
        let mut pen = lock(pen);
        let generation = pen.written.len() - 1;
        let number = pen.written[generation].0;
        let mut text = Vec::new();
        for number in number..number + 20 {
            writeln!(text, "{generation} {number} {:-<60}", "")?;
        }
        pen.file.write_all(&text)?;
        pen.written[generation].0 += 20;
        drop(pen);
        // Others want the lock, too.
        thread::yield_now();
    }
    Ok(())
}

impl Rotor {
    fn rotate(&mut self) -> Result<()> {
        match self.dice.below(10) {
            0..4 => self.rename(false),
            4..6 => self.rename(true),
            6..8 => self.delete(),
            _ => self.truncate(),
        }?;
        // What has a log's name for less time than it takes to look is nobody's log.
        self.wait_for_looks(3)?;
        // And of the files that lost it, eight are followed.
        let newest = lock(&self.pen).written.len();
        wait_until(|| self.reader.generation.load(Ordering::SeqCst) + BEHIND >= newest)
    }

    fn wait_for_looks(&self, count: u64) -> Result<()> {
        let looks = || self.reader.looks.load(Ordering::SeqCst);
        let enough = looks() + count;
        wait_until(|| looks() >= enough)
    }

    fn name(&self, n: u32) -> PathBuf {
        self.log.with_extension(n.to_string())
    }

    fn rename(&mut self, compress: bool) -> Result<()> {
        for n in (1..5).rev() {
            if self.name(n).exists() {
                fs::rename(self.name(n), self.name(n + 1))?;
            }
        }
        fs::rename(&self.log, self.name(1))?;
        self.outcome.renamed += 1;
        let late = self.dice.below(2) == 0;
        if late {
            // The writer goes on in the renamed file for a while.
            self.wait_for_looks(self.dice.clone().below(3))?;
        }
        self.reopen()?;
        if compress {
            self.wait_for_looks(1)?;
            let from = self.name(1);
            // What a compressor does with names; with which bytes is nobody's business here.
            let to = from.with_added_extension("gz");
            let mut bytes = Vec::new();
            File::open(&from)?.read_to_end(&mut bytes)?;
            fs::write(to, &bytes[..bytes.len() / 10])?;
            fs::remove_file(from)?;
            self.outcome.compressed += 1;
        }
        Ok(())
    }

    fn delete(&mut self) -> Result<()> {
        fs::remove_file(&self.log)?;
        self.outcome.deleted += 1;
        self.reopen()
    }

    /// As `copytruncate` does: between the copy and the truncation nobody holds the writer.
    fn truncate(&mut self) -> Result<()> {
        fs::copy(&self.log, self.name(9))?;
        let mut pen = lock(&self.pen);
        pen.file.set_len(0)?;
        if let Some((_, truncated)) = pen.written.last_mut() {
            *truncated = true;
        }
        pen.written.push((0, false));
        self.outcome.truncated += 1;
        Ok(())
    }

    fn reopen(&self) -> Result<()> {
        let file = open(&self.log)?;
        let mut pen = lock(&self.pen);
        pen.file = file;
        pen.written.push((0, false));
        Ok(())
    }
}

fn wait_until(met: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !met() {
        ensure!(start.elapsed() < PATIENCE, "the reader stands still");
        thread::park_timeout(Duration::from_micros(100));
    }
    Ok(())
}

fn lock(pen: &Mutex<Pen>) -> std::sync::MutexGuard<'_, Pen> {
    pen.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(log: &Path) -> Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(log);
    file.with_context(|| format!("open {}", log.display()))
}
