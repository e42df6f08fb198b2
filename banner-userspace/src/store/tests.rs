//! The store as the agent uses it, and what can happen to its file.

mod cuts;
mod troubles;
mod waiting;

use std::{
    path::Path,
    sync::{Arc, mpsc},
    time::Duration,
};

use super::*;
use crate::model::{Fingerprint, Mark, MatchedLine, Mode, Mono, Now, Until, Wall};

/// Longer than any step of a test takes.
const PATIENCE: Duration = Duration::from_secs(30);

const MINUTE: u64 = 60_000_000_000;

fn now(minutes: u64) -> Now {
    Now {
        wall: Wall::from_secs(1_800_000_000).after(Duration::from_nanos(minutes * MINUTE)),
        mono: Mono(minutes * MINUTE),
    }
}

fn options(folder: &Path) -> Options {
    Options {
        path: folder.join("state/banner.db"),
        old_marks: folder.join("state/marks.json"),
        boot: "this boot".into(),
        jails: vec!["sshd".into(), "web".into()],
        retention: Duration::from_hours(24),
    }
}

fn kept(net: &str, jail: Option<&str>, minutes: u64) -> KeptBan {
    KeptBan {
        net: net.parse().unwrap(),
        ports: "all".into(),
        jail: jail.map(Arc::from),
        mode: Mode::Enforce,
        until: Until::At(Mono(minutes * MINUTE)),
        quiet: None,
        since: now(0).wall,
        failures: 5,
    }
}

fn put(net: &str, jail: Option<&str>, minutes: u64) -> Change {
    Change::Put(kept(net, jail, minutes), None)
}

fn batch(minutes: u64, bans: Vec<Change>) -> Batch {
    Batch {
        at: now(minutes),
        bans,
        all: false,
        jails: None,
        marks: Vec::new(),
        windows: Vec::new(),
        cursors: Vec::new(),
    }
}

fn mark(offset: u64) -> Mark {
    Mark {
        path: "/var/log/auth.log".into(),
        device: u64::MAX,
        inode: 2,
        offset,
        fingerprint: Fingerprint {
            hash: u64::MAX,
            length: 5,
        },
    }
}

fn wait(mut met: impl FnMut() -> bool) {
    let tries = 30_000;
    for _ in 0..tries {
        if met() {
            return;
        }
        std::thread::yield_now();
        // A pause of the scheduler's, not of a fixed length for something to happen in.
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("waited in vain");
}

fn write(store: &Store, batch: Batch) {
    wait(|| store.is_free());
    assert!(store.write(batch));
    wait(|| store.is_free());
}

/// What an agent that is started at this minute finds.
fn found(options: &Options, minutes: u64) -> Loaded {
    let store = Store::open(options.clone(), now(minutes)).unwrap();
    let loaded = store.loaded();
    store.stop(None, PATIENCE).unwrap();
    loaded
}

#[test]
fn the_next_agent_finds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    assert_eq!(store.loaded(), Loaded::default());
    let v6 = KeptBan {
        ports: "tcp/22".into(),
        mode: Mode::Observe,
        until: Until::Forever,
        ..kept("2001:db8::/64", None, 0)
    };
    let window = |host: &str, times: &[i64]| {
        let times = times.iter().map(|&secs| Wall::from_secs(secs)).collect();
        (host.parse::<std::net::IpAddr>().unwrap().into(), times)
    };
    write(
        &store,
        Batch {
            marks: vec![mark(7)],
            windows: vec![Windows {
                jail: "sshd".into(),
                all: true,
                hosts: vec![window("192.0.2.1", &[1, 2]), window("192.0.2.2", &[3])],
            }],
            cursors: vec![("journal".into(), "s=1".into())],
            ..batch(
                1,
                vec![
                    put("192.0.2.7/32", Some("sshd"), 60),
                    put("192.0.2.7/32", Some("web"), 60),
                    put("192.0.2.8/32", Some("sshd"), 60),
                    Change::Put(v6.clone(), None),
                ],
            )
        },
    );
    write(
        &store,
        Batch {
            marks: vec![mark(u64::MAX)],
            windows: vec![Windows {
                jail: "sshd".into(),
                all: false,
                hosts: vec![window("192.0.2.1", &[]), window("2001:db8::1", &[4])],
            }],
            ..batch(
                2,
                vec![
                    put("192.0.2.8/32", Some("sshd"), 90),
                    Change::Remove {
                        net: "192.0.2.7/32".parse().unwrap(),
                        ports: "all".into(),
                        jail: Some("web".into()),
                    },
                ],
            )
        },
    );
    store.stop(None, PATIENCE).unwrap();
    let loaded = found(&options, 3);
    assert_eq!(
        loaded,
        Loaded {
            bans: vec![
                v6,
                kept("192.0.2.7/32", Some("sshd"), 60),
                kept("192.0.2.8/32", Some("sshd"), 90),
            ],
            history: Vec::new(),
            marks: vec![mark(u64::MAX)],
            windows: vec![Windows {
                jail: "sshd".into(),
                all: true,
                hosts: vec![window("192.0.2.2", &[3]), window("2001:db8::1", &[4])],
            }],
            cursors: vec![("journal".into(), "s=1".into())],
        }
    );
    let nets = |loaded: Loaded| -> Vec<String> {
        let nets = loaded.bans.iter().map(|ban| ban.net.to_string());
        nets.collect()
    };
    assert_eq!(
        nets(found(&options, 61)),
        ["2001:db8::/64", "192.0.2.8/32"],
        "over"
    );
}

#[test]
fn a_ban_of_a_jail_that_is_no_more_ends_under_its_old_name() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    let net = "192.0.2.7/32";
    let bans = ["gone", "web"].map(|jail| put(net, Some(jail), 60));
    write(&store, batch(1, bans.into()));
    let remove = Change::Remove {
        net: net.parse().unwrap(),
        ports: "all".into(),
        jail: None,
    };
    write(&store, batch(2, vec![remove]));
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(found(&options, 3).bans, [kept(net, Some("web"), 60)]);
}

#[test]
fn who_asks_is_told_why_and_the_past_is_remembered_until_it_is_forgiven() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    let net = "192.0.2.0/24";
    let past = |count| History {
        net: net.parse().unwrap(),
        jail: "sshd".into(),
        count,
        last: now(u64::from(count)).wall,
        ends: Some(now(90).wall),
    };
    for count in 1..4 {
        let line = MatchedLine {
            at: now(1).wall,
            pattern: 2,
            bytes: format!("line {count}").into_bytes().into(),
            cut: false,
            origin: None,
        };
        let cause = Cause {
            who: "192.0.2.7/32".parse().unwrap(),
            evidence: [line].into(),
            past: Some(past(count)),
        };
        let ban = kept(net, Some("sshd"), 60);
        write(&store, batch(1, vec![Change::Put(ban, Some(cause))]));
    }
    let (answer, answered) = mpsc::channel();
    let reply: Reply = Box::new(move |found| answer.send(found).unwrap());
    assert!(store.offences(net.parse().unwrap(), 2, reply));
    let offences = answered.recv_timeout(PATIENCE).unwrap().unwrap();
    let texts: Vec<_> = offences.iter().map(|one| &*one.evidence[0].bytes).collect();
    assert_eq!(texts, [&b"line 3"[..], b"line 2"]);
    assert_eq!(offences[0].who.to_string(), "192.0.2.7/32");
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(found(&options, 2).history, [past(3)]);

    let store = Store::open(options.clone(), now(3)).unwrap();
    let forgiven = Change::Forgive(net.parse().unwrap());
    store
        .stop(Some(batch(3, vec![forgiven])), PATIENCE)
        .unwrap();
    assert_eq!(found(&options, 4).history, []);
}

#[test]
fn what_is_old_goes() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let past = |host: u8, ends| History {
        net: std::net::IpAddr::from([192, 0, 2, host]).into(),
        jail: "sshd".into(),
        count: 1,
        last: now(0).wall,
        ends,
    };
    let changes = [Some(now(10).wall), Some(now(2000).wall), None];
    let changes = (1..).zip(changes).map(|(host, ends)| {
        let cause = Cause {
            who: std::net::IpAddr::from([192, 0, 2, host]).into(),
            evidence: Arc::default(),
            past: Some(past(host, ends)),
        };
        let ban = kept(&format!("192.0.2.{host}/32"), Some("sshd"), 20);
        Change::Put(ban, Some(cause))
    });
    let store = Store::open(options.clone(), now(0)).unwrap();
    write(&store, batch(1, changes.collect()));
    assert_eq!(store.health().commits, 1);
    // A day and ten minutes after the end of the first.
    write(&store, batch(1460, Vec::new()));
    store.stop(None, PATIENCE).unwrap();
    let found = found(&options, 1461);
    assert_eq!(
        found.history,
        [past(2, Some(now(2000).wall)), past(3, None)]
    );
    assert_eq!(found.bans, []);
}

#[test]
fn a_reload_changes_how_long_the_past_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let past = History {
        net: "192.0.2.7/32".parse().unwrap(),
        jail: "sshd".into(),
        count: 1,
        last: now(0).wall,
        ends: Some(now(10).wall),
    };
    let cause = Cause {
        who: "192.0.2.7/32".parse().unwrap(),
        evidence: Arc::default(),
        past: Some(past.clone()),
    };
    let store = Store::open(options.clone(), now(0)).unwrap();
    let ban = kept("192.0.2.7/32", Some("sshd"), 10);
    write(&store, batch(1, vec![Change::Put(ban, Some(cause))]));
    // Within the hour after it was last looked what is old.
    write(&store, batch(15, Vec::new()));
    store.keep_for(Duration::from_mins(1));
    write(&store, batch(16, Vec::new()));
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(found(&options, 17).history, []);
}

#[test]
fn windows_that_change_again_and_again_take_no_more_room() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    let hosts = |round: i64| -> Vec<_> {
        let host = |n: u8| {
            (
                std::net::IpAddr::from([10, 0, 0, n]).into(),
                vec![Wall(round); 20],
            )
        };
        (0..=255).map(host).collect()
    };
    for round in 0..400 {
        let windows = Windows {
            jail: "sshd".into(),
            all: false,
            hosts: hosts(round),
        };
        let windows = vec![windows];
        write(
            &store,
            Batch {
                windows,
                ..batch(1, Vec::new())
            },
        );
    }
    assert!(store.health().bytes < 6_000_000, "{:?}", store.health());
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(found(&options, 2).windows[0].hosts, hosts(399));
}

#[test]
fn without_an_agent_bans_can_be_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    assert_eq!(forget(&options.path, None), Ok(0), "there is none");
    let store = Store::open(options.clone(), now(0)).unwrap();
    let nets = ["192.0.2.7/32", "192.0.2.8/32", "192.0.2.9/32"];
    let bans = nets.map(|net| put(net, Some("sshd"), 60)).into();
    write(&store, batch(1, bans));
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(forget(&options.path, Some(nets[0].parse().unwrap())), Ok(1));
    assert_eq!(found(&options, 2).bans.len(), 2);
    assert_eq!(forget(&options.path, None), Ok(2));
    assert_eq!(found(&options, 2).bans, []);
}

/// A ban by hand that ends takes those of jails that are gone with it, and none of a jail that came with a
/// reload.
#[test]
fn jails_that_come_while_the_agent_runs_keep_their_bans() {
    for (jails, left) in [(None, 0), (Some(vec!["new".into()]), 1)] {
        let dir = tempfile::tempdir().unwrap();
        let options = options(dir.path());
        let store = Store::open(options.clone(), now(0)).unwrap();
        write(
            &store,
            Batch {
                jails,
                ..batch(1, vec![put("192.0.2.7/32", Some("new"), 60)])
            },
        );
        let over = Change::Remove {
            net: "192.0.2.7/32".parse().unwrap(),
            ports: "all".into(),
            jail: None,
        };
        write(&store, batch(2, vec![over]));
        store.stop(None, PATIENCE).unwrap();
        assert_eq!(found(&options, 3).bans.len(), left);
    }
}
