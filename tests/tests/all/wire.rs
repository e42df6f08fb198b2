//! The program on a real interface, in both modes, with packets of a real kernel.

use std::{net::TcpListener, time::Duration};

use anyhow::Result;
use aya::programs::XdpMode;
use banner_common::{ALL_PORTS, Ban, CHECKED, FOREVER, Reason, Seen};
use banner_tests::{
    bpf::Object,
    lab,
    sniffer::Knocker,
    topology::{Family, Topology},
};

/// Longer than an answer takes that comes at all.
const SOON: Duration = Duration::from_secs(20);
/// The first SYN and its first repetition, after 1 s.
const SILENCE: Duration = Duration::from_millis(1500);

const BAN: Ban = Ban {
    expires: FOREVER,
    jail: 0,
    flags: CHECKED,
    scope: ALL_PORTS,
    seen: Seen(0),
};

fn bans_come_and_go(mode: XdpMode) -> Result<()> {
    lab::run(|_lab| {
        let Topology {
            server,
            attacker,
            friend,
        } = &Topology::build()?;
        let listener = server.inside(|| TcpListener::bind("[::]:7"))??;
        // Until the server has the connection: the last packet of the handshake must not meet the
        // ban that follows, or the answer would be repeated.
        let connects = |knocker: &mut Knocker<'_>| -> Result<bool> {
            Ok(knocker.connects(SOON)? && listener.accept().is_ok())
        };
        let interface = attacker.server_interface();
        for family in [Family::V4, Family::V6] {
            let address = attacker.address(family);
            let mut attackers = Knocker::new(attacker.namespace(), attacker.server(family, 7))?;
            let mut friends = Knocker::new(friend.namespace(), friend.server(family, 7))?;
            let mut object = Object::load()?;
            assert!(
                connects(&mut attackers)? && connects(&mut friends)?,
                "before"
            );

            assert!(!server.has_xdp(interface)?);
            server.inside(|| object.attach(interface, mode))??;
            assert!(server.has_xdp(interface)?);
            assert!(connects(&mut attackers)?, "attached, nobody banned");
            assert!(
                object.counters()?[Reason::Pass].packets > 0,
                "no packet came by"
            );

            object.ban(address, BAN)?;
            let (sent, answered) = (attackers.sent, attackers.answered);
            assert!(!attackers.connects(SILENCE)?, "banned");
            assert!(
                attackers.sent >= sent + 2 && attackers.answered == answered,
                "{attackers:?}"
            );
            assert!(object.counters()?[Reason::Drop].packets >= 2);
            assert!(connects(&mut friends)?, "banned is the attacker only");

            object.unban(address)?;
            assert!(connects(&mut attackers)?, "unbanned");

            object.ban(address, BAN)?;
            drop(object);
            assert!(!server.has_xdp(interface)?);
            assert!(connects(&mut attackers)?, "detached");
        }
        Ok(())
    })
}

#[test]
fn bans_come_and_go_in_native_mode() -> Result<()> {
    bans_come_and_go(XdpMode::Driver)
}

#[test]
fn bans_come_and_go_in_generic_mode() -> Result<()> {
    bans_come_and_go(XdpMode::Skb)
}
