//! The enforcers behind the one trait, with packets.

mod command;
mod contract;
mod failover;
mod flood;
mod hosts_deny;
mod iptables;
mod nftables;
mod repair;
mod selftest;
mod show;
mod trouble;

use std::{process::Command, time::Duration};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::{Agent, Event},
    netns::Namespace,
    sniffer::Knocker,
    topology::{Family, Peer},
};
use banner_userspace::model::{Ban, Change, JailId, Mode, Mono, Now, PortsId, Until, Wall};
use ipnet::IpNet;
use nix::time::{ClockId, clock_gettime};

use crate::bad_input::site::Site;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Where somebody listens on the server, and where somebody else does.
const PORTS: [u16; 2] = [7, 13];

/// Longer than an answer takes that comes at all.
const SOON: Duration = Duration::from_secs(20);

/// The first SYN and its first repetition, after 1 s.
const SILENCE: Duration = Duration::from_millis(1200);

/// Both clocks.
fn now() -> Result<Now> {
    let mono = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    let wall = Duration::from(clock_gettime(ClockId::CLOCK_REALTIME)?);
    Ok(Now {
        wall: Wall(i64::try_from(wall.as_nanos())?),
        mono: Mono(u64::try_from(mono.as_nanos())?),
    })
}

/// A ban by the first jail.
fn ban(net: impl Into<IpNet>, ports: PortsId, until: Until) -> Ban {
    Ban {
        net: net.into(),
        ports,
        jail: Some(JailId(0)),
        mode: Mode::Enforce,
        until,
        quiet: None,
    }
}

fn set(net: impl Into<IpNet>, ports: PortsId, until: Until) -> Change {
    Change::Set(ban(net, ports, until))
}

fn clear(net: impl Into<IpNet>, ports: PortsId) -> Change {
    let net = net.into();
    Change::Clear { net, ports }
}

/// A connection comes about.
fn assert_connects(peer: &Peer, family: Family, port: u16) -> Result<()> {
    let mut knocker = Knocker::new(peer.namespace(), peer.server(family, port))?;
    ensure!(knocker.connects(SOON)?, "{peer} {family:?} gets no answer");
    Ok(())
}

/// Has the attacker banned in both families.
fn ban_attacker(site: &Site<'_>, agent: &mut Agent) -> Result<()> {
    for family in FAMILIES {
        let address = site.topology.attacker.address(family);
        site.fail(address)?;
        agent.wait_for(Event::Ban, address)?;
    }
    Ok(())
}

/// SYNs leave, and nothing comes back.
fn assert_silent(peer: &Peer, family: Family, port: u16) -> Result<()> {
    let mut knocker = Knocker::new(peer.namespace(), peer.server(family, port))?;
    let connected = knocker.connects(SILENCE)?;
    ensure!(
        !connected && knocker.sent > 0 && knocker.answered == 0,
        "{peer} {family:?}: {knocker:?}"
    );
    Ok(())
}

/// What a command prints that has to succeed.
fn output(namespace: &Namespace, command: &[&str]) -> Result<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut run = Command::new(command[0]);
    run.args(&command[1..])
        .env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let output = namespace.inside(|| run.output())??;
    ensure!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
