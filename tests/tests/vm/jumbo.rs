//! Frames that are longer than a page, and so lie in several buffers of the card.

use std::{io::ErrorKind, net::UdpSocket};

use anyhow::{Context as _, Result, ensure};
use aya::programs::XdpMode;
use banner_common::Reason;
use banner_tests::{
    bpf::Object,
    kernel,
    topology::{Family, Topology},
    wait::{PATIENCE, wait_until},
};

use crate::{cards::with_cards, native::BAN};

/// Bytes of a datagram that fits into one frame at this [`MTU`] and into no page.
const LONG: usize = 8_000;
const MTU: &str = "9000";

/// fab89bafa95b
const DIFFERS: &str = "virtio-net takes no program natively while its frames may be longer than a \
                       page, and refuses it with EINVAL; generic mode takes it";

#[test]
fn a_long_frame_of_a_banned_host_is_dropped() -> Result<()> {
    with_cards(|_, topology| {
        let Topology {
            server, attacker, ..
        } = topology;
        let interface = attacker.server_interface();
        server.ip(&format!("link set {interface} mtu {MTU}"))?;
        attacker
            .namespace()
            .ip(&format!("link set eth0 mtu {MTU}"))?;
        let mut object = Object::load()?;
        let native = server.inside(|| object.attach(interface, XdpMode::Driver))?;
        if kernel::has((6, 3), DIFFERS)? {
            native.context("attach natively")?;
        } else {
            let error = format!("{:#}", native.err().context("the driver took it")?);
            ensure!(error.contains("Invalid argument"), "{error}");
            server.inside(|| object.attach(interface, XdpMode::Skb))??;
        }
        for family in [Family::V4, Family::V6] {
            long_frames(topology, &mut object, family)?;
        }
        Ok(())
    })
}

fn long_frames(topology: &Topology, object: &mut Object, family: Family) -> Result<()> {
    let attacker = &topology.attacker;
    let socket = (topology.server).inside(|| UdpSocket::bind(attacker.server(family, 7)))??;
    let from = (attacker.address(family), 0);
    let sender = (attacker.namespace()).inside(|| UdpSocket::bind(from))??;
    sender.connect(attacker.server(family, 7))?;
    socket.set_nonblocking(true)?;
    let mut room = [0; LONG + 1];
    let mut received = || match socket.recv(&mut room) {
        Ok(length) => Ok(Some(length)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error).context("receive"),
    };
    let long = [0x55; LONG];

    sender.send(&long)?;
    wait_until("a datagram of nobody banned", PATIENCE, || {
        Ok(received()? == Some(LONG))
    })?;
    object.ban(attacker.address(family), BAN)?;
    let before = object.counters()?[Reason::Drop];
    sender.send(&long)?;
    wait_until("a datagram to be dropped", PATIENCE, || {
        Ok(object.counters()?[Reason::Drop].packets > before.packets)
    })?;
    let after = object.counters()?[Reason::Drop];
    let packets = after.packets - before.packets;
    let bytes = after.bytes - before.bytes;
    ensure!(
        packets == 1 && bytes > LONG as u64,
        "{packets} packets, {bytes} bytes"
    );
    ensure!(received()?.is_none(), "it came through");
    object.unban(attacker.address(family))?;
    sender.send(&long)?;
    wait_until("a datagram after the ban", PATIENCE, || {
        Ok(received()? == Some(LONG))
    })
}
