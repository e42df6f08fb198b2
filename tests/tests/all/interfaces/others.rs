//! Interfaces that others' programs are on.

use std::process;

use anyhow::{Context as _, Result, ensure};
use aya::programs::XdpMode;
use banner_common::CLOCK_PROGRAM;
use banner_tests::{
    agent::Seat,
    bpf::Object,
    kernel,
    sniffer::Knocker,
    wait::{PATIENCE, wait_until},
};

use super::{FAMILIES, assert_both_connect, assert_both_dropped, ban};
use crate::bad_input::site::{PORT, assert_has, site};

#[test]
fn a_second_agent_is_told_who_has_the_interface() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let first = site.seat()?;
        let mut agent = first.start()?;
        ban(site, &mut agent, attacker)?;
        let mut second = first.clone().pinning_to(site.lab.bpffs().join("second"));
        second.state = site.lab.dir().join("second-state");
        second.socket = site.lab.dir().join("second.sock");
        let held = [
            "to-attacker",
            "banner has it already",
            &format!("process {} (banner)", agent.pid()),
            "pin directory /run/bpf/banner",
            "banner --pin-dir /run/bpf/banner --interface to-attacker detach",
        ];
        assert_has(&second.refusal()?, &held)?;
        ensure!(!second.pins.exists(), "{:?}", second.pinned().names());
        assert_both_dropped(attacker, &first.pinned())?;

        // Of an agent that has ended, what it left is named.
        ensure!(agent.terminate()?.success());
        let said = second.refusal()?;
        assert_has(
            &said,
            &["banner has it already", "pin directory /run/bpf/banner"],
        )?;
        ensure!(!said.contains("process"), "{said}");

        // It does what it can where it can, and takes over as soon as the other one has gone.
        second.interfaces = vec!["to-attacker", "to-friend"];
        first_leaves(&first, "to-friend")?;
        let mut next = second.start()?;
        next.wait_to_say(&["ready", "to-attacker not attached, to-friend native"])?;
        first_leaves(&first, "to-attacker")?;
        next.wait_to_say(&["to-attacker: XDP program attached"])?;
        ban(site, &mut next, attacker)?;
        assert_both_dropped(attacker, &second.pinned())?;
        assert_both_connect(&site.topology.friend)
    })
}

fn first_leaves(first: &Seat<'_>, interface: &'static str) -> Result<()> {
    let mut first = first.clone();
    first.interfaces = vec![interface];
    first.run("detach")?.succeeded()?;
    Ok(())
}

#[test]
fn a_foreign_program_is_named_with_its_process_and_its_pin() -> Result<()> {
    site(|site| {
        let server = &site.topology.server;
        // Otherwise tcx would do.
        let mode = "interfaces: [{name: to-attacker, mode: native}]\n";
        let mut seat = site.seat_with(&site.yaml(mode))?;
        seat.interfaces.clear();
        let mut foreign = Object::load()?;
        let attach = || foreign.attach_program(CLOCK_PROGRAM, "to-attacker", XdpMode::Driver);
        server.inside(attach)??;
        let id = server.xdp_id("to-attacker")?.context("it is attached")?;
        let program = format!("program {id}, {CLOCK_PROGRAM}");
        let process = format!("of process {} (", process::id());
        let said = seat.refusal()?;
        assert_has(
            &said,
            &["another XDP program holds the slot", &program, &process],
        )?;
        assert_has(&said, &["bpftool link detach id"])?;

        let pin = site.lab.bpffs().join("theirs");
        foreign.pin_named_program(CLOCK_PROGRAM, &pin)?;
        assert_has(&seat.refusal()?, &["pinned at /run/bpf/theirs"])?;
        ensure!(server.xdp_id("to-attacker")? == Some(id), "it is gone");
        Ok(())
    })
}

#[test]
fn a_mode_that_is_wanted_is_had_or_refused_in_words() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let modes =
            "interfaces: [{name: to-attacker, mode: generic}, {name: to-friend, mode: native}]\n";
        let mut seat = site.seat_with(&site.yaml(modes))?;
        seat.interfaces.clear();
        let mut agent = seat.start()?;
        agent.wait_to_say(&["ready", "to-attacker generic, to-friend native"])?;
        ban(site, &mut agent, attacker)?;
        assert_both_dropped(attacker, &seat.pinned())?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "generic was wanted: {status}");
        ensure!(agent.terminate()?.success());

        // What an earlier agent attached otherwise is attached so without a gap, where tcx can help
        // out; elsewhere it is replaced as it is, and told.
        seat.configure(&site.yaml("interfaces: [{name: to-attacker, mode: native}, to-friend]\n"))?;
        let mut knockers = Vec::new();
        for family in FAMILIES {
            let server = attacker.server(family, PORT);
            knockers.push(Knocker::new(attacker.namespace(), server)?);
        }
        let mut agent = seat.spawn()?;
        let expected = if kernel::has((6, 6), "another mode takes a gap")? {
            "to-attacker: XDP program attached, native mode"
        } else {
            "to-attacker: generic mode, though mode: native is wanted"
        };
        wait_until(expected, PATIENCE, || {
            for knocker in &mut knockers {
                knocker.knock()?;
            }
            let said = agent.lines()?.iter().any(|line| line.contains(expected));
            Ok(agent.is_ready()? && said)
        })?;
        assert_both_dropped(attacker, &seat.pinned())?;
        for knocker in &knockers {
            ensure!(knocker.answered == 0 && knocker.sent > 0, "{knocker:?}");
        }
        let names = seat.pinned().names()?;
        ensure!(
            !names.iter().any(|name| name.starts_with("tcx-")),
            "{names:?}"
        );
        ensure!(agent.terminate()?.success());
        seat.run("detach")?.succeeded()?;

        // A macvlan has no native XDP.
        (site.topology.server).ip("link add mac0 link to-attacker type macvlan")?;
        seat.configure(&site.yaml("interfaces: [{name: mac0, mode: native}, to-friend]\n"))?;
        let mut agent = seat.start()?;
        let why = [
            "mac0: mode: native is wanted, and cannot be had",
            "the driver has none",
        ];
        agent.wait_to_say(&[&["ERROR"], &why[..]].concat())?;
        agent.wait_to_say(&["ready", "mac0 not attached, to-friend native"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &[&["NOT ATTACHED"], &why[..]].concat())?;
        // The command line chooses among interfaces, the configuration still says how.
        ensure!(agent.terminate()?.success());
        seat.interfaces = vec!["mac0"];
        assert_has(&seat.refusal()?, &[why[0]])?;
        ensure!(!site.topology.server.has_xdp("mac0")?);
        Ok(())
    })
}
