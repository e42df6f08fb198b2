//! A flood at a fixed rate, as the network would send it whatever becomes of it.

use std::{
    env,
    io::{self, Write as _},
    process::Command,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use banner_tests::{
    lab::Lab,
    process::Process,
    wait::{PATIENCE, wait_for},
};
use nix::sys::{
    time::{TimeSpec, TimeValLike as _},
    timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags},
};

use super::{
    generator::{Order, loaded, now},
    scene::{Sender, Server},
};

/// The word that makes the bench this process.
pub(crate) const WORD: &str = "pace";

/// How often it sends what has become due.
const TICK: Duration = Duration::from_millis(1);

/// How far it may be behind before it gives up on the rest: the ring of a network card overflows
/// too.
const BACKLOG: Duration = Duration::from_millis(4);

/// How often it reports.
const REPORT: Duration = Duration::from_millis(50);

/// A flood that goes on until it is stopped or dropped.
pub(crate) struct Paced {
    process: Process,
    begin: Report,
}

/// How many packets had been made by when.
#[derive(Clone, Copy, Debug)]
struct Report {
    packets: u64,
    time: Duration,
}

impl Paced {
    /// Starts it at `rate` packets per second, and waits until it sends.
    ///
    /// It comes before every other process on its CPU, as a network card's interrupts do.
    pub(crate) fn start(
        lab: &Lab,
        sender: &Sender,
        server: &Server,
        order: Order,
        rate: u32,
    ) -> Result<Self> {
        let mut command = Command::new("taskset");
        command
            .args(["--cpu-list", &order.cpu.to_string()])
            .args(["chrt", "--fifo", "10"])
            .arg(env::current_exe()?)
            .arg(WORD)
            .args(order.words(server))
            .arg(rate.to_string());
        let mut process = sender
            .namespace
            .inside(|| lab.spawn(WORD, &mut command))??;
        let begin = wait_for("the flood to begin", PATIENCE, || {
            if let Some(status) = process.ended()? {
                bail!("it ended ({status}): {}", process.stderr()?);
            }
            last(&process)
        })?;
        Ok(Self { process, begin })
    }

    /// Stops it, and says how many packets per second it made since it had begun.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52 packets")]
    pub(crate) fn stop(self) -> Result<f64> {
        let end = last(&self.process)?.context("a flood that has begun")?;
        let packets = end.packets - self.begin.packets;
        let time = end.time.saturating_sub(self.begin.time).max(REPORT);
        Ok(packets as f64 / time.as_secs_f64())
    }
}

/// The last report.
fn last(process: &Process) -> Result<Option<Report>> {
    let text = process.stdout()?;
    // Without the last piece: a line is complete only with its newline.
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let Some(line) = complete.lines().last() else {
        return Ok(None);
    };
    let figures: Vec<u64> = line
        .split(' ')
        .map(u64::from_str)
        .collect::<Result<_, _>>()
        .with_context(|| format!("figures of a flood: {line}"))?;
    let [packets, nanoseconds] = figures[..] else {
        bail!("a flood reported {line:?}");
    };
    Ok(Some(Report {
        packets,
        time: Duration::from_nanos(nanoseconds),
    }))
}

/// The process itself.
pub(crate) fn run(words: &[&str]) -> Result<()> {
    let &[index, to, first, sources, fate, cpu, rate] = words else {
        bail!("a paced flood is told seven things, not {words:?}");
    };
    let rate: u32 = rate.parse()?;
    let (generator, index) = loaded([index, to, first, sources, fate, cpu])?;
    let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, TimerFlags::empty())?;
    let tick = TimeSpec::nanoseconds(i64::try_from(TICK.as_nanos())?);
    timer.set(Expiration::Interval(tick), TimerSetTimeFlags::empty())?;
    let mut packets = 0;
    let (mut sent, mut reported) = (now()?, now()?);
    loop {
        let now = now()?;
        sent = sent.max(now.saturating_sub(BACKLOG));
        let due = u128::from(rate) * now.saturating_sub(sent).as_nanos() / 1_000_000_000;
        if due > 0 {
            let due = u32::try_from(due)?;
            generator.send(index, due)?;
            packets += u64::from(due);
            sent = now;
        }
        if now.saturating_sub(reported) >= REPORT {
            writeln!(io::stdout(), "{packets} {}", now.as_nanos())?;
            reported = now;
        }
        timer.wait()?;
    }
}
