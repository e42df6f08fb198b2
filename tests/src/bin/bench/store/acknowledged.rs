//! Whether those of whom the agent says that they are banned are banned, when very many come at once.

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::Write as _,
    net::Ipv4Addr,
    path::Path,
    process::Stdio,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{lab::Lab, topology::Topology, wait::PATIENCE};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::{
    attack::{lines_v4, stamp},
    roomy,
};
use crate::table::{Samples, Table};

const ATTACKERS: u32 = 5000;
const RUNS: u32 = 5;
const FIRST: u32 = 0x0c00_0000;

pub(super) fn measure(
    lab: &Lab,
    topology: &Topology,
    state: &Path,
    table: &mut Table,
) -> Result<()> {
    let mut took = Vec::new();
    let (mut good, mut early) = (0, 0);
    for run in 0..RUNS {
        let log = lab.log("bench.log");
        File::create(&log)?;
        let seat = roomy(lab, topology, &state.join(run.to_string()))?;
        let mut command = seat.command("run");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = topology.server.inside(|| command.spawn())??;
        let mut said = Said::new(child.stderr.take().context("no pipe")?);
        while !said.more()?.contains("ready") {}
        let map = seat.pinned().bans4()?;
        let mut text = String::new();
        lines_v4(&mut text, &stamp()?, FIRST + run * ATTACKERS, 0..ATTACKERS);
        let mut log = OpenOptions::new().append(true).open(&log)?;
        let start = Instant::now();
        log.write_all(text.as_bytes())?;
        let mut banned = HashSet::new();
        let mut missing = 0;
        while banned.len() < ATTACKERS as usize {
            ensure!(start.elapsed() < PATIENCE, "{} are banned", banned.len());
            for host in said.more()?.lines().filter_map(banned_in) {
                missing += u32::from(map.get(&host.octets(), 0).is_err());
                banned.insert(host);
            }
        }
        took.push(start.elapsed());
        early += missing;
        good += u32::from(missing == 0 && map.keys().count() == banned.len());
        child.kill()?;
        child.wait()?;
        seat.run("detach")?.succeeded()?;
    }
    let took = Samples::new(took);
    let rate = f64::from(ATTACKERS) / took.percentile(50).as_secs_f64();
    table.row([
        format!("{ATTACKERS} attackers at once: said to be banned, and are"),
        format!(
            "{ATTACKERS} of {ATTACKERS} in {good} of {RUNS} runs, {early} said too early; to the \
             last: {took}, {rate:.0} bans/s"
        ),
        "5 000 of 5 000, 5 of 5".into(),
    ]);
    Ok(())
}

/// `… ban ADDRESS jail=…`
fn banned_in(line: &str) -> Option<Ipv4Addr> {
    let mut words = line.split_whitespace();
    words.find(|word| *word == "ban")?;
    words.next()?.parse().ok()
}

/// What a process says, in whole lines, as it comes.
struct Said<R> {
    from: R,
    text: String,
}

impl<R: std::io::Read + std::os::fd::AsFd> Said<R> {
    fn new(from: R) -> Self {
        Self {
            from,
            text: String::new(),
        }
    }

    fn more(&mut self) -> Result<String> {
        let mut pipe = [PollFd::new(self.from.as_fd(), PollFlags::POLLIN)];
        let patience = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::MAX);
        ensure!(poll(&mut pipe, patience)? > 0, "it says nothing more");
        let mut bytes = [0; 1 << 14];
        let count = self.from.read(&mut bytes)?;
        ensure!(count > 0, "it has ended: {}", self.text);
        self.text.push_str(std::str::from_utf8(&bytes[..count])?);
        let whole = self.text.rfind('\n').map_or(0, |at| at + 1);
        Ok(self.text.drain(..whole).collect())
    }
}
