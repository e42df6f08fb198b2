//! Start and stop with a million bans, from what [`super::rate`] has left.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use banner_tests::{agent::Seat, lab::Lab, topology::Topology};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{rate::EACH, roomy};
use crate::table::{Samples, Table};

const ROUNDS: usize = 5;

pub(super) fn measure(
    lab: &Lab,
    topology: &Topology,
    state: &Path,
    table: &mut Table,
) -> Result<()> {
    let seat = roomy(lab, topology, state)?;
    fs::File::create(lab.log("bench.log"))?;
    let (mut empty, mut full, mut stop) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        // What a reboot leaves.
        for name in seat.pinned().names()? {
            fs::remove_file(seat.pins.join(name))?;
        }
        let (started, stopped) = once(&seat, topology)?;
        empty.push(started);
        stop.push(stopped);
        let (started, stopped) = once(&seat, topology)?;
        full.push(started);
        stop.push(stopped);
    }
    for (what, samples, target) in [
        ("start, maps empty: exec to all in force", empty, "2 s"),
        ("start, over full maps", full, "2 s"),
        ("stop", stop, "0.2 s"),
    ] {
        table.row([
            format!("a million bans: {what}"),
            Samples::new(samples).to_string(),
            target.into(),
        ]);
    }
    let bytes: u64 = ["banner.db", "banner.db-wal"]
        .iter()
        .filter_map(|name| Some(fs::metadata(state.join(name)).ok()?.len()))
        .sum();
    table.row([
        "a million bans: store, lines and log of transactions included".into(),
        format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
        "150 MB".into(),
    ]);
    Ok(())
}

/// Starts an agent and stops it: how long each took.
fn once(seat: &Seat<'_>, topology: &Topology) -> Result<(Duration, Duration)> {
    let mut command = seat.command("run");
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let begin = Instant::now();
    let mut child = topology.server.inside(|| command.spawn())??;
    let mut lines = BufReader::new(child.stderr.take().context("no pipe")?).lines();
    let mut said = String::new();
    let ready = loop {
        let Some(line) = lines.next() else {
            child.wait()?;
            bail!("it was never ready: {said}");
        };
        let line = line?;
        if line.split_whitespace().any(|word| word == "ready") {
            break line;
        }
        said.push_str(&line);
    };
    let started = begin.elapsed();
    let all = format!("{} bans in force", 2 * EACH);
    ensure!(ready.contains(&all), "{ready}");
    let held = seat.pinned().bans()?;
    ensure!(held == 2 * EACH as usize, "{held} are in the maps");
    let begin = Instant::now();
    kill(Pid::from_raw(i32::try_from(child.id())?), Signal::SIGTERM)?;
    let status = child.wait()?;
    ensure!(status.success(), "{status}");
    Ok((started, begin.elapsed()))
}
