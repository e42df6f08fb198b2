//! `banner notify test`.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Seat,
    lab::{self, Lab},
    netns::Namespace,
};
use nix::mount::{MsFlags, mount};

use super::{certify, header, hook, program, secret, smtp, text, told};
use crate::bad_input::site::{assert_has, assert_printable};

const JAIL: &str = "jails: {sshd: {filter: sshd, logs: [/run/lab/auth.log]}}\n";

/// Runs `banner notify test` with these targets; returns its exit code and what it said.
fn test_notify(lab: &Lab, namespace: &Namespace, targets: &str) -> Result<(i32, String)> {
    let text = format!("notify:\n{targets}{JAIL}");
    let seat = Seat::with_text(lab, namespace, &[], &text)?;
    let finished = seat.run("notify test")?;
    let said = finished.stdout + &finished.stderr;
    assert_printable(&said)?;
    Ok((finished.status.code().unwrap_or(-1), said))
}

#[test]
fn mail_goes_through_servers_of_every_kind() -> Result<()> {
    lab::run(|lab| {
        let namespace = Namespace::add("mx")?;
        certify(lab)?;
        let password = secret(lab, "password", "s3cret\n")?;
        let password = password.display();
        let login =
            format!("user: banner, password_file: {password}, ca_file: /run/lab/server.pem");
        let kinds = [
            (2501, "plain", "tls: none".to_owned()),
            (2502, "starttls", "ca_file: /run/lab/server.pem".to_owned()),
            (
                2503,
                "implicit",
                "tls: implicit, ca_file: /run/lab/server.pem".to_owned(),
            ),
            (2504, "auth", login.clone()),
            (2505, "login", login),
        ];
        let mut servers = Vec::new();
        let mut targets = String::new();
        for (port, mode, keys) in &kinds {
            servers.push(smtp(lab, &namespace, *port, mode)?);
            let target = format!(
                "  {mode}: {{mail: {{to: [root@example.org, anna@example.org], from: b@example.org, \
                 smtp: {{server: 127.0.0.1, port: {port}, {keys}}}}}}}\n"
            );
            targets.push_str(&target);
        }
        let (code, said) = test_notify(lab, &namespace, &targets)?;
        ensure!(code == 0, "{said}");
        for ((_, mode, keys), (_, file)) in kinds.iter().zip(&servers) {
            let sent = format!("{mode}: sent by mail to root@example.org, anna@example.org\n");
            assert_has(&said, &[&sent])?;
            let mails = told(file)?;
            ensure!(mails.len() == 1, "{mode}: {mails:?}");
            let mail = &mails[0];
            ensure!(mail["tls"] == (*mode != "plain"), "{mail}");
            let user = keys.contains("user").then_some("banner");
            ensure!(mail["user"].as_str() == user, "{mail}");
            ensure!(mail["to"] == serde_json::json!(["root@example.org", "anna@example.org"]));
            ensure!(mail["from"] == "b@example.org" && mail["defects"] == serde_json::json!([]));
            ensure!(header(mail, "From")? == "banner <b@example.org>", "{mail}");
            ensure!(
                header(mail, "To")?.replace(' ', "") == "root@example.org,anna@example.org",
                "{mail}"
            );
            ensure!(header(mail, "Auto-Submitted")? == "auto-generated");
            ensure!(
                header(mail, "Message-ID")?.ends_with("@example.org>"),
                "{mail}"
            );
            let subject = header(mail, "Subject")?;
            let summary = ": a sample, nobody is banned: 192.0.2.1 (sample, 5 failures) for 1h";
            ensure!(subject.ends_with(summary), "{subject}");
            assert_has(
                text(mail, "text"),
                &[
                    "address:   192.0.2.1\n",
                    "\nlines of the log:\n  a line of a log",
                ],
            )?;
        }
        Ok(())
    })
}

#[test]
fn nothing_is_sent_to_a_server_that_is_not_who_it_should_be() -> Result<()> {
    lab::run(|lab| {
        let namespace = Namespace::add("mx")?;
        certify(lab)?;
        let wrong = secret(lab, "password", "wrong\n")?;
        let wrong = wrong.display();
        let ca = "ca_file: /run/lab/server.pem";
        let kinds = [
            // Nobody has said that its certificate is to be trusted.
            (
                2501,
                "starttls",
                "starttls: ".to_owned(),
                "invalid peer certificate",
            ),
            (
                2502,
                "implicit",
                "implicit: tls: implicit, ".to_owned(),
                "invalid peer certificate",
            ),
            (
                2503,
                "plain",
                format!("plain: {ca}, "),
                "offers no STARTTLS, so nothing is sent",
            ),
            (
                2504,
                "auth",
                format!("auth: {ca}, user: banner, password_file: {wrong}, "),
                "answered to the password: 535",
            ),
        ];
        let mut servers = Vec::new();
        let mut targets = String::new();
        for (port, mode, keys, _) in &kinds {
            servers.push(smtp(lab, &namespace, *port, mode)?);
            let (name, keys) = keys.split_once(": ").unwrap_or((keys, ""));
            let target = format!(
                "  {name}: {{mail: {{to: [root], smtp: {{{keys}server: 127.0.0.1, port: {port}}}}}}}\n"
            );
            targets.push_str(&target);
        }
        targets += "  closed: {mail: {to: [root], smtp: {server: 127.0.0.1, port: 2599}}}\n";
        let (code, said) = test_notify(lab, &namespace, &targets)?;
        ensure!(code == 1, "{said}");
        for ((_, mode, _, why), (_, file)) in kinds.iter().zip(&servers) {
            let line = said.lines().find(|line| line.starts_with(mode));
            let line = line.unwrap_or_default();
            assert_has(line, &[": NOT sent by mail to root: 127.0.0.1", why])?;
            ensure!(told(file)?.is_empty(), "{mode}");
        }
        assert_has(
            &said,
            &["closed: NOT sent by mail to root: 127.0.0.1 (127.0.0.1:2599): Connection refused"],
        )
    })
}

#[test]
fn a_recipient_that_a_server_refuses_does_not_keep_the_others_from_their_mail() -> Result<()> {
    lab::run(|lab| {
        let namespace = Namespace::add("mx")?;
        let (_server, file) = smtp(lab, &namespace, 2501, "plain")?;
        let targets = "  a: {mail: {to: [nobody@example.org, root@example.org], \
                       smtp: {server: 127.0.0.1, port: 2501, tls: none}}}\n";
        let (code, said) = test_notify(lab, &namespace, targets)?;
        ensure!(code == 1, "{said}");
        assert_has(
            &said,
            &["the others have it, but 127.0.0.1 answered to RCPT TO:<nobody@example.org>: 550"],
        )?;
        let mails = told(&file)?;
        ensure!(mails.len() == 1 && mails[0]["to"] == serde_json::json!(["root@example.org"]));
        Ok(())
    })
}

#[test]
fn programs_get_arguments_variables_and_input_and_whois_is_asked() -> Result<()> {
    lab::run(|lab| {
        let namespace = Namespace::add("host")?;
        // The lab's own view of the folder that is looked into first.
        let (folder, none) = ("/usr/local/sbin", None::<&str>);
        mount(none, folder, Some("tmpfs"), MsFlags::empty(), none)?;
        program(
            &Path::new(folder).join("whois"),
            "#!/bin/sh\necho \"% a remark\"; echo \"inetnum: $# $1\"; printf 'evil: \\033[2J\\n'\n",
        )?;
        let sendmail = Path::new(folder).join("sendmail");
        program(&sendmail, include_str!("sendmail.py"))?;
        let command = Path::new(folder).join("on-ban");
        let file = lab.dir().join("command.json");
        let script = format!(
            "#!/bin/sh\nprintf '%s|' \"$#\" \"$@\" \"$BANNER_EVENT\" \"$BANNER_ADDRESS\" \
             \"$BANNER_SECONDS\" \"$HOME\" > {0}; cat >> {0}\n",
            file.display()
        );
        program(&command, &script)?;
        let targets = format!(
            "  mail: {{mail: {{to: [root], from: x@example.org, sendmail: {}, whois: true, subject: 'Bän %{{address}}'}}}}\n  \
             command: {{command: [{}, '', '$(id)', a b]}}\n",
            sendmail.display(),
            command.display()
        );
        let (code, said) = test_notify(lab, &namespace, &targets)?;
        ensure!(code == 0, "{said}");
        let mails = told(&sendmail.with_extension("json"))?;
        ensure!(mails.len() == 1, "{mails:?}");
        ensure!(mails[0]["argv"] == serde_json::json!(["-i", "-f", "x@example.org", "--", "root"]));
        ensure!(header(&mails[0], "Subject")? == "Bän 192.0.2.1");
        assert_has(
            text(&mails[0], "text"),
            &["\nwhois:\n  inetnum: 1 192.0.2.1\n  evil: \\u{1b}[2J\n"],
        )?;
        let got = fs::read_to_string(&file)?;
        let (words, json) = got.split_once('{').unwrap_or((&got, ""));
        ensure!(words == "3||$(id)|a b|ban|192.0.2.1|3600||", "{got}");
        assert_has(json, &["\"event\":\"ban\"", "\"standing\":\"sample\""])
    })
}

#[test]
fn a_webhook_gets_signed_json_over_tls() -> Result<()> {
    lab::run(|lab| {
        let namespace = Namespace::add("hooks")?;
        certify(lab)?;
        let (_server, file) = hook(lab, &namespace, 8443, 0, true)?;
        let key = secret(lab, "key", "k3y\n")?;
        let targets = format!(
            "  hook: {{webhook: {{url: 'https://127.0.0.1:8443/a?b=c', secret_file: {}, ca_file: /run/lab/server.pem}}}}\n",
            key.display()
        );
        let (code, said) = test_notify(lab, &namespace, &targets)?;
        ensure!(code == 0 && said == "hook: sent to 127.0.0.1\n", "{said}");
        let requests = told(&file)?;
        ensure!(requests.len() == 1, "{requests:?}");
        let request = &requests[0];
        ensure!(request["signed"] == true, "{request}");
        ensure!(
            request["age"].as_f64().is_some_and(|age| age < 60.0),
            "{request}"
        );
        ensure!(request["path"] == "/a?b=c" && request["host"] == "127.0.0.1:8443");
        ensure!(request["event"] == "ban" && request["type"] == "application/json");
        ensure!(request["body"]["address"] == "192.0.2.1", "{request}");
        Ok(())
    })
}
