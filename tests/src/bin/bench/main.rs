//! Measures what banner promises, each figure beside its floor: the least that the kernel makes
//! anybody pay for the same. `cargo xtask bench` builds and starts it.
//!
//! Quote ratios of one run, not figures of two.

mod floor;
mod idle;
mod latency;
mod start;
mod table;

use std::env;

use anyhow::{Result, bail};
use banner_tests::{agent::Seat, lab, topology::Topology};

use table::Table;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        // Started by this program itself, as the other side of a measurement.
        ["floor-latency", log, interface] => floor::latency(log, interface),
        ["floor-start", interface] => floor::start(interface),
        [] => all(),
        _ => bail!("no arguments are known; run it as `cargo xtask bench`"),
    }
}

fn all() -> Result<()> {
    let mut table = Table::new(["what", "banner", "floor", "target"]);
    lab::run(|lab| latency::measure(lab, &Topology::build()?, &mut table))?;
    lab::run(|lab| start::measure(lab, &Topology::build()?, &mut table))?;
    lab::run(|lab| idle::measure(lab, &Topology::build()?, &mut table))?;
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
