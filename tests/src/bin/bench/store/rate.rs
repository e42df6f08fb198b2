//! How many bans a second a whole agent makes of a log, and keeps.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io::Write as _,
    net::Ipv4Addr,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{lab::Lab, topology::Topology, wait::PATIENCE};

use super::{
    attack::{lines_v4, lines_v6, stamp, v4},
    roomy,
};
use crate::table::{Samples, Table, short};

/// Bans of each family.
pub(super) const EACH: u32 = 500_000;

/// Bans a second at first.
const WANTED: u32 = 20_000;

/// For how long.
const TIME: u32 = 12;

/// Bans of each family in one write: one each millisecond.
const AT_ONCE: u32 = WANTED / 2 / 1000;

/// The first attacker: of a network that nobody uses.
const FIRST: u32 = 0x0b00_0000;

/// Leaves an agent's store with a million bans in `state`.
pub(super) fn measure(
    lab: &Lab,
    topology: &Topology,
    state: &Path,
    table: &mut Table,
) -> Result<()> {
    let log = lab.log("bench.log");
    File::create(&log)?;
    let seat = roomy(lab, topology, state)?;
    let agent = seat.start()?;
    let mut log = OpenOptions::new().append(true).open(&log)?;
    let map = seat.pinned().bans4()?;
    let is_in = |host: Ipv4Addr| map.get(&host.octets(), 0).is_ok();
    let stamp = stamp()?;

    let mut out: VecDeque<(Ipv4Addr, Instant)> = VecDeque::new();
    let mut samples = Vec::new();
    let start = Instant::now();
    let writes = TIME * 1000;
    for number in 0..writes {
        let due = start + Duration::from_millis(u64::from(number));
        loop {
            while let Some(&(host, written)) = out.front()
                && is_in(host)
            {
                samples.push(written.elapsed());
                out.pop_front();
            }
            if Instant::now() >= due {
                break;
            }
        }
        let mut text = String::new();
        let hosts = number * AT_ONCE..(number + 1) * AT_ONCE;
        lines_v6(&mut text, &stamp, hosts.clone());
        lines_v4(&mut text, &stamp, FIRST, hosts.clone());
        out.push_back((v4(FIRST, hosts.end - 1), Instant::now()));
        log.write_all(text.as_bytes())?;
    }
    let written = Instant::now();
    while let Some(&(host, at)) = out.front() {
        if is_in(host) {
            samples.push(at.elapsed());
            out.pop_front();
        }
        ensure!(written.elapsed() < PATIENCE, "the agent does not catch up");
    }
    let took = start.elapsed();
    let bans = f64::from(2 * writes * AT_ONCE);
    table.row([
        format!("{WANTED} attackers a second, {TIME} s"),
        format!(
            "{:.0} bans/s; {}",
            bans / took.as_secs_f64(),
            Samples::new(samples)
        ),
        "20 000 bans/s".into(),
    ]);

    let rest = writes * AT_ONCE..EACH;
    let many = f64::from(2 * (EACH - rest.start));
    let pieces: Vec<String> = (rest.step_by(1000))
        .map(|first| {
            let hosts = first..EACH.min(first + 1000);
            let mut text = String::new();
            lines_v6(&mut text, &stamp, hosts.clone());
            lines_v4(&mut text, &stamp, FIRST, hosts);
            text
        })
        .collect();
    let start = Instant::now();
    for piece in &pieces {
        log.write_all(piece.as_bytes())?;
    }
    while !is_in(v4(FIRST, EACH - 1)) {
        ensure!(start.elapsed() < PATIENCE, "the agent does not catch up");
    }
    let took = start.elapsed();
    table.row([
        format!("{many} attackers at once"),
        format!("{:.0} bans/s, {}", many / took.as_secs_f64(), short(took)),
        "-".into(),
    ]);
    let stop = Instant::now();
    ensure!(agent.terminate()?.success(), "the agent failed");
    table.row([
        "stop right behind that".into(),
        short(stop.elapsed()),
        "0.2 s".into(),
    ]);
    let held = seat.pinned().bans()?;
    ensure!(held == 2 * EACH as usize, "{held} are in the maps");
    seat_is_kept(state).context("the store of a million bans")
}

fn seat_is_kept(state: &Path) -> Result<()> {
    let bytes = std::fs::metadata(state.join("banner.db"))?.len();
    ensure!(bytes > 0, "it is empty");
    Ok(())
}
