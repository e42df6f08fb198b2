//! Interfaces that change under a running agent.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    netns::Namespace,
    sniffer::Knocker,
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::{FAMILIES, assert_both_connect, assert_both_dropped, ban, index, wait_for_status};
use crate::bad_input::site::{PORT, assert_has, site};

#[test]
fn the_program_follows_a_default_route_that_moves_and_stays_where_it_was() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let friend = &site.topology.friend;
        for family in FAMILIES {
            let mut seat = site.seat_with(&site.yaml("interfaces: auto\n"))?;
            seat.interfaces.clear();
            let gateways = match family {
                Family::V4 => ["198.51.100.99", "192.0.2.99"],
                Family::V6 => ["2001:db8:f::99", "2001:db8:a::99"],
            };
            let [first, second] = gateways;
            server.ip(&format!("route add default via {first} dev to-friend"))?;
            let mut agent = seat.start()?;
            agent.wait_to_say(&["ready", "to-friend native"])?;
            ensure!(
                !server.has_xdp("to-attacker")?,
                "it carries no default route"
            );
            ban(site, &mut agent, attacker)?;
            assert_both_connect(attacker)?;

            server.ip(&format!(
                "route delete default via {first} dev to-friend\n\
                 route add default via {second} dev to-attacker\n"
            ))?;
            agent.wait_to_say(&["to-attacker: XDP program attached"])?;
            agent.wait_to_say(&["to-friend: does not carry a default route now"])?;
            assert_both_dropped(attacker, &seat.pinned())?;
            ensure!(server.has_xdp("to-friend")?, "the old one is off");
            let status = seat.run("status")?.succeeded()?.stdout;
            assert_has(&status, &["to-friend", "stays protected until"])?;
            ensure!(!status.contains("PROBLEM"), "{status}");

            // The next agent takes both over.
            ensure!(agent.terminate()?.success());
            let mut next = seat.start()?;
            for interface in site.interfaces() {
                next.wait_to_say(&[&format!("{interface}: XDP program in place of an earlier")])?;
            }
            // And back it goes.
            server.ip(&format!(
                "route delete default via {second} dev to-attacker\n\
                 route add default via {first} dev to-friend\n"
            ))?;
            next.wait_to_say(&["to-friend: carries a default route now"])?;
            next.wait_to_say(&["to-attacker: does not carry a default route now"])?;
            assert_both_dropped(attacker, &seat.pinned())?;
            assert_both_connect(friend)?;
            ensure!(next.terminate()?.success());
            seat.run("detach")?.succeeded()?;
            server.ip(&format!("route delete default via {first} dev to-friend"))?;
        }
        Ok(())
    })
}

/// An uplink without Ethernet headers takes no program; what an earlier agent protected stays so.
#[test]
fn an_earlier_program_is_taken_over_when_the_uplink_of_today_takes_none() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let mut seat = site.seat_with(&site.yaml("interfaces: auto\n"))?;
        seat.interfaces.clear();
        server.ip("route add default via 192.0.2.99 dev to-attacker")?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        ensure!(agent.terminate()?.success());
        server.ip("route delete default via 192.0.2.99 dev to-attacker\n\
             tuntap add tun0 mode tun\n\
             link set tun0 up\n\
             route add default dev tun0\n")?;
        let mut next = seat.start()?;
        next.wait_to_say(&["ERROR", "tun0: its packets have no Ethernet header"])?;
        next.wait_to_say(&["to-attacker: XDP program in place of an earlier agent's"])?;
        assert_both_dropped(attacker, &seat.pinned())?;
        ensure!(next.terminate()?.success());
        Ok(())
    })
}

/// By its name and index alone it looks like one whose program somebody took off.
#[test]
fn an_interface_that_is_made_anew_with_the_same_index_is_protected_again() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        assert_both_dropped(attacker, &seat.pinned())?;
        let before = index(server, "to-attacker")?;
        let link = seat.pinned().link_id("to-attacker")?;
        site.topology.make_attackers_link_anew(before)?;
        ensure!(index(server, "to-attacker")? == before, "another index");
        wait_until("the program to be back", PATIENCE, || {
            server.has_xdp("to-attacker")
        })?;
        assert_both_dropped(attacker, &seat.pinned())?;
        ensure!(seat.pinned().link_id("to-attacker")? != link, "a dead link");
        agent.wait_to_say(&["ready"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "{status}");
        Ok(())
    })
}

/// `bpftool link detach` takes the program off and leaves the pin; the kernel tells nobody.
fn force_off(link: u32) -> Result<()> {
    let output = Command::new("bpftool")
        .args(["link", "detach", "id", &link.to_string()])
        .output()
        .context("run bpftool")?;
    ensure!(output.status.success(), "{output:?}");
    Ok(())
}

#[test]
fn a_program_that_is_forced_off_is_put_back_and_counted() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        force_off(seat.pinned().link_id("to-attacker")?)?;
        ensure!(!server.has_xdp("to-attacker")?, "it is not off");
        // Noticed when somebody asks; once back, it is back when the answer comes.
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["xdp native (veth); put back 1 times"])?;
        ensure!(!status.contains("PROBLEM"), "{status}");
        agent.wait_to_say(&["ERROR", "to-attacker", "forced off", "not in force"])?;
        assert_both_dropped(attacker, &seat.pinned())?;

        // And when the agent bans, at most a second later.
        force_off(seat.pinned().link_id("to-attacker")?)?;
        site.prove_alive(&mut agent)?;
        wait_until("the program to be back", PATIENCE, || {
            server.has_xdp("to-attacker")
        })?;
        assert_both_dropped(attacker, &seat.pinned())?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["put back 2 times"])?;
        Ok(())
    })
}

/// The administrator's way out is not undone by the agent.
#[test]
fn what_banner_detach_took_off_stays_off() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let mut seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        seat.interfaces = vec!["to-attacker"];
        seat.run("detach")?.succeeded()?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(
            &status,
            &["PROBLEM  to-attacker: the XDP program was taken off"],
        )?;
        assert_both_connect(attacker)?;
        // Changes of the network do not bring it back either.
        server.ip("address add 203.0.113.77/32 dev to-attacker")?;
        agent.wait_to_say(&["the never-ban list follows the network"])?;
        seat.interfaces.clear();
        seat.run("detach")?.succeeded()?;
        server.ip("address add 203.0.113.78/32 dev to-attacker")?;
        wait_for_status(
            &seat,
            &["PROBLEM  to-friend: the XDP program was taken off"],
        )?;
        for interface in site.interfaces() {
            ensure!(!server.has_xdp(interface)?, "{interface}");
        }
        // Nor does an interface that is new.
        server.ip("link delete to-attacker")?;
        site.topology.join_attacker_again()?;
        site.prove_alive(&mut agent)?;
        wait_for_status(&seat, &["PROBLEM"])?;
        ensure!(!server.has_xdp("to-attacker")?, "attached without pins");
        ensure!(!seat.pins.join("link-to-attacker").exists());
        Ok(())
    })
}

/// Sends SYNs until `done`.
fn flood_until(
    what: &str,
    knockers: &mut [Knocker<'_>],
    mut done: impl FnMut() -> Result<bool>,
) -> Result<()> {
    wait_until(what, PATIENCE, || {
        for knocker in knockers.iter_mut() {
            knocker.knock()?;
        }
        done()
    })
}

#[test]
fn an_interface_that_is_renamed_stays_protected_and_its_old_name_is_waited_for() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let mut seat = site.seat_with(&site.yaml("interfaces: [to-attacker]\n"))?;
        seat.interfaces.clear();
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        let mut knockers = Vec::new();
        for family in FAMILIES {
            knockers.push(Knocker::new(
                attacker.namespace(),
                attacker.server(family, PORT),
            )?);
        }
        let link = seat.pinned().link_id("to-attacker")?;
        server.rename("to-attacker", "uplink")?;
        flood_until("the new name to be told", &mut knockers, || {
            let told = |line: &String| line.contains("to-attacker: is named uplink now");
            Ok(agent.lines()?.iter().any(told))
        })?;
        let status = wait_for_status(&seat, &["PROBLEM  to-attacker: no interface has this"])?;
        assert_has(&status, &["uplink", "xdp native", "WAITED FOR"])?;
        // Another one takes the name, and is protected as well.
        server.rename("to-friend", "to-attacker")?;
        flood_until("the other one to be protected", &mut knockers, || {
            server.has_xdp("to-attacker")
        })?;
        ensure!(server.has_xdp("uplink")?, "the first one is not");
        ensure!(seat.pinned().link_id("to-attacker")? != link, "the old pin");
        assert_both_dropped(attacker, &seat.pinned())?;
        for knocker in &knockers {
            ensure!(knocker.answered == 0 && knocker.sent > 0, "{knocker:?}");
        }
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "{status}");
        Ok(())
    })
}

#[test]
fn an_interface_that_goes_to_another_network_namespace_keeps_its_program_and_comes_back()
-> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let elsewhere = Namespace::add("elsewhere")?;
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        let link = seat.pinned().link_id("to-attacker")?;
        // There its index is another one's already, so that it gets a new one.
        let before = index(server, "to-attacker")?;
        elsewhere.ip(&format!(
            "link add other index {before} type veth peer name another index 90\n"
        ))?;
        server.ip("link set to-attacker netns elsewhere")?;
        agent.wait_to_say(&[
            "WARN",
            "to-attacker: it was moved to another network namespace",
        ])?;
        wait_for_status(
            &seat,
            &["PROBLEM  to-attacker: it was moved", "NOT ATTACHED"],
        )?;
        ensure!(elsewhere.has_xdp("to-attacker")?, "it lost its program");
        ensure!(index(&elsewhere, "to-attacker")? != before);
        site.prove_alive(&mut agent)?;

        elsewhere.ip("link set to-attacker netns server")?;
        agent.wait_to_say(&["to-attacker: back in this network namespace"])?;
        site.topology.address_attackers_link()?;
        assert_both_dropped(attacker, &seat.pinned())?;
        ensure!(
            seat.pinned().link_id("to-attacker")? == link,
            "another link"
        );
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "{status}");
        Ok(())
    })
}
