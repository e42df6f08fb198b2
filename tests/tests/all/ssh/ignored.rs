//! Whom no ban touches, and bans that only report.

use anyhow::Result;
use banner_common::{CHECKED, OBSERVE, Reason};
use banner_tests::{
    agent::{Config, Event},
    topology::Family,
};

use super::{
    for_both_families,
    scene::{MAX_RETRY, Scene, scene},
};

for_both_families!(
    an_ignored_address_is_not_banned_however_it_fails,
    an_ignored_prefix_is_not_banned_however_it_fails,
    observing_reports_and_drops_nothing,
);

fn an_ignored_address_is_not_banned_however_it_fails(family: Family) -> Result<()> {
    let ignore = match family {
        Family::V4 => "192.0.2.66",
        Family::V6 => "2001:db8:a::66",
    };
    ignored(family, ignore)
}

fn an_ignored_prefix_is_not_banned_however_it_fails(family: Family) -> Result<()> {
    let ignore = match family {
        Family::V4 => "192.0.2.0/24",
        Family::V6 => "2001:db8:a::/48",
    };
    ignored(family, ignore)
}

fn ignored(family: Family, ignore: &str) -> Result<()> {
    scene(family, |scene: &Scene<'_>| {
        let (ignored, other) = (&scene.topology.attacker, &scene.topology.friend);
        let config = Config {
            ignore: vec![ignore.to_owned()],
            ..scene.config("1h")
        };
        let seat = scene.seat(&config)?;
        let mut agent = seat.start()?;
        scene.fail(ignored, 2 * MAX_RETRY)?;
        // Lines are read in their order: once this ban is there, all failures before it have been
        // decided on.
        scene.get_banned(other, &mut agent)?;
        assert!(!agent.has_reported(Event::Ban, ignored.address(family))?);
        assert_eq!(seat.pinned().ban(ignored.address(family))?, None);
        scene.assert_silent(other)?;
        scene.assert_logs_in(ignored)?;
        // The kernel would spare it even if it were banned.
        assert!(seat.pinned().is_never(ignored.address(family))?);
        assert!(!seat.pinned().is_never(other.address(family))?);
        Ok(())
    })
}

fn observing_reports_and_drops_nothing(family: Family) -> Result<()> {
    scene(family, |scene: &Scene<'_>| {
        let attacker = &scene.topology.attacker;
        let address = attacker.address(family);
        let config = Config {
            observe: true,
            ..scene.config("1h")
        };
        let seat = scene.seat(&config)?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        let mut session = scene.client(attacker).open_session()?;
        scene.fail(attacker, MAX_RETRY)?;
        agent.wait_for(Event::WouldBan, address)?;
        assert!(
            pinned
                .ban(address)?
                .is_some_and(|ban| ban.flags == OBSERVE | CHECKED)
        );

        let before = pinned.counters()?;
        session.say("unharmed")?;
        session.wait_to_hear("unharmed")?;
        scene.assert_logs_in(attacker)?;
        let after = pinned.counters()?;
        assert!(after[Reason::Observe].packets > before[Reason::Observe].packets);
        assert_eq!(after[Reason::Drop].packets, 0);
        assert!(!agent.has_reported(Event::Ban, address)?);
        Ok(())
    })
}
