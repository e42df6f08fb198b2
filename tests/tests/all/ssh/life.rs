//! A ban begins, holds, and ends by itself.

use std::time::{Duration, Instant};

use anyhow::Result;
use banner_common::{CHECKED, Reason, jail_key};
use banner_tests::{
    agent::{Event, JAIL},
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::{
    for_both_families,
    scene::{MAX_RETRY, SOON, Scene, knocker, scene},
};

for_both_families!(
    a_banned_address_gets_no_answer_and_the_friend_does,
    the_attacker_is_back_after_ban_time_and_not_before,
);

fn a_banned_address_gets_no_answer_and_the_friend_does(family: Family) -> Result<()> {
    scene(family, |scene: &Scene<'_>| {
        let (attacker, friend) = (&scene.topology.attacker, &scene.topology.friend);
        let seat = scene.seat(&scene.config("1h"))?;
        let mut agent = seat.start()?;
        let pinned = seat.pinned();
        for peer in [attacker, friend] {
            scene.assert_logs_in(peer)?;
        }
        let mut session = scene.client(attacker).open_session()?;
        let mut friends_session = scene.client(friend).open_session()?;
        assert_eq!(pinned.counters()?[Reason::Drop].packets, 0);
        assert_eq!(pinned.bans()?, 0);

        scene.get_banned(attacker, &mut agent)?;
        let ban = pinned
            .ban(attacker.address(family))?
            .expect("the ban is in the map");
        assert_eq!((ban.flags, ban.jail), (CHECKED, jail_key(JAIL)));
        assert_eq!(pinned.bans()?, 1, "somebody else is banned too");

        let before = pinned.counters()?[Reason::Drop];
        scene.assert_silent(attacker)?;
        let after = pinned.counters()?[Reason::Drop];
        assert!(
            after.packets >= before.packets + 2,
            "{before:?}, then {after:?}"
        );
        // The shortest SYN there is, v4 or v6, has 14 + 20 + 20 bytes.
        assert!(
            after.bytes >= before.bytes + 2 * 54,
            "{before:?}, then {after:?}"
        );

        // The open connection: the line leaves and is repeated, and neither arrives.
        session.say("let me in")?;
        wait_until(
            "the line and its repetition to be dropped",
            PATIENCE,
            || Ok(pinned.counters()?[Reason::Drop].packets >= after.packets + 2),
        )?;
        assert!(!session.hears("let me in")?);

        scene.assert_logs_in(friend)?;
        friends_session.say("still here")?;
        friends_session.wait_to_hear("still here")?;
        // The ban is of one address: over the other family the attacker has another one.
        let other = if family == Family::V4 {
            Family::V6
        } else {
            Family::V4
        };
        assert!(knocker(other, attacker)?.connects(SOON)?);
        Ok(())
    })
}

fn the_attacker_is_back_after_ban_time_and_not_before(family: Family) -> Result<()> {
    const BAN_TIME: Duration = Duration::from_secs(3);
    scene(family, |scene: &Scene<'_>| {
        let attacker = &scene.topology.attacker;
        let address = attacker.address(family);
        let seat = scene.seat(&scene.config("3s"))?;
        let mut agent = seat.start()?;
        let mut session = scene.client(attacker).open_session()?;
        scene.fail(attacker, MAX_RETRY - 1)?;
        let before = Instant::now();
        scene.fail(attacker, 1)?;
        agent.wait_for(Event::Ban, address)?;
        session.say("patience")?;

        let mut knocker = scene.knocker(attacker)?;
        wait_until("the attacker to connect again", PATIENCE, || {
            knocker.connects(Duration::from_millis(200))
        })?;
        // The ban began after `before`, so it cannot have ended sooner.
        assert!(
            before.elapsed() >= BAN_TIME,
            "back after {:?}",
            before.elapsed()
        );
        assert!(
            knocker.sent > knocker.answered,
            "no SYN was dropped: {knocker:?}"
        );
        assert!(seat.pinned().counters()?[Reason::Drop].packets > 0);

        scene.assert_logs_in(attacker)?;
        session.wait_to_hear("patience")?;
        agent.wait_for(Event::Unban, address)?;
        let pinned = seat.pinned();
        wait_until("the entry to leave the map", PATIENCE, || {
            Ok(pinned.ban(address)?.is_none())
        })
    })
}
