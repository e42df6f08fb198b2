use std::{fs, path::Path};

use super::*;
use crate::filter::{Dialect, Stamps};

/// A configuration directory with these files.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const FILTER: &str = "[DEFAULT]\nlogtype = file\n[Definition]\nprefregex = ^<__prefix>: <F-CONTENT>.+</F-CONTENT>$\n\
    __prefix = p-<logtype>\nfailregex = ^bad <HOST>$\n  <more-<mode>>\n\nignoreregex =\nmode = normal\n\
    more-normal =\nmore-strict = ^worse 'x' <HOST>\ndatepattern = {^LN-BEG}\n  ^%%Y\n\
    journalmatch = _UID=0 + _COMM=x\n[Init]\nmaxlines = 3\n";

#[test]
fn a_filter_is_read() {
    let folder = directory(&[("filter.d/x.conf", FILTER)]);
    let fail2ban = Fail2ban::open(folder.path()).unwrap();
    let filter: FilterRef = "fail2ban:x[mode=strict]".parse().unwrap();
    let Imported { spec, notes } = fail2ban.filter_ref(&filter).unwrap();
    assert_eq!((spec.name.as_str(), spec.dialect), ("x", Dialect::Fail2ban));
    assert_eq!(spec.description, "as fail2ban's filter x with mode=strict");
    assert_eq!(
        spec.prefilter.as_deref(),
        Some("^p-file: <F-CONTENT>.+</F-CONTENT>$")
    );
    assert_eq!(spec.fail, ["^bad <HOST>$", "^worse 'x' <HOST>"]);
    assert_eq!(spec.ignore, [""; 0]);
    assert_eq!(spec.lines, 3);
    assert_eq!(
        spec.stamps,
        Stamps::Patterns(vec!["{^LN-BEG}".to_owned(), "^%Y".to_owned()])
    );
    assert_eq!(spec.journal, ["_UID=0 + _COMM=x"]);
    assert_eq!(notes, [""; 0]);

    let journal = fail2ban
        .clone()
        .with_logtype(LogType::Journal)
        .filter("x", &[])
        .unwrap();
    assert_eq!(
        journal.spec.prefilter.as_deref(),
        Some("^p-journal: <F-CONTENT>.+</F-CONTENT>$")
    );
    assert_eq!(journal.spec.fail, ["^bad <HOST>$"]);

    // The same by its path, and a file that stands alone.
    let path = folder.path().join("filter.d/x.conf");
    let by_path: FilterRef = format!("{}[mode=strict]", path.display()).parse().unwrap();
    assert_eq!(fail2ban.filter_ref(&by_path).unwrap().spec, spec);
    let alone = directory(&[
        ("y.conf", FILTER),
        ("y.local", "[Definition]\nignoreregex = no"),
    ]);
    let path: FilterRef = alone
        .path()
        .join("y.conf")
        .display()
        .to_string()
        .parse()
        .unwrap();
    let spec = fail2ban.filter_ref(&path).unwrap().spec;
    assert_eq!(
        (spec.name.as_str(), spec.ignore),
        ("y", vec!["no".to_owned()])
    );
}

#[test]
fn filters_that_cannot_be_read_are_refused_with_their_place() {
    let folder = directory(&[
        ("filter.d/empty.conf", "[DEFAULT]\na = b\n"),
        (
            "filter.d/lines.conf",
            "[Definition]\nfailregex = x\nmaxlines = many\n",
        ),
        (
            "filter.d/journal.conf",
            "[Definition]\nfailregex = x\n\njournalmatch = _COMM='x\n",
        ),
        (
            "filter.d/loop.conf",
            "[Definition]\nfailregex = <a>\na = <b>\nb = <a>\n",
        ),
        (
            "filter.d/missing.conf",
            "[Definition]\nfailregex = x\n  %(no)s\n",
        ),
    ]);
    let fail2ban = Fail2ban::open(folder.path()).unwrap();
    for (name, message) in [
        ("empty", "empty.conf: has no section [Definition]"),
        (
            "lines",
            "lines.conf:3: maxlines: expected a number above zero, found \"many\"",
        ),
        (
            "journal",
            "journal.conf:4: a quote or backslash is not closed in \"_COMM='x\"",
        ),
        ("loop", "refers to itself"),
        (
            "missing",
            "missing.conf:2: failregex: %(no)s is given nowhere",
        ),
        ("absent", "there is no filter \"absent\" here"),
        ("../../../../../etc/passwd", "there is no filter"),
        ("", "there is no filter"),
    ] {
        let error = fail2ban.filter(name, &[]).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(Fail2ban::open(folder.path().join("filter.d/empty.conf")).is_err());
    assert!(Fail2ban::open(folder.path().join("absent")).is_err());
    assert!("a[b".parse::<FilterRef>().is_err());
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
    maxretry = 1\nignoreip = 198.51.100.0/24 example.org\nignorecommand = /bin/true <ip>\n\
    bantime.increment = true\nbackend = systemd\nlogencoding = latin-1\n\
    [strict-again]\nenabled = 1\nfilter = x[mode=strict]\naction = mine[a=b]\n\
    logpath = /var/log/[ab].log\n /var/log/c.log\nlogencoding = latin1\n\
    [spare]\nfilter = x\n\
    [knock]\nenabled = true\naction = iptables[blocktype=return]\n\
    [broken]\nenabled = yes\nfilter = absent\n\
    [nologs]\nenabled = true\nfilter = x\nlogpath =\nbackend = systemd\n";

#[test]
fn jails_become_what_a_person_would_have_written() {
    let folder = directory(&[("jail.conf", JAILS), ("filter.d/x.conf", FILTER)]);
    let converted = Fail2ban::open(folder.path())
        .unwrap()
        .convert(false)
        .unwrap();
    let main = text(&converted, "banner.yaml");
    for part in [
        "ignore: [127.0.0.0/8, 192.0.2.1, '::1']\n",
        "defaults: { max_retry: 4, find_time: 10m, ban_time: 1d }\n",
        "\n  normal:\n    filter: x\n    logs: [/var/log/x.log, '/var/log/y/*.log']\n    ports: [ssh, 8000-8100]\n\n",
        "\n  strict:\n    filter: x-strict\n    logs: [/var/log/x.log]\n    max_retry: 1\n    ban_time: permanent\n    \
         escalation: true\n    ignore: [198.51.100.0/24]\n\n",
        "  strict-again:\n    filter: x-strict\n    logs: ['/var/log/[ab].log', /var/log/c.log]\n    mode: observe\n",
        "  # Left out: action sendmail-whois, which sends mail",
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
        ["banner.yaml", "filters.d/x.yaml", "filters.d/x-strict.yaml"]
    );
    let filter = text(&converted, "filters.d/x-strict.yaml");
    for part in [
        "\ndialect: fail2ban\n",
        "\nprefilter: '^p-file: <F-CONTENT>.+</F-CONTENT>$'\n",
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
        "jail strict: action sendmail-whois: it sends mail",
        "jail strict: ignorecommand = /bin/true <ip>: banner runs no commands",
        "jail strict: example.org in ignoreip is a name",
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
        "usedns: names in logs are never resolved",
        "jail strict: reads log files; backend = systemd",
        "jail strict-again: bans nobody there, so it only observes",
        "jail strict: also ignores what [DEFAULT] ignores",
    ] {
        assert!(
            changed.iter().any(|line| line.starts_with(part)),
            "{part}\n{changed:#?}"
        );
    }

    let all = Fail2ban::open(folder.path())
        .unwrap()
        .convert(true)
        .unwrap();
    assert!(text(&all, "banner.yaml").contains("\n  spare:\n    enabled: false\n    filter: x\n"));
}

#[test]
fn what_is_written_is_yaml() {
    let folder = directory(&[("jail.conf", JAILS), ("filter.d/x.conf", FILTER)]);
    let converted = Fail2ban::open(folder.path())
        .unwrap()
        .convert(true)
        .unwrap();
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
    let converted = Fail2ban::open(folder.path())
        .unwrap()
        .convert(false)
        .unwrap();
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
        files: true,
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
    let converted = Fail2ban::open(folder.path())
        .unwrap()
        .convert(false)
        .unwrap();
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

    for (name, text) in &converted.files {
        let path = folder.path().join("out").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let loaded = crate::config::load(&folder.path().join("out/banner.yaml"));
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
    let converted = Fail2ban::open(folder.path())
        .unwrap()
        .convert(false)
        .unwrap();
    let main = text(&converted, "banner.yaml");
    for part in [
        "ban_time: 10m, escalation: { max: 4w } }\n",
        "  as-all:\n    filter: plain\n    logs: [/l]\n\n",
        "    logs: [/l]\n    escalation: { factor: 2, max: 4w }\n",
        "  none:\n    filter: plain\n    logs: [/l]\n    escalation: false\n",
    ] {
        assert!(main.contains(part), "{part}\n\n{main}");
    }
    assert!(converted.report.left_out.is_empty());
    let files = [
        ("etc/banner.yaml", main),
        (
            "etc/filters.d/plain.yaml",
            text(&converted, "filters.d/plain.yaml"),
        ),
    ];
    let files: crate::config::InMemory = files.into_iter().collect();
    let loaded = crate::config::load_from(Path::new("etc/banner.yaml"), &files);
    loaded.unwrap_or_else(|problems| panic!("{problems}"));
}
