//! The network changes under a running agent.

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    agent::Event,
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::site::{assert_connects, assert_dropped, assert_has, site};

#[test]
fn an_interface_that_is_made_again_is_protected_again() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let interface = attacker.server_interface();
        let seat = site.seat()?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        assert_dropped(attacker, &pinned)?;

        server.ip(&format!("link delete {interface}"))?;
        agent.wait_to_say(&["ERROR", interface, "the interface is gone"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(
            &status,
            &[
                "WAITED FOR",
                "PROBLEM  to-attacker: no interface has this name",
            ],
        )?;
        site.prove_alive(&mut agent)?;

        site.topology.join_attacker_again()?;
        let attached = format!("{interface}: XDP program attached, native mode");
        wait_until("the program to be attached again", PATIENCE, || {
            Ok(agent
                .lines()?
                .iter()
                .filter(|line| line.contains(&attached))
                .count()
                == 2)
        })?;
        assert_dropped(attacker, &pinned)?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "{status}");
        seat.run(&format!("unban {}", attacker.address(Family::V4)))?
            .succeeded()?;
        assert_connects(attacker)?;

        // At once, so that it was never seen to be away.
        let before = server.xdp_id(interface)?.context("it is attached")?;
        site.fail(attacker.address(Family::V4))?;
        wait_until("the second ban", PATIENCE, || {
            Ok(pinned.ban(attacker.address(Family::V4))?.is_some())
        })?;
        server.ip(&format!("link delete {interface}"))?;
        site.topology.join_attacker_again()?;
        wait_until("the program to be attached a third time", PATIENCE, || {
            Ok(server.xdp_id(interface)?.is_some_and(|now| now != before))
        })?;
        assert_dropped(attacker, &pinned)?;
        ensure!(agent.terminate()?.success());
        seat.run("detach")?.succeeded()?;
        assert_connects(attacker)
    })
}

#[test]
fn an_interface_that_is_renamed_stays_protected() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let mut seat = site.seat()?;
        let mut agent = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        server.rename("to-attacker", "renamed")?;
        assert_dropped(attacker, &seat.pinned())?;
        wait_until("the new name to be shown", PATIENCE, || {
            Ok(seat
                .run("status")?
                .succeeded()?
                .stdout
                .contains("interface  renamed"))
        })?;
        ensure!(agent.terminate()?.success());
        // The next one is told the new name, and knows the link for its own.
        seat.interfaces = vec!["renamed", "to-friend"];
        let mut next = seat.start()?;
        next.wait_to_say(&["renamed: XDP program in place of an earlier agent's"])?;
        assert_dropped(attacker, &seat.pinned())?;
        let names = seat.pinned().names()?;
        ensure!(names.contains(&"link-renamed".to_owned()), "{names:?}");
        ensure!(!names.contains(&"link-to-attacker".to_owned()), "{names:?}");
        Ok(())
    })
}

#[test]
fn a_program_that_somebody_takes_off_is_missed() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        std::fs::remove_file(seat.pins.join("link-to-attacker"))?;
        // Of a link that is taken off the kernel tells nobody. The agent looks when it bans.
        site.prove_alive(&mut agent)?;
        agent.wait_to_say(&["ERROR", "to-attacker", "the XDP program was taken off"])?;
        // And when somebody asks.
        std::fs::remove_file(seat.pins.join("link-to-friend"))?;
        let status = seat.run("status")?.succeeded()?.stdout;
        for interface in site.interfaces() {
            assert_has(
                &status,
                &[&format!("PROBLEM  {interface}: the XDP program was taken")],
            )?;
        }
        ensure!(status.matches("NOT ATTACHED").count() == 2, "{status}");
        ensure!(agent.terminate()?.success());
        let _next = seat.start()?;
        assert_dropped(attacker, &seat.pinned())
    })
}

#[test]
fn an_address_that_becomes_the_machines_own_is_freed_and_never_banned_again() -> Result<()> {
    site(|site| {
        let server = &site.topology.server;
        let seat = site.seat()?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        let addresses = [("192.0.2.77", 24), ("2001:db8:a::77", 64)];
        for (text, _) in addresses {
            site.fail(text)?;
            agent.wait_for(Event::Ban, text.parse()?)?;
        }
        for (text, length) in addresses {
            server.ip(&format!("address add {text}/{length} dev to-attacker"))?;
            agent.wait_for(Event::Unban, text.parse()?)?;
            ensure!(pinned.ban(text.parse()?)?.is_none(), "{text}");
            ensure!(pinned.is_never(text.parse()?)?, "{text}");
            site.fail(text)?;
            agent.wait_to_say(&[&format!("spared {text} ")])?;
        }
        // And is like any other when it is not the machine's any more.
        for (text, length) in addresses {
            server.ip(&format!("address delete {text}/{length} dev to-attacker"))?;
            wait_until("the prefix to go", PATIENCE, || {
                Ok(!pinned.is_never(text.parse()?)?)
            })?;
            site.fail(text)?;
            wait_until("the ban", PATIENCE, || {
                Ok(pinned.ban(text.parse()?)?.is_some())
            })?;
        }
        Ok(())
    })
}

#[test]
fn a_gateway_that_comes_later_is_freed() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let gateway = attacker.address(Family::V4);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        site.fail(gateway)?;
        agent.wait_for(Event::Ban, gateway)?;
        assert_dropped(attacker, &seat.pinned())?;
        site.topology
            .server
            .ip(&format!("route add default via {gateway}"))?;
        agent.wait_for(Event::Unban, gateway)?;
        assert_connects(attacker)
    })
}
