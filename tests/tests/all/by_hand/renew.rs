//! Bans that last until who is banned has been quiet, with real packets.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    agent::Event,
    sniffer::Knocker,
    topology::{Family, Peer},
    wait::wait_until,
};

use crate::bad_input::site::{PORT, assert_has, failure, site};

const QUIET: Duration = Duration::from_secs(3);
const LONG: Duration = Duration::from_mins(1);

#[test]
fn who_goes_on_knocking_stays_banned_and_who_is_quiet_is_let_in() -> Result<()> {
    stays_banned(Family::V4)
}

#[test]
fn it_is_so_with_ipv6() -> Result<()> {
    stays_banned(Family::V6)
}

fn is_let_in(peer: &Peer, family: Family) -> Result<()> {
    let mut knocker = Knocker::new(peer.namespace(), peer.server(family, PORT))?;
    ensure!(knocker.connects(LONG)?, "{peer} gets no answer");
    Ok(())
}

fn stays_banned(family: Family) -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(family);
        let yaml = site.yaml("");
        let seat = site.seat_with(&yaml.replace("ban_time: 1h", "ban_time: 3s, renew: true"))?;
        let mut agent = seat.start()?;
        is_let_in(attacker, family)?;
        site.write(failure("eve", host).repeat(2))?;
        agent.wait_for(Event::Ban, host)?;
        let mut knocker = Knocker::new(attacker.namespace(), attacker.server(family, PORT))?;
        let mut last = Instant::now();
        let mut knock_for = |times: u32, last: &mut Instant| {
            let begun = Instant::now();
            wait_until("it to have knocked for long", LONG, || {
                *last = Instant::now();
                knocker.knock()?;
                ensure!(knocker.answered == 0, "it was let in: {knocker:?}");
                Ok(begun.elapsed() > QUIET * times)
            })
        };
        knock_for(2, &mut last)?;
        let shown = seat.run("bans")?.succeeded()?.stdout;
        assert_has(&shown, &[&host.to_string(), "renews 3s"])?;
        // Nobody is there to end it or to put it off.
        agent.kill()?;
        knock_for(2, &mut last)?;
        let mut agent = seat.start()?;
        knock_for(2, &mut last)?;
        let json = seat.run("bans --json")?.succeeded()?.stdout;
        assert_has(&json, &["\"renews_seconds\": 3"])?;
        ensure!(
            !agent.has_reported(Event::Unban, host)?,
            "it is said to be over"
        );
        agent.wait_for(Event::Unban, host)?;
        let quiet = last.elapsed();
        ensure!(quiet >= QUIET, "let in after {quiet:?}");
        is_let_in(attacker, family)?;
        Ok(())
    })
}

#[test]
fn a_ban_by_hand_renews_where_that_is_asked_for() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        seat.run("ban 203.0.113.101 2001:db8:77::/48 --renew --time 2h")?
            .succeeded()?;
        seat.run("ban 203.0.113.102 --time 2h")?.succeeded()?;
        agent.wait_to_say(&["ban 203.0.113.102 "])?;
        let shown = seat.run("bans")?.succeeded()?.stdout;
        let line = |of: &str| {
            let line = shown.lines().find(|line| line.starts_with(of));
            line.with_context(|| format!("no {of} in {shown}"))
        };
        for renews in ["203.0.113.101", "2001:db8:77::/48"] {
            assert_has(line(renews)?, &[", renews 2h"])?;
        }
        ensure!(!line("203.0.113.102")?.contains("renews"), "{shown}");
        let told = seat.run("explain 203.0.113.101")?.succeeded()?.stdout;
        assert_has(&told, &["and until it has been quiet for 2h"])?;
        // The next agent knows it from the maps.
        agent.kill()?;
        let _agent = seat.start()?;
        let shown = seat.run("bans")?.succeeded()?.stdout;
        ensure!(shown.matches(", renews 2h").count() == 2, "{shown}");
        Ok(())
    })
}
