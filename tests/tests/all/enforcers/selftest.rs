//! Bans are tested on the programs that interfaces have, and what fails is an alarm and put right.

use std::{net::Ipv4Addr, process::Command};

use anyhow::{Context as _, Result, ensure};
use banner_common::Reason;
use banner_tests::{
    agent::{Agent, Event, Seat},
    bpf::Object,
    wait::{PATIENCE, wait_until},
};
use serde_json::Value;

use super::{FAMILIES, assert_silent, output};
use crate::bad_input::site::{PORT, assert_dropped, site};

/// The first address behind the one of [`PREFIX`].
const SPARED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const PREFIX: &str = "203.0.113.0/24";

fn status(seat: &Seat<'_>) -> Result<Value> {
    Ok(serde_json::from_str(
        &seat.run("status --json")?.succeeded()?.stdout,
    )?)
}

fn number(status: &Value, name: &str) -> Result<u64> {
    status[name].as_u64().with_context(|| format!("no {name}"))
}

/// Waits until so many tests have been made, none of which has failed.
fn wait_for_tests(seat: &Seat<'_>, tests: u64) -> Result<()> {
    wait_until("the tests to be made", PATIENCE, || {
        let status = status(seat)?;
        ensure!(number(&status, "self_test_failures")? == 0, "{status}");
        Ok(number(&status, "self_tests")? == tests)
    })
}

/// A test has failed, and another one has not since then.
fn assert_alarm_and_end(seat: &Seat<'_>, agent: &mut Agent, whom: &str) -> Result<()> {
    agent.wait_to_say(&["SELF-TEST FAILED", whom, "it is put right now"])?;
    agent.wait_to_say(&["self-test of", whom, "as it should be again"])?;
    let status = status(seat)?;
    ensure!(number(&status, "self_test_failures")? > 0, "{status}");
    let problems = status["problems"].to_string();
    ensure!(!problems.contains("SELF-TEST"), "{problems}");
    Ok(())
}

#[test]
fn every_kind_of_ban_is_tested_and_nothing_is_counted_for_it() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        for family in FAMILIES {
            let address = site.topology.attacker.address(family);
            site.fail(address)?;
            agent.wait_for(Event::Ban, address)?;
        }
        wait_for_tests(&seat, 2)?;
        let end =
            |address| Ok::<_, anyhow::Error>(seat.pinned().ban(address)?.map(|ban| ban.expires));
        let [v4, v6] = FAMILIES.map(|family| site.topology.attacker.address(family));
        let ends = (end(v4)?, end(v6)?);
        let mut tests = 2;
        for (order, count) in [
            ("203.0.113.0/24 2001:db8:7::/48", 2),
            ("198.51.100.7 2001:db8:8::7 --ports tcp/22,udp/53,icmp", 2),
            ("198.51.100.8 2001:db8:8::8 --ports icmp", 2),
            ("198.51.100.9 2001:db8:8::9 --observe", 2),
            // Inside of others, and around them.
            ("203.0.113.7 2001:db8:7::7 --ports tcp/25 --observe", 0),
            ("203.0.113.8 198.51.100.0/25 2001:db8:8::/64", 3),
        ] {
            seat.run(&format!("ban {order}"))?.succeeded()?;
            tests += count;
            wait_for_tests(&seat, tests)?;
        }
        ensure!((end(v4)?, end(v6)?) == ends);
        let raw = seat.pinned().counters()?;
        ensure!(raw[Reason::Drop].packets > 0 && raw[Reason::Observe].packets > 0);
        let status = status(&seat)?;
        for reason in ["drop", "observe", "scope"] {
            ensure!(status["packets"][reason]["packets"] == 0, "{status}");
        }
        let bans: Value = serde_json::from_str(&seat.run("bans --json")?.succeeded()?.stdout)?;
        let seen = |ban: &Value| ban["packets"] != 0 || !ban["last_seen_seconds"].is_null();
        let bans = bans.as_array().context("bans")?;
        ensure!(bans.len() == 15 && !bans.iter().any(seen), "{bans:?}");
        let top = seat.run("top --json")?.succeeded()?.stdout;
        ensure!(
            !top.contains("203.0.113") && !top.contains("192.0.2"),
            "{top}"
        );
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn a_flood_of_bans_is_tested_in_samples() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let agent = seat.start()?;
        let list = site.lab.dir().join("list");
        let hosts = (0..20_000_u32).map(|host| Ipv4Addr::from(0x0a00_0000 + host).to_string());
        std::fs::write(&list, hosts.collect::<Vec<_>>().join("\n"))?;
        let ban = format!("ban --from {}", list.display());
        seat.run(&ban)?.succeeded()?;
        wait_until("tests to be made", PATIENCE, || {
            Ok(number(&status(&seat)?, "self_tests")? >= 10)
        })?;
        let status = status(&seat)?;
        let most = 10 * (number(&status, "uptime_seconds")? + 2);
        ensure!(number(&status, "self_tests")? <= most, "{status}");
        ensure!(number(&status, "self_test_failures")? == 0, "{status}");
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn a_ban_that_packets_do_not_meet_is_an_alarm_and_put_right() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        seat.pinned().spare(SPARED)?;
        seat.run(&format!("ban {PREFIX}"))?.succeeded()?;
        assert_alarm_and_end(&seat, &mut agent, PREFIX)?;
        ensure!(!seat.pinned().is_never(SPARED.into())?);

        let by_port = "198.51.100.7 for tcp/22";
        seat.run("ban 198.51.100.8 --ports tcp/22")?.succeeded()?;
        seat.pinned().forget_tcp_port(22)?;
        seat.run("ban 198.51.100.7 --ports tcp/22")?.succeeded()?;
        assert_alarm_and_end(&seat, &mut agent, by_port)?;
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn a_program_that_lets_all_pass_is_found_out() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        site.fail(attacker.address(FAMILIES[0]))?;
        agent.wait_for(Event::Ban, attacker.address(FAMILIES[0]))?;
        assert_dropped(attacker, &seat.pinned())?;
        let mut other = Object::foreign()?;
        seat.pinned()
            .exchange(attacker.server_interface(), &mut other)?;
        site.fail(attacker.address(FAMILIES[1]))?;
        agent.wait_to_say(&["to-attacker", "another program in the place of banner's"])?;
        agent.wait_to_say(&["to-attacker: XDP program in place of"])?;
        assert_dropped(attacker, &seat.pinned())?;
        for family in FAMILIES {
            assert_silent(attacker, family, PORT)?;
        }
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn a_way_that_goes_on_failing_is_not_trusted() -> Result<()> {
    site(|site| {
        let seat = site.seat_with(&site.yaml("enforce: [xdp, nftables]\n"))?;
        let mut agent = seat.start()?;
        seat.pinned().spare(SPARED)?;
        // It cannot be put right.
        let mut freeze = Command::new("bpftool");
        let map = seat.pins.join("NEVER4");
        freeze.args(["map", "freeze", "pinned"]).arg(map);
        seat.run_command(&mut freeze)?.succeeded()?;
        seat.run(&format!("ban {PREFIX}"))?.succeeded()?;
        agent.wait_to_say(&["SELF-TEST FAILED", PREFIX, "counted as never"])?;
        wait_until("nftables to take over", PATIENCE, || {
            let tables = output(&site.topology.server, &["nft", "list", "ruleset"])?;
            Ok(tables.contains("203.0.113.0/24") || tables.contains("203.0.113.0"))
        })?;
        let problems = status(&seat)?["problems"].to_string();
        ensure!(
            problems.contains("bans are in nftables because of xdp"),
            "{problems}"
        );
        Ok(())
    })
}
