//! `banner trace`.

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Seat,
    process::Process,
    sniffer::Knocker,
    wait::{PATIENCE, wait_until},
};
use nix::sys::signal::Signal;

use super::{FAMILIES, assert_both_connect, assert_both_dropped, ban};
use crate::bad_input::site::{PORT, assert_has, site};

#[test]
fn every_packet_of_an_address_is_told_and_no_other() -> Result<()> {
    site(|site| {
        let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        let untraced = programs(&seat)?;
        for family in FAMILIES {
            let (address, port) = (attacker.address(family), PORT);
            let trace = format!("trace --address {address}");
            let mut process = seat.begin(&trace)?;
            process.wait_for_line("the beginning", PATIENCE, |line| {
                line.contains("on 2 interfaces")
            })?;
            let second = seat.run(&trace)?;
            ensure!(second.status.code() == Some(1), "{}", second.stderr);
            assert_has(&second.stderr, &["another address is being traced"])?;

            let mut knocker = Knocker::new(attacker.namespace(), attacker.server(family, port))?;
            if family == FAMILIES[0] {
                let passed = format!("to-attacker {address}: pass tcp/{port}, ");
                wait_for_packet(&process, &passed, || knocker.knock())?;
                ban(site, &mut agent, attacker)?;
            }
            assert_both_dropped(attacker, &seat.pinned())?;
            let dropped = format!("to-attacker {address}: drop tcp/{port}, ");
            wait_for_packet(&process, &dropped, || knocker.knock())?;
            assert_both_connect(friend)?;

            process.signal(Signal::SIGINT)?;
            let said = process.finish(PATIENCE)?.succeeded()?.stdout;
            let others = said
                .lines()
                .filter(|line| !line.contains(&address.to_string()));
            ensure!(others.count() == 0, "{said}");
            agent.wait_to_say(&["packets are traced no more"])?;
        }
        let after = programs(&seat)?;
        ensure!(
            untraced == after,
            "instructions before: {untraced:?}, after: {after:?}"
        );
        let wrong = seat.run("trace --address 192.0.2.7 --time 2h")?;
        assert_has(&wrong.stderr, &["--time", "1s to 1h"])
    })
}

/// Knocks until a line with this beginning is there.
fn wait_for_packet(
    process: &Process,
    wanted: &str,
    mut knock: impl FnMut() -> Result<()>,
) -> Result<()> {
    wait_until("a line of the trace", PATIENCE, || {
        knock()?;
        Ok(process.stdout()?.contains(wanted))
    })
}

/// Instructions of each program that is in force.
fn programs(seat: &Seat<'_>) -> Result<Vec<u32>> {
    seat.pinned().instructions()
}
