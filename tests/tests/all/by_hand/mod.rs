//! Bans that somebody asks for: `banner ban`, `banner unban`, `banner bans`.

mod answers;
mod explain;
mod force;
mod lists;
mod orphaned;
mod renew;
mod room;

use anyhow::{Context as _, Result, ensure};
use banner_tests::{agent::Event, process::Finished, topology::Family};

use crate::bad_input::site::{assert_connects, assert_dropped, assert_has, site};

/// Fails unless a command ended with this code and said all of `parts` on standard error.
fn assert_refused(finished: &Finished, code: i32, parts: &[&str]) -> Result<()> {
    ensure!(finished.status.code() == Some(code), "{finished:?}");
    assert_has(&finished.stderr, parts)
}

#[test]
fn hosts_are_banned_shown_and_freed_by_hand() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let [v4, v6] = [Family::V4, Family::V6].map(|family| attacker.address(family));
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        assert_connects(attacker)?;
        let said = seat.run(&format!("ban {v4} {v6} --time 2h"))?.succeeded()?;
        ensure!(said.stdout == "2 banned\n", "{said:?}");
        assert_dropped(attacker, &seat.pinned())?;
        let line = agent.wait_to_say(&[&format!("ban {v6} ")])?;
        assert_has(&line, &["jail=- on request time=7200s"])?;
        let shown = seat.run("bans")?.succeeded()?.stdout;
        let of_v4 = format!("{v4} all - enforce 1h 59m");
        let lines: Vec<String> = shown
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        let titles = "BANNED PORTS JAIL MODE REMAINING PACKETS LAST SEEN";
        ensure!(lines[0] == titles, "{shown}");
        let line = lines.iter().find_map(|line| line.strip_prefix(&of_v4));
        let seen: Vec<_> = line.context(shown.clone())?.split_whitespace().collect();
        ensure!(seen[0].parse::<u32>()? > 0 && seen[2] == "ago", "{shown}");
        let json = seat.run("bans --json")?.succeeded()?.stdout;
        assert_has(
            &json,
            &[&format!("    \"net\": \"{v4}\",\n    \"ports\": \"all\",")],
        )?;
        ensure!(
            json.starts_with("[\n  {\n") && json.ends_with("  }\n]\n"),
            "{json}"
        );
        let said = seat
            .run(&format!("unban {v4} {v6} 203.0.113.177"))?
            .succeeded()?;
        let expected = format!(
            "{v4}: no longer banned\n{v6}: no longer banned\n203.0.113.177: was not banned\n"
        );
        ensure!(said.stdout == expected, "{said:?}");
        agent.wait_for(Event::Unban, v4)?;
        assert_connects(attacker)?;
        let shown = [seat.run("bans")?, seat.run("bans --json")?].map(|said| said.stdout);
        ensure!(shown == ["nobody is banned\n", "[]\n"], "{shown:?}");
        Ok(())
    })
}

#[test]
fn a_ban_in_the_name_of_a_jail_is_as_its_bans_are() -> Result<()> {
    site(|site| {
        let seat = site.seat_with(&site.yaml("").replace("1h", "permanent"))?;
        let mut agent = seat.start()?;
        seat.run("ban 203.0.113.101 --jail sshd")?.succeeded()?;
        agent.wait_to_say(&["ban 203.0.113.101 jail=sshd on request time=permanent"])?;
        seat.run("ban 203.0.113.102 --jail sshd --observe --time 90s")?
            .succeeded()?;
        agent.wait_to_say(&["would ban 203.0.113.102 jail=sshd on request time=90s"])?;
        let refused = seat.run("ban 203.0.113.103 --jail shd")?;
        assert_refused(&refused, 1, &["no jail is named \"shd\"; there are: sshd"])?;
        let shown = seat.run("bans")?.succeeded()?.stdout;
        assert_has(
            &shown,
            &["203.0.113.101", "permanent", "203.0.113.102", "observe"],
        )?;
        ensure!(shown.lines().count() == 3, "{shown}");
        // It ends as others do.
        seat.run("ban 203.0.113.104 --time 1s")?.succeeded()?;
        agent.wait_to_say(&["unban 203.0.113.104 ", "over"])?;
        Ok(())
    })
}

#[test]
fn who_must_stay_free_is_refused() -> Result<()> {
    site(|site| {
        let friend = site.topology.friend.address(Family::V4);
        let seat = site.seat_with(&site.yaml(&format!("ignore: [{friend}]\n")))?;
        let _agent = seat.start()?;
        for subcommand in [format!("ban {friend}"), "ban 127.0.0.0/9".to_owned()] {
            let refused = seat.run(&subcommand)?;
            let parts = ["on the never-ban list", "--force", "nobody was banned"];
            assert_refused(&refused, 1, &parts)?;
        }
        // Not even by force: the machine itself, and where the administrator sits.
        let own = site.topology.friend.server(Family::V4, 0).ip();
        for net in ["127.0.0.0/9".to_owned(), own.to_string()] {
            let refused = seat.run(&format!("ban --force {net}"))?;
            assert_refused(&refused, 1, &["not even --force", "nobody was banned"])?;
        }
        let admin = "203.0.113.107";
        for force in ["", " --force"] {
            let mut command = seat.command(&format!("ban{force} {admin} 203.0.113.108"));
            command.env("SSH_CONNECTION", format!("{admin} 4242 10.0.0.1 22"));
            let refused = seat.run_command(&mut command)?;
            let parts = [
                &*format!("{admin}: you are logged in from {admin}, and would lock yourself out"),
                "nobody",
            ];
            assert_refused(&refused, 1, &parts)?;
            ensure!(seat.pinned().bans()? == 0);
        }
        Ok(())
    })
}

#[test]
fn what_makes_no_sense_is_wrong_usage() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        for (subcommand, part) in [
            ("ban", "<ADDRESS|PREFIX>"),
            (
                "ban nobody",
                "\"nobody\" is neither an address nor a prefix",
            ),
            ("ban 192.0.2.7/24", "write 192.0.2.0/24 for the network"),
            ("ban 0.0.0.0/0", "too wide for a ban: /8 is the shortest"),
            ("ban 192.0.2.7 --time soon", "1h30m"),
            ("unban", "ADDRESS|PREFIX"),
            ("unban --all 192.0.2.7", "cannot be used with"),
        ] {
            assert_refused(&seat.run(subcommand)?, 2, &[part])?;
        }
        let refused = seat.run("ban 192.0.2.7 --ports sssh")?;
        assert_refused(&refused, 1, &["--ports", "did you mean ssh?"])?;
        for subcommand in ["ban 192.0.2.7", "bans", "status sshd"] {
            assert_refused(&seat.run(subcommand)?, 3, &["no agent answers"])?;
        }
        Ok(())
    })
}
