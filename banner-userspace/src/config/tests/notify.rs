//! Who is told of what.

use std::{fs, os::unix::fs::PermissionsExt as _, time::Duration};

use super::{assert_said, load};
use crate::{
    config::{Config, load as load_from_disk},
    notify::{Carrier, Kind, Route, Target, Tls, Way},
};

const JAIL: &str = "\njails: {a: {logs: [/x], filter: sshd}}";

fn config(text: &str) -> Config {
    load(&[("etc/banner.yaml", text)]).unwrap_or_else(|problems| panic!("{problems}"))
}

fn target(text: &str) -> Target {
    let mut config = config(&format!("notify: {{a: {text}}}{JAIL}"));
    config.notify.remove(0)
}

#[test]
fn a_target_has_sensible_defaults() {
    let target = target("{mail: {to: [root]}}");
    assert_eq!(target.name, "a");
    assert_eq!(
        target.events,
        [Kind::Ban, Kind::Start, Kind::Stop, Kind::Problem]
    );
    assert_eq!(
        (target.digest.first, target.digest.period.as_secs()),
        (10, 600)
    );
    assert_eq!(
        (target.timeout.as_secs(), target.retry_for.as_secs()),
        (30, 3600)
    );
    let Way::Mail(mail) = target.way else {
        panic!("no mail")
    };
    assert!(!mail.whois, "it tells a third party");
    assert_eq!(mail.from, None);
    assert_eq!(mail.carrier, Carrier::Sendmail("/usr/sbin/sendmail".into()));
}

#[test]
fn a_mail_server_has_the_port_of_its_tls() {
    let server = |text: &str| match target(&format!("{{mail: {{to: [a@b], smtp: {text}}}}}")).way {
        Way::Mail(mail) => match mail.carrier {
            Carrier::Smtp(server) => server,
            Carrier::Sendmail(_) => panic!("no server"),
        },
        _ => panic!("no mail"),
    };
    let found = |text| {
        let server = server(text);
        (server.tls, server.port, server.login.is_some())
    };
    assert_eq!(found("{server: mx}"), (Tls::Starttls, 587, false));
    assert_eq!(
        found("{server: '2001:db8::1', tls: implicit, user: u, password: p}"),
        (Tls::Implicit, 465, true)
    );
    assert_eq!(found("{server: mx, tls: none}"), (Tls::None, 25, false));
    assert_eq!(
        found("{server: mx, port: 2525}"),
        (Tls::Starttls, 2525, false)
    );
}

#[test]
fn jails_choose_who_is_told() {
    let config = config(
        "notify:\n  ops: {mail: {to: [root]}, events: [unban], digest: {first: 0, period: 1h}}\n  \
         hook: {webhook: 'https://example.org/x'}\n  log: {command: [/bin/logger, '', -t, x]}\n\
         defaults: {notify: [hook]}\n\
         jails:\n  a: {logs: [/x], filter: sshd}\n  b: {logs: [/x], filter: sshd, notify: []}\n  \
         c: {logs: [/x], filter: sshd, notify: [{target: ops, to: [anna@example.org]}, log]}\n",
    );
    assert_eq!(config.notify[0].digest.period, Duration::from_hours(1));
    assert_eq!(config.notify[0].events, [Kind::Unban]);
    let routes: Vec<Vec<_>> = (config.jails.iter())
        .map(|jail| {
            let shown = |route: &Route| {
                let to = route.to.as_ref().map(|to| to[0].as_str().to_owned());
                (route.target, to)
            };
            jail.notify.iter().map(shown).collect()
        })
        .collect();
    let anna = Some("anna@example.org".to_owned());
    assert_eq!(
        routes,
        [vec![(1, None)], vec![], vec![(0, anna), (2, None)]]
    );
    let all = self::config(&format!(
        "notify: {{a: {{command: [/x]}}, b: {{command: [/y]}}}}{JAIL}"
    ));
    assert_eq!(
        all.jails[0].notify.len(),
        2,
        "without a choice: every target"
    );
}

#[test]
fn everything_that_is_wrong_with_a_target_is_said() {
    assert_said(&[
        (
            "notify: {a b: {mail: {to: []}}, b: {}, c: {webhook: 'ftp://x', command: [x]}}",
            &[
                "1:10: notify.a b: not a name for a target; it must have 1 to 64 letters, digits, dots, underscores and hyphens",
                "1:27: notify.a b.mail.to: needs at least one address",
                "1:33: notify.b: needs exactly one of mail, webhook and command, and has none",
                "1:40: notify.c: needs exactly one of mail, webhook and command, and has several",
                "1:53: notify.c.webhook: expected a URL, found `ftp://x`; it must begin with https:// or http://",
                "1:74: notify.c.command[0]: expected the absolute path of a program, found `x`; it must begin with a /",
            ],
        ),
        (
            "notify: {a: {mail: {to: ['Anna <a@b>', \"a\\r\\nBcc: x\"], subject: '%{lines}', body: '%{ip}'}}}",
            &[
                "1:26: notify.a.mail.to[0]: expected a mail address, found `Anna <a@b>`; write one address alone, without a name",
                "1:40: notify.a.mail.to[1]: expected a mail address, found `a\\r\\nBcc: x`; write one address alone, without a name",
                "1:65: notify.a.mail.subject: must be one line, and %{lines} stands for several",
                "1:83: notify.a.mail.body: there is no placeholder %{ip}; there are hostname, event, summary, at, jail, address, host, ports, failures, time, details, lines, whois",
            ],
        ),
        (
            "notify: {a: {mail: {to: [a], smtp: {server: 'x:25', user: u}}}, b: {mail: {to: [a], smtp: {server: x, user: u}}}}",
            &[
                "1:45: notify.a.mail.smtp.server: not the name or the address of a server; a port has a key of its own",
                "1:109: notify.b.mail.smtp.user: needs a password or a password_file",
            ],
        ),
        (
            "notify: {a: {command: /bin/true; rm, events: [bann]}}",
            &[
                "1:23: notify.a.command: expected a list of a program and its arguments, found `/bin/true; rm`; no shell is asked: give each argument as an item of its own",
                "1:47: notify.a.events[0]: expected ban or unban or start or stop or problem, found `bann`",
            ],
        ),
        (
            "notify: {a: {webhook: {url: 'https://x', secret: a, secret_file: /b}}, b: {webhook: {url: 'https://x', secret_file: /c}}}",
            &[
                "1:50: notify.a.webhook.secret: give either this or secret_file, which is at etc/banner.yaml:1:66",
                "1:117: notify.b.webhook.secret_file: /c does not exist",
            ],
        ),
        (
            "notify: {ops: {command: [/x]}}\ndefaults: {notify: [opps]}\njails: {a: {logs: [/x], filter: sshd, notify: [{target: ops, to: [a]}, ops, none]}}",
            &[
                "2:21: defaults.notify[0]: no target is named opps; did you mean ops?",
                "3:57: jails.a.notify[0]: ops is told by command, which has no `to`",
                "3:72: jails.a.notify[1]: ops is given twice",
                "3:77: jails.a.notify[2]: no target is named none; there are ops",
            ],
        ),
    ]);
}

#[test]
fn a_secret_is_read_from_a_file_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("banner.yaml");
    let secret = folder.path().join("secret");
    let text = format!(
        "notify: {{a: {{webhook: {{url: 'https://x', secret_file: {}}}}}}}{JAIL}",
        secret.display()
    );
    fs::write(&main, text).unwrap();
    let load = |mode: u32, content: &str| {
        fs::write(&secret, content).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(mode)).unwrap();
        load_from_disk(&main).map_err(|problems| problems.to_string())
    };
    for mode in [0o600, 0o400, 0o640] {
        let config = load(mode, "k3y\n# a remark\n").unwrap();
        let Way::Webhook(hook) = &config.notify[0].way else {
            panic!("no webhook")
        };
        assert_eq!(hook.secret.as_ref().unwrap().0, "k3y");
        assert!(!format!("{config:?}").contains("k3y"));
    }
    for mode in [0o644, 0o604, 0o620, 0o660] {
        let said = load(mode, "k3y\n").unwrap_err();
        assert!(said.contains("is open to others: chmod 600 "), "{said}");
        assert!(said.contains("banner.yaml:1:"), "{said}");
    }
    for content in ["", "\nk3y", "k\u{7}"] {
        let said = load(0o600, content).unwrap_err();
        assert!(said.contains("one line that is not empty"), "{said}");
    }
}

#[test]
fn a_secret_in_a_configuration_that_everybody_reads_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let main = folder.path().join("banner.yaml");
    let text = format!("notify: {{a: {{webhook: {{url: 'https://x', secret: abc}}}}}}{JAIL}");
    fs::write(&main, text).unwrap();
    let warnings = |mode| {
        fs::set_permissions(&main, fs::Permissions::from_mode(mode)).unwrap();
        let config = load_from_disk(&main).unwrap();
        let all = config.warnings.iter().map(ToString::to_string);
        all.collect::<Vec<_>>().join("\n")
    };
    assert!(!warnings(0o600).contains("secret"));
    let said = warnings(0o644);
    assert!(
        said.contains("notify.a.webhook.secret: a secret, and the file is open to others"),
        "{said}"
    );
    assert!(!said.contains("abc"), "{said}");
}
