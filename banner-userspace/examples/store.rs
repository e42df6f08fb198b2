//! What a million bans cost on disk, and how fast they get there and back:
//! `cargo run --release -p banner-userspace --example store`.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use banner_userspace::{
    model::{MatchedLine, Mode, Mono, Now, Until, Wall},
    store::{Batch, Cause, Change, KeptBan, Options, Store},
};

const MILLION: u32 = 1_000_000;

/// As many as come in a second of the worst.
const AT_ONCE: u32 = 20_000;

const PATIENCE: Duration = Duration::from_mins(1);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir_in(".")?;
    let jail: Arc<str> = "sshd".into();
    let options = Options {
        path: folder.path().join("banner.db"),
        old_marks: folder.path().join("marks.json"),
        boot: "this boot".into(),
        jails: vec![Arc::clone(&jail)],
        retention: Duration::from_hours(24),
    };
    let now = Now {
        wall: Wall::from_secs(1_800_000_000),
        mono: Mono(1_000_000_000),
    };
    let store = Store::open(options.clone(), now)?;
    store.loaded();
    let (mut worst, start) = (Duration::ZERO, Instant::now());
    for first in (0..MILLION).step_by(AT_ONCE as usize) {
        let bans = (first..first + AT_ONCE).map(|n| change(n, &jail, now));
        let batch = Batch {
            at: now,
            bans: bans.collect(),
            all: false,
            jails: None,
            marks: Vec::new(),
            windows: Vec::new(),
            cursors: Vec::new(),
        };
        let start = Instant::now();
        assert!(store.write(batch), "{:?}", store.health());
        while !store.is_free() {
            thread::park_timeout(Duration::from_millis(1));
        }
        worst = worst.max(start.elapsed());
    }
    let took = start.elapsed();
    let bytes = store.health().bytes;
    println!("a million bans, {AT_ONCE} in a transaction: {took:.2?}, the slowest {worst:.2?}");
    println!(
        "on disk, with lines of the latest: {} MB",
        bytes / 1_000_000
    );
    let start = Instant::now();
    store.stop(None, PATIENCE)?;
    println!("stop: {:.2?}", start.elapsed());
    let start = Instant::now();
    let store = Store::open(options, now)?;
    let found = store.loaded().bans.len();
    println!("{found} found again: {:.2?}", start.elapsed());
    assert_eq!(found, MILLION as usize);
    Ok(())
}

/// Five lines led to each.
fn change(n: u32, jail: &Arc<str>, now: Now) -> Change {
    let host = Ipv4Addr::from(n.wrapping_mul(2_654_435_761));
    let line = MatchedLine {
        at: now.wall,
        pattern: 0,
        bytes: vec![b'x'; 100].into(),
        cut: false,
        origin: None,
    };
    let ban = KeptBan {
        net: IpAddr::V4(host).into(),
        ports: "all".into(),
        jail: Some(Arc::clone(jail)),
        mode: Mode::Enforce,
        until: Until::At(Mono(3_600_000_000_000)),
        quiet: None,
        since: now.wall,
        failures: 5,
    };
    let cause = Cause {
        who: IpAddr::V4(host).into(),
        evidence: vec![line; 5].into(),
        past: None,
    };
    Change::Put(ban, Some(cause))
}
