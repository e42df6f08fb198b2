use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use banner_common::Reason;
use banner_tests::{
    account::Login,
    agent::Seat,
    lab::{self, Lab},
    netns::Namespace,
    sniffer::Knocker,
    topology::{Family, Peer, Topology},
};

use super::site::import;

/// Failures that make a ban in these tests.
const MAX_RETRY: u32 = 3;

/// How long silence is listened to: the first SYN and its first repetition.
const SILENCE: Duration = Duration::from_millis(1500);

/// A real daemon that fail2ban has a jail for.
pub(super) trait Daemon: Sized {
    /// The jail's name.
    const JAIL: &'static str;
    /// The port that is registered for it, as the jail knows it by name.
    const PORT: u16;

    /// Starts it; it logs where the stock jail looks, which in a lab is nobody else's.
    fn start(lab: &Lab, server: &Namespace) -> Result<Self>;

    /// Logs in with the right password, or with a wrong one.
    fn try_login(from: &Peer, to: SocketAddr, right: bool) -> Result<Login>;
}

/// Hosts that log in well or fail less often than it takes are served on and on; one that fails as
/// often as the imported jail says gets no answer from the daemon's port any more.
pub(super) fn three_failures_and_no_answer<D: Daemon>(family: Family) -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let Topology {
            server,
            attacker,
            friend,
        } = &topology;
        let _daemon = D::start(lab, server)?;
        let try_login =
            |peer: &Peer, right| D::try_login(peer, peer.server(family, D::PORT), right);

        let interfaces = [attacker.server_interface(), friend.server_interface()];
        let mut seat = Seat::with_text(lab, server, &interfaces, "")?;
        let own = format!("[{}]\nenabled = true\nmaxretry = {MAX_RETRY}\n", D::JAIL);
        let (main, said) = import(lab, &seat, &own, &[])?;
        // Debian's configuration enables sshd by itself.
        let both = format!("sshd, {}\n", D::JAIL);
        assert!(said.succeeded()?.stdout.contains(&both));
        seat.config = main;
        let mut agent = seat.start()?;

        for _ in 0..=MAX_RETRY {
            assert_eq!(try_login(friend, true)?, Login::Accepted);
        }
        for _ in 1..MAX_RETRY {
            assert_eq!(try_login(friend, false)?, Login::Refused);
        }
        for failure in 1..=MAX_RETRY {
            assert_eq!(try_login(attacker, false)?, Login::Refused, "{failure}");
        }
        let address = attacker.address(family).to_string();
        let jail = format!("jail={}", D::JAIL);
        agent.wait_to_say(&["ban", &address, &jail])?;

        let pinned = seat.pinned();
        let before = pinned.counters()?[Reason::Drop].packets;
        let mut knocker = Knocker::new(attacker.namespace(), attacker.server(family, D::PORT))?;
        assert!(!knocker.connects(SILENCE)?, "{knocker:?}");
        assert!(knocker.sent >= 2 && knocker.answered == 0, "{knocker:?}");
        assert!(pinned.counters()?[Reason::Drop].packets >= before + 2);
        // The jail's action bans from the ports of the service, and from no other.
        assert!(attacker.reaches_server(family)?);

        assert_eq!(try_login(friend, true)?, Login::Accepted);
        assert!(
            !agent.lines()?.iter().any(|line| {
                line.contains("ban ") && line.contains(&friend.address(family).to_string())
            }),
            "the friend is mentioned: {:?}",
            agent.lines()?
        );
        Ok(())
    })
}
