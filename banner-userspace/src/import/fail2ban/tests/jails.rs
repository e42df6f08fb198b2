//! Jails, and whole configurations.

use std::path::Path;

use super::{FILTER, directory};
use crate::import::fail2ban::*;

fn import(folder: &tempfile::TempDir, all: bool) -> Converted {
    Fail2ban::open(folder.path()).unwrap().convert(all).unwrap()
}

fn text<'a>(converted: &'a Converted, name: &str) -> &'a str {
    let file = converted.files.iter().find(|(file, _)| file == name);
    file.map_or("", |(_, text)| text)
}

const JAILS: &str = "[DEFAULT]\nenabled = false\nfilter = x[mode=%(__name__)s]\nmaxretry = 4\n\
    bantime = 1d\nfindtime = 600\nignoreip = 127.0.0.1/8 192.0.2.1\nport = 0:65535\nprotocol = tcp\n\
    action = iptables-multiport[port=\"%(port)s\", protocol=%(protocol)s]\nusedns = warn\n\
    logpath = /var/log/x.log\n\
    [normal]\nenabled = true\nport = ssh,8000:8100\nlogpath = /var/log/x.log tail\n /var/log/y/*.log\n\
    [strict]\nenabled = on\naction = iptables-allports\n  sendmail-whois[dest=a]\nbantime = -1\n\
    maxretry = 1\nusedns = no\nignoreip = 198.51.100.0/24 example.org\nignorecommand = /bin/true <ip>\n\
    bantime.increment = true\nbackend = systemd\nlogencoding = latin-1\n\
    [strict-again]\nenabled = 1\nfilter = x[mode=strict]\naction = mine[a=b]\n\
    logpath = /var/log/[ab].log\n /var/log/c.log\nlogencoding = latin1\n\
    [spare]\nfilter = x\n\
    [knock]\nenabled = true\naction = iptables[blocktype=return]\n\
    [broken]\nenabled = yes\nfilter = absent\n\
    [nologs]\nenabled = true\nfilter = x\nlogpath =\nbackend = polling\n";

#[test]
fn jails_become_what_a_person_would_have_written() {
    let folder = directory(&[("jail.conf", JAILS), ("filter.d/x.conf", FILTER)]);
    let converted = import(&folder, false);
    let main = text(&converted, "banner.yaml");
    for part in [
        "enforce: [xdp, iptables]\nignore: [127.0.0.0/8, 192.0.2.1, '::1']\nignore_names: [example.org]\n",
        "defaults: { max_retry: 4, find_time: 10m, ban_time: 1d, names: resolve }\n",
        "\n  normal:\n    filter: x\n    logs: [/var/log/x.log, '/var/log/y/*.log']\n    ports: [ssh, 8000-8100]\n    notify: []\n\n",
        "\n  strict:\n    filter: x-strict\n    logs: [journal]\n    max_retry: 1\n    ban_time: permanent\n    names: ignore\n    \
         escalation: true\n    ignore: [198.51.100.0/24]\n\n",
        "  strict-again:\n    filter: x-strict-again\n    logs: ['/var/log/[ab].log', /var/log/c.log]\n    mode: observe\n    notify: []\n",
        "\nnotify:\n  mail: { mail: { to: [a], whois: true } }\n",
        "\n# `names: resolve` stands for usedns",
        "  # Left out: ignorecommand = /bin/true <ip>",
    ] {
        assert!(main.contains(part), "{part}\n\n{main}");
    }
    let names: Vec<_> = converted
        .files
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "banner.yaml",
            "filters.d/x.yaml",
            "filters.d/x-strict.yaml",
            "filters.d/x-strict-again.yaml",
        ]
    );
    let filter = text(&converted, "filters.d/x-strict.yaml");
    for part in [
        "\ndialect: fail2ban\n",
        "\nprefilter: '^p-journal: <F-CONTENT>.+</F-CONTENT>$'\n",
        "\nfail:\n  - '^bad <HOST>$'\n  - '^worse ''x'' <HOST>'\n",
        "\nlines: 3\nstamps:\n  - '{^LN-BEG}'\n  - '^%Y'\nencoding: windows-1252\n",
        "\njournal:\n  - '_UID=0 + _COMM=x'\n",
    ] {
        assert!(filter.contains(part), "{part}\n\n{filter}");
    }
    let report = &converted.report;
    assert_eq!(report.jails, ["normal", "strict", "strict-again"]);
    assert_eq!(report.disabled, ["spare"]);
    let left_out: Vec<_> = report.left_out.iter().map(ToString::to_string).collect();
    let parts = [
        "jail broken: the jail as a whole: ",
        "jail strict: ignorecommand = /bin/true <ip>: banner runs no commands",
        "jail strict-again: action mine: it is a command of its own",
        "jail knock: the jail as a whole: it lets hosts in",
        "jail nologs: the jail as a whole: it has no log files",
    ];
    assert_eq!(left_out.len(), parts.len(), "{left_out:#?}");
    for (line, part) in left_out.iter().zip(parts) {
        assert!(line.starts_with(part), "{line}");
    }
    let changed: Vec<_> = report.changed.iter().map(ToString::to_string).collect();
    for part in [
        "`names: resolve` stands for usedns = yes or warn",
        "banned hosts get no answer",
        "jail strict-again: bans nobody there, so it only observes",
        "jail strict: example.org in ignoreip is spared by all jails",
        "jail strict: also ignores what [DEFAULT] ignores",
    ] {
        assert!(
            changed.iter().any(|line| line.starts_with(part)),
            "{part}\n{changed:#?}"
        );
    }

    loads(&converted);

    let all = import(&folder, true);
    loads(&all);
    assert!(text(&all, "banner.yaml").contains("\n  spare:\n    enabled: false\n    filter: x\n"));
}

#[test]
fn the_jail_that_reads_fail2bans_own_log_counts_bans_instead() {
    let jails = "[DEFAULT]\nfilter = %(__name__)s\nprotocol = tcp\n\
        [recidive]\nenabled = true\nlogpath = /var/log/fail2ban.log\naction = iptables-allports\n\
        bantime = 1w\nfindtime = 1d\nmaxretry = 5\n\
        [x]\nenabled = true\nlogpath = /var/log/x\naction = iptables-allports\n";
    let filter = "[Definition]\nfailregex = ^bad <HOST>$\n";
    let folder = directory(&[
        ("jail.conf", jails),
        ("filter.d/recidive.conf", filter),
        ("filter.d/x.conf", filter),
    ]);
    let fail2ban = Fail2ban::open(folder.path()).unwrap();
    let converted = fail2ban.convert(false).unwrap();
    let main = text(&converted, "banner.yaml");
    let jail = "\n  recidive:\n    of: all\n    find_time: 1d\n    ban_time: 7d\n";
    assert!(main.contains(jail), "{main}");
    assert_eq!(text(&converted, "filters.d/recidive.yaml"), "");
    assert_eq!(converted.report.left_out, []);
    let changed = converted.report.changed.iter().map(ToString::to_string);
    let said = "jail recidive: counts the bans of banner's other jails (`of: all`), in place of those in \
                fail2ban's log";
    assert!(
        changed.clone().any(|line| line == said),
        "{:?}",
        changed.collect::<Vec<_>>()
    );
    loads(&converted);
}

#[test]
fn what_is_written_is_yaml() {
    let folder = directory(&[("jail.conf", JAILS), ("filter.d/x.conf", FILTER)]);
    let converted = import(&folder, true);
    for (name, text) in &converted.files {
        let value: serde_json::Value = serde_yaml::from_str(text).unwrap();
        assert!(value.is_object(), "{name}");
    }
}

#[test]
fn jails_that_nobody_has_are_refused() {
    let mut text = "[DEFAULT]\nenabled = true\n".to_owned();
    for number in 0..2000 {
        text.extend(["[jail", &number.to_string(), "]\n"]);
    }
    let folder = directory(&[("jail.conf", &text)]);
    let error = Fail2ban::open(folder.path())
        .unwrap()
        .convert(true)
        .unwrap_err();
    assert!(
        error.to_string().ends_with("has more than 1024 jails"),
        "{error}"
    );
    let empty = directory(&[("x", "")]);
    let error = Fail2ban::open(empty.path())
        .unwrap()
        .convert(true)
        .unwrap_err();
    assert!(
        error.to_string().contains("there is no file \"jail\" here"),
        "{error}"
    );
}

#[test]
fn names_of_jails_become_names_of_ours() {
    let text = "[DEFAULT]\nenabled = true\nfilter = x\nlogpath = /l\naction = route\n\
                [a b]\n[a/b]\n[..]\n[é]\n[INCLUDES]\n";
    let long = format!("{text}[{}]\n[{}x]\n", "l".repeat(64), "l".repeat(64));
    let folder = directory(&[("jail.conf", &long), ("filter.d/x.conf", FILTER)]);
    let converted = import(&folder, false);
    let names = &converted.report.jails;
    assert_eq!(names.len(), 6);
    let distinct: std::collections::HashSet<_> = names.iter().collect();
    assert_eq!(distinct.len(), 6, "{names:?}");
    for name in names {
        assert!(name.len() <= 64 && !name.starts_with('.'), "{name}");
        assert!(Path::new(name).components().count() == 1, "{name}");
    }
}

#[test]
fn filters_that_are_written_are_read_as_they_were() {
    let odd = FILTER.replace("^bad <HOST>$", "^it's: \u{7f}\t#\"\\d {x} <HOST>$");
    let folder = directory(&[("jail.conf", JAILS), ("filter.d/x.conf", &odd)]);
    let fail2ban = Fail2ban::open(folder.path()).unwrap();
    let which = Which {
        all: true,
        files: false,
    };
    let jails = fail2ban.jails(which).unwrap().jails;
    let converted = fail2ban.convert(true).unwrap();
    for (path, text) in converted.files.iter().skip(1) {
        let name = path
            .trim_start_matches("filters.d/")
            .trim_end_matches(".yaml");
        let read = crate::config::read_filter(name, Path::new(path), text.as_bytes()).unwrap();
        let same = |jail: &Jail| {
            let spec = &jail.spec;
            read.dialect == spec.dialect
                && read.prefilter == spec.prefilter
                && read.fail == spec.fail
                && read.ignore == spec.ignore
                && read.lines == spec.lines
                && read.stamps == spec.stamps
                && read.journal == spec.journal
                && read.description == spec.description
        };
        assert!(jails.iter().any(same), "{text}\n{read:#?}");
    }
}

#[test]
fn a_filter_that_cannot_be_used_leaves_its_jail_off() {
    let bad = FILTER.replace("^bad <HOST>$", "^bad <HOST>(?P<x>a|)*$");
    let folder = directory(&[
        (
            "jail.conf",
            "[DEFAULT]\nenabled = true\nlogpath = /l\naction = route\nignorecommand = /c\n\
             [good]\nfilter = plain\n[bad]\nfilter = x\n[worse]\nfilter = x\n",
        ),
        ("filter.d/x.conf", &bad),
        ("filter.d/plain.conf", "[Definition]\nfailregex = ^<HOST>\n"),
    ]);
    let converted = import(&folder, false);
    let main = text(&converted, "banner.yaml");
    assert!(main.contains("  good:\n    filter: plain\n"), "{main}");
    assert!(main.contains("  bad:\n    enabled: false\n"), "{main}");
    assert!(main.contains("  # Not enabled, as its filter x cannot be used: failregex 1: "));
    // The file is there, to be put right.
    assert!(text(&converted, "filters.d/x.yaml").contains("(?P<x>a|)*"));
    let lines = Report::lines(&converted.report.left_out);
    let [commands, filter] = lines.as_slice() else {
        panic!("{lines:#?}");
    };
    assert!(commands.starts_with("jails good, bad, worse: ignorecommand = /c"));
    assert!(filter.starts_with("jails bad, worse: not enabled, as its filter x cannot be used: "));

    loads(&converted);
}

#[test]
fn mail_goes_to_whom_each_jail_names() {
    let folder = directory(&[
        (
            "jail.conf",
            "[DEFAULT]\nenabled = true\nlogpath = /l\nfilter = plain\nport = ssh\n\
             destemail = root@localhost\nmta = sendmail\n\
             action = route\n  %(mta)s-whois-lines[sender=\"root@<fq-hostname>\", dest=\"%(destemail)s\"]\n\
             [usual]\n[own]\ndestemail = me@example.org\n[none]\naction = route\n[odd]\ndestemail = <b@c>\n",
        ),
        ("filter.d/plain.conf", "[Definition]\nfailregex = ^<HOST>\n"),
        (
            "action.d/sendmail-whois-lines.conf",
            "[Init]\ndest = root\nsender = fail2ban\n",
        ),
    ]);
    let converted = import(&folder, false);
    let main = text(&converted, "banner.yaml");
    for part in [
        "\nnotify:\n  mail: { mail: { to: ['root@localhost'], whois: true } }\n\njails:\n",
        "  usual:\n    filter: plain\n    logs: [/l]\n\n",
        "    logs: [/l]\n    notify: [{ target: mail, to: ['me@example.org'] }]\n\n",
        "  none:\n    filter: plain\n    logs: [/l]\n    notify: []\n\n",
    ] {
        assert!(main.contains(part), "{part}\n\n{main}");
    }
    let left_out = Report::lines(&converted.report.left_out);
    assert_eq!(
        left_out,
        ["jail odd: action sendmail-whois-lines: <b@c> is no mail address"]
    );
    loads(&converted);
}

/// The configuration is one that banner takes.
fn loads(converted: &Converted) {
    let files = converted.files.iter();
    let files: Vec<_> = files
        .map(|(name, text)| (format!("etc/{name}"), text))
        .collect();
    let files: crate::config::InMemory = files
        .iter()
        .map(|(name, text)| (name.as_str(), text.as_str()))
        .collect();
    let loaded = crate::config::load_from(Path::new("etc/banner.yaml"), &files);
    loaded.unwrap_or_else(|problems| panic!("{problems}"));
}

#[test]
fn bans_that_grow_are_said_once() {
    let folder = directory(&[
        (
            "jail.conf",
            "[DEFAULT]\nenabled = true\nlogpath = /l\naction = route\nfilter = plain\n\
             bantime.increment = yes\nbantime.maxtime = 4w\n\
             [as-all]\n[more]\nbantime.factor = 2\n[none]\nbantime.increment = no\n",
        ),
        ("filter.d/plain.conf", "[Definition]\nfailregex = ^<HOST>\n"),
    ]);
    let converted = import(&folder, false);
    let main = text(&converted, "banner.yaml");
    for part in [
        "ban_time: 10m, names: resolve, escalation: { max: 4w } }\n",
        "  as-all:\n    filter: plain\n    logs: [/l]\n\n",
        "    logs: [/l]\n    escalation: { factor: 2, max: 4w }\n",
        "  none:\n    filter: plain\n    logs: [/l]\n    escalation: false\n",
    ] {
        assert!(main.contains(part), "{part}\n\n{main}");
    }
    assert!(converted.report.left_out.is_empty());
    loads(&converted);
}

#[test]
fn numbers_that_are_none_are_said() {
    let folder = directory(&[
        (
            "jail.conf",
            "[DEFAULT]\nenabled = true\nlogpath = /l\naction = route\nfilter = plain\n\
             [one]\nbantime = 604800  # a week\nmaxretry = 5 # times\nfindtime = soon\n",
        ),
        ("filter.d/plain.conf", "[Definition]\nfailregex = ^<HOST>\n"),
    ]);
    let converted = import(&folder, false);
    let main = text(&converted, "banner.yaml");
    assert!(
        main.contains("    max_retry: 3\n    ban_time: 7d\n"),
        "{main}"
    );
    let changed = Report::lines(&converted.report.changed);
    for part in [
        "jail one: maxretry = 5 # times is no number: 3 holds",
        "jail one: findtime = soon is no time that banner has: the default holds",
    ] {
        assert!(changed.contains(&part.to_owned()), "{changed:#?}");
    }
    loads(&converted);
}

#[test]
fn jails_with_chains_of_their_own_agree() {
    let folder = directory(&[
        (
            "jail.conf",
            "[DEFAULT]\nenabled = true\nlogpath = /l\nfilter = plain\nport = 22\naction = iptables\n\
             [usual]\n[docker]\naction = iptables[chain=DOCKER-USER]\n[wrapped]\naction = hostsdeny\n",
        ),
        ("filter.d/plain.conf", "[Definition]\nfailregex = ^<HOST>\n"),
    ]);
    let converted = import(&folder, false);
    let main = text(&converted, "banner.yaml");
    let enforce = "\nenforce: [xdp, { iptables: { parents: [INPUT, DOCKER-USER] } }]\n";
    assert!(main.contains(enforce), "{main}");
    loads(&converted);
}
