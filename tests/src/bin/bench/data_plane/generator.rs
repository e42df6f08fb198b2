//! The process that floods as fast as it can, and what it reports.

use std::{
    env, fs,
    io::{self, Write as _},
    process::Command,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use banner_tests::{
    flood::{Fate, Flood, Generator},
    lab::Lab,
    process::Process,
    topology::Family,
    wait::PATIENCE,
};
use nix::time::{ClockId, clock_gettime};

use super::scene::{self, Sender, Server};

/// The word that makes the bench this process.
pub(crate) const WORD: &str = "generate";

/// How long one call into the kernel takes: long enough that its own cost is nothing, short enough
/// to end in time.
const CALL: Duration = Duration::from_millis(10);

/// How long a flood goes on after it was last counted, so that several end while all still send.
const TAIL: Duration = Duration::from_millis(40);

/// How long a process may take to start, to load its program and to fill the caches before packets
/// are counted.
const LEAD: Duration = Duration::from_millis(150);

/// How often a machine with too much to do is given twice that time.
const ATTEMPTS: u32 = 5;

/// What the process says when it did not get the time that it takes.
const LATE: &str = "late";

/// What to send, and from which CPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) family: Family,
    /// The number of the first source.
    pub(crate) first: u32,
    pub(crate) sources: u32,
    pub(crate) fate: Fate,
    pub(crate) cpu: usize,
}

impl Order {
    /// The first arguments of a process with this order, after its word.
    pub(super) fn words(self, server: &Server) -> Vec<String> {
        let fate = match self.fate {
            Fate::Sent => "sent",
            Fate::Dropped => "dropped",
        };
        vec![
            server.index.to_string(),
            server.address(self.family).to_string(),
            self.first.to_string(),
            self.sources.to_string(),
            fate.to_owned(),
            self.cpu.to_string(),
        ]
    }
}

/// A process's generator, loaded, and the number of the interface that it sends through.
pub(super) fn loaded(words: [&str; 6]) -> Result<(Generator, u32)> {
    let [index, destination, first, sources, fate, cpu] = words;
    let destination = destination.parse()?;
    let mut generator = Generator::load(Flood {
        first: first.parse()?,
        sources: sources.parse()?,
        to: scene::MAC,
        destination,
        fate: match fate {
            "sent" => Fate::Sent,
            "dropped" => Fate::Dropped,
            _ => bail!("no fate {fate}"),
        },
    })?;
    generator.keep_warm(&scene::spare(cpu.parse()?))?;
    Ok((generator, index.parse()?))
}

/// What a flood came to while it was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Packets that the server's end took up.
    taken: u64,
    /// Packets that found its queue full.
    pub(crate) lost: u64,
    time: Duration,
}

impl Outcome {
    /// Packets per second that were taken up.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 packets")]
    pub(crate) fn rate(self) -> f64 {
        self.taken as f64 / self.time.as_secs_f64()
    }
}

/// Time since the machine started, without suspends; the same in all processes.
pub(super) fn now() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into())
}

/// Floods `server` with all orders at once, and counts for `time` what the link takes from all of
/// them. `None` when the machine has too much to do.
pub(crate) fn flood(
    lab: &Lab,
    sender: &Sender,
    server: &Server,
    orders: &[Order],
    time: Duration,
) -> Result<Option<Outcome>> {
    for attempt in 0..ATTEMPTS {
        let begin = now()? + LEAD * 2_u32.pow(attempt);
        let floods = orders
            .iter()
            .map(|&order| start(lab, sender, server, order, (begin, begin + time)))
            .collect::<Result<Vec<_>>>()?;
        let outcomes = floods
            .into_iter()
            .map(finish)
            .collect::<Result<Option<Vec<_>>>>()?;
        if let Some(outcomes) = outcomes {
            return Ok(outcomes.first().copied());
        }
    }
    Ok(None)
}

fn start(
    lab: &Lab,
    sender: &Sender,
    server: &Server,
    order: Order,
    counted: (Duration, Duration),
) -> Result<Process> {
    let mut command = Command::new("taskset");
    command
        .args(["--cpu-list", &order.cpu.to_string()])
        // For the sake of machines that are not as quiet as they should be.
        .args(["nice", "-n", "-20"])
        .arg(env::current_exe()?)
        .arg(WORD)
        .args(order.words(server))
        .arg(server.link())
        .arg(counted.0.as_nanos().to_string())
        .arg(counted.1.as_nanos().to_string());
    sender.namespace.inside(|| lab.spawn(WORD, &mut command))?
}

/// Waits for the end of the process; `None` when it was late.
fn finish(process: Process) -> Result<Option<Outcome>> {
    let finished = process.finish(PATIENCE)?.succeeded()?;
    if finished.stdout.trim() == LATE {
        return Ok(None);
    }
    let figures: Vec<u64> = finished
        .stdout
        .split_whitespace()
        .map(u64::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("figures of a flood: {}", finished.stdout))?;
    let [taken, lost, nanoseconds] = figures[..] else {
        bail!("a flood reported {:?}", finished.stdout);
    };
    Ok(Some(Outcome {
        taken,
        lost,
        time: Duration::from_nanos(nanoseconds),
    }))
}

/// The process itself.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let &[index, to, first, sources, fate, cpu, link, begin, end] = words else {
        bail!("a generator is told nine things, not {words:?}");
    };
    let nanoseconds = |text: &str| -> Result<_> { Ok(Duration::from_nanos(text.parse()?)) };
    let (begin, end) = (nanoseconds(begin)?, nanoseconds(end)?);
    let (generator, index) = loaded([index, to, first, sources, fate, cpu])?;
    if now()? >= begin {
        writeln!(io::stdout(), "{LATE}")?;
        return Ok(());
    }
    let mut made = 0;
    // The moment, and what had been taken and lost by then.
    let sample = |made| -> Result<(Duration, u64, u64)> {
        let (taken, lost) = match fate {
            "dropped" => (made, 0),
            _ => counters(link)?,
        };
        Ok((now()?, taken, lost))
    };
    let (mut first, mut last) = (None, None);
    let mut packets = 256;
    loop {
        let start = now()?;
        if start >= begin && first.is_none() {
            first = Some(sample(made)?);
        }
        if start >= end && last.is_none() {
            last = Some(sample(made)?);
        }
        if start >= end + TAIL {
            break;
        }
        generator.send(index, packets)?;
        made += u64::from(packets);
        packets = fitting(packets, now()?.saturating_sub(start));
    }
    let (first, last) = first.zip(last).context("the flood was not counted")?;
    if first.1 == last.1 {
        // It got no time at all while it was counted.
        writeln!(io::stdout(), "{LATE}")?;
        return Ok(());
    }
    writeln!(
        io::stdout(),
        "{} {} {}",
        last.1 - first.1,
        last.2 - first.2,
        last.0.saturating_sub(first.0).as_nanos()
    )?;
    Ok(())
}

/// How many packets take as long as a call should, when `packets` took `time`.
fn fitting(packets: u32, time: Duration) -> u32 {
    let fitting = u128::from(packets) * CALL.as_nanos() / time.as_nanos().max(1);
    // Not at once from very little: the first calls are slower than the rest.
    let most = u128::from(packets) * 8;
    u32::try_from(fitting.clamp(64, most)).unwrap_or(u32::MAX)
}

/// Packets that the other end of the link has taken up, and those that found its queue full.
fn counters(link: &str) -> Result<(u64, u64)> {
    let text = fs::read_to_string("/proc/thread-self/net/dev")?;
    let counts = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(link)?.strip_prefix(':'))
        .with_context(|| format!("no interface {link}"))?;
    // Eight figures of what came in, then of what went out: bytes, packets, errors, dropped.
    let figures: Vec<u64> = counts
        .split_whitespace()
        .map(u64::from_str)
        .collect::<Result<_, _>>()?;
    match figures[..] {
        [_, _, _, _, _, _, _, _, _, packets, _, dropped, ..] => Ok((packets, dropped)),
        _ => bail!("what {link} counts has changed: {counts}"),
    }
}
