//! The next way takes over all bans, and gives them back, while a flood of a banned host goes on.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Seat,
    wait::{PATIENCE, wait_until},
};

use super::{FAMILIES, assert_connects, assert_silent, ban_attacker, flood::Flood, output};
use crate::bad_input::site::{Site, site};

fn status(seat: &Seat<'_>) -> Result<String> {
    Ok(seat.run("status")?.succeeded()?.stdout)
}

fn is_in_nftables(site: &Site<'_>, element: &str) -> Result<bool> {
    let tables = output(&site.topology.server, &["nft", "list", "tables"])?;
    if !tables.contains("table inet banner\n") {
        return Ok(false);
    }
    let table = ["nft", "list", "table", "inet", "banner"];
    Ok(output(&site.topology.server, &table)?.contains(element))
}

/// Without `--interface`, which is about XDP.
pub(super) fn detach(seat: &Seat<'_>) -> Result<()> {
    let mut seat = seat.clone();
    seat.interfaces.clear();
    seat.run("detach")?.succeeded()?;
    Ok(())
}

/// A program that bans in a table of its own, and does not while a file is there.
pub(super) fn firewall(site: &Site<'_>) -> Result<String> {
    let path = site.lab.dir().join("fw");
    let dir = site.lab.dir().display();
    fs::write(
        &path,
        format!(
            "#!/bin/sh\nPATH=$PATH:/usr/sbin\n\
             [ -e {dir}/broken ] && [ \"$1\" != flush ] && exit 3\n\
             set=banned6; [ \"$BANNER_FAMILY\" = inet ] && set=banned4\n\
             case $1 in\n\
             start) nft -f {dir}/fw.nft ;;\n\
             ban) nft add element inet fw $set \"{{ $2 }}\" ;;\n\
             unban) nft delete element inet fw $set \"{{ $2 }}\" ;;\n\
             flush) nft delete table inet fw ;;\n\
             esac\n"
        ),
    )?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
    fs::write(
        site.lab.dir().join("fw.nft"),
        "table inet fw {\n set banned4 { type ipv4_addr; }\n set banned6 { type ipv6_addr; }\n\
         chain in { type filter hook prerouting priority -400;\n\
         ip saddr @banned4 drop\n ip6 saddr @banned6 drop\n }\n}\n",
    )?;
    Ok(path.display().to_string())
}

#[test]
fn no_packet_gets_through_while_ways_fail_and_come_back() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let fw = firewall(site)?;
        let yaml = site.yaml(&format!(
            "enforce:\n- command: {{name: fw, start: [{fw}, start], check: [{fw}, check], \
             ban: [{fw}, ban, '%{{net}}'], unban: [{fw}, unban, '%{{net}}'], flush: [{fw}, flush]}}\n\
             - nftables\n"
        ));
        let seat = site.seat_with(&yaml)?;
        let mut agent = seat.start()?;
        let flood = Flood::begin(site, attacker)?;
        ban_attacker(site, &mut agent)?;
        flood.go_on()?;
        flood.arrived()?;
        ensure!(!is_in_nftables(site, "192.0.2.66")?);
        let began = flood.sent();

        // It takes no ban any more: the new ones are in nftables at once, then all are.
        let broken = site.lab.dir().join("broken");
        fs::write(&broken, "")?;
        for _ in 0..4 {
            site.prove_alive(&mut agent)?;
        }
        wait_until("nftables to take over", PATIENCE, || {
            is_in_nftables(site, "192.0.2.66")
        })?;
        let said = status(&seat)?;
        ensure!(
            said.contains("bans are in nftables because of fw"),
            "{said}"
        );
        flood.go_on()?;

        // It works again.
        fs::remove_file(&broken)?;
        wait_until("the command to have them again", PATIENCE, || {
            Ok(!is_in_nftables(site, "192.0.2.66")?)
        })?;
        let theirs = output(
            &site.topology.server,
            &["nft", "list", "table", "inet", "fw"],
        )?;
        ensure!(
            theirs.contains("192.0.2.66") && theirs.contains("203.0.113.1"),
            "{theirs}"
        );
        flood.go_on()?;
        let (arrived, of) = (flood.arrived()?, flood.sent() - began);
        println!("{arrived} of more than {of} packets got through");
        ensure!(arrived == 0, "{arrived} packets got through");
        flood.end()?;
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn nftables_takes_over_from_maps_that_take_nothing_any_more() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat_with(&site.yaml("enforce: [xdp, nftables]\n"))?;
        let mut agent = seat.start()?;
        let flood = Flood::begin(site, attacker)?;
        ban_attacker(site, &mut agent)?;
        flood.go_on()?;
        flood.arrived()?;
        for map in ["BANS4", "BANS6"] {
            let pin = seat.pins.join(map);
            let mut freeze = Command::new("bpftool");
            freeze.args(["map", "freeze", "pinned"]).arg(pin);
            seat.run_command(&mut freeze)?.succeeded()?;
        }
        for _ in 0..4 {
            site.prove_alive(&mut agent)?;
        }
        wait_until("nftables to take over", PATIENCE, || {
            is_in_nftables(site, "192.0.2.66")
        })?;
        ensure!(is_in_nftables(site, "203.0.113.1")?);
        let said = status(&seat)?;
        ensure!(
            said.contains("bans are in nftables because of xdp"),
            "{said}"
        );
        flood.go_on()?;
        let arrived = flood.arrived()?;
        ensure!(arrived == 0, "{arrived} packets got through");
        flood.end()
    })
}

#[test]
fn bans_go_from_way_to_way_with_each_configuration() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let with = |ways: &str| site.yaml(&format!("enforce: [{ways}]\n"));
        let seat = site.seat_with(&with("nftables"))?;
        let mut agent = seat.start()?;
        let flood = Flood::begin(site, attacker)?;
        ban_attacker(site, &mut agent)?;
        flood.go_on()?;
        flood.arrived()?;
        for ways in [
            "xdp, nftables",
            "iptables",
            "nftables",
            "xdp",
            "iptables, xdp",
        ] {
            agent.kill()?;
            flood.go_on()?;
            seat.configure(&with(ways))?;
            agent = seat.start()?;
            flood.go_on()?;
            let first = ways.split(',').next().unwrap_or_default();
            let nftables = is_in_nftables(site, "192.0.2.66")?;
            ensure!(nftables == (first == "nftables"), "{ways}");
            let sets = output(&site.topology.server, &["ipset", "list", "-n"])?;
            ensure!(sets.is_empty() != (first == "iptables"), "{ways}: {sets}");
            let arrived = flood.arrived()?;
            ensure!(arrived == 0, "{arrived} packets got through: {ways}");
        }
        flood.end()?;
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn without_a_bpf_file_system_the_next_way_is_taken() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat_with(&site.yaml("enforce: [xdp, nftables]\n"))?;
        let seat = seat.pinning_to(site.lab.dir().join("pins"));
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
        let said = status(&seat)?;
        ensure!(
            said.contains("bans are in nftables because of xdp"),
            "{said}"
        );
        for family in FAMILIES {
            assert_silent(attacker, family, crate::bad_input::site::PORT)?;
        }
        // It is taken away also when the agent is dead.
        agent.kill()?;
        assert_silent(attacker, FAMILIES[0], crate::bad_input::site::PORT)?;
        detach(&seat)?;
        assert_connects(attacker, FAMILIES[0], crate::bad_input::site::PORT)?;
        ensure!(!is_in_nftables(site, "")?);
        Ok(())
    })
}

#[test]
fn what_is_detached_while_the_agent_runs_stays_away() -> Result<()> {
    site(|site| {
        let seat = site.seat_with(&site.yaml("enforce: [nftables]\n"))?;
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
        detach(&seat)?;
        wait_until("the agent to notice", PATIENCE, || {
            Ok(status(&seat)?.contains("taken away by banner detach"))
        })?;
        ensure!(!is_in_nftables(site, "")?);
        Ok(())
    })
}

#[test]
fn a_jail_has_ways_of_its_own() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let other = site.lab.dir().join("other.log");
        fs::write(&other, "")?;
        let yaml = format!(
            "defaults: {{ max_retry: 2, find_time: 10m, ban_time: 1h }}\nenforce: [xdp]\njails:\n  \
             sshd: {{ filter: sshd, logs: ['{}'] }}\n  \
             other: {{ filter: sshd, logs: ['{}'], enforce: [nftables] }}\n",
            site.log.display(),
            other.display()
        );
        let seat = site.seat_with(&yaml)?;
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
        ensure!(!is_in_nftables(site, "192.0.2.66")?);
        let address = attacker.address(FAMILIES[0]);
        let line = crate::bad_input::site::failure("root", address).repeat(2);
        crate::bad_input::site::append(&other, line)?;
        wait_until("the other jail's ban to be in nftables", PATIENCE, || {
            is_in_nftables(site, "192.0.2.66")
        })?;
        // Both have it, and both lose it.
        ensure!(seat.pinned().ban(address)?.is_some());
        seat.run("unban 192.0.2.66")?.succeeded()?;
        ensure!(!is_in_nftables(site, "192.0.2.66")?);
        ensure!(seat.pinned().ban(address)?.is_none());
        Ok(())
    })
}
