//! A jail whose failures are the bans of another.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use banner_tests::{
    agent::{Agent, Seat},
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use crate::{
    bad_input::site::{Site, assert_has, site},
    for_both_families,
};

for_both_families!(who_is_banned_again_and_again_is_banned_by_the_jail_that_counts_bans);

fn who_is_banned_again_and_again_is_banned_by_the_jail_that_counts_bans(
    family: Family,
) -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(family);
        let seat = site.seat_with(&format!(
            "jails:\n  sshd: {{ filter: sshd, logs: ['{}'], max_retry: 2, ports: [ssh], ban_time: 2s }}\n  \
             recidive: {{ of: all, max_retry: 3, find_time: 1h, ban_time: 1h }}\n",
            site.log.display()
        ))?;
        let mut agent = seat.start()?;
        ban(site, &mut agent, host)?;
        wait_for_end(&seat)?;
        ban(site, &mut agent, host)?;
        // What was decided since the last write to the disk is in the maps alone.
        agent.kill()?;
        let mut agent = seat.start()?;
        let status = seat.run("status --json")?.succeeded()?.stdout;
        assert_has(&status, &["\"of\": \"all\""])?;
        let told = seat.run(&format!("explain {host}"))?.succeeded()?.stdout;
        assert_has(&told, &["jail recidive: 2 of 3 failures within 1h\n"])?;
        wait_for_end(&seat)?;
        ban(site, &mut agent, host)?;
        agent.wait_to_say(&[&format!("ban {host} jail=recidive failures=3 time=3600s")])?;
        wait_for_end(&seat)?;
        // Neither is the port that was asked for one of the first jail's.
        wait_until("packets to be dropped", PATIENCE, || {
            Ok(!attacker.reaches_server(family)?)
        })?;
        let told = seat.run(&format!("explain {host}"))?.succeeded()?.stdout;
        let line = format!("ban {host} jail=sshd failures=2");
        assert_has(
            &told,
            &[
                &*format!("{host}: banned\n  {host}, all ports, by recidive, for 59m "),
                &format!("3 failures of {host}, "),
                &format!("{line} time=2s\n"),
            ],
        )?;
        // Lines from before the kill are gone; the bans themselves are told of.
        ensure!(told.matches(&line).count() >= 2, "{told}");
        ensure!(told.matches("2 failures of ").count() >= 3, "{told}");

        // The count begins anew, and who is unbanned is forgiven.
        ban(site, &mut agent, host)?;
        seat.run(&format!("unban {host}"))?.succeeded()?;
        let told = seat.run(&format!("explain {host}"))?.succeeded()?.stdout;
        ensure!(!told.contains("jail recidive"), "{told}");
        Ok(())
    })
}

/// Has the host banned by the jail that reads the log.
fn ban(site: &Site<'_>, agent: &mut Agent, host: IpAddr) -> Result<()> {
    let bans = |agent: &Agent| -> Result<usize> {
        let lines = agent.lines()?;
        let line = format!(" ban {host} for tcp/22 jail=sshd");
        Ok(lines.iter().filter(|said| said.contains(&line)).count())
    };
    let before = bans(agent)?;
    site.fail(host)?;
    wait_until("one more ban", PATIENCE, || Ok(bans(agent)? > before))
}

/// Waits until the jail that reads the log bans nobody any more.
fn wait_for_end(seat: &Seat<'_>) -> Result<()> {
    wait_until("the end of the ban", PATIENCE, || {
        Ok(!seat.run("bans")?.succeeded()?.stdout.contains("sshd"))
    })
}
