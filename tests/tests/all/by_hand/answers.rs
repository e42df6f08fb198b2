//! Answers for programs, about one jail, and to strangers.

use std::{fs, os::unix::fs::PermissionsExt as _};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{agent::Event, topology::Family};
use serde_json::{Value, json};

use super::assert_refused;
use crate::bad_input::site::{assert_has, assert_printable, failure, site};

#[test]
fn what_became_of_each_ban_and_unban_is_told_as_json() -> Result<()> {
    site(|site| {
        let friend = site.topology.friend.address(Family::V4);
        let seat = site.seat_with(&site.yaml(&format!("ignore: [{friend}]\n")))?;
        let _agent = seat.start()?;
        let run = |subcommand: &str, code| -> Result<Value> {
            let said = seat.run(subcommand)?;
            ensure!(said.status.code() == Some(code), "{said:?}");
            serde_json::from_str(&said.stdout).with_context(|| said.stdout.clone())
        };
        let never = |value: &Value| {
            value
                .as_str()
                .is_some_and(|why| why.contains("never-ban list"))
        };
        let said = run(&format!("ban --json 203.0.113.101 {friend}"), 1)?;
        ensure!(
            said["banned"] == 0 && said["bans"][0]["result"] == "not banned",
            "{said}"
        );
        ensure!(said["bans"][1]["net"] == friend.to_string(), "{said}");
        ensure!(
            said["bans"][1]["result"] == "refused" && never(&said["bans"][1]["why"]),
            "{said}"
        );
        let list = site.lab.dir().join("list");
        fs::write(&list, format!("nobody\n2001:db8:77::1\n{friend}\n"))?;
        let list = list.display();
        let said = run(
            &format!("ban --json --skip-bad --from {list} 203.0.113.101"),
            1,
        )?;
        ensure!(
            said["banned"] == 2 && said["pending"] == 0 && said["displaced"] == 0,
            "{said}"
        );
        let each = said["bans"].as_array().context("a list")?;
        let each: Vec<_> = each
            .iter()
            .map(|ban| json!([ban["net"], ban["line"], ban["result"]]))
            .collect();
        let expected = json!([
            ["203.0.113.101", null, "banned"],
            ["2001:db8:77::1", 2, "banned"],
            [null, 1, "refused"],
            [friend.to_string(), 3, "refused"],
        ]);
        ensure!(json!(each) == expected, "{said}");

        seat.run("ban 203.0.113.0/24")?.succeeded()?;
        let said = run("unban --json 203.0.113.101 2001:db8:77::1 203.0.113.102", 0)?;
        let of = |net: &str, was_banned: bool, within: Value| json!({ "net": net, "was_banned": was_banned, "within": within });
        let expected = json!({ "agent": true, "unbanned": [
            of("203.0.113.101", true, json!(["203.0.113.0/24"])),
            of("2001:db8:77::1", true, json!([])),
            of("203.0.113.102", false, json!(["203.0.113.0/24"])),
        ]});
        ensure!(said == expected, "{said}");
        let said = run("unban --json --all", 0)?;
        ensure!(said == json!({ "agent": true, "ended": 1 }), "{said}");
        for subcommand in [
            "bans",
            "status",
            "explain 192.0.2.7",
            "top",
            "reload",
            "stop",
        ] {
            run(&format!("{subcommand} --json"), 0)?;
        }
        Ok(())
    })
}

#[test]
fn one_jail_is_shown_with_all_that_there_is_to_know_of_it() -> Result<()> {
    site(|site| {
        let host = site.topology.attacker.address(Family::V4);
        let yaml = format!(
            "notify: {{ hook: {{ command: [/bin/true] }} }}\njails:\n  sshd: {{ filter: sshd, logs: ['{}'], max_retry: \
             3, ignore: [203.0.113.9], ports: [ssh], prefix: {{ ipv6: 64 }}, escalation: true }}\n  \
             recidive: {{ of: all, count_by: {{ ipv6: 64 }} }}\n",
            site.log.display()
        );
        let seat = site.seat_with(&yaml)?;
        let mut agent = seat.start()?;
        site.write(failure("eve\u{1b}[2J", "203.0.113.150"))?;
        site.write(failure("root", host).repeat(4))?;
        agent.wait_for(Event::Ban, host)?;
        let said = seat.run("status sshd")?.succeeded()?.stdout;
        assert_printable(&said)?;
        let lines: Vec<String> = said
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for line in [
            "jail sshd: enforce mode, filter sshd",
            "rule 3 failures within 10m: banned for 1h, longer each time",
            "ports tcp/22",
            "banned with its /32 in IPv4, its /64 in IPv6",
            &format!("counting 2 hosts: {host} (1), 203.0.113.150 (1)"),
            "bans 1 now, 1 since the agent started, 0 spared",
            "dropped by xdp",
            "told hook",
            "ignores 203.0.113.9",
        ] {
            ensure!(
                lines.iter().any(|said| said == line),
                "no {line:?} in:\n{said}"
            );
        }
        let failures = format!("failures 5, 5 without a stamp; the last of {host}, ");
        ensure!(
            lines.iter().any(|line| line.starts_with(&failures)),
            "{said}"
        );
        let log = format!("log {} ", site.log.display());
        let log = lines.iter().find(|line| line.starts_with(&log));
        ensure!(
            log.is_some_and(|line| line.ends_with(" bytes read, 0 to go")),
            "{said}"
        );
        let said = seat.run("status recidive")?.succeeded()?.stdout;
        assert_has(
            &said,
            &["counts the bans of all\n", &format!("1 host: {host} (1)")],
        )?;
        let said = seat.run("status --json sshd")?.succeeded()?.stdout;
        let said: Value = serde_json::from_str(&said)?;
        ensure!(said["name"] == "sshd" && said["failures"] == 5, "{said}");
        ensure!(said["last_failure"]["host"] == host.to_string(), "{said}");
        let refused = seat.run("status recidiv")?;
        let parts = ["no jail is named \"recidiv\"", "did you mean recidive?"];
        assert_refused(&refused, 1, &parts)?;
        assert_refused(&seat.run("status a/b")?, 2, &["names of jails have"])
    })
}

#[test]
fn a_stranger_at_the_socket_is_refused_whatever_its_mode() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        let _agent = seat.start()?;
        fs::set_permissions(site.lab.dir(), fs::Permissions::from_mode(0o755))?;
        seat.through = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ]
        .map(String::from)
        .to_vec();
        let refused = seat.run("bans")?;
        assert_refused(
            &refused,
            1,
            &["the agent answers root and the socket's group"],
        )?;
        fs::set_permissions(&seat.socket, fs::Permissions::from_mode(0o777))?;
        for subcommand in ["bans", "ban 203.0.113.101", "unban --all", "stop"] {
            let refused = seat.run(subcommand)?;
            let parts = ["403", "user 65534 is neither root nor in the group of "];
            assert_refused(&refused, 1, &parts)?;
        }
        Ok(())
    })
}
