//! The process that floods, and what it reports.

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
use nix::{
    sys::{
        time::TimeSpec,
        timerfd::{ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
    },
    time::{ClockId, clock_gettime},
};

use super::{
    cpus,
    scene::{self, Sender, Server},
};

/// The word that makes the bench this process.
pub(crate) const WORD: &str = "generate";

/// How long one call into the kernel takes when nothing limits the rate: long enough that its own
/// cost is nothing, short enough to end in time.
const CALL: Duration = Duration::from_millis(10);

/// How often a limited flood sends what has become due.
const TICK: Duration = Duration::from_millis(1);

/// What a limited flood may be behind before it gives up on the rest, in ticks: a network card's
/// ring overflows too.
const BACKLOG: u32 = 4;

/// A flood as its process is told it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) family: Family,
    /// The number of the first source.
    pub(crate) first: u32,
    pub(crate) sources: u32,
    pub(crate) fate: Fate,
    pub(crate) cpu: usize,
    /// Packets per second; `None` for as many as go.
    pub(crate) rate: Option<u32>,
    /// For how long packets are counted. The flood begins before, and ends a little later.
    pub(crate) time: Duration,
}

/// What a flood came to between the first and the last moment that were counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// Packets that the server's end took up.
    pub(crate) taken: u64,
    /// Packets that found its queue full.
    pub(crate) lost: u64,
    pub(crate) time: Duration,
}

impl Outcome {
    /// Packets per second.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 packets")]
    pub(crate) fn rate(self) -> f64 {
        self.taken as f64 / self.time.as_secs_f64()
    }
}

/// How long a flood goes on after it was last counted, so that several end while all still send.
const TAIL: Duration = Duration::from_millis(40);

/// Time since the machine started, without suspends; the same in all processes.
pub(crate) fn now() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_MONOTONIC)?.into())
}

/// What the process says when it was not ready when counting was to begin.
const LATE: &str = "late";

/// How long a process may take to start, to load its program and to fill the caches before packets
/// are counted.
const LEAD: Duration = Duration::from_millis(150);

/// How often a machine with too much to do is given twice that time.
const ATTEMPTS: u32 = 5;

/// Floods `server` in as many ways at once as there are orders, and returns what each came to.
/// Several on one server each count what its link took from all of them, over the same time.
pub(crate) fn flood(
    lab: &Lab,
    sender: &Sender,
    server: &Server,
    orders: &[Order],
) -> Result<Vec<Outcome>> {
    for attempt in 0..ATTEMPTS {
        let begin = now()? + LEAD * 2_u32.pow(attempt);
        let floods = orders
            .iter()
            .map(|&order| start(lab, sender, server, order, begin))
            .collect::<Result<Vec<_>>>()?;
        let outcomes = floods
            .into_iter()
            .map(finish)
            .collect::<Result<Option<Vec<_>>>>()?;
        if let Some(outcomes) = outcomes {
            return Ok(outcomes);
        }
    }
    bail!("the flood was not ready in time {ATTEMPTS} times: the machine has too much to do")
}

/// Starts a process whose packets are counted from `begin` on, in time since the machine started.
pub(crate) fn start(
    lab: &Lab,
    sender: &Sender,
    server: &Server,
    order: Order,
    begin: Duration,
) -> Result<Process> {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &order.cpu.to_string()]);
    if order.rate.is_some() {
        // As a network card's interrupts would, it comes before every process.
        command.args(["chrt", "--fifo", "10"]);
    }
    command
        .arg(env::current_exe()?)
        .arg(WORD)
        .arg(server.link())
        .arg(server.index.to_string())
        .arg(match order.family {
            Family::V4 => "v4",
            Family::V6 => "v6",
        })
        .arg(order.first.to_string())
        .arg(order.sources.to_string())
        .arg(match order.fate {
            Fate::Sent => "sent",
            Fate::Dropped => "dropped",
        })
        .arg(order.rate.unwrap_or(0).to_string())
        .arg(order.cpu.to_string())
        .arg(begin.as_nanos().to_string())
        .arg((begin + order.time).as_nanos().to_string());
    sender.namespace.inside(|| lab.spawn(WORD, &mut command))?
}

/// Waits for the end of the process; `None` when it was late.
pub(crate) fn finish(process: Process) -> Result<Option<Outcome>> {
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
    let [
        link,
        index,
        family,
        first,
        sources,
        fate,
        rate,
        cpu,
        begin,
        end,
    ] = words
    else {
        bail!("a generator is told ten things, not {words:?}");
    };
    let nanoseconds = |text: &str| -> Result<_> { Ok(Duration::from_nanos(text.parse()?)) };
    let family = match *family {
        "v4" => Family::V4,
        "v6" => Family::V6,
        _ => bail!("no family {family}"),
    };
    let fate = match *fate {
        "sent" => Fate::Sent,
        "dropped" => Fate::Dropped,
        _ => bail!("no fate {fate}"),
    };
    let mut generator = Generator::load(Flood {
        family,
        first: first.parse()?,
        sources: sources.parse()?,
        to: scene::MAC,
        destination: scene::address(family),
        fate,
    })?;
    generator.keep_warm(&scene::spare(cpu.parse()?))?;
    let flow = Flow {
        generator,
        index: index.parse()?,
        link,
        fate,
        made: 0,
    };
    let counted = (nanoseconds(begin)?, nanoseconds(end)?);
    if now()? >= counted.0 {
        writeln!(io::stdout(), "{LATE}")?;
        return Ok(());
    }
    let outcome = match rate.parse()? {
        0 => flow.unlimited(counted)?,
        rate => flow.limited(rate, counted)?,
    };
    writeln!(
        io::stdout(),
        "{} {} {}",
        outcome.taken,
        outcome.lost,
        outcome.time.as_nanos()
    )?;
    Ok(())
}

struct Flow<'a> {
    generator: Generator,
    index: u32,
    link: &'a str,
    fate: Fate,
    /// Packets so far.
    made: u64,
}

/// A moment, and what had been taken and lost by then.
type Sample = (Duration, u64, u64);

impl Flow<'_> {
    fn send(&mut self, packets: u32) -> Result<()> {
        self.generator.send(self.index, packets)?;
        self.made += u64::from(packets);
        Ok(())
    }

    fn sample(&self) -> Result<Sample> {
        let (taken, lost) = match self.fate {
            Fate::Dropped => (self.made, 0),
            Fate::Sent => counters(self.link)?,
        };
        Ok((now()?, taken, lost))
    }

    fn unlimited(mut self, counted: (Duration, Duration)) -> Result<Outcome> {
        let (mut first, mut last) = (None, None);
        let mut packets = 256;
        loop {
            let start = now()?;
            if start >= counted.0 && first.is_none() {
                first = Some(self.sample()?);
            }
            if start >= counted.1 && last.is_none() {
                last = Some(self.sample()?);
            }
            if start >= counted.1 + TAIL {
                return between(first, last);
            }
            self.send(packets)?;
            packets = fitting(packets, now()?.saturating_sub(start));
        }
    }

    fn limited(mut self, rate: u32, counted: (Duration, Duration)) -> Result<Outcome> {
        let timer = TimerFd::new(TimerClock::CLOCK_MONOTONIC, TimerFlags::empty())?;
        timer.set(
            Expiration::Interval(TimeSpec::from_duration(TICK)),
            TimerSetTimeFlags::empty(),
        )?;
        let (mut first, mut last) = (None, None);
        let mut due_from = now()?;
        loop {
            let start = now()?;
            if start >= counted.0 && first.is_none() {
                first = Some(self.sample()?);
            }
            if start >= counted.1 && last.is_none() {
                last = Some(self.sample()?);
            }
            if start >= counted.1 + TAIL {
                return between(first, last);
            }
            due_from = due_from.max(start.saturating_sub(TICK * BACKLOG));
            let due = u128::from(rate) * start.saturating_sub(due_from).as_nanos() / 1_000_000_000;
            if due > 0 {
                self.send(u32::try_from(due)?)?;
                due_from = start;
            }
            timer.wait()?;
        }
    }
}

/// How many packets take as long as a call should, when `packets` took `time`.
fn fitting(packets: u32, time: Duration) -> u32 {
    let fitting = u128::from(packets) * CALL.as_nanos() / time.as_nanos().max(1);
    // Not at once from very little: the first calls are slower than the rest.
    let most = u128::from(packets) * 8;
    u32::try_from(fitting.clamp(64, most)).unwrap_or(u32::MAX)
}

fn between(first: Option<Sample>, last: Option<Sample>) -> Result<Outcome> {
    let (first, last) = first.zip(last).context("the flood was not counted")?;
    Ok(Outcome {
        taken: last.1 - first.1,
        lost: last.2 - first.2,
        time: last.0.saturating_sub(first.0),
    })
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
