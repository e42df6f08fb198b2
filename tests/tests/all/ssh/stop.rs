//! Agents come and go; bans stay until their time is over, or until `banner detach`.

use std::time::{Duration, Instant};

use anyhow::Result;
use banner_common::Reason;
use banner_tests::{
    agent::{Agent, Event, Seat},
    sniffer::Knocker,
    topology::{Family, Peer},
    wait::{PATIENCE, wait_until},
};

use super::{
    for_both_families,
    scene::{MAX_RETRY, SOON, Scene, scene},
};

for_both_families!(
    a_ban_survives_sigterm_and_restart_until_detach,
    a_ban_survives_kill_and_the_next_agent_ends_it,
    a_ban_ends_on_time_without_an_agent,
);

/// Starts the next agent, with a SYN on its way to the server every few milliseconds.
fn restart(seat: &Seat<'_>, knocker: &mut Knocker<'_>) -> Result<Agent> {
    let mut agent = seat.spawn()?;
    wait_until("the next agent to be ready", PATIENCE, || {
        knocker.knock()?;
        agent.is_ready()
    })?;
    Ok(agent)
}

fn a_ban_survives_sigterm_and_restart_until_detach(family: Family) -> Result<()> {
    scene(family, |scene: &Scene<'_>| {
        let attacker = &scene.topology.attacker;
        let address = attacker.address(family);
        let interfaces = [attacker, &scene.topology.friend].map(Peer::server_interface);
        let seat = scene.seat(&scene.config("1h"))?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        scene.get_banned(attacker, &mut agent)?;
        let ban = pinned.ban(address)?.expect("the ban is in the map");
        let links = [
            pinned.link_id(interfaces[0])?,
            pinned.link_id(interfaces[1])?,
        ];

        let mut knocker = scene.knocker(attacker)?;
        knocker.knock()?;
        let status = agent.terminate()?;
        assert!(status.success(), "SIGTERM made it end with {status}");
        let drops = pinned.counters()?[Reason::Drop].packets;
        scene.assert_silent(attacker)?;
        assert!(
            pinned.counters()?[Reason::Drop].packets >= drops + 2,
            "nobody drops"
        );
        scene.assert_logs_in(&scene.topology.friend)?;

        let agent = restart(&seat, &mut knocker)?;
        scene.assert_silent(attacker)?;
        knocker.knock()?;
        assert!(
            knocker.sent >= 3 && knocker.answered == 0,
            "a gap: {knocker:?}"
        );
        let adopted = pinned.ban(address)?.expect("the ban is still in the map");
        // A new agent may write the ban anew from its own clock; 250 jiffies are at most 2.5 s.
        assert!(
            adopted.expires.abs_diff(ban.expires) <= 250,
            "{ban:?}, then {adopted:?}"
        );
        assert_eq!(adopted.flags, ban.flags);
        // Replaced inside the same links, so at no moment without a program.
        for (interface, link) in interfaces.into_iter().zip(links) {
            assert_eq!(pinned.link_id(interface)?, link, "link of {interface}");
        }

        assert!(agent.terminate()?.success());
        assert!(
            pinned
                .names()?
                .iter()
                .any(|name| name.starts_with("counters-"))
        );
        for interface in interfaces {
            assert!(scene.topology.server.has_xdp(interface)?, "{interface}");
        }
        seat.run("detach")?.succeeded()?;
        for interface in interfaces {
            assert!(!scene.topology.server.has_xdp(interface)?, "{interface}");
        }
        assert_eq!(pinned.names()?, [""; 0]);
        scene.assert_logs_in(attacker)
    })
}

fn a_ban_survives_kill_and_the_next_agent_ends_it(family: Family) -> Result<()> {
    scene(family, |scene: &Scene<'_>| {
        let attacker = &scene.topology.attacker;
        let address = attacker.address(family);
        let seat = scene.seat(&scene.config("5s"))?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        scene.get_banned(attacker, &mut agent)?;
        agent.kill()?;

        let mut knocker = scene.knocker(attacker)?;
        let mut next = restart(&seat, &mut knocker)?;
        assert!(
            knocker.sent >= 1 && knocker.answered == 0,
            "a gap: {knocker:?}"
        );
        assert!(
            !next.has_reported(Event::Ban, address)?,
            "the old failures were counted again"
        );
        // Only an agent that knows of the ban can end it.
        next.wait_for(Event::Unban, address)?;
        wait_until("the entry to leave the map", PATIENCE, || {
            Ok(pinned.ban(address)?.is_none())
        })?;
        assert!(knocker.connects(SOON)?);
        scene.assert_logs_in(attacker)
    })
}

fn a_ban_ends_on_time_without_an_agent(family: Family) -> Result<()> {
    const BAN_TIME: Duration = Duration::from_secs(4);
    scene(family, |scene: &Scene<'_>| {
        let attacker = &scene.topology.attacker;
        let address = attacker.address(family);
        let seat = scene.seat(&scene.config("4s"))?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        scene.fail(attacker, MAX_RETRY - 1)?;
        let before = Instant::now();
        scene.fail(attacker, 1)?;
        agent.wait_for(Event::Ban, address)?;
        agent.kill()?;

        let mut knocker = scene.knocker(attacker)?;
        wait_until("the attacker to connect again", PATIENCE, || {
            knocker.connects(Duration::from_millis(200))
        })?;
        assert!(
            before.elapsed() >= BAN_TIME,
            "back after {:?}",
            before.elapsed()
        );
        assert!(
            knocker.sent > knocker.answered,
            "no SYN was dropped: {knocker:?}"
        );
        assert!(pinned.counters()?[Reason::Expired].packets > 0);
        assert!(pinned.ban(address)?.is_some(), "who removed it?");
        scene.assert_logs_in(attacker)?;

        // The next agent clears up.
        let _next = seat.start()?;
        wait_until("the entry to leave the map", PATIENCE, || {
            Ok(pinned.ban(address)?.is_none())
        })
    })
}
