//! Another configuration while the agent runs.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::{Event, Seat},
    topology::Family,
    wait::{PATIENCE, wait_until},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::bad_input::site::{append, assert_connects, assert_dropped, assert_has, failure, site};

fn jail(name: &str, log: &Path, rest: &str) -> String {
    let log = log.display();
    format!("  {name}: {{ filter: sshd, logs: ['{log}'], max_retry: 2{rest} }}\n")
}

fn hang_up(pid: u32) -> Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGHUP)?)
}

/// What `banner status --json` says of a jail.
fn said_of(seat: &Seat<'_>, jail: &str) -> Result<String> {
    let json = seat.run("status --json")?.succeeded()?.stdout;
    let name = format!("\"name\": \"{jail}\"");
    let at = json.find(&name).unwrap_or(json.len());
    Ok(json[at..].split('}').next().unwrap_or_default().to_owned())
}

#[test]
fn jails_come_change_and_go_without_losing_a_line_a_count_or_a_ban() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(Family::V4);
        let other = site.lab.dir().join("other.log");
        let old = failure("root", "203.0.113.150").repeat(2);
        fs::write(&other, old)?;
        let seat = site.seat_with(&format!("jails:\n{}", jail("sshd", &site.log, "")))?;
        let mut agent = seat.start()?;
        site.fail(host)?;
        agent.wait_for(Event::Ban, host)?;
        assert_dropped(attacker, &seat.pinned())?;
        site.write(failure("root", "203.0.113.160"))?;
        site.prove_alive(&mut agent)?;

        // One is changed, another one comes. What was counted counts.
        seat.configure(&format!(
            "limits: {{ bans: 100 }}\njails:\n{}{}",
            jail("second", &other, ""),
            jail("sshd", &site.log, ", ban_time: 2h")
        ))?;
        let said = seat.run("reload")?.succeeded()?.stdout;
        let expected = "reloaded: jails added: second; jails changed: sshd; needs a restart: \
                        limits.bans\n";
        ensure!(said == expected, "{said}");
        site.write(failure("root", "203.0.113.160"))?;
        agent.wait_to_say(&["ban 203.0.113.160 jail=sshd failures=2 time=7200s"])?;
        append(&other, failure("root", "203.0.113.150"))?;
        append(&other, failure("root", "203.0.113.151").repeat(2))?;
        agent.wait_to_say(&["ban 203.0.113.151 jail=second failures=2"])?;
        let second = said_of(&seat, "second")?;
        assert_has(&second, &["\"failures\": 3,", "\"offences\": 1,"])?;
        assert_dropped(attacker, &seat.pinned())?;

        // What is wrong is said, with its place, and changes nothing.
        seat.configure("jails:\n  sshd:\n    filter: sshd\n    log: [/x]\n")?;
        let refused = seat.run("reload")?;
        ensure!(refused.status.code() == Some(1), "{refused:?}");
        assert_has(
            &refused.stderr,
            &[
                "banner.yaml:4:5: jails.sshd.log: unknown key",
                "not reloaded",
            ],
        )?;
        hang_up(agent.pid())?;
        agent.wait_to_say(&["not reloaded: ", "banner.yaml:4:5: jails.sshd.log"])?;
        site.prove_alive(&mut agent)?;

        // A jail that is gone reads nothing more; its bans stay, under its name.
        seat.configure(&format!("jails:\n{}", jail("second", &other, "")))?;
        hang_up(agent.pid())?;
        agent.wait_to_say(&["reloaded: jails removed: sshd"])?;
        site.fail("203.0.113.170")?;
        append(&other, failure("root", "203.0.113.171").repeat(2))?;
        agent.wait_to_say(&["ban 203.0.113.171 jail=second"])?;
        assert_dropped(attacker, &seat.pinned())?;
        let bans = seat.run("bans")?.succeeded()?.stdout;
        let line = bans.lines().find(|line| line.contains(&host.to_string()));
        assert_has(line.unwrap_or(&bans), &["sshd"])?;
        ensure!(!bans.contains("203.0.113.170"), "{bans}");
        let status = said_of(&seat, "sshd")?;
        assert_has(&status, &["\"retired\": true,"])?;
        let refused = seat.run("ban 203.0.113.172 --jail sshd")?;
        assert_has(
            &refused.stderr,
            &["no jail is named \"sshd\"; there are: second"],
        )?;

        // It comes back, and whom it must not ban is free at once.
        seat.configure(&format!(
            "ignore: [{host}]\njails:\n{}",
            jail("sshd", &site.log, "")
        ))?;
        let said = seat.run("reload --json")?.succeeded()?.stdout;
        assert_has(&said, &["\"added\": [\n    \"sshd\"\n  ]", "\"second\""])?;
        agent.wait_for(Event::Unban, host)?;
        assert_connects(attacker)?;
        site.prove_alive(&mut agent)?;
        Ok(())
    })
}

#[test]
fn a_jail_that_only_observes_from_now_on_drops_nothing_any_more_and_back() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(Family::V4);
        let observing = format!("jails:\n{}", jail("sshd", &site.log, ", mode: observe"));
        let seat = site.seat_with(&observing)?;
        let mut agent = seat.start()?;
        site.fail(host)?;
        agent.wait_for(Event::WouldBan, host)?;
        assert_connects(attacker)?;
        seat.configure(&format!("jails:\n{}", jail("sshd", &site.log, "")))?;
        seat.run("reload")?.succeeded()?;
        assert_dropped(attacker, &seat.pinned())?;
        seat.configure(&observing)?;
        seat.run("reload")?.succeeded()?;
        assert_connects(attacker)
    })
}

#[test]
fn an_agent_stops_when_it_is_asked_to_and_its_bans_stay() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(Family::V4);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        site.fail(host)?;
        agent.wait_for(Event::Ban, host)?;
        let said = seat.run("stop")?.succeeded()?.stdout;
        assert_has(&said, &["stopped; 1 bans stay in force"])?;
        agent.wait_to_say(&["somebody asked for it: stopped; 1 bans stay in force"])?;
        wait_until("the process to end", PATIENCE, || {
            Ok(seat.run("status")?.status.code() == Some(3))
        })?;
        assert_dropped(attacker, &seat.pinned())?;
        let again = seat.run("stop")?;
        ensure!(again.status.code() == Some(3), "{again:?}");
        Ok(())
    })
}
