//! Prefixes.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use banner_tests::{
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use crate::{
    bad_input::site::{assert_connects, assert_has, site},
    for_both_families,
};

for_both_families!(a_prefix_that_stands_in_a_line_is_banned_and_none_that_is_too_wide);

/// A prefix around a host.
fn around(host: IpAddr, length: u8) -> String {
    let bits = |all: u32| all - u32::from(length);
    let first: IpAddr = match host {
        IpAddr::V4(host) => IpAddr::V4((host.to_bits() >> bits(32) << bits(32)).into()),
        IpAddr::V6(host) => IpAddr::V6((host.to_bits() >> bits(128) << bits(128)).into()),
    };
    format!("{first}/{length}")
}

fn a_prefix_that_stands_in_a_line_is_banned_and_none_that_is_too_wide(
    family: Family,
) -> Result<()> {
    let (narrow, widest) = match family {
        Family::V4 => (25, 16),
        Family::V6 => (72, 32),
    };
    site(|site| {
        let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
        let host = attacker.address(family);
        let ignored = friend.address(family);
        let seat = site.seat_with(&format!(
            "ignore: ['{ignored}']\n\
             defaults: {{ max_retry: 2, ban_time: 1h }}\n\
             jails:\n  \
             found: {{ filter: {{ stamps: none, fail: ['^bad <PREFIX>$'] }}, logs: ['{log}'] }}\n  \
             spared: {{ filter: {{ stamps: none, fail: ['^worse <PREFIX>$'] }}, logs: ['{log}'], ignore: ['{host}'] }}\n",
            log = site.log.display(),
        ))?;
        let mut agent = seat.start()?;
        // Whoever writes lines has not everybody banned, nor whom the jail ignores.
        let wide = around(host, widest - 1);
        for line in ["bad 0.0.0.0/0", "bad ::/0", &format!("bad {wide}")] {
            site.write(format!("{line}\n").repeat(4))?;
        }
        let net = around(host, narrow);
        site.write(format!("worse {net}\n").repeat(2))?;
        agent.wait_to_say(&[&format!("spared {net} jail=spared failures=2")])?;
        let bans = seat.run("bans --json")?.succeeded()?.stdout;
        ensure!(!bans.contains("found"), "{bans}");
        ensure!(attacker.reaches_server(family)?, "nobody is banned yet");
        let status = seat.run("status --json")?.succeeded()?.stdout;
        assert_has(&status, &["\"unbannable\": 12"])?;

        // Counted as one, and the count outlives the agent.
        site.write(format!("bad {net}\n"))?;
        let counted = || -> Result<bool> {
            let told = seat.run(&format!("explain {net}"))?.stdout;
            Ok(told.contains("jail found: 1 of 2 failures"))
        };
        wait_until("a failure of the prefix", PATIENCE, counted)?;
        agent.terminate()?;
        let mut agent = seat.start()?;
        ensure!(counted()?, "what was counted");
        site.write(format!("bad {host}/{narrow}\n"))?;
        agent.wait_to_say(&[&format!("ban {net} jail=found failures=2 time=3600s")])?;
        wait_until("packets to be dropped", PATIENCE, || {
            Ok(!attacker.reaches_server(family)?)
        })?;
        let told = seat.run(&format!("explain {host}"))?.succeeded()?.stdout;
        assert_has(
            &told,
            &[
                &*format!("2 failures of {net}, "),
                &format!("bad {host}/{narrow}"),
            ],
        )?;

        // A ban of the widest that may be leaves through whom nobody may ban.
        let wide = around(ignored, widest);
        site.write(format!("bad {wide}\n").repeat(2))?;
        agent.wait_to_say(&[&format!("ban {wide} jail=found failures=2")])?;
        assert_connects(friend)?;
        ensure!(friend.reaches_server(family)?, "who is on the list");
        Ok(())
    })
}
