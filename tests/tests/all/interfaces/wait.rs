//! Interfaces that are named and not there yet.

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Seat,
    netns::Namespace,
    wait::{PATIENCE, wait_until},
};

use super::{assert_both_connect, assert_both_dropped, ban, wait_for_status};
use crate::bad_input::site::{Site, assert_has, site};

/// A place for agents whose interfaces are those of the configuration.
fn seat<'s>(site: &'s Site<'_>, interfaces: &str) -> Result<Seat<'s>> {
    let mut seat = site.seat_with(&site.yaml(&format!("interfaces: {interfaces}\n")))?;
    seat.interfaces.clear();
    Ok(seat)
}

#[test]
fn an_interface_that_is_configured_and_not_there_yet_is_protected_when_it_appears() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        server.ip("link delete to-attacker")?;
        let seat = seat(site, "[to-attacker, to-friend]")?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&[
            "ERROR",
            "to-attacker: no interface has this name",
            "to-friend",
        ])?;
        agent.wait_to_say(&["ready", "to-friend native", "to-attacker waited for"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(
            &status,
            &["PROBLEM  to-attacker: no interface", "WAITED FOR"],
        )?;
        ban(site, &mut agent, attacker)?;

        site.topology.join_attacker_again()?;
        agent.wait_to_say(&["to-attacker: XDP program attached, native mode"])?;
        assert_both_dropped(attacker, &seat.pinned())?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "{status}");
        ensure!(!status.contains("WAITED FOR"), "{status}");
        assert_both_connect(&site.topology.friend)
    })
}

/// Even when none of them is there: an uplink may come long after the agent.
#[test]
fn an_agent_none_of_whose_interfaces_is_there_starts_loudly_and_waits() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        server.ip("link delete to-attacker")?;
        for interfaces in ["[{name: to-attacker, mode: native}]", "auto"] {
            let seat = seat(site, interfaces)?;
            let mut agent = seat.start()?;
            let (who, why) = if interfaces == "auto" {
                ("interfaces: auto", "no interface carries a default route")
            } else {
                ("to-attacker", "no interface has this name")
            };
            agent.wait_to_say(&["ERROR", who, why, "lo, to-friend"])?;
            let status = seat.run("status")?.succeeded()?.stdout;
            assert_has(&status, &["PROBLEM", who, why])?;
            ban(site, &mut agent, attacker)?;
            site.topology.join_attacker_again()?;
            if interfaces == "auto" {
                // An IPv6 gateway that nobody bans, because gateways are never banned.
                server.ip("route add default via 2001:db8:a::99 dev to-attacker")?;
            }
            agent.wait_to_say(&["to-attacker: XDP program attached, native mode"])?;
            assert_both_dropped(attacker, &seat.pinned())?;
            ensure!(agent.terminate()?.success());
            seat.run("detach")?.succeeded()?;
            server.ip("link delete to-attacker")?;
        }
        Ok(())
    })
}

/// On the command line a name is of now, and a typing error.
#[test]
fn an_interface_of_the_command_line_has_to_be_there() -> Result<()> {
    site(|site| {
        let mut seat = seat(site, "[to-friend]")?;
        seat.interfaces = vec!["to-fiend"];
        assert_has(&seat.refusal()?, &["no interface is named \"to-fiend\""])?;
        site.assert_untouched(&seat)
    })
}

/// A named interface that was renamed while no agent ran stays protected, because it may be the one.
#[test]
fn what_was_protected_stays_so_while_a_named_interface_is_missing() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = seat(site, "[to-attacker, to-friend]")?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        ensure!(agent.terminate()?.success());
        server.rename("to-attacker", "uplink")?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["uplink: XDP program in place of an earlier agent's"])?;
        agent.wait_to_say(&["ERROR", "to-attacker: no interface has this name"])?;
        assert_both_dropped(attacker, &seat.pinned())?;
        ensure!(agent.terminate()?.success());
        // When all are there, others are not wanted.
        server.rename("uplink", "to-attacker")?;
        server.ip("link add other type veth peer name other-end")?;
        let mut next = seat.start()?;
        next.wait_to_say(&["ready", "to-attacker native, to-friend native"])?;
        assert_both_dropped(attacker, &seat.pinned())?;
        ensure!(next.terminate()?.success());
        seat.configure(&site.yaml("interfaces: [to-friend]\n"))?;
        let mut last = seat.start()?;
        last.wait_to_say(&["to-attacker: no longer protected"])?;
        wait_until("the program to be off", PATIENCE, || {
            Ok(!server.has_xdp("to-attacker")?)
        })
    })
}

#[test]
fn an_interface_that_comes_from_another_network_namespace_is_protected() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let elsewhere = Namespace::add("elsewhere")?;
        server.ip("link set to-attacker netns elsewhere")?;
        let seat = seat(site, "[to-attacker, to-friend]")?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, attacker)?;
        wait_for_status(&seat, &["WAITED FOR"])?;
        elsewhere.ip("link set to-attacker netns server")?;
        agent.wait_to_say(&["to-attacker: XDP program attached, native mode"])?;
        site.topology.address_attackers_link()?;
        assert_both_dropped(attacker, &seat.pinned())
    })
}
