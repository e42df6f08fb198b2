//! Interfaces that are not there, or will not have the program.

use anyhow::{Context as _, Result, ensure};
use aya::programs::XdpMode;
use banner_tests::{agent::Event, bpf::Object, topology::Family};

use super::site::{assert_connects, assert_dropped, assert_has, assert_printable, site};

#[test]
fn an_interface_that_is_not_there_is_named_and_nothing_is_touched() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        // Alone, and beside one that could be protected.
        for interfaces in [vec!["to-atacker"], vec!["to-friend", "to-atacker"]] {
            seat.interfaces = interfaces;
            assert_has(
                &seat.refusal()?,
                &[
                    "no interface is named \"to-atacker\"",
                    "lo",
                    "to-attacker",
                    "to-friend",
                ],
            )?;
            site.assert_untouched(&seat)?;
        }
        Ok(())
    })
}

#[test]
fn a_terminal_escape_in_an_interface_name_does_not_reach_the_terminal() -> Result<()> {
    site(|site| {
        (site.topology.server).ip("link add \u{1b}[2J type veth peer name \u{7}\u{9b}2J")?;
        let mut seat = site.seat()?;
        seat.interfaces = vec!["to-atacker"];
        let said = seat.refusal()?;
        assert_has(&said, &["to-attacker", "\\u{1b}[2J", "\\u{7}\\u{9b}2J"])?;
        assert_printable(&said)
    })
}

/// A name in a log, too, when the interface is one that is protected.
#[test]
fn a_terminal_escape_in_the_name_of_a_protected_interface_is_escaped_everywhere() -> Result<()> {
    site(|site| {
        (site.topology.server).ip("link add \u{1b}[2J\u{e} type veth peer name other")?;
        let mut seat = site.seat()?;
        seat.interfaces = vec!["\u{1b}[2J\u{e}"];
        let agent = seat.start()?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(agent.terminate()?.success());
        let detached = seat.run("detach")?.succeeded()?.stdout;
        for said in [&status, &detached] {
            assert_has(said, &["\\u{1b}[2J"])?;
            assert_printable(said)?;
        }
        Ok(())
    })
}

#[test]
fn where_the_driver_refuses_the_program_runs_in_generic_mode_and_says_why() -> Result<()> {
    site(|site| {
        let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
        // A bridge has no native XDP. This one has the attacker's link in it, and its addresses.
        let [own, theirs] = [
            attacker.server(Family::V4, 7).ip(),
            attacker.address(Family::V4),
        ];
        site.topology.server.ip(&format!(
            "link add br0 address 02:00:00:00:0a:01 type bridge\n\
             address flush dev to-attacker\n\
             link set to-attacker master br0\n\
             address add {own}/24 dev br0\n\
             link set br0 up\n\
             neighbour add {theirs} lladdr 02:00:00:00:0a:02 nud permanent dev br0\n"
        ))?;
        let mut seat = site.seat()?;
        seat.interfaces = vec!["br0", "to-friend"];
        let first = ["generic mode", "not supported", "the driver has none"];
        let second = ["generic mode", "earlier agent", "banner detach"];
        for why in [first, second] {
            let mut agent = seat.start()?;
            agent.wait_to_say(&[&["br0", "WARN"], &why[..]].concat())?;
            agent.wait_to_say(&["ready", "br0 generic", "to-friend native"])?;
            let status = seat.run("status")?.succeeded()?.stdout;
            assert_has(&status, &[&["PROBLEM  br0: "], &why[..]].concat())?;
            ensure!(!status.contains("PROBLEM  to-friend"), "{status}");
            if why == first {
                assert_connects(attacker)?;
                site.fail(attacker.address(Family::V4))?;
                agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
            }
            assert_dropped(attacker, &seat.pinned())?;
            assert_connects(friend)?;
            ensure!(agent.terminate()?.success());
        }
        Ok(())
    })
}

/// The program would take the addresses for something else, and pass everything.
#[test]
fn an_interface_whose_packets_have_no_ethernet_header_is_refused() -> Result<()> {
    site(|site| {
        site.topology.server.ip("tuntap add tun0 mode tun")?;
        let mut seat = site.seat()?;
        seat.interfaces = vec!["tun0"];
        let why = ["tun0: ", "no Ethernet header"];
        assert_has(&seat.refusal()?, &why)?;
        site.assert_untouched(&seat)?;
        ensure!(!site.topology.server.has_xdp("tun0")?);

        seat.interfaces = vec!["tun0", "to-attacker"];
        let mut agent = seat.start()?;
        agent.wait_to_say(&[&["ERROR"], &why[..]].concat())?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["PROBLEM  tun0: ", "NOT ATTACHED"])
    })
}

#[test]
fn a_slot_that_another_program_holds_is_left_to_it() -> Result<()> {
    for mode in [XdpMode::Driver, XdpMode::Skb] {
        site(|site| {
            let server = &site.topology.server;
            let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
            let taken = attacker.server_interface();
            let mut foreign = Object::load()?;
            server.inside(|| foreign.attach(taken, mode))??;
            let id = server.xdp_id(taken)?.context("it is attached")?;
            let (name, process) = (foreign.decides(), std::process::id());
            let holder = format!("program {id}, {name}, of process {process} (");
            let mut seat = site.seat()?;

            seat.interfaces = vec![taken];
            let said = seat.refusal()?;
            assert_has(&said, &[taken, "banner has it already", &holder])?;
            ensure!(server.xdp_id(taken)? == Some(id), "it is gone");
            ensure!(!seat.pins.exists(), "left: {:?}", seat.pinned().names());

            // Where another interface can be protected, that is done, and the gap is shown.
            seat.interfaces = site.interfaces().to_vec();
            let mut agent = seat.start()?;
            agent.wait_to_say(&["ERROR", taken, &holder])?;
            let status = seat.run("status")?.succeeded()?.stdout;
            assert_has(
                &status,
                &["NOT ATTACHED", "PROBLEM  to-attacker: ", &holder],
            )?;
            site.fail(friend.address(Family::V4))?;
            agent.wait_for(Event::Ban, friend.address(Family::V4))?;
            assert_dropped(friend, &seat.pinned())?;
            ensure!(server.xdp_id(taken)? == Some(id), "it is gone");
            assert_connects(attacker)
        })?;
    }
    Ok(())
}
