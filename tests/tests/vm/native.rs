//! The program in a virtio network card's driver.

use std::{net::TcpListener, time::Duration};

use anyhow::{Context as _, Result, ensure};
use aya::programs::XdpMode;
use banner_common::{ALL_PORTS, Ban, CHECKED, FOREVER, Reason, Seen};
use banner_tests::{
    bpf::Object,
    sniffer::Knocker,
    topology::{Family, Topology},
};

use crate::cards::with_cards;

/// Longer than an answer takes that comes at all.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// The first SYN and its first repetition, after 1 s.
pub(crate) const SILENCE: Duration = Duration::from_millis(1500);

pub(crate) const BAN: Ban = Ban {
    expires: FOREVER,
    jail: 0,
    flags: CHECKED,
    scope: ALL_PORTS,
    seen: Seen(0),
};

fn bans_come_and_go(topology: &Topology, mode: XdpMode) -> Result<()> {
    let Topology {
        server,
        attacker,
        friend,
    } = topology;
    let listener = server.inside(|| TcpListener::bind("[::]:7"))??;
    // Until the server has the connection: the last packet of a handshake takes its time on the
    // emulated cable, and must not meet the ban that follows.
    let connects = |knocker: &mut Knocker<'_>| -> Result<bool> {
        Ok(knocker.connects(SOON)? && listener.accept().is_ok())
    };
    let interface = attacker.server_interface();
    for family in [Family::V4, Family::V6] {
        let address = attacker.address(family);
        let mut attackers = Knocker::new(attacker.namespace(), attacker.server(family, 7))?;
        let mut friends = Knocker::new(friend.namespace(), friend.server(family, 7))?;
        ensure!(connects(&mut attackers)?, "before");
        let mut object = Object::load()?;
        server
            .inside(|| object.attach(interface, mode))?
            .context("attach")?;
        ensure!(server.has_xdp(interface)?);
        ensure!(connects(&mut attackers)?, "attached, nobody banned");
        ensure!(object.counters()?[Reason::Pass].packets > 0);
        object.ban(address, BAN)?;
        let (sent, answered) = (attackers.sent, attackers.answered);
        ensure!(!attackers.connects(SILENCE)?, "banned");
        ensure!(
            attackers.sent >= sent + 2 && attackers.answered == answered,
            "{attackers:?}"
        );
        ensure!(object.counters()?[Reason::Drop].packets >= 2);
        ensure!(connects(&mut friends)?, "banned is the attacker only");
        object.unban(address)?;
        ensure!(connects(&mut attackers)?, "unbanned");
    }
    Ok(())
}

/// Both cards have one queue. Before 97c2c69e1926 (5.13, and in stable kernels) the driver wanted
/// one more for each processor to send from, and took no program.
#[test]
fn bans_come_and_go_in_the_driver() -> Result<()> {
    with_cards(|_, topology| bans_come_and_go(topology, XdpMode::Driver))
}

#[test]
fn bans_come_and_go_in_generic_mode() -> Result<()> {
    with_cards(|_, topology| bans_come_and_go(topology, XdpMode::Skb))
}
