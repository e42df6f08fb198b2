//! What bans take of the kernel's memory, by its own accounting, and the agent of the machine's.

use std::{
    fs::{self, File},
    os::fd::{AsFd as _, AsRawFd as _},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use aya::maps::Map;
use banner_common::{BANS4, BANS6};
use banner_tests::{
    bpf::Object,
    lab::{self, Lab},
    netns::Namespace,
    topology::{Family, Topology},
};

use super::{
    Pace, bans,
    figures::{Target, digits},
    peers,
    receiver::{Bans, ipset_restore},
};
use crate::{seat, table::Table};

/// Bytes of kernel memory for each IPv4 ban, at the most.
const LIMIT: f64 = 100.0;

pub(crate) fn measure(pace: Pace) -> Result<()> {
    let count = pace.pick(1_000_000, 100_000);
    let mut table = Table::new(["memory", "bytes", "per ban", "target"]);
    for family in [Family::V4, Family::V6] {
        let bans = Bans { family, count };
        banner(bans, &mut table)?;
        ipset(bans, &mut table)?;
        table.row([
            format!("nftables, a set of {count} bans, {family:?}"),
            "the kernel keeps no account".into(),
            "-".into(),
            "-".into(),
        ]);
    }
    lab::run(|lab| agent(lab, count, &mut table))?;
    println!("\n## Memory\n\n{table}");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 bytes")]
fn per_ban(bytes: u64, count: u32) -> f64 {
    bytes as f64 / f64::from(count)
}

/// A map with exactly that room, full.
fn banner(wanted: Bans, table: &mut Table) -> Result<()> {
    let mut object = Object::load_with_room(wanted.count)?;
    bans::fill(&mut object, wanted)?;
    let name = match wanted.family {
        Family::V4 => BANS4,
        Family::V6 => BANS6,
    };
    let Map::HashMap(map) = object.map(name)? else {
        anyhow::bail!("{name} is no hash map");
    };
    let descriptor = map.fd().as_fd().as_raw_fd();
    let path = format!("/proc/self/fdinfo/{descriptor}");
    let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let bytes = number(&text, "memlock:")?;
    let figure = per_ban(bytes, wanted.count);
    table.row([
        format!(
            "banner, {name} with room for {}, full (memlock in fdinfo)",
            wanted.count
        ),
        bytes.to_string(),
        digits(figure),
        match wanted.family {
            Family::V4 => Target::AtMost(LIMIT).verdict(figure),
            Family::V6 => "-".into(),
        },
    ]);
    Ok(())
}

fn ipset(bans: Bans, table: &mut Table) -> Result<()> {
    let title = format!(
        "ipset, a set of {} bans, {:?} (as it says itself)",
        bans.count, bans.family
    );
    if let Some(reason) = peers::IPSET.missing() {
        table.row([title, reason, "-".into(), "-".into()]);
        return Ok(());
    }
    let bytes = lab::run(|lab| {
        let server = Namespace::add("server")?;
        let text = ipset_restore("banned", bans, 0);
        server.inside(|| {
            let mut restore = peers::IPSET.command()?;
            peers::feed(lab, "ipset", restore.args(["restore", "-file"]), &text)?;
            let mut list: Command = peers::IPSET.command()?;
            list.args(["list", "-terse", "banned"]);
            let said = lab.run("ipset-list", &mut list)?.succeeded()?.stdout;
            number(&said, "Size in memory:")
        })?
    })?;
    table.row([
        title,
        bytes.to_string(),
        digits(per_ban(bytes, bans.count)),
        "-".into(),
    ]);
    Ok(())
}

/// An agent that finds no bans, then one that finds `count` in the pinned map: what it holds of
/// each itself.
fn agent(lab: &Lab, count: u32, table: &mut Table) -> Result<()> {
    let topology = Topology::build()?;
    let log = lab.log("bench.log");
    File::create(&log)?;
    let config = format!(
        "limits: {{ bans: {count} }}\njails: {{ sshd: {{ filter: sshd, logs: [{}] }} }}\n",
        log.display()
    );
    let seat = seat(lab, &topology, &config)?;
    let mut agent = seat.start()?;
    let none = resident(agent.id())?;
    agent.terminate()?;
    bans::fill_pinned(&seat.pins, count)?;
    agent = seat.start()?;
    let many = resident(agent.id())?;
    agent.terminate()?;
    let found = seat.pinned().bans()?;
    ensure!(found == count as usize, "the agent kept {found} bans");
    let none_row = ["the agent, no bans (VmRSS)".into(), none.to_string()];
    let many_row = [
        format!("the agent, {count} bans, V4 (VmRSS)"),
        many.to_string(),
    ];
    let each = digits(per_ban(many.saturating_sub(none), count));
    for ([title, bytes], each) in [(none_row, "-".into()), (many_row, each)] {
        table.row([title, bytes, each, "-".into()]);
    }
    seat.run("detach")?.succeeded()?;
    Ok(())
}

/// Bytes of physical memory that a process has.
fn resident(process: u32) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .with_context(|| format!("no VmRSS in {path}"))?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024)
}

/// The number behind `name` in one of the lines.
fn number(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.trim().parse().ok())
        .with_context(|| format!("no {name} in {text:?}"))
}
