use std::path::{Path, PathBuf};

use banner_userspace::import::fail2ban::{Fail2ban, FilterRef, Which};
use serde_json::Value;

use super::{Unpacked, filters::told};

fn pairs(value: &Value) -> Vec<(String, String)> {
    serde_json::from_value(value.clone()).expect("pairs of texts")
}

/// Compares all jails of a configuration; gives how many.
fn compare(fail2ban: &Unpacked, dir: &Path) -> usize {
    let theirs = fail2ban.ask("jails.py", &[dir], &[]);
    let which = Which {
        all: true,
        files: false,
    };
    let ours = Fail2ban::open(dir).and_then(|dir| dir.jails(which));
    let ours = ours.expect("it can be read");
    let mut rest = ours.jails.iter();
    for jail in &theirs {
        let name = jail["name"].as_str().expect("a name");
        if jail.get("commands").is_none() {
            assert!(
                ours.broken.iter().any(|(broken, _)| broken == name),
                "{name}"
            );
            continue;
        }
        let ours = rest.next().expect(name);
        assert_eq!(ours.name, name);
        let mut options: Vec<_> = ours
            .options()
            .map(|(option, value)| (option.to_owned(), Value::from(value)))
            .collect();
        options.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut wanted: Vec<_> = jail["options"]
            .as_object()
            .expect("a mapping")
            .iter()
            .map(|(option, value)| (option.clone(), value.clone()))
            .collect();
        wanted.sort_by(|(a, _), (b, _)| a.cmp(b));
        assert_eq!(options, wanted, "{name}");
        let (mut spec, _) = told(&jail["commands"]);
        spec.name.clone_from(&ours.spec.name);
        spec.description.clone_from(&ours.spec.description);
        // fail2ban's command has words, whose quotes are gone.
        let mut own = ours.spec.clone();
        for line in &mut own.journal {
            *line = line.replace(['\'', '"'], "");
        }
        assert_eq!(own, spec, "{name}");
        let actions = jail["actions"].as_array().expect("a list").iter();
        let actions: Vec<_> = actions
            .map(|action| FilterRef {
                name: action[0].as_str().expect("a name").to_owned(),
                options: pairs(&action[1]),
            })
            .collect();
        assert_eq!(ours.actions, actions, "{name}");
    }
    assert!(rest.next().is_none());
    theirs.len()
}

#[test]
#[ignore = "compares with fail2ban: BANNER_FAIL2BAN names where it is unpacked"]
fn stock_jails_are_what_fail2ban_makes_of_them() {
    let fail2ban = Unpacked::find();
    let jails = compare(&fail2ban, &fail2ban.configuration());
    println!("{jails} stock jails are equal");
    assert!(jails > 80, "{jails}");
}

/// A copy of the stock configuration that was worked on the way administrators do.
fn worked_on(fail2ban: &Unpacked, folder: &Path) -> PathBuf {
    let copy = folder.join("fail2ban");
    let status = std::process::Command::new("cp")
        .args(["-rL"])
        .args([&fail2ban.configuration(), &copy])
        .status();
    assert!(status.expect("cp runs").success());
    let files = [
        (
            "jail.local",
            "[DEFAULT]\nignoreip = 127.0.0.1/8 ::1, 192.0.2.0/24\n  example.org\nbantime = 1h 30m\n\
             bantime.increment = YES\naction = %(action_mwl)s\nbackend = systemd\n\
             [sshd]\nmode = aggressive\nport = ssh,2222\nmaxretry = 3\n\
             failregex = %(known/failregex)s\n  ^extra from <HOST>$ ; no comment\n\
             ignoreregex = ^not this %% <HOST>\n\
             [dovecot]\nfilter = dovecot[mode=aggressive, logtype=\"short\"]\nbackend = auto\n\
             datepattern = ^%%Y:%%m {^LN-BEG}\nmaxlines = 3\n\
             [mine]\nfilter = mine\nlogpath = /var/log/a.log tail\n  /var/log/b*.log\n\
             usedns = no\nmaxretry = many\nmaxlines = 7\n\
             action = iptables[name=\"%(__name__)s\", port='1,2'] mail[dest=a]\n  route\n",
        ),
        (
            "jail.d/10.conf",
            "[sshd]\nbantime = -1\nlogpath = %(default/syslog_authpriv)s\n[DEFAULT]\nusedns = no\n",
        ),
        (
            "jail.d/20.local",
            "[sshd]\nfindtime = %(known/bantime)s\nport = %(known/port)s,22\n",
        ),
        (
            "filter.d/mine.conf",
            "[INCLUDES]\nbefore = common.conf\n         sshd.conf\nafter = mine-more.conf\n\
             [Definition]\n_daemon = mine\nfailregex = ^%(__prefix_line)s<b> from <HOST>\n  <a/x>\n\
             [Init]\nmaxlines = 2\na = c\nb = <a>d\njournalmatch = _UID='0' \"A=b\"\n\
             [Init?family=inet6]\na = e\n[a]\nx = y%(default/_daemon)s\n",
        ),
        (
            "filter.d/mine-more.conf",
            "[Init]\nb = %(known/b)s+\ndatepattern =\n",
        ),
        (
            "filter.d/sshd.local",
            "[Definition]\nmode = extra\ncmnfailre = %(known/cmnfailre)s\n  ^more\n",
        ),
    ];
    for (name, text) in files {
        std::fs::write(copy.join(name), text).expect("it is ours");
    }
    copy
}

#[test]
#[ignore = "compares with fail2ban: BANNER_FAIL2BAN names where it is unpacked"]
fn a_configuration_that_was_worked_on_is_what_fail2ban_makes_of_it() {
    let fail2ban = Unpacked::find();
    let folder = tempfile::tempdir().unwrap();
    let jails = compare(&fail2ban, &worked_on(&fail2ban, folder.path()));
    assert!(jails > 80, "{jails}");
}
