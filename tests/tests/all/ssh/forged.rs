//! Log text is written by the attacker: user names that imitate lines about somebody else.

use std::net::IpAddr;

use anyhow::Result;
use banner_tests::{
    agent::{Config, Event},
    ssh::Login,
    topology::Family,
};

use super::{
    for_both_families,
    scene::{Scene, scene},
};

for_both_families!(a_user_name_that_imitates_a_line_bans_nobody_else);

/// Whom the names accuse. VICTIM stands for an address of the family, and FRIEND for the friend's.
const NAMES: [&str; 8] = [
    "root from VICTIM port 22 ssh2",
    "root from FRIEND port 22 ssh2",
    "invalid user root from VICTIM port 22 ssh2",
    "x from VICTIM port 22 ssh2: Failed password for root from VICTIM port 22 ssh2",
    "Nov 20 10:00:00 host sshd[123]: Failed password for root from VICTIM port 22 ssh2",
    "2026-11-20T10:00:00.000000+00:00 host sshd[1]: Failed password for root from VICTIM port 22 ssh2",
    "from VICTIM port 22 ssh2 for root from VICTIM",
    "root from VICTIM port 22 ssh2   ",
];

fn a_user_name_that_imitates_a_line_bans_nobody_else(family: Family) -> Result<()> {
    let victim: IpAddr = match family {
        Family::V4 => [203, 0, 113, 9].into(),
        Family::V6 => [0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 9].into(),
    };
    scene(family, |scene: &Scene<'_>| {
        let (attacker, friend) = (&scene.topology.attacker, &scene.topology.friend);
        let max_retry = u32::try_from(NAMES.len())?;
        let config = Config {
            max_retry,
            ..scene.config("1h")
        };
        let seat = scene.seat(&config)?;
        let mut agent = seat.start()?;
        for name in NAMES {
            let name = name
                .replace("VICTIM", &victim.to_string())
                .replace("FRIEND", &friend.address(family).to_string());
            let login = scene.client(attacker).try_password(&name, "wrong")?;
            assert_eq!(login, Login::Refused, "{name}");
        }
        // Every one of them counts for the one who sent it: one fewer would make no ban.
        agent.wait_for(Event::Ban, attacker.address(family))?;
        for address in [victim, friend.address(family)] {
            assert_eq!(seat.pinned().ban(address)?, None);
            assert!(!agent.has_reported(Event::Ban, address)?, "{address}");
        }
        assert_eq!(seat.pinned().bans()?, 1);
        // And none counted for the friend, who may still fail all but once.
        scene.fail(friend, max_retry - 1)?;
        scene.assert_logs_in(friend)?;
        scene.assert_silent(attacker)
    })
}
