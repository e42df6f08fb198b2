//! `banner explain`.

use anyhow::{Result, ensure};
use banner_tests::{agent::Event, topology::Family};

use crate::bad_input::site::{assert_dropped, assert_has, assert_printable, failure, site};

#[test]
fn it_is_told_why_somebody_is_banned_and_why_not() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(Family::V4);
        let friend = site.topology.friend.address(Family::V4);
        let yaml = site.yaml(&format!("ignore: [{friend}]\n"));
        let seat =
            site.seat_with(&yaml.replace("ban_time: 1h", "ban_time: 1h, escalation: true"))?;
        let mut agent = seat.start()?;
        let explain = |host: &str| -> Result<String> {
            Ok(seat.run(&format!("explain {host}"))?.succeeded()?.stdout)
        };
        let told = explain("203.0.113.200")?;
        ensure!(
            told == "203.0.113.200: not banned\n  no jail has seen a failure of it that counts still\n",
            "{told}"
        );
        site.write(failure("root", "203.0.113.201"))?;
        site.write(failure("eve\u{1b}[2J", host).repeat(2))?;
        agent.wait_for(Event::Ban, host)?;
        assert_dropped(attacker, &seat.pinned())?;
        let told = explain(&host.to_string())?;
        assert_printable(&told)?;
        assert_has(
            &told,
            &[
                &format!("{host}: banned\n  {host}, all ports, by sshd, for 59m "),
                " packets, the last ",
                &format!("2 failures of {host}, "),
                ": for 1h\n",
                "Failed password for invalid user eve\\u{1b}[2J from",
                "matched by ^",
                "jail sshd: 0 of 2 failures within 10m, banned once",
            ],
        )?;
        let told = explain("203.0.113.201")?;
        assert_has(
            &told,
            &["not banned\n", "jail sshd: 1 of 2 failures within 10m\n"],
        )?;
        let told = explain(&friend.to_string())?;
        assert_has(&told, &["never banned: `ignore` of the configuration has "])?;

        seat.run("ban 203.0.112.0/24 --time 2h")?.succeeded()?;
        let told = explain("203.0.112.9")?;
        assert_has(
            &told,
            &[
                "203.0.112.9: banned\n  203.0.112.0/24, all ports, by no jail, for 1h 59m",
                "somebody asked for it ",
            ],
        )?;
        let json = seat
            .run(&format!("explain --json {host}"))?
            .succeeded()?
            .stdout;
        assert_has(
            &json,
            &["\"failures\": 2,", "\"line\": \"sshd[7]: Failed", "\\u001b"],
        )?;

        // The next agent knows the lines from the disk.
        ensure!(agent.terminate()?.success(), "the agent failed");
        let _agent = seat.start()?;
        let told = explain(&host.to_string())?;
        assert_has(
            &told,
            &["by sshd, for 59m ", "2 failures of ", "eve\\u{1b}[2J from"],
        )?;
        Ok(())
    })
}
