//! `banner ban --from`.

use std::{fmt::Write as _, fs, process::Command};

use anyhow::{Result, ensure};
use banner_tests::topology::Family;

use super::assert_refused;
use crate::bad_input::site::{assert_connects, assert_dropped, assert_has, site};

#[test]
fn a_list_with_mistakes_bans_nobody_unless_they_are_to_be_skipped() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let [v4, v6] = [Family::V4, Family::V6].map(|family| attacker.address(family));
        let seat = site.seat()?;
        let _agent = seat.start()?;
        let list = site.lab.dir().join("list");
        let own = site.topology.friend.server(Family::V4, 0).ip();
        fs::write(
            &list,
            format!(
                "# bad hosts\n{v4} # the worst\n\n{v6} permanent\nnobody\n{own}\n10.0.0.0/7 1d\n"
            ),
        )?;
        let from = list.display();
        let refused = seat.run(&format!("ban --from {from}"))?;
        let parts = [
            &*format!("{from}:5: \"nobody\" is neither"),
            &format!("{from}:6: {own}: on the never-ban list"),
            &format!("{from}:7: 10.0.0.0/7 is too wide"),
            "nobody was banned",
            "--skip-bad",
        ];
        assert_refused(&refused, 1, &parts)?;
        ensure!(seat.pinned().bans()? == 0);
        assert_connects(attacker)?;
        let skipped = seat.run(&format!("ban --skip-bad --from {from}"))?;
        assert_refused(&skipped, 1, &parts[..3])?;
        ensure!(skipped.stdout == "2 banned\n", "{skipped:?}");
        assert_dropped(attacker, &seat.pinned())?;
        let shown = seat.run("bans")?.succeeded()?.stdout;
        assert_has(
            &shown,
            &[&v4.to_string(), "59m", &v6.to_string(), "permanent"],
        )?;
        let missing = seat.run("ban --from /nowhere/list")?;
        assert_refused(&missing, 1, &["/nowhere/list", "No such file"])
    })
}

#[test]
fn a_long_list_goes_in_and_out_while_the_agent_does_its_work() -> Result<()> {
    const LONG: u32 = 30_000;
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        let mut text = format!("{}\n", attacker.address(Family::V4));
        for n in 1..LONG {
            let [_, a, b, c] = n.to_be_bytes();
            writeln!(text, "10.{a}.{b}.{c}")?;
        }
        let list = site.lab.dir().join("list");
        fs::write(&list, text)?;
        let ban = seat.command("ban --from - --time 1d");
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$@\" < \"$0\""]).arg(&list);
        command.arg(ban.get_program()).args(ban.get_args());
        let said = seat.run_command(&mut command)?.succeeded()?;
        ensure!(said.stdout == format!("{LONG} banned\n"), "{said:?}");
        assert_dropped(attacker, &seat.pinned())?;
        agent.wait_to_say(&["ban of 9900 more: on request"])?;
        site.prove_alive(&mut agent)?;
        let count = LONG as usize + 1;
        let pinned = seat.pinned().bans()?;
        ensure!(pinned == count, "{pinned}");
        // In pages, and no ban twice.
        let shown = seat.run("bans")?.succeeded()?.stdout;
        let mut nets: Vec<_> = shown
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        nets.sort_unstable();
        nets.dedup();
        ensure!(nets.len() == count + 1, "{} lines", nets.len());
        let json = seat.run("bans --json")?.succeeded()?.stdout;
        ensure!(json.matches("\"net\"").count() == count && json.ends_with("  }\n]\n"));
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &[&format!("{count} IPv4, 0 IPv6")])?;
        let said = seat.run("unban --all")?.succeeded()?;
        ensure!(said.stdout == format!("{count} bans ended\n"), "{said:?}");
        agent.wait_to_say(&["unban of 9900 more: lifted"])?;
        ensure!(seat.pinned().bans()? == 0);
        assert_connects(attacker)?;
        site.prove_alive(&mut agent)
    })
}

#[test]
fn a_list_that_finds_no_place_says_so() -> Result<()> {
    site(|site| {
        let seat = site.seat_with(&site.yaml("limits: { bans: 3 }\n"))?;
        let mut agent = seat.start()?;
        let list = site.lab.dir().join("list");
        fs::write(
            &list,
            "10.0.0.1 1h\n10.0.0.2 3h\n10.0.0.3 2h\n10.0.0.4 4h\n10.0.0.5 30m\n",
        )?;
        let said = seat.run(&format!("ban --from {}", list.display()))?;
        assert_refused(&said, 1, &["2 bans had to make room", "limits.bans"])?;
        agent.wait_to_say(&["WARN", "unban 10.0.0.1 ", "all places are taken"])?;
        agent.wait_to_say(&["WARN", "unban 10.0.0.3 ", "all places are taken"])?;
        let shown = seat.run("bans")?.succeeded()?.stdout;
        let nets: Vec<_> = shown
            .lines()
            .filter_map(|line| line.split(' ').next())
            .collect();
        ensure!(
            nets == ["BANNED", "10.0.0.5", "10.0.0.2", "10.0.0.4"],
            "{shown}"
        );
        ensure!(seat.pinned().bans()? == 3);
        // What has no end gives no place up.
        fs::write(&list, "10.0.1.1\n10.0.1.2\n10.0.1.3\n")?;
        let from = format!("ban --time permanent --from {}", list.display());
        assert_refused(&seat.run(&from)?, 1, &["3 bans had to make room"])?;
        let refused = seat.run("ban 10.0.1.4 --time permanent")?;
        assert_refused(
            &refused,
            1,
            &["10.0.1.4: all places are taken", "limits.bans"],
        )
    })
}
