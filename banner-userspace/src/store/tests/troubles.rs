//! A file that is corrupt, too new, or cannot be written.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use rusqlite::Connection;

use super::*;

/// An agent's part: gives all bans when it is asked to.
fn all(minutes: u64, bans: Vec<Change>) -> Batch {
    Batch {
        all: true,
        ..batch(minutes, bans)
    }
}

#[test]
fn a_corrupt_file_is_moved_aside_and_begun_anew() {
    let page_of_noise: Vec<u8> = (0..8192u32).map(|n| (n * 7 % 251) as u8).collect();
    let texts: [&[u8]; 3] = [
        b"no database",
        &page_of_noise,
        b"SQLite format 3\0 and no more",
    ];
    for text in texts {
        let dir = tempfile::tempdir().unwrap();
        let options = options(dir.path());
        let folder = options.path.parent().unwrap();
        fs::create_dir(folder).unwrap();
        fs::write(&options.path, text).unwrap();
        let store = Store::open(options.clone(), now(0)).unwrap();
        assert_eq!(store.loaded(), Loaded::default());
        wait(|| store.health().wants_all);
        assert_eq!(store.health().failures, 1);
        write(&store, all(1, vec![put("192.0.2.7/32", Some("sshd"), 60)]));
        assert_eq!(store.health().problem, None);
        assert!(!store.health().wants_all);
        store.stop(None, PATIENCE).unwrap();
        assert_eq!(found(&options, 2).bans.len(), 1);
        let aside = folder.join("banner.db.corrupt-1");
        assert_eq!(fs::read(aside).unwrap(), text);
    }
}

#[test]
fn a_file_that_is_corrupted_while_it_is_used_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    let many = |from: u8| -> Vec<Change> {
        let nets = (0..=255).map(|n| format!("10.{from}.{n}.1/32"));
        nets.map(|net| put(&net, Some("sshd"), 60)).collect()
    };
    write(&store, all(1, (0..15).flat_map(many).collect()));
    store.stop(None, PATIENCE).unwrap();
    // Everything behind the first page is noise, and so is the log of transactions.
    let mut bytes = fs::read(&options.path).unwrap();
    for path in database::beside(&options.path) {
        let _ = fs::remove_file(path);
    }
    assert!(bytes.len() > 10_000, "{}", bytes.len());
    bytes[4096..].iter_mut().for_each(|byte| *byte ^= 0x5a);
    fs::write(&options.path, &bytes).unwrap();
    let store = Store::open(options.clone(), now(0)).unwrap();
    store.loaded();
    wait(|| store.health().wants_all);
    write(&store, all(2, many(7)));
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(found(&options, 2).bans.len(), 256);
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    fs::create_dir(options.path.parent().unwrap()).unwrap();
    let newer = Connection::open(&options.path).unwrap();
    newer
        .execute_batch("CREATE TABLE of_tomorrow (a); PRAGMA user_version = 99")
        .unwrap();
    drop(newer);
    let before = fs::read(&options.path).unwrap();
    let store = Store::open(options.clone(), now(0)).unwrap();
    assert_eq!(store.loaded(), Loaded::default());
    wait(|| store.health().given_up);
    let problem = store.health().problem.unwrap();
    assert!(problem.contains("has version 99"), "{problem}");
    assert!(!store.is_free());
    assert!(!store.write(batch(1, Vec::new())));
    store
        .stop(Some(batch(1, Vec::new())), PATIENCE)
        .unwrap_err();
    assert_eq!(fs::read(&options.path).unwrap(), before);
}

#[test]
fn a_full_disk_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    write(
        &store,
        batch(1, vec![put("192.0.2.7/32", Some("sshd"), 60)]),
    );
    let many: Vec<_> = (0..20_000u32)
        .map(|n| put(&format!("{}/32", std::net::Ipv4Addr::from(n)), None, 60))
        .collect();
    // There is no disk of its own to fill here: a link to the device that is always full does as well
    // for the log of transactions.
    let [wal, _] = database::beside(&options.path);
    store.stop(None, PATIENCE).unwrap();
    fs::remove_file(&wal).unwrap();
    std::os::unix::fs::symlink("/dev/full", &wal).unwrap();
    let store = Store::open(options.clone(), now(1)).unwrap();
    let loaded = store.loaded();
    wait(|| store.health().problem.is_some());
    fs::remove_file(&wal).unwrap();
    wait(|| store.late().is_some() || !loaded.bans.is_empty());
    write(&store, all(2, many));
    assert_eq!(store.health().problem, None);
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(found(&options, 3).bans.len(), 20_000);
}

#[test]
fn a_folder_that_cannot_be_made_is_waited_for_and_what_it_had_is_found_late() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    write(
        &store,
        batch(1, vec![put("192.0.2.7/32", Some("sshd"), 60)]),
    );
    store.stop(None, PATIENCE).unwrap();
    let (folder, away) = (dir.path().join("state"), dir.path().join("away"));
    fs::rename(&folder, &away).unwrap();
    fs::write(&folder, "not mounted yet").unwrap();

    let store = Store::open(options.clone(), now(2)).unwrap();
    assert_eq!(store.loaded(), Loaded::default());
    assert!(store.health().problem.is_some());
    // What comes meanwhile is a part of what the agent has.
    assert!(store.write(batch(2, vec![put("192.0.2.9/32", Some("sshd"), 60)])));
    fs::remove_file(&folder).unwrap();
    fs::rename(&away, &folder).unwrap();
    let mut late = None;
    wait(|| {
        late = late.take().or_else(|| store.late());
        late.is_some()
    });
    assert_eq!(late.unwrap().bans, [kept("192.0.2.7/32", Some("sshd"), 60)]);
    assert!(store.health().wants_all);
    wait(|| store.is_free());
    assert_eq!(store.health().problem, None);
    store.stop(None, PATIENCE).unwrap();
}

#[test]
fn a_file_that_is_removed_is_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    let ban = || vec![put("192.0.2.7/32", Some("sshd"), 60)];
    write(&store, batch(1, ban()));
    fs::remove_dir_all(options.path.parent().unwrap()).unwrap();
    write(&store, batch(2, ban()));
    assert!(store.health().wants_all);
    write(&store, all(3, ban()));
    store.stop(None, PATIENCE).unwrap();
    assert_eq!(found(&options, 4).bans.len(), 1);
}

#[test]
fn the_file_is_for_those_who_may_read_logs() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let store = Store::open(options.clone(), now(0)).unwrap();
    write(&store, batch(1, vec![put("192.0.2.7/32", None, 60)]));
    let [wal, _] = database::beside(&options.path);
    for path in [&options.path, &wal] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o027, 0, "{} {mode:o}", path.display());
        assert!(fs::metadata(path).unwrap().size() > 0);
    }
}

#[test]
fn two_agents_do_not_write_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let first = Store::open(options.clone(), now(0)).unwrap();
    write(&first, batch(1, vec![put("192.0.2.7/32", None, 60)]));
    let second = Store::open(options.clone(), now(0)).unwrap();
    assert_eq!(second.loaded(), Loaded::default());
    let problem = second.health().problem.unwrap();
    assert!(problem.contains("locked"), "{problem}");
    first.stop(None, PATIENCE).unwrap();
    wait(|| second.late().is_some_and(|late| late.bans.len() == 1));
}
