//! What an agent with nothing to do costs.

use std::{
    fmt::Write as _,
    fs::{self, File},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use banner_tests::{
    lab::Lab,
    topology::Topology,
    wait::{PATIENCE, wait_until},
};

use super::{seat, table::Table};

const JAILS: usize = 20;
const WATCHED: Duration = Duration::from_secs(10);

/// What the kernel counts of a process, over all its threads.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Usage {
    wake_ups: u64,
    /// In units of 10 ms.
    ticks: u64,
    resident_kib: u64,
    peak_kib: u64,
}

pub(crate) fn measure(lab: &Lab, topology: &Topology, table: &mut Table) -> Result<()> {
    let mut config = String::from("jails:\n");
    for n in 0..JAILS {
        let log = lab.log(&format!("quiet-{n}.log"));
        File::create(&log)?;
        writeln!(
            config,
            "  jail-{n}: {{ filter: sshd, logs: [{}] }}",
            log.display()
        )?;
    }
    let seat = seat(lab, topology, &config)?;
    let agent = seat.start()?;
    let floor = lab.spawn("sleep", Command::new("sleep").arg("infinity"))?;
    settle(agent.id())?;
    let (before, floor_before) = (Usage::of(agent.id())?, Usage::of(floor.id())?);
    let start = Instant::now();
    wait_until("the time to pass", PATIENCE + WATCHED, || {
        Ok(start.elapsed() >= WATCHED)
    })?;
    let (after, floor_after) = (Usage::of(agent.id())?, Usage::of(floor.id())?);
    let since = |after: Usage, before: Usage| {
        format!(
            "{} wake-ups and {} ms CPU in {} s",
            after.wake_ups - before.wake_ups,
            (after.ticks - before.ticks) * 10,
            WATCHED.as_secs()
        )
    };
    table.row([
        format!("idle, {JAILS} jails"),
        since(after, before),
        since(floor_after, floor_before),
        "no wake-ups".into(),
    ]);
    let memory = |usage: Usage| {
        let mib = |kib: u64| {
            format!(
                "{}.{} MB",
                kib * 1024 / 1_000_000,
                kib * 1024 / 100_000 % 10
            )
        };
        format!(
            "{} resident, {} at the most",
            mib(usage.resident_kib),
            mib(usage.peak_kib)
        )
    };
    table.row([
        format!("memory, {JAILS} jails"),
        memory(after),
        memory(floor_after),
        "20 MB".into(),
    ]);
    agent.terminate()?;
    seat.run("detach")?.succeeded()?;
    Ok(())
}

/// Waits until nothing has happened for a second.
fn settle(process: u32) -> Result<()> {
    let mut last = (Usage::of(process)?, Instant::now());
    wait_until("the agent to be idle", PATIENCE, || {
        let usage = Usage::of(process)?;
        if usage != last.0 {
            last = (usage, Instant::now());
        }
        Ok(last.1.elapsed() >= Duration::from_secs(1))
    })
}

impl Usage {
    fn of(process: u32) -> Result<Self> {
        let mut wake_ups = 0;
        for thread in fs::read_dir(format!("/proc/{process}/task"))? {
            let status = fs::read_to_string(thread?.path().join("status"))?;
            wake_ups += field(&status, "voluntary_ctxt_switches")?;
            wake_ups += field(&status, "nonvoluntary_ctxt_switches")?;
        }
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        // Fields 14 and 15 of proc_pid_stat(5), counted behind the name, which ends with `) `.
        let behind = stat.rsplit_once(") ").context("no name in stat")?.1;
        let ticks = behind
            .split(' ')
            .skip(11)
            .take(2)
            .filter_map(|ticks| ticks.parse::<u64>().ok());
        Ok(Self {
            wake_ups,
            ticks: ticks.sum(),
            resident_kib: field(&status, "VmRSS")?,
            peak_kib: field(&status, "VmHWM")?,
        })
    }
}

fn field(status: &str, name: &str) -> Result<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("no {name}"))
}
