//! Power cuts: the file and its log as they may be when the machine comes up again.

use std::fs;

use rusqlite::Connection;

use super::*;
use crate::store::{clock::Clock, load, write::Setting};

/// Batch `n` says so in every table, so that what is found can be seen to be of one moment.
fn nth(n: u64) -> Batch {
    let net = format!("10.0.{}.{}/32", n >> 8, n & 255);
    Batch {
        marks: vec![mark(n)],
        windows: vec![Windows {
            jail: "sshd".into(),
            all: n.is_multiple_of(5),
            hosts: vec![(
                std::net::IpAddr::from([192, 0, 2, 1]).into(),
                vec![Wall(n.cast_signed())],
            )],
        }],
        cursors: vec![("journal".into(), n.to_string())],
        ..batch(n, vec![put(&net, Some("sshd"), 10_000)])
    }
}

/// Of which batch everything is; 0: of none.
fn moment(path: &Path) -> u64 {
    let connection = database::open(path).unwrap();
    let clock = Clock::read(&connection, "this boot", now(5000)).unwrap();
    let loaded = load::load(&connection, clock, now(5000).mono).unwrap();
    let n = loaded.marks.first().map_or(0, |mark| mark.offset);
    let cursor = loaded.cursors.first();
    assert_eq!(cursor.map_or("0", |(_, n)| n), n.to_string());
    let window = loaded.windows.first().map_or(0, |all| all.hosts[0].1[0].0);
    assert_eq!(window, n.cast_signed());
    assert_eq!(loaded.bans.len() as u64, n);
    // And it can be gone on from.
    let mut connection = connection;
    let setting = Setting {
        clock,
        boot: "this boot",
        jails: &[],
        at_once: pending::AT_ONCE,
    };
    write::write(&mut connection, &nth(n + 1), setting).unwrap();
    let check: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(check, "ok");
    n
}

fn write_all(connection: &mut Connection, from: u64, to: u64, mut each: impl FnMut(u64)) {
    let clock = Clock::read(connection, "this boot", now(0)).unwrap();
    for n in from..to {
        let setting = Setting {
            clock,
            boot: "this boot",
            jails: &[],
            // Every other batch waits to become rows; what comes next does so first.
            at_once: usize::from(n.is_multiple_of(2)),
        };
        while n.is_multiple_of(2) && pending::fold(connection).unwrap() {}
        write::write(connection, &nth(n), setting).unwrap();
        each(n);
    }
}

#[test]
fn a_log_that_ends_anywhere_is_that_of_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("banner.db");
    let mut connection = database::open(&path).unwrap();
    let checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)";
    write_all(&mut connection, 1, 4, |_| {});
    connection.query_row(checkpoint, [], |_| Ok(())).unwrap();
    let [wal, _] = database::beside(&path);
    let mut ends = vec![(3, 0)];
    write_all(&mut connection, 4, 14, |n| {
        ends.push((n, fs::metadata(&wal).unwrap().len()));
    });
    let (main, log) = (fs::read(&path).unwrap(), fs::read(&wal).unwrap());
    let cut = dir.path().join("cut.db");
    let [cut_wal, _] = database::beside(&cut);
    let frame = 4096 + 24;
    let frames = (0..).map(|n| 32 + n * frame);
    let frames = frames.take_while(|&end| end <= log.len());
    // Whole frames, and torn ones.
    let places = frames.flat_map(|end| [end.saturating_sub(1000), end]);
    let mut seen = 0;
    for end in places {
        fs::write(&cut, &main).unwrap();
        fs::write(&cut_wal, &log[..end]).unwrap();
        let n = moment(&cut);
        let whole = ends.iter().rev().find(|(_, size)| *size <= end as u64);
        assert_eq!(n, whole.unwrap().0, "cut at {end}");
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn a_log_with_a_frame_of_noise_is_that_of_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("banner.db");
    let mut connection = database::open(&path).unwrap();
    write_all(&mut connection, 1, 9, |_| {});
    let [wal, _] = database::beside(&path);
    let (main, log) = (fs::read(&path).unwrap(), fs::read(&wal).unwrap());
    let cut = dir.path().join("cut.db");
    let [cut_wal, _] = database::beside(&cut);
    let mut last = 0;
    for place in (32..log.len()).step_by(4096 + 24) {
        let mut log = log.clone();
        log[place + 100] ^= 0xff;
        fs::write(&cut, &main).unwrap();
        fs::write(&cut_wal, &log).unwrap();
        let n = if has_tables(&cut) { moment(&cut) } else { 0 };
        assert!(n >= last && n < 9, "{n} after {last}");
        last = n;
        let _ = fs::remove_file(&cut_wal);
    }
    assert_eq!(
        last, 7,
        "the last frame is noise, the last but one batch is there"
    );
}

/// Whether the transaction that made the tables is in it.
fn has_tables(path: &Path) -> bool {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
        row.get::<_, u32>(0)
    }) != Ok(0)
}
