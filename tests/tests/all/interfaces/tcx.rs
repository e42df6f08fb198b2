//! Behind somebody else's XDP program: tcx.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use aya::programs::XdpMode;
use banner_tests::{
    agent::Agent,
    bpf::{FOREIGN, Object},
    kernel,
    sniffer::Knocker,
    topology::Peer,
    wait::{PATIENCE, wait_until},
};

use super::{FAMILIES, assert_both_connect, assert_both_dropped, ban, wait_for_status};
use crate::bad_input::site::{PORT, Site, assert_has, site};

/// Somebody else's program on the server's end of the attacker's link, until it is dropped.
fn foreign(site: &Site<'_>, mode: XdpMode) -> Result<Object> {
    let mut foreign = Object::foreign()?;
    let attach = || foreign.attach_program(FOREIGN, "to-attacker", mode);
    site.topology.server.inside(attach)??;
    Ok(foreign)
}

/// Runs `test` where the kernel has tcx; where it has not, the interface is not protected, and that is
/// said with the other program's name.
fn with_tcx(test: impl Fn(&Site<'_>) -> Result<()> + Send + Sync) -> Result<()> {
    let since = (6, 6);
    if kernel::has(since, "where the XDP slot is taken nothing else is")? {
        return site(test);
    }
    site(|site| {
        let server = &site.topology.server;
        let _theirs = foreign(site, XdpMode::Driver)?;
        let id = server.xdp_id("to-attacker")?;
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        let why = "to-attacker: another XDP program holds the slot";
        agent.wait_to_say(&["ERROR", why, FOREIGN])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &[&format!("PROBLEM  {why}"), "NOT ATTACHED"])?;
        ensure!(server.xdp_id("to-attacker")? == id, "theirs is gone");
        assert_both_connect(&site.topology.attacker)
    })
}

fn knockers(peer: &Peer) -> Result<Vec<Knocker<'_>>> {
    let knocker = |family| Knocker::new(peer.namespace(), peer.server(family, PORT));
    FAMILIES.into_iter().map(knocker).collect()
}

/// Knocks until `done`; nobody may have answered then.
fn silence_until(
    what: &str,
    knockers: &mut [Knocker<'_>],
    mut done: impl FnMut() -> Result<bool>,
) -> Result<()> {
    wait_until(what, PATIENCE, || {
        for knocker in knockers.iter_mut() {
            knocker.knock()?;
        }
        done()
    })?;
    for knocker in knockers {
        knocker.knock()?;
        ensure!(knocker.answered == 0, "{what}: {knocker:?}");
    }
    Ok(())
}

fn is_ready(agent: &mut Agent) -> Result<bool> {
    agent.is_ready()
}

#[test]
fn behind_anothers_program_packets_are_dropped_at_tcx_without_a_gap_until_the_slot_is_free()
-> Result<()> {
    for mode in [XdpMode::Driver, XdpMode::Skb] {
        with_tcx(|site| {
            let (server, attacker) = (&site.topology.server, &site.topology.attacker);
            let theirs = foreign(site, mode)?;
            let id = server.xdp_id("to-attacker")?.context("it is attached")?;
            let held = format!("tcx (XDP slot held by program {id}, {FOREIGN}");
            let mut seat = site.seat()?;
            let pinned = seat.pinned();
            let mut agent = seat.start()?;
            agent.wait_to_say(&["ready", &format!("to-attacker {held}"), "to-friend native"])?;
            assert_both_connect(attacker)?;
            ban(site, &mut agent, attacker)?;
            assert_both_dropped(attacker, &pinned)?;
            assert_both_connect(&site.topology.friend)?;
            let status = seat.run("status")?.succeeded()?.stdout;
            assert_has(
                &status,
                &[&held, "PROBLEM  to-attacker: another XDP program holds"],
            )?;
            let link = pinned.tcx_link_id("to-attacker")?;

            // Death and restart: another program at the same link, and not one packet through.
            let mut knockers = knockers(attacker)?;
            agent.kill()?;
            let mut agent = seat.spawn()?;
            silence_until("the next agent to be ready", &mut knockers, || {
                is_ready(&mut agent)
            })?;
            agent.wait_to_say(&["to-attacker: tcx program in place of an earlier agent's"])?;
            ensure!(pinned.tcx_link_id("to-attacker")? == link, "another link");
            ensure!(server.xdp_id("to-attacker")? == Some(id), "theirs is gone");

            // The slot becomes free.
            drop(theirs);
            silence_until("the slot to be taken", &mut knockers, || {
                let names = pinned.names()?;
                let has = |name: &str| names.iter().any(|found| found == name);
                Ok(has("link-to-attacker") && !has("tcx-to-attacker"))
            })?;
            ensure!(server.has_xdp("to-attacker")?);
            assert_both_dropped(attacker, &pinned)?;
            wait_for_status(&seat, &["to-attacker", "xdp native (veth)"])?;
            let status = seat.run("status")?.succeeded()?.stdout;
            ensure!(!status.contains("PROBLEM"), "{status}");
            ensure!(agent.terminate()?.success());
            seat.interfaces.clear();
            seat.run("detach")?.succeeded()?;
            assert_both_connect(attacker)
        })?;
    }
    Ok(())
}

#[test]
fn banner_detach_takes_the_program_off_tcx_and_leaves_theirs() -> Result<()> {
    with_tcx(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let _theirs = foreign(site, XdpMode::Driver)?;
        let id = server.xdp_id("to-attacker")?;
        let mut seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        assert_both_dropped(attacker, &seat.pinned())?;
        seat.interfaces = vec!["to-attacker"];
        let said = seat.run("detach")?.succeeded()?.stdout;
        assert_has(&said, &["to-attacker: ", "still in force on to-friend"])?;
        assert_both_connect(attacker)?;
        // And is not undone.
        wait_for_status(
            &seat,
            &["PROBLEM  to-attacker: the XDP program was taken off"],
        )?;
        assert_both_connect(attacker)?;
        ensure!(server.xdp_id("to-attacker")? == id, "theirs is gone");
        Ok(())
    })
}

/// Somebody forces ours off and takes the slot.
#[test]
fn a_slot_that_is_taken_from_us_leads_to_tcx() -> Result<()> {
    with_tcx(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        let link = seat.pinned().link_id("to-attacker")?.to_string();
        let output = Command::new("bpftool")
            .args(["link", "detach", "id", &link])
            .output()?;
        ensure!(output.status.success(), "{output:?}");
        let _theirs = foreign(site, XdpMode::Driver)?;
        let id = server.xdp_id("to-attacker")?.context("it is attached")?;
        let held = format!("tcx (XDP slot held by program {id}, {FOREIGN}");
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &[&held, "put back 1 times"])?;
        assert_both_dropped(attacker, &seat.pinned())?;
        ensure!(server.xdp_id("to-attacker")? == Some(id), "theirs is gone");
        Ok(())
    })
}

#[test]
fn where_native_mode_is_wanted_tcx_does_not_do() -> Result<()> {
    site(|site| {
        let _theirs = foreign(site, XdpMode::Driver)?;
        let modes = "interfaces: [{name: to-attacker, mode: native}]\n";
        let mut seat = site.seat_with(&site.yaml(modes))?;
        seat.interfaces.clear();
        assert_has(
            &seat.refusal()?,
            &["another XDP program holds the slot", FOREIGN],
        )?;
        ensure!(!seat.pins.exists(), "{:?}", seat.pinned().names());
        Ok(())
    })
}

/// What goes elsewhere or is renamed is found again by its link, also at tcx.
#[test]
fn an_interface_with_the_program_at_tcx_is_followed() -> Result<()> {
    with_tcx(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let _theirs = foreign(site, XdpMode::Driver)?;
        let mut seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        let mut knockers = knockers(attacker)?;
        server.rename("to-attacker", "uplink")?;
        silence_until("the new name to be told", &mut knockers, || {
            let told = |line: &String| line.contains("to-attacker: is named uplink now");
            Ok(agent.lines()?.iter().any(told))
        })?;
        ensure!(agent.terminate()?.success());
        seat.interfaces = vec!["uplink", "to-friend"];
        let mut next = seat.spawn()?;
        silence_until("the next agent to be ready", &mut knockers, || {
            is_ready(&mut next)
        })?;
        next.wait_to_say(&["uplink: tcx program in place of an earlier agent's"])?;
        let names = seat.pinned().names()?;
        ensure!(names.contains(&"tcx-uplink".to_owned()), "{names:?}");
        ensure!(!names.contains(&"tcx-to-attacker".to_owned()), "{names:?}");
        assert_both_dropped(attacker, &seat.pinned())
    })
}
