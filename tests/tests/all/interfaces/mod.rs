//! Interfaces over time, of several kinds, and with others' programs.

mod doctor;
mod follow;
mod kinds;
mod others;
mod tcx;
mod trace;
mod wait;

use std::{process::Command, thread, time::Duration};

use anyhow::{Context as _, Result, ensure};
use banner_common::Reason;
use banner_tests::{
    agent::{Agent, Event, Seat},
    netns::Namespace,
    pinned::Pinned,
    sniffer::Knocker,
    topology::{Family, Peer},
    wait::{PATIENCE, wait_until},
};

use crate::bad_input::site::{PORT, Site};

pub(crate) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Has the agent ban a peer over both protocols.
fn ban(site: &Site<'_>, agent: &mut Agent, peer: &Peer) -> Result<()> {
    for family in FAMILIES {
        site.fail(peer.address(family))?;
        agent.wait_for(Event::Ban, peer.address(family))?;
    }
    Ok(())
}

/// SYNs leave over both protocols, the program drops each of them, and no answer comes.
fn assert_both_dropped(peer: &Peer, pinned: &Pinned) -> Result<()> {
    const SYNS: u32 = 3;
    for family in FAMILIES {
        let mut knocker = Knocker::new(peer.namespace(), peer.server(family, PORT))?;
        let before = pinned.counters()?[Reason::Drop].packets;
        // A link that is new does not carry every one of them.
        wait_until("the SYNs to be dropped", PATIENCE, || {
            knocker.knock()?;
            Ok(pinned.counters()?[Reason::Drop].packets >= before + u64::from(SYNS))
        })
        .with_context(|| format!("{family:?}: {knocker:?}, {:?}", pinned.counters()))?;
        // One more look at what came back.
        knocker.knock()?;
        ensure!(
            knocker.sent >= SYNS && knocker.answered == 0,
            "{peer} {family:?}: {knocker:?}"
        );
    }
    Ok(())
}

/// Connections come about over both protocols.
fn assert_both_connect(peer: &Peer) -> Result<()> {
    for family in FAMILIES {
        let mut knocker = Knocker::new(peer.namespace(), peer.server(family, PORT))?;
        let connected = knocker.connects(Duration::from_secs(20))?;
        ensure!(connected, "{peer} gets no answer over {family:?}");
    }
    Ok(())
}

/// Waits until `banner status` has all of these texts in it, and returns it.
fn wait_for_status(seat: &Seat<'_>, texts: &[&str]) -> Result<String> {
    let mut status = String::new();
    let what = format!("a status with {texts:?}");
    wait_until(&what, PATIENCE, || {
        status = seat.run("status")?.succeeded()?.stdout;
        // The test is the only one who asks, and the agent has work to do between two answers.
        thread::yield_now();
        Ok(texts.iter().all(|text| status.contains(text)))
    })
    .with_context(|| status.clone())?;
    Ok(status)
}

/// The index of an interface.
fn index(namespace: &Namespace, interface: &str) -> Result<u32> {
    let name = namespace.name();
    let output = Command::new("ip")
        .args(["-n", name, "-oneline", "link", "show", interface])
        .output()?;
    let line = String::from_utf8(output.stdout)?;
    let (index, _) = line.split_once(':').context("index of the interface")?;
    Ok(index.parse()?)
}
