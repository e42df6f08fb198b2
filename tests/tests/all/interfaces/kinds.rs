//! Bridges, their ports, and other kinds of interfaces: what a program sees there, and what is said.

use std::net::{SocketAddr, TcpListener};

use anyhow::{Result, ensure};
use banner_tests::{
    kernel,
    netns::Namespace,
    sniffer::Knocker,
    topology::{Family, Topology},
};

use super::{FAMILIES, assert_both_connect, assert_both_dropped, ban};
use crate::bad_input::site::{PORT, assert_has, site};

/// Where the friend is reached from the attacker when one bridge has both of their links.
const FRIEND4: &str = "192.0.2.77";
const FRIEND6: &str = "2001:db8:a::77";

/// Puts both links of the server into a bridge, `br0`, that has the attacker's server address, so
/// that the attacker reaches the server by it and the friend through it.
fn bridge(topology: &Topology) -> Result<()> {
    let attacker = &topology.attacker;
    let [own4, own6] = FAMILIES.map(|family| attacker.server(family, PORT).ip());
    let [theirs4, theirs6] = FAMILIES.map(|family| attacker.address(family));
    topology.server.ip(&format!(
        "link add br0 address 02:00:00:00:0a:01 type bridge\n\
         address flush dev to-attacker\n\
         link set to-attacker master br0\n\
         link set to-friend master br0\n\
         address add {own4}/24 dev br0\n\
         address add {own6}/64 dev br0 nodad\n\
         link set br0 up\n\
         neighbour add {theirs4} lladdr 02:00:00:00:0a:02 nud permanent dev br0\n\
         neighbour add {theirs6} lladdr 02:00:00:00:0a:02 nud permanent dev br0\n"
    ))?;
    attacker.namespace().ip(&format!(
        "neighbour add {FRIEND4} lladdr 02:00:00:00:0f:02 nud permanent dev eth0\n\
         neighbour add {FRIEND6} lladdr 02:00:00:00:0f:02 nud permanent dev eth0\n"
    ))?;
    topology.friend.namespace().ip(&format!(
        "address add {FRIEND4}/24 dev eth0\n\
         address add {FRIEND6}/64 dev eth0 nodad\n\
         neighbour add {theirs4} lladdr 02:00:00:00:0a:02 nud permanent dev eth0\n\
         neighbour add {theirs6} lladdr 02:00:00:00:0a:02 nud permanent dev eth0\n"
    ))
}

/// Whether the attacker reaches the friend, through the bridge.
fn reaches_friend(topology: &Topology, family: Family) -> Result<bool> {
    let friend = match family {
        Family::V4 => FRIEND4.parse()?,
        Family::V6 => FRIEND6.parse()?,
    };
    let mut knocker = Knocker::new(topology.attacker.namespace(), SocketAddr::new(friend, PORT))?;
    knocker.connects(std::time::Duration::from_millis(1500))
}

/// A bridge delivers some of what comes in to the machine, and forwards the rest unseen by a program
/// on the bridge itself.
#[test]
fn on_a_bridge_what_is_delivered_here_is_dropped_and_on_its_port_all() -> Result<()> {
    site(|site| {
        let topology = &site.topology;
        bridge(topology)?;
        let friends = topology.friend.namespace();
        let _listener = friends.inside(|| TcpListener::bind(("::", PORT)))??;
        for (protected, mode, kind, advice, forwards) in [
            (
                "br0",
                "generic",
                "bridge",
                "sees only what is delivered to this machine",
                true,
            ),
            (
                "to-attacker",
                "native",
                "veth, port of the bridge br0",
                "also what would be forwarded",
                false,
            ),
        ] {
            let mut seat = site.seat()?;
            seat.interfaces = vec![protected];
            let mut agent = seat.start()?;
            agent.wait_to_say(&[&format!("{protected}: {kind}: "), advice])?;
            let status = seat.run("status")?.succeeded()?.stdout;
            assert_has(&status, &[&format!("xdp {mode} ({kind})"), advice])?;
            assert_both_connect(&topology.attacker)?;
            for family in FAMILIES {
                ensure!(reaches_friend(topology, family)?, "before: {family:?}");
            }
            ban(site, &mut agent, &topology.attacker)?;
            assert_both_dropped(&topology.attacker, &seat.pinned())?;
            for family in FAMILIES {
                let reached = reaches_friend(topology, family)?;
                ensure!(reached == forwards, "{protected} {family:?}: {reached}");
            }
            ensure!(agent.terminate()?.success());
            seat.interfaces.clear();
            seat.run("detach")?.succeeded()?;
        }
        Ok(())
    })
}

#[test]
fn a_port_whose_bridge_has_the_program_is_refused_with_the_reason() -> Result<()> {
    site(|site| {
        bridge(&site.topology)?;
        let mut seat = site.seat()?;
        seat.interfaces = vec!["br0", "to-attacker"];
        let mut agent = seat.start()?;
        if !kernel::has((5, 15), "a bridge and its port both take a program")? {
            agent.wait_to_say(&["ready", "br0 generic, to-attacker native"])?;
            return Ok(());
        }
        agent.wait_to_say(&[
            "ERROR",
            "to-attacker: br0, which it is a part of, has an XDP program",
        ])?;
        ban(site, &mut agent, &site.topology.attacker)?;
        assert_both_dropped(&site.topology.attacker, &seat.pinned())
    })
}

/// Protects an interface that `make` makes, and checks what status says of it.
fn protected(make: &str, interface: &'static str, said: &[&str]) -> Result<()> {
    site(|site| {
        site.topology.server.ip(make)?;
        let mut seat = site.seat()?;
        seat.interfaces = vec![interface];
        let agent = seat.start()?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, said)?;
        ensure!(site.topology.server.has_xdp(interface)?);
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn a_tap_has_ethernet_frames_and_native_xdp() -> Result<()> {
    protected("tuntap add tap0 mode tap\n", "tap0", &["xdp native (tun)"])
}

#[test]
fn a_macvlan_has_generic_xdp_and_its_lower_interface_is_named() -> Result<()> {
    protected(
        "link add mac0 link to-attacker type macvlan\n",
        "mac0",
        &[
            "xdp generic (macvlan on to-attacker)",
            "protect the interface below",
        ],
    )
}

/// Whether this kernel can make interfaces of a kind; says so when it cannot.
fn has(kind: &str) -> Result<bool> {
    let found = banner_tests::lab::run(|_lab| {
        let place = Namespace::add("place")?;
        let made = match kind {
            "vlan" => place.ip("link add v type veth peer name w\n\
                 link add x link v type vlan id 7\n"),
            kind => place.ip(&format!("link add x type {kind}\n")),
        };
        match made {
            Err(error) if format!("{error:#}").contains("Unknown device type") => Ok(false),
            made => made.map(|()| true),
        }
    })?;
    if !found {
        println!("SKIPPED: this kernel has no interfaces of the kind {kind}");
    }
    Ok(found)
}

#[test]
fn a_vlan_has_generic_xdp_and_its_lower_interface_is_named() -> Result<()> {
    if !has("vlan")? {
        return Ok(());
    }
    protected(
        "link add to-attacker.7 link to-attacker type vlan id 7\n",
        "to-attacker.7",
        &["xdp generic (VLAN on to-attacker)", "reads VLAN tags"],
    )
}

#[test]
fn a_bond_has_the_program_and_its_slaves_do_not() -> Result<()> {
    if !has("bond")? || !kernel::has((5, 15), "a bond and its slave both take a program")? {
        return Ok(());
    }
    site(|site| {
        site.topology
            .server
            .ip("link add bond0 type bond mode active-backup\n\
             link set to-friend down\n\
             link set to-friend master bond0\n\
             link set bond0 up\n")?;
        let mut seat = site.seat()?;
        seat.interfaces = vec!["bond0", "to-friend"];
        let mut agent = seat.start()?;
        agent.wait_to_say(&[
            "ERROR",
            "to-friend: bond0, which it is a part of, has an XDP program",
        ])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["(bond)", "veth, slave of the bond bond0"])
    })
}
