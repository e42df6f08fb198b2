//! First inputs, made of the library's filters and samples, and of fail2ban's package where
//! `BANNER_FAIL2BAN` names one that is unpacked.

use std::{collections::BTreeSet, env, fs, path::PathBuf};

use banner_userspace::filter;

use crate::{filters::specs, lines, parts::join};

/// For the translator.
pub fn patterns() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for spec in specs() {
        let text = (spec.samples.first()).and_then(|sample| sample.lines.last());
        let text = text.map_or("", String::as_str);
        for (n, pattern) in spec.fail.iter().chain(&spec.ignore).enumerate() {
            let option = ["\u{8}", "\u{b}"][n % 2];
            let pattern = format!("{option}{pattern}");
            seeds.push(join([pattern.as_str(), text]));
        }
    }
    // What banner's own patterns do not have.
    for pattern in [
        r"^(?P<a>x)?(?(a)y|<HOST>)(?P=a){,3}\Z",
        r"(?x) <ADDR> # comment",
        r"(?i:[[a-\]]{2,4}?)(?<!no)(?=<F-USER>.*?</F-USER>)$",
        r"\b\w+\W*\d{,5}<SKIPLINES>x<HOST>",
    ] {
        let pattern = format!("\u{8}{pattern}");
        seeds.push(join([pattern.as_str(), "x y 192.0.2.7"]));
    }
    seeds
}

/// For the reader of ini files.
pub fn ini() -> Vec<Vec<u8>> {
    let filter = "[INCLUDES]\nbefore = x.conf\n[DEFAULT]\nd = %(known/d)s\n[Definition]\n\
                  failregex = ^<a> from <HOST>$\n            b %%(c)s\nignoreregex =\n[Init]\na = 1\n\
                  [Init?family=inet6]\na = <b>\n";
    let jails = "[DEFAULT]\nbantime = 10m\nport = 0:65535\n[x]\nenabled = true\nfilter = x[a=\"1\", b=2]\n\
                 logpath = %(log)s\n  /var/log/*.log tail\naction = z[name=%(__name__)s]\n";
    let mut seeds = vec![join([filter, jails])];
    seeds.extend(fail2ban("filter.d").iter().map(|text| join([text, jails])));
    seeds
}

/// For whole directories of fail2ban's.
pub fn directories() -> Vec<Vec<u8>> {
    let jail = "[DEFAULT]\nbantime = 1h\n[x]\nenabled = true\nlogpath = /var/log/x.log\nport = http,https\n\
                action = z\n";
    let filter =
        "[INCLUDES]\nbefore = common.conf\n[Definition]\nfailregex = ^%(__prefix)sbad <HOST>$\n";
    let action = "[Definition]\nactionban = x <ip>\n[Init]\nblocktype = y\n";
    let mut seeds = vec![join([
        jail,
        "[x]\nmaxretry = 3\n",
        filter,
        "",
        action,
        "",
        "[DEFAULT]\n__prefix = \\S+ \n",
    ])];
    for text in fail2ban("filter.d") {
        seeds.push(join([jail, "", &text]));
    }
    seeds
}

/// For stamps.
pub fn stamped() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut heads = BTreeSet::new();
    for spec in specs() {
        for sample in &spec.samples {
            for line in &sample.lines {
                // One of each shape is enough.
                let shape: String = line.chars().take(30).map(shape).collect();
                if heads.insert(shape) {
                    seeds.push(join(["\0", "", line]));
                    seeds.push(join(["\u{4}", "", line]));
                }
            }
        }
    }
    for pattern in [
        r"^%d/%b/%Y:%H:%M:%S %z",
        r"{^LN-BEG}%ExY(?P<_sep>[-/.])%m(?P=_sep)%d[T ]%H:%M:%S(?:[.,]%f)?(?:\s*%z)?",
        r"{EPOCH}",
        r"TAI64N",
        r"\[%a %b %d %k:%M:%S %p %Y %Z\]",
    ] {
        let pattern = format!("\u{1}{pattern}");
        seeds.push(join([pattern.as_str(), "20/Nov/2026:10:00:00 +0100 x"]));
    }
    seeds
}

/// For the line path: every sample with its filter, and all of them with all filters.
pub fn logs() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    let mut all = vec![lines::ALL, 7];
    for (n, spec) in specs().enumerate() {
        let Ok(n) = u8::try_from(n) else { break };
        for (number, sample) in spec.samples.iter().enumerate() {
            let mut seed = vec![n, u8::try_from(number % 40).unwrap_or_default()];
            for line in &sample.lines {
                seed.extend_from_slice(line.as_bytes());
                seed.push(b'\n');
            }
            if number == 0 {
                all.extend_from_slice(&seed[2..]);
            }
            seeds.push(seed);
        }
    }
    seeds.push(all);
    seeds
}

/// For configurations.
pub fn configurations() -> Vec<Vec<u8>> {
    let main = "interfaces: [lo]\nignore: [192.0.2.0/24]\nlimits: {line: 4096}\n";
    let jail = "jails:\n  x:\n    filter: x\n    logs: [/var/log/x.log]\n    max_retry: 3\n";
    let prefixes = "mine: '^<STAMP> '\n";
    (filter::library_names().filter_map(filter::library))
        .map(|text| join([main, text, jail, prefixes]))
        .collect()
}

/// The lines of one sample of each filter.
fn lines_of_filters() -> Vec<String> {
    let samples = specs().filter_map(|spec| spec.samples.into_iter().next());
    samples
        .filter_map(|sample| sample.lines.into_iter().next_back())
        .collect()
}

/// For the files of containers.
pub fn records() -> Vec<Vec<u8>> {
    let time = "2026-11-20T12:00:00.000000001+01:00";
    let mut seeds = vec![
        br#"{"log":"a\u00fc\n","stream":"stdout","attrs":{"tag":[1,"x"]},"time":"2026-11-20T12:00:00Z"}"#.to_vec(),
        format!("{time} stdout F").into_bytes(),
    ];
    for (n, line) in lines_of_filters().iter().enumerate() {
        let (stream, flag) = [("stdout", "F"), ("stderr", "P"), ("stdout", "F:x")][n % 3];
        seeds.push(format!("{time} {stream} {flag} {line}\n").into_bytes());
        let log = format!("{line}\n");
        let json = serde_json::json!({ "log": log, "stream": stream, "time": time });
        seeds.push(json.to_string().into_bytes());
    }
    seeds
}

/// For the journal.
pub fn entries() -> Vec<Vec<u8>> {
    let mut seeds = vec![
        br#"{"MESSAGE":["a",[98],null,1],"_COMM":["x","y"],"_SOURCE_REALTIME_TIMESTAMP":"1"}"#.to_vec(),
        br#"{"SYSLOG_IDENTIFIER":"kernel","__MONOTONIC_TIMESTAMP":"12345678","MESSAGE":null}"#.to_vec(),
        br#"{"__CURSOR":"s=1;t=2a","_PID":"7","SYSLOG_PID":"8","_COMM":"x","MESSAGE":[104,252,10]}"#.to_vec(),
    ];
    for (n, line) in lines_of_filters().iter().enumerate() {
        let json = serde_json::json!({
            "MESSAGE": line, "_HOSTNAME": "h", "_COMM": "sshd", "_PID": n.to_string(),
            "__REALTIME_TIMESTAMP": "1795176000000000", "_TRANSPORT": "syslog",
        });
        seeds.push(json.to_string().into_bytes());
    }
    seeds
}

/// For messages of syslog.
pub fn messages() -> Vec<Vec<u8>> {
    let mut seeds = vec![b"<1000>x".to_vec(), b"<38>1 - - - - - -".to_vec()];
    for line in lines_of_filters() {
        let rfc5424 = "<38>1 2026-11-20T12:00:00.1+01:00 h sshd 7 - [a@1 b=\"\\\"]\"][c]";
        seeds.push(format!("<38>{line}\n").into_bytes());
        seeds.push(format!("{rfc5424} \u{feff}{line}\0").into_bytes());
    }
    seeds
}

/// For connections with messages of syslog.
pub fn frames() -> Vec<Vec<u8>> {
    let mut seeds = vec![b"\x10\x001234567890 x\n007 x\n3 abc".to_vec()];
    for (n, line) in lines_of_filters().iter().enumerate() {
        let size = u8::try_from(n % 40).unwrap_or_default();
        let text = format!("{} <38>{line}<38>{line}\n\r\0{} x\ny", line.len() + 4, 3);
        seeds.push([&[u8::MAX - size, size], text.as_bytes()].concat());
    }
    seeds
}

/// Digits are alike, and so are letters.
fn shape(c: char) -> char {
    match c {
        '0'..='9' => '0',
        'a'..='z' | 'A'..='Z' => 'a',
        other => other,
    }
}

/// The files in a folder of fail2ban's configuration, where it is at hand.
fn fail2ban(folder: &str) -> Vec<String> {
    let Some(package) = env::var_os("BANNER_FAIL2BAN") else {
        return Vec::new();
    };
    let folder = PathBuf::from(package).join("etc/fail2ban").join(folder);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok())
        .collect()
}
