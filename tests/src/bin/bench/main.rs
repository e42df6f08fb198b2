//! Measures what banner promises, each figure beside its floor: the least that the kernel makes
//! anybody pay for the same. `cargo xtask bench` builds and starts it.
//!
//! Quote ratios of one run, not figures of two.

mod data_plane;
mod enforcers;
mod floor;
mod idle;
mod latency;
mod start;
mod store;
mod table;
mod tail;

use std::env;

use anyhow::{Result, bail};
use banner_tests::{agent::Seat, lab, topology::Topology};

use data_plane::{Pace, generator, paced, requests};
use table::Table;

/// The parts that are about the agent; the others are [`data_plane::SECTIONS`].
const AGENTS: [&str; 4] = ["latency", "start", "idle", "tail"];

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match &words[..] {
        // Started by this program itself, as the other side of a measurement.
        ["floor-latency", log, interface] => floor::latency(log, interface),
        ["floor-start", interface] => floor::start(interface),
        [generator::WORD, rest @ ..] => generator::run(rest),
        [paced::WORD, rest @ ..] => paced::run(rest),
        [requests::WORD, rest @ ..] => requests::run(rest),
        words => sections(words),
    }
}

/// Measures the sections named, in their own order.
fn sections(words: &[&str]) -> Result<()> {
    let mut pace = Pace::Full;
    let mut wanted = Vec::new();
    let mut ways = false;
    let mut bans = false;
    for &word in words {
        match word {
            "enforcers" => ways = true,
            "store" => bans = true,
            "--quick" => pace = Pace::Quick,
            "data-plane" => wanted.extend(data_plane::SECTIONS),
            _ if AGENTS.contains(&word) || data_plane::SECTIONS.contains(&word) => {
                wanted.push(word);
            }
            _ => bail!("no section {word}; run it as `cargo xtask bench`"),
        }
    }
    if ways {
        lab::run(|_| enforcers::measure(&Topology::build()?))?;
    }
    if bans {
        store::measure()?;
    }
    if !ways && !bans && wanted.is_empty() {
        wanted.extend(AGENTS);
    }
    let agents = AGENTS.map(|section| wanted.contains(&section));
    if agents.contains(&true) {
        agent(agents)?;
    }
    let mut introduced = false;
    for section in data_plane::SECTIONS {
        if wanted.contains(&section) {
            if !introduced {
                data_plane::introduce(pace)?;
                introduced = true;
            }
            data_plane::measure(section, pace)?;
        }
    }
    Ok(())
}

fn agent([latency, start, idle, tail]: [bool; AGENTS.len()]) -> Result<()> {
    let mut table = Table::new(["what", "banner", "floor", "target"]);
    if latency {
        lab::run(|lab| latency::measure(lab, &Topology::build()?, &mut table))?;
    }
    if start {
        lab::run(|lab| start::measure(lab, &Topology::build()?, &mut table))?;
    }
    if idle {
        lab::run(|lab| idle::measure(lab, &Topology::build()?, &mut table))?;
    }
    if tail {
        lab::run(|lab| tail::measure(lab, &Topology::build()?, &mut table))?;
    }
    println!("{table}");
    println!(
        "floor of a ban: a program that does nothing but wait for inotify, read, and update the \
         map.\nfloor of a start: a program that does nothing but load and attach with aya.\nfloor of idling: sleep(1)."
    );
    Ok(())
}

/// The agent's seat for a measurement; `config` replaces the configuration that tests use.
fn seat<'a>(lab: &'a lab::Lab, topology: &'a Topology, config: &str) -> Result<Seat<'a>> {
    let log = lab.log("bench.log");
    let placeholder = banner_tests::agent::Config {
        log,
        max_retry: 3,
        ban_time: "1h",
        observe: false,
        ignore: Vec::new(),
    };
    let interface = topology.attacker.server_interface();
    let seat = Seat::new(lab, &topology.server, &[interface], &placeholder)?;
    std::fs::write(lab.dir().join("banner.yaml"), config)?;
    Ok(seat)
}
