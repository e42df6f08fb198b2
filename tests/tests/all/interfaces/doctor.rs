//! `banner doctor`: what it says, its exit code, and that it changes nothing.

use std::{fs, process::Command};

use anyhow::{Result, ensure};
use aya::programs::XdpMode;
use banner_common::CLOCK_PROGRAM;
use banner_tests::{agent::Seat, bpf::Object, kernel};

use super::ban;
use crate::bad_input::site::{Site, assert_has, assert_printable, site};

/// Runs it, checks the exit code and that it leaves the site as it was, and returns what it said.
fn doctor(site: &Site<'_>, seat: &Seat<'_>, code: i32) -> Result<String> {
    let programs = || -> Result<Vec<_>> {
        let interfaces = site.interfaces().into_iter();
        interfaces
            .map(|interface| site.topology.server.xdp_id(interface))
            .collect()
    };
    let look = || -> Result<_> { Ok((programs()?, seat.pinned().names()?, seat.pins.exists())) };
    let before = look()?;
    let finished = seat.run("doctor")?;
    let said = finished.stdout + &finished.stderr;
    ensure!(
        finished.status.code() == Some(code),
        "{}: {said}",
        finished.status
    );
    ensure!(look()? == before, "something has changed: {said}");
    assert_printable(&said)?;
    Ok(said)
}

#[test]
fn doctor_says_what_would_be_used_and_leaves_everything_as_it_is() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        let said = doctor(site, &seat, 0)?;
        assert_has(
            &said,
            &[
                "ok  capabilities",
                "the verifier takes them",
                "interface to-attacker (veth)",
                "would be used: native",
                "no agent is running",
                "usable natively",
            ],
        )?;
        ensure!(
            !said.contains("interface lo"),
            "only those that were named: {said}"
        );

        // Without names: those of the configuration, and the others, too.
        seat.configure(&site.yaml("interfaces: [to-friend, to-come]\n"))?;
        seat.interfaces.clear();
        let said = doctor(site, &seat, 1)?;
        assert_has(
            &said,
            &[
                "interface lo (loopback)",
                "not wanted",
                "to-come: no interface has this name",
            ],
        )?;
        seat.configure(&site.yaml("interfaces: auto\n"))?;
        assert_has(
            &doctor(site, &seat, 2)?,
            &["UNUSABLE", "no interface carries a default route"],
        )?;
        Ok(())
    })
}

#[test]
fn doctor_tells_of_a_running_agent_its_pins_and_its_bans() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, &site.topology.attacker)?;
        let process = format!("in use by the agent (process {})", agent.pid());
        let said = doctor(site, &seat, 0)?;
        assert_has(
            &said,
            &[
                &process,
                "map BANS4: a Hash map",
                "links: to-attacker, to-friend",
                "bans, over or not: 1 IPv4, 1 IPv6",
                "banner's program is there, native mode",
                "XDP program there: native: program",
            ],
        )?;
        let json = seat.run("doctor --json")?.succeeded()?.stdout;
        assert_has(&json, &["\"verdict\": \"native\"", "\"finding\": \"good\""])?;
        let agent_line = format!("\"agent\": {}", agent.pid());
        assert_has(&json, &[&agent_line])
    })
}

#[test]
fn doctor_names_what_stands_in_the_way() -> Result<()> {
    site(|site| {
        let server = &site.topology.server;
        let mut foreign = Object::load()?;
        let attach = || foreign.attach_program(CLOCK_PROGRAM, "to-attacker", XdpMode::Driver);
        server.inside(attach)??;
        let mut seat = site.seat()?;
        let instead = if kernel::has((6, 6), "where the XDP slot is taken nothing else is")? {
            "would be used: tcx"
        } else {
            "would be used: nothing"
        };
        let said = doctor(site, &seat, 1)?;
        assert_has(
            &said,
            &[
                instead,
                CLOCK_PROGRAM,
                "  to-attacker: its XDP slot",
                "usable with limits",
            ],
        )?;
        server.ip("tuntap add tun0 mode tun")?;
        seat.interfaces = vec!["tun0"];
        assert_has(
            &doctor(site, &seat, 2)?,
            &["tun0: its packets have no Ethernet header"],
        )?;
        seat.interfaces = vec!["to-friend"];
        seat.pins = site.lab.dir().join("pins");
        assert_has(&doctor(site, &seat, 2)?, &["MISSING", "is not on one"])?;
        Ok(())
    })
}

#[test]
fn doctor_without_privilege_says_what_it_can_and_what_is_missing() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let inner = seat.command("doctor");
        // Nobody may enter the folder that the program was built in.
        let mut command = Command::new("setpriv");
        command.args([
            "--reuid",
            "65534",
            "--regid",
            "65534",
            "--clear-groups",
            "--",
        ]);
        command.arg(inner.get_program()).args(inner.get_args());
        let finished = seat.run_command(&mut command)?;
        ensure!(finished.status.code() == Some(2), "{finished:?}");
        assert_has(
            &finished.stdout,
            &[
                "MISSING",
                "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
                "unknown",
                "would be used: native",
                "UNUSABLE",
            ],
        )?;
        ensure!(fs::exists("/run/bpf")? && !seat.pins.exists());
        Ok(())
    })
}
