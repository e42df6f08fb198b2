//! Links that an earlier agent pinned, on interfaces that have changed since.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use aya::programs::XdpMode;
use banner_tests::{
    agent::{Event, Seat},
    bpf::Object,
    netns::Namespace,
    pinned::Pinned,
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::site::{Site, assert_dropped, assert_has, knocker, site};

/// Default routes by both of the server's interfaces; the friend's is the backup.
fn route_by_both(site: &Site<'_>) -> Result<()> {
    let topology = &site.topology;
    topology.server.ip(&format!(
        "route add default via {} metric 100\nroute add default via {} metric 200\n",
        topology.attacker.address(Family::V4),
        topology.friend.address(Family::V4),
    ))
}

#[test]
fn an_uplink_without_a_default_route_for_a_while_keeps_its_program() -> Result<()> {
    site(|site| {
        let (server, friend) = (&site.topology.server, &site.topology.friend);
        let backup = friend.server_interface();
        route_by_both(site)?;
        let mut seat = site.seat()?;
        seat.interfaces.clear();
        let mut agent = seat.start()?;
        site.fail("198.51.100.9")?;
        agent.wait_for(Event::Ban, "198.51.100.9".parse()?)?;
        let before = seat.pinned().link_id(backup)?;
        ensure!(agent.terminate()?.success());

        server.ip(&format!("route delete default dev {backup}"))?;
        let agent = seat.start()?;
        ensure!(server.has_xdp(backup)?, "it is detached");
        ensure!(seat.pinned().link_id(backup)? == before, "another link");
        ensure!(agent.terminate()?.success());

        // Of an interface that is gone nothing stays.
        server.ip(&format!("link delete {backup}"))?;
        let agent = seat.start()?;
        let names = seat.pinned().names()?;
        ensure!(!names.contains(&format!("link-{backup}")), "{names:?}");
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn an_interface_that_is_not_among_the_named_ones_any_more_is_detached() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        ensure!(seat.start()?.terminate()?.success());
        seat.interfaces = vec!["to-attacker"];
        let mut agent = seat.start()?;
        agent.wait_to_say(&["to-friend: no longer protected"])?;
        wait_until("the program to be off", PATIENCE, || {
            Ok(!site.topology.server.has_xdp("to-friend")?)
        })
    })
}

#[test]
fn an_interface_that_cannot_be_taken_over_keeps_the_program_it_has() -> Result<()> {
    site(|site| {
        let server = &site.topology.server;
        let seat = site.seat()?;
        let agent = seat.start()?;
        let before = server.xdp_id("to-friend")?.context("it is protected")?;
        ensure!(agent.terminate()?.success());
        // Somebody has put something in the way.
        let pin = seat.pins.join("link-to-friend");
        fs::rename(&pin, seat.pins.join("link-zone"))?;
        let mut foreign = Object::load()?;
        foreign.pin_program(&pin)?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["ERROR", "to-friend", "no link"])?;
        site.prove_alive(&mut agent)?;
        ensure!(server.xdp_id("to-friend")? == Some(before), "it is off");
        ensure!(pin.exists(), "the foreign pin is gone");
        Ok(())
    })
}

#[test]
fn interfaces_that_swap_their_names_while_no_agent_runs_stay_protected() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = site.seat()?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        let links = |pinned: &Pinned| -> Result<[u32; 2]> {
            Ok([pinned.link_id("to-attacker")?, pinned.link_id("to-friend")?])
        };
        let [first, second] = links(&pinned)?;
        ensure!(agent.terminate()?.success());
        server.rename("to-attacker", "between")?;
        server.rename("to-friend", "to-attacker")?;
        server.rename("between", "to-friend")?;
        assert_dropped(attacker, &pinned)?;

        let mut knocker = knocker(attacker)?;
        let mut next = seat.spawn()?;
        wait_until("the next agent to be ready", PATIENCE, || {
            for _ in 0..10 {
                knocker.knock()?;
            }
            next.is_ready()
        })?;
        assert_dropped(attacker, &pinned)?;
        ensure!(knocker.answered == 0, "a gap: {knocker:?}");
        ensure!(links(&pinned)? == [second, first], "other links");
        for interface in site.interfaces() {
            next.wait_to_say(&[&format!("{interface}: XDP program in place")])?;
            ensure!(server.has_xdp(interface)?, "{interface}");
        }
        let names = pinned.names()?;
        let count = names.iter().filter(|name| name.starts_with("link-"));
        ensure!(count.count() == 2, "{names:?}");
        Ok(())
    })
}

/// The name of a protected interface goes to one that was not protected.
#[test]
fn a_link_in_the_way_of_another_ones_name_is_moved_and_not_removed() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let mut seat = site.seat()?;
        seat.interfaces = vec!["to-attacker"];
        let mut agent = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        ensure!(agent.terminate()?.success());
        server.rename("to-attacker", "uplink")?;
        server.rename("to-friend", "to-attacker")?;
        // The one that has no program yet comes first.
        seat.interfaces = vec!["to-attacker", "uplink"];
        let mut knocker = knocker(attacker)?;
        let mut next = seat.spawn()?;
        wait_until("the next agent to be ready", PATIENCE, || {
            knocker.knock()?;
            next.is_ready()
        })?;
        next.wait_to_say(&["uplink: XDP program in place of an earlier agent's"])?;
        next.wait_to_say(&["to-attacker: XDP program attached"])?;
        assert_dropped(attacker, &seat.pinned())?;
        ensure!(knocker.answered == 0, "a gap: {knocker:?}");
        Ok(())
    })
}

/// Each network namespace counts its interfaces for itself.
#[test]
fn a_link_in_another_network_namespace_is_not_taken_for_ones_own() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let mut seat = site.seat()?;
        seat.interfaces = vec!["to-attacker"];
        let mut agent = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        ensure!(agent.terminate()?.success());
        let before = server.xdp_id("to-attacker")?;

        let elsewhere = Namespace::add("elsewhere")?;
        let index = index(server, "to-attacker")?;
        elsewhere.ip(&format!(
            "link add to-attacker index {index} type veth peer name other index 90\n"
        ))?;
        let there = Seat::with_text(site.lab, &elsewhere, &["to-attacker"], &site.yaml(""))?;
        let mut stranger = there.start()?;
        stranger.wait_to_say(&["to-attacker: XDP program attached"])?;
        ensure!(elsewhere.has_xdp("to-attacker")?, "it is not protected");
        ensure!(server.xdp_id("to-attacker")? == before, "another program");
        assert_dropped(attacker, &seat.pinned())?;
        ensure!(stranger.terminate()?.success());

        // Back home the agent knows its own link still.
        let mut agent = seat.start()?;
        agent.wait_to_say(&["to-attacker: XDP program in place of an earlier agent's"])?;
        assert_dropped(attacker, &seat.pinned())?;
        ensure!(elsewhere.has_xdp("to-attacker")?, "it is off");
        Ok(())
    })
}

fn index(namespace: &Namespace, interface: &str) -> Result<u32> {
    let output = Command::new("ip")
        .args([
            "-n",
            namespace.name(),
            "-oneline",
            "link",
            "show",
            interface,
        ])
        .output()?;
    let line = String::from_utf8(output.stdout)?;
    let (index, _) = line.split_once(':').context("index of the interface")?;
    Ok(index.parse()?)
}

#[test]
fn a_program_that_somebody_puts_in_the_place_of_ours_is_noticed() -> Result<()> {
    site(|site| {
        let server = &site.topology.server;
        let seat = site.seat()?;
        let _agent = seat.start()?;
        fs::remove_file(seat.pins.join("link-to-attacker"))?;
        wait_until("the program to be off", PATIENCE, || {
            Ok(!server.has_xdp("to-attacker")?)
        })?;
        let mut foreign = Object::load()?;
        server.inside(|| foreign.attach("to-attacker", XdpMode::Driver))??;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(
            &status,
            &["PROBLEM  to-attacker: the XDP program was taken off"],
        )?;
        ensure!(status.matches("NOT ATTACHED").count() == 1, "{status}");
        Ok(())
    })
}

#[test]
fn detaching_a_named_interface_leaves_the_others_and_the_bans() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let mut seat = site.seat()?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;

        // A typing error changes nothing, whatever else is named.
        seat.interfaces = vec!["to-friend", "to-fiend"];
        let refused = seat.run("detach")?;
        ensure!(refused.status.code() == Some(1), "{}", refused.status);
        assert_has(&refused.stderr, &["to-fiend", "to-attacker, to-friend"])?;
        for interface in site.interfaces() {
            ensure!(server.has_xdp(interface)?, "{interface}");
        }

        seat.interfaces = vec!["to-friend"];
        let said = seat.run("detach")?.succeeded()?.stdout;
        let process = format!("process {}", agent.pid());
        assert_has(
            &said,
            &[
                "to-friend: XDP program off",
                "still in force on to-attacker",
                &process,
            ],
        )?;
        wait_until("the program to be off", PATIENCE, || {
            Ok(!server.has_xdp("to-friend")?)
        })?;
        assert_dropped(attacker, &pinned)?;
        ensure!(agent.terminate()?.success());

        // An interface is named as it is named now, and the maps go with the last link.
        server.rename("to-attacker", "uplink")?;
        seat.interfaces = vec!["uplink"];
        let said = seat.run("detach")?.succeeded()?.stdout;
        assert_has(&said, &["uplink: XDP program off", "10 maps removed"])?;
        ensure!(!seat.pins.exists(), "{:?}", pinned.names());
        let refused = seat.run("detach")?;
        assert_has(&refused.stderr, &["uplink", "no interface has one"])
    })
}
