//! What a running agent tells.

use std::{fs, net::IpAddr, time::Instant};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Event,
    wait::{PATIENCE, wait_until},
};
use nix::mount::{MsFlags, mount};

use super::{header, hook, smtp, text, told, wait_for_told};
use crate::bad_input::site::{Site, assert_dropped, assert_has, failure, site, yaml};

/// Mail to a server of the test's at this port.
fn mail(port: u16) -> String {
    format!(
        "{{to: [root@example.org], from: b@example.org, smtp: {{server: 127.0.0.1, port: {port}, tls: none}}}}"
    )
}

fn with_notify(site: &Site<'_>, notify: &str) -> String {
    site.yaml(&format!("notify:\n{notify}"))
}

#[test]
fn start_bans_and_stop_are_told_by_mail_and_webhook_and_log_lines_harm_nobody() -> Result<()> {
    site(|site| {
        let server = &site.topology.server;
        let (_mx, mails) = smtp(site.lab, server, 2501, "busy")?;
        let (_hooks, requests) = hook(site.lab, server, 8080, 1, false)?;
        let notify = format!(
            "  ops: {{mail: {}, events: [ban, unban, start, stop]}}\n  \
             hook: {{webhook: {{url: 'http://127.0.0.1:8080/', secret: k3y}}, events: [ban]}}\n",
            mail(2501)
        );
        let seat = site.seat_with(&with_notify(site, &notify))?;
        let mut agent = seat.start()?;
        // The first was refused for now.
        wait_for_told(&mails, "the start", |mail| {
            text(mail, "text").contains("started: 1 jail")
        })?;
        let host: IpAddr = [203, 0, 113, 7].into();
        let evil = "x\u{1b}[2J\u{7}%{whois}=?utf-8?q?y?=";
        site.write(failure(evil, host).repeat(2))?;
        agent.wait_for(Event::Ban, host)?;
        let is_ban =
            |mail: &serde_json::Value| text(mail, "text").starts_with("banned 203.0.113.7");
        let mail = wait_for_told(&mails, "the ban", is_ban)?;
        let subject = header(&mail, "Subject")?;
        ensure!(
            subject.ends_with(": banned 203.0.113.7 (sshd, 2 failures) for 1h"),
            "{subject}"
        );
        let said = text(&mail, "text");
        let wrong = |c: char| c.is_control() && c != '\n';
        ensure!(!said.contains(wrong), "{said:?}");
        assert_has(
            said,
            &[
                "\nlines of the log:\n  sshd[7]: Failed password",
                "x\\u{1b}[2J\\u{7}%{whois}=?utf-8?q?y?=",
            ],
        )?;
        let request = wait_for_told(&requests, "the request", |request| request["status"] == 200)?;
        let attempts = told(&requests)?;
        ensure!(
            attempts.len() == 2 && attempts[0]["status"] == 503,
            "{attempts:?}"
        );
        ensure!(
            attempts[0]["delivery"] == attempts[1]["delivery"],
            "{attempts:?}"
        );
        ensure!(request["signed"] == true && request["body"]["address"] == "203.0.113.7");
        ensure!(request["body"]["standing"] == "in-force", "{request}");
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["notify", "webhook: 1 sent, 1 attempts again"])?;
        seat.run("unban 203.0.113.7")?.succeeded()?;
        wait_for_told(&mails, "the end of the ban", |mail| {
            text(mail, "text").starts_with("unbanned 203.0.113.7 (sshd): lifted")
        })?;
        ensure!(agent.terminate()?.success());
        let last = told(&mails)?.pop().unwrap_or_default();
        assert_has(
            text(&last, "text"),
            &["stopped (SIGTERM): 0 bans stay in force"],
        )
    })
}

#[test]
fn a_flood_of_bans_is_a_few_mails_and_the_last_says_how_many_it_folds() -> Result<()> {
    site(|site| {
        let (_mx, mails) = smtp(site.lab, &site.topology.server, 2501, "plain")?;
        let notify = format!("  ops: {{mail: {}, events: [ban]}}\n", mail(2501));
        let seat = site.seat_with(&with_notify(site, &notify))?;
        let mut agent = seat.start()?;
        let hosts = (0..500).map(|n| format!("2001:db8:77::{n:x}"));
        let lines: String = hosts.map(|host| failure("root", host).repeat(2)).collect();
        site.write(lines)?;
        site.prove_alive(&mut agent)?;
        ensure!(agent.terminate()?.success());
        let mails = told(&mails)?;
        ensure!(mails.len() == 11, "{}", mails.len());
        let digest = &mails[10];
        let subject = header(digest, "Subject")?;
        assert_has(&subject, &[": 491 bans in ", ", folded into one message"])?;
        assert_has(
            text(digest, "text"),
            &[
                "by jail:\n  sshd: 491 bans, 0 unbans\n",
                "  (and 391 more)\n",
            ],
        )
    })
}

#[test]
fn jails_choose_who_gets_their_mail() -> Result<()> {
    site(|site| {
        let (_mx, mails) = smtp(site.lab, &site.topology.server, 2501, "plain")?;
        let quiet = site.lab.dir().join("quiet.log");
        fs::write(&quiet, "")?;
        let yaml = yaml(&[&site.log], "").replace(
            "    filter: sshd\n",
            "    filter: sshd\n    notify: [{target: ops, to: [anna@example.org]}]\n",
        );
        let config = format!(
            "{yaml}  quiet: {{filter: sshd, logs: ['{}'], notify: []}}\nnotify:\n  ops: {{mail: {}, events: [ban]}}\n",
            quiet.display(),
            mail(2501)
        );
        let seat = site.seat_with(&config)?;
        let mut agent = seat.start()?;
        fs::write(&quiet, failure("root", "203.0.113.8").repeat(2))?;
        agent.wait_to_say(&["ban 203.0.113.8 jail=quiet"])?;
        site.fail("203.0.113.9")?;
        wait_for_told(&mails, "a mail", |_| true)?;
        ensure!(agent.terminate()?.success());
        let mails = told(&mails)?;
        ensure!(mails.len() == 1, "{mails:?}");
        ensure!(
            mails[0]["to"] == serde_json::json!(["anna@example.org"]),
            "{mails:?}"
        );
        assert_has(text(&mails[0], "text"), &["203.0.113.9"])
    })
}

/// Bans come about while nobody can be told, the status says why, and the end is not held up.
fn nobody_can_be_told(site: &Site<'_>, notify: &str, why: &str) -> Result<()> {
    let seat = site.seat_with(&with_notify(site, notify))?;
    let mut agent = seat.start()?;
    let attacker = &site.topology.attacker;
    let address = attacker.address(banner_tests::topology::Family::V4);
    site.fail(address)?;
    agent.wait_for(Event::Ban, address)?;
    assert_dropped(attacker, &seat.pinned())?;
    wait_until("the status to say why", PATIENCE, || {
        Ok(seat.run("status")?.stdout.contains(why))
    })?;
    site.prove_alive(&mut agent)?;
    let begin = Instant::now();
    ensure!(agent.terminate()?.success());
    let took = begin.elapsed();
    ensure!(took.as_secs() < 15, "{took:?}");
    Ok(())
}

#[test]
fn a_mail_server_that_hangs_holds_up_no_ban() -> Result<()> {
    site(|site| {
        let (_mx, _) = smtp(site.lab, &site.topology.server, 2501, "hang")?;
        let notify = format!("  ops: {{mail: {}, timeout: 1s}}\n", mail(2501));
        nobody_can_be_told(site, &notify, "notify ops: not done in 1 s")
    })
}

#[test]
fn names_that_nobody_resolves_hold_up_no_ban() -> Result<()> {
    site(|site| {
        // A resolver that takes questions and gives no answers.
        let silent = site
            .topology
            .server
            .inside(|| std::net::UdpSocket::bind("127.0.0.53:53"))??;
        let resolv = site.lab.dir().join("resolv.conf");
        fs::write(
            &resolv,
            "nameserver 127.0.0.53\noptions timeout:30 attempts:3\n",
        )?;
        let (none, over) = (None::<&str>, "/etc/resolv.conf");
        mount(Some(&resolv), over, none, MsFlags::MS_BIND, none)?;
        let notify = "  ops: {mail: {to: [root], smtp: {server: mx.example.org}}, timeout: 1s}\n";
        nobody_can_be_told(site, notify, "notify ops: not done in 1 s")?;
        drop(silent);
        Ok(())
    })
}
