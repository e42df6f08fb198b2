//! Names, looked up by DNS. The server is one of the test's own.

use std::{
    fs,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    agent::{Event, Seat},
    process::Process,
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use crate::bad_input::site::{Site, assert_connects, assert_has, failure, site};

/// Not from `PATH`, where another one may be.
const PYTHON: &str = "/usr/bin/python3";

/// Has the C library ask a server of the test's, on the machine that the agent runs on.
fn serve(site: &Site<'_>) -> Result<Process> {
    let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
    let addresses = |peer: &banner_tests::topology::Peer| {
        format!("{},{}", peer.address(Family::V4), peer.address(Family::V6))
    };
    fs::write(
        site.lab.replace("/etc/resolv.conf")?,
        "nameserver 127.0.0.1\n",
    )?;
    fs::write(
        site.lab.replace("/etc/nsswitch.conf")?,
        "hosts: files dns\n",
    )?;
    let mut command = Command::new(PYTHON);
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/found/dns.py"))
        .arg(format!("attacker.example={}", addresses(attacker)))
        .arg(format!("friend.example={}", addresses(friend)))
        .arg("inside.example=127.0.0.1,::1");
    let spawned = site
        .topology
        .server
        .inside(|| site.lab.spawn("dns", &mut command))?;
    let server = spawned.context("start the DNS server")?;
    wait_until("the DNS server", PATIENCE, || {
        Ok(server.stdout()?.contains("ready"))
    })?;
    Ok(server)
}

/// Jails that look up names, and one that does not.
fn seat<'a>(site: &'a Site<'_>) -> Result<Seat<'a>> {
    let friend = &site.topology.friend;
    site.seat_with(&format!(
        "ignore: ['{}', '{}']\n\
         defaults: {{ max_retry: 2, ban_time: 1h }}\n\
         jails:\n  \
         sshd: {{ filter: sshd, logs: ['{log}'] }}\n  \
         found: {{ filter: &f {{ stamps: none, fail: ['^bad (?:<HOST>|<NAME>)$'] }}, logs: ['{log}'], names: resolve }}\n  \
         other: {{ filter: *f, logs: ['{log}'] }}\n",
        friend.address(Family::V4),
        friend.address(Family::V6),
        log = site.log.display(),
    ))
}

/// What `banner status` says of names.
fn status(seat: &Seat<'_>) -> Result<serde_json::Value> {
    let status = seat.run("status --json")?.succeeded()?.stdout;
    let status: serde_json::Value = serde_json::from_str(&status)?;
    Ok(status["names"].clone())
}

#[test]
fn a_name_that_fails_has_its_addresses_banned_and_nobody_who_never_is() -> Result<()> {
    site(|site| {
        let server = serve(site)?;
        let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
        let seat = seat(site)?;
        let mut agent = seat.start()?;
        for name in ["friend.example", "inside.example", "none.example", "0x7f.1"] {
            site.write(format!("bad {name}\n").repeat(3))?;
        }
        agent.wait_to_say(&["spared 127.0.0.1 jail=found"])?;
        let v4 = attacker.address(Family::V4);
        // A failure of the name and one of the address are two of the address.
        site.write(format!("bad Attacker.example\nbad {v4}\n"))?;
        agent.wait_to_say(&[&format!("ban {v4} jail=found failures=2")])?;
        site.write("bad attacker.example\n")?;
        let v6 = attacker.address(Family::V6);
        agent.wait_to_say(&[&format!("ban {v6} jail=found failures=2")])?;
        for family in [Family::V4, Family::V6] {
            wait_until("packets to be dropped", PATIENCE, || {
                Ok(!attacker.reaches_server(family)?)
            })?;
            ensure!(friend.reaches_server(family)?, "{family:?}");
        }
        assert_connects(friend)?;
        let told = seat.run(&format!("explain {v4}"))?.succeeded()?.stdout;
        assert_has(
            &told,
            &["by found", "bad Attacker.example", &format!("bad {v4}")],
        )?;
        wait_until("all answers", PATIENCE, || {
            Ok(status(&seat)?["waiting"] == 0)
        })?;
        let names = status(&seat)?;
        ensure!(
            names["resolved"] == 8 && names["unresolved"] == 3 && names["unanswered"] == 0,
            "{names}"
        );
        let text = seat.run("status")?.succeeded()?.stdout;
        assert_has(&text, &["8 failures resolved, 3 without an address"])?;
        // The jail that looks up nothing banned nobody, and what is no name was not asked for.
        ensure!(
            !agent
                .lines()?
                .iter()
                .any(|line| line.contains("jail=other"))
        );
        let asked = server.stdout()?;
        ensure!(!asked.contains("0x7f"), "{asked}");
        // Once each, whoever has it in a log how often.
        for name in ["attacker.example", "none.example"] {
            let times = asked.lines().filter(|line| *line == format!("{name} 1"));
            ensure!(times.count() == 1, "{asked}");
        }
        Ok(())
    })
}

#[test]
fn a_dns_server_that_never_answers_holds_up_nothing() -> Result<()> {
    site(|site| {
        let _server = serve(site)?;
        let seat = seat(site)?;
        let mut agent = seat.start()?;
        // More than there are threads and places.
        let flood = (0..3_000).fold(String::new(), |text, n| {
            text + &format!("bad n{n}.silent.example\n")
        });
        site.write(&flood)?;
        wait_until("names to wait", PATIENCE, || {
            Ok(status(&seat)?["waiting"] == 1_000)
        })?;
        let names = status(&seat)?;
        ensure!(names["dropped"] == 2_000, "{names}");
        agent.wait_to_say(&["too many names of logs wait for DNS"])?;

        // Others are banned, requests answered, a configuration taken over.
        site.prove_alive(&mut agent)?;
        seat.run("reload")?.succeeded()?;
        site.prove_alive(&mut agent)?;
        let v4 = site.topology.attacker.address(Family::V4);
        site.write(failure("root", v4).repeat(2))?;
        agent.wait_for(Event::Ban, v4)?;

        // Nor does the end wait.
        let begin = Instant::now();
        let ended = agent.finish()?.succeeded()?;
        let took = begin.elapsed();
        ensure!(took < Duration::from_secs(5), "the stop took {took:?}");
        assert_has(
            &ended.stderr,
            &["1000 failures of names have no answer of DNS yet, and count for nobody"],
        )
    })
}
