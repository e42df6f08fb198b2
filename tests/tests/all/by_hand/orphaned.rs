//! `banner unban` where the agent is dead.

use std::fs;

use anyhow::{Result, ensure};
use banner_tests::topology::Family;

use crate::bad_input::site::{assert_connects, assert_dropped, assert_has, site};

/// Bans of every kind.
const BANS: [&str; 4] = [
    "203.0.113.101 2001:db8:77::1 --time permanent",
    "203.0.113.101 --ports ssh --time 2h",
    "203.0.112.0/24 2001:db8:78::/48 --ports udp/53",
    "203.0.96.0/20",
];

#[test]
fn all_bans_that_a_dead_agent_left_are_ended_and_do_not_come_back() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(Family::V4);
        let seat = site.seat()?;
        let agent = seat.start()?;
        for bans in BANS {
            seat.run(&format!("ban {bans}"))?.succeeded()?;
        }
        seat.run(&format!("ban {host}"))?.succeeded()?;
        assert_dropped(attacker, &seat.pinned())?;
        // One that is still there but cannot be asked is not gone behind its back.
        let aside = seat.socket.with_extension("aside");
        fs::rename(&seat.socket, &aside)?;
        let refused = seat.run("unban --all")?;
        ensure!(refused.status.code() == Some(1), "{refused:?}");
        assert_has(&refused.stderr, &[&format!("process {}", agent.id())])?;
        assert_dropped(attacker, &seat.pinned())?;
        fs::rename(&aside, &seat.socket)?;

        // By then the disk has them.
        ensure!(agent.terminate()?.success(), "the agent failed");
        assert_dropped(attacker, &seat.pinned())?;
        let said = seat.run("unban --all")?.succeeded()?.stdout;
        ensure!(
            said == "no agent is running; 7 bans that it left ended\n",
            "{said}"
        );
        assert_connects(attacker)?;
        let said = seat.run("unban --all --json")?.succeeded()?.stdout;
        ensure!(
            said == "{\n  \"agent\": false,\n  \"ended\": 0\n}\n",
            "{said}"
        );
        let _agent = seat.start()?;
        let said = seat.run("bans")?.succeeded()?.stdout;
        ensure!(said == "nobody is banned\n", "{said}");
        assert_connects(attacker)
    })
}

#[test]
fn bans_in_nftables_that_a_dead_agent_left_are_ended_one_by_one_and_all() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(Family::V4);
        let seat = site.seat_with(&site.yaml("enforce: [nftables]\n"))?;
        let agent = seat.start()?;
        seat.run(&format!("ban {host} --time 2h"))?.succeeded()?;
        seat.run("ban 203.0.113.101 --ports ssh")?.succeeded()?;
        ensure!(!attacker.reaches_server(Family::V4)?);
        ensure!(agent.terminate()?.success(), "the agent failed");
        ensure!(
            !attacker.reaches_server(Family::V4)?,
            "it took its bans with it"
        );
        let said = seat.run(&format!("unban --json {host} 203.0.113.177"))?;
        let said = said.succeeded()?.stdout;
        assert_has(
            &said,
            &[
                "\"agent\": false,",
                &format!("\"net\": \"{host}\",\n      \"was_banned\": true,"),
                "\"net\": \"203.0.113.177\",\n      \"was_banned\": false,",
            ],
        )?;
        assert_connects(attacker)?;
        let agent = seat.start()?;
        let bans = seat.run("bans")?.succeeded()?.stdout;
        ensure!(
            bans.lines().count() == 2 && bans.contains("203.0.113.101"),
            "{bans}"
        );
        ensure!(agent.terminate()?.success(), "the agent failed");
        let said = seat.run("unban --all")?.succeeded()?.stdout;
        ensure!(
            said == "no agent is running; 1 bans that it left ended\n",
            "{said}"
        );
        let _agent = seat.start()?;
        let bans = seat.run("bans")?.succeeded()?.stdout;
        ensure!(bans == "nobody is banned\n", "{bans}");
        Ok(())
    })
}
