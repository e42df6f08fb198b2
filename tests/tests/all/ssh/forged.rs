//! Log text is written by the attacker: user names that imitate lines about somebody else.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use banner_tests::{
    account::Login,
    agent::{Config, Event},
    topology::Family,
};

use super::{
    for_both_families,
    scene::{Scene, scene},
};

for_both_families!(a_user_name_that_imitates_a_line_bans_nobody_else);

/// Whom the names accuse. An IPv4 address over both families: sshd cuts a user name at its first
/// colon, so an IPv6 address does not get into the log this way.
const VICTIM: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 9);

/// User names, and whether sshd writes them to its log whole.
const NAMES: [(&str, bool); 9] = [
    ("root from 203.0.113.9 port 22 ssh2", true),
    ("root from 203.0.113.9 port 22 ssh2   ", true),
    ("invalid user root from 203.0.113.9 port 22 ssh2", true),
    (
        "from 203.0.113.9 port 22 ssh2 from 203.0.113.9 port 22 ssh2",
        true,
    ),
    (
        "Failed password for root from 203.0.113.9 port 22 ssh2",
        true,
    ),
    (
        "Nov 20 10.00.00 host sshd[1] Failed password for root from 203.0.113.9 port 22 ssh2",
        true,
    ),
    ("root 203.0.113.9 from", true),
    (
        "x: Failed password for root from 203.0.113.9 port 22 ssh2",
        false,
    ),
    ("root from 2001:db8::9 port 22 ssh2", false),
];

fn a_user_name_that_imitates_a_line_bans_nobody_else(family: Family) -> Result<()> {
    scene(family, |scene: &Scene<'_>| {
        let (attacker, friend) = (&scene.topology.attacker, &scene.topology.friend);
        let address = attacker.address(family);
        // The filter counts the naming of an account that does not exist, and the guess at it.
        let max_retry = u32::try_from(2 * NAMES.len())?;
        let seat = scene.seat(&Config {
            max_retry,
            ..scene.config("1h")
        })?;
        let mut agent = seat.start()?;
        for (name, whole) in NAMES {
            let login = scene.client(attacker).try_password(name, "wrong")?;
            assert_eq!(login, Login::Refused, "{name}");
            // Otherwise the name would have put nothing to the test.
            let line = format!("Failed password for invalid user {name} from {address} port ");
            assert_eq!(scene.sshd.logged()?.contains(&line), whole, "{line}");
        }
        // Every line counts for the one who sent it: one fewer would make no ban.
        agent.wait_for(Event::Ban, address)?;
        assert!(!agent.has_reported(Event::Ban, VICTIM.into())?);
        assert_eq!(seat.pinned().ban(IpAddr::V4(VICTIM))?, None);
        assert_eq!(seat.pinned().bans()?, 1);
        scene.assert_logs_in(friend)?;
        scene.assert_silent(attacker)
    })
}
