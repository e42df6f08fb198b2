//! Bans by the many, through a whole agent with its store on a disk, beside other daemons.

mod acknowledged;
mod attack;
mod million;
mod others;
mod rate;

use std::path::Path;

use anyhow::{Context as _, Result};
use banner_tests::{
    agent::Seat,
    lab::{self, Lab},
    topology::Topology,
};

use super::{seat, table::Table, tail};

/// Where files outlive a reboot, and so are on a disk.
const DISK: &str = "/var/tmp";

pub(crate) fn measure() -> Result<()> {
    let mut table = Table::new(["what", "found", "target"]);
    let folder = tempfile::tempdir_in(DISK).context("a folder on a disk")?;
    let disk = folder.path();
    let state = disk.join("million");
    lab::run(|lab| rate::measure(lab, &Topology::build()?, &state, &mut table))?;
    lab::run(|lab| million::measure(lab, &Topology::build()?, &state, &mut table))?;
    let state = disk.join("few");
    lab::run(|lab| acknowledged::measure(lab, &Topology::build()?, &state, &mut table))?;
    lab::run(|lab| tail::under_load(lab, &Topology::build()?, &disk.join("load"), &mut table))?;
    lab::run(|lab| others::measure(lab, &Topology::build()?, disk, &mut table))?;
    println!("{table}");
    println!(
        "The stores are in {DISK}, logs on a tmpfs. Bans are those of jails, by three lines each."
    );
    Ok(())
}

/// An agent's seat with room for a million bans and its store on the disk.
fn roomy<'a>(lab: &'a Lab, topology: &'a Topology, state: &Path) -> Result<Seat<'a>> {
    let log = lab.log("bench.log");
    let config = format!(
        "enforce: [xdp]\nlimits: {{ bans: 1048576, tracked: 1000000 }}\n\
         jails: {{ sshd: {{ filter: sshd, logs: [{}], max_retry: 3, find_time: 1d, ban_time: 1w }} }}\n",
        log.display()
    );
    let mut seat = seat(lab, topology, &config)?;
    state.clone_into(&mut seat.state);
    Ok(seat)
}
