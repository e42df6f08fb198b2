//! Logs that lose their names, their files or their contents.

use std::fs;
use std::io::Write as _;
use std::time::Duration;

use super::super::names::FORMERS;
use super::super::settle::QUIET;
use super::{Site, cut, given, writer};

#[test]
fn a_renamed_file_is_read_on_while_its_writer_holds_it() {
    let mut site = Site::opened(&["a.log"]);
    let mut old = writer(&site.path("a.log"));
    old.write_all(b"1\n2\n").expect("write");
    site.rename("a.log", "a.log.1");
    old.write_all(b"3\n").expect("write");
    assert_eq!(site.lines(), ["1", "2", "3"]);
    site.append("a.log", "new 1\n");
    old.write_all(b"4\n").expect("write");
    site.settle();
    let mut lines = site.lines();
    lines.sort();
    assert_eq!(lines, ["4", "new 1"]);
    assert_eq!(site.tail().stats().rotations, 1);
}

#[test]
fn what_was_written_before_the_rotation_comes_first() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "x\n");
    site.settle();
    site.given.clear();
    let many = "old\n".repeat(200_000);
    site.append("a.log", &many);
    site.rename("a.log", "a.log.1");
    site.append("a.log", "new\n");
    let lines = site.lines();
    assert_eq!(lines.len(), 200_001);
    assert_eq!(lines.last().map(String::as_str), Some("new"));
}

#[test]
fn a_deleted_file_is_read_to_its_end_and_its_unfinished_line_is_given_out_at_last() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "1\n");
    site.settle();
    let mut old = writer(&site.path("a.log"));
    old.write_all(b"2\nhalf").expect("write");
    site.remove("a.log");
    site.append("a.log", "new\n");
    assert_eq!(site.lines(), ["1", "2", "new"]);
    old.write_all(b" and half").expect("write");
    assert_eq!(site.lines(), [""; 0]);
    drop(old);
    site.pass(QUIET);
    assert_eq!(site.chunks(), [cut(0, "half and half\n")]);
    assert_eq!(site.tail().stats().unfinished, 1);
    assert_eq!(site.retry, None);
    assert_eq!(site.tail().watches.counts().1, 1);
}

#[test]
fn a_deleted_file_without_successor_is_given_up_too() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "1\n");
    site.settle();
    site.remove("a.log");
    site.settle();
    let retry = site.retry.expect("it is given up some time");
    assert_eq!(retry.since(site.now), QUIET);
    site.now = retry;
    site.settle();
    assert_eq!((site.retry, site.tail().files.len()), (None, 0));
}

#[test]
fn a_renamed_file_is_kept_until_its_successor_is_written_to() {
    let mut site = Site::opened(&["a.log"]);
    let mut old = writer(&site.path("a.log"));
    old.write_all(b"1\n").expect("write");
    site.rename("a.log", "a.log.1");
    // `create` in logrotate, and a writer that does not reopen for a long time.
    site.append("a.log", "");
    site.settle();
    assert_eq!(site.retry, None);
    site.pass(QUIET * 1000);
    site.settle();
    old.write_all(b"2\n").expect("write");
    assert_eq!(site.lines(), ["1", "2"]);
    site.append("a.log", "3\n");
    assert_eq!(site.lines(), ["3"]);
    assert_eq!(site.retry.map(|retry| retry.since(site.now)), Some(QUIET));
    // A late line puts it off.
    site.pass(QUIET / 2);
    old.write_all(b"4\n").expect("write");
    assert_eq!(site.lines(), ["4"]);
    site.pass(QUIET / 2);
    site.settle();
    assert_eq!(site.tail().files.len(), 2);
    site.pass(QUIET / 2);
    site.settle();
    assert_eq!((site.retry, site.tail().files.len()), (None, 1));
}

#[test]
fn a_kept_file_that_is_deleted_later_is_given_up() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "1\n");
    site.rename("a.log", "a.log.1");
    site.settle();
    assert_eq!(site.retry, None);
    site.remove("a.log.1");
    assert!(site.is_readable(Duration::from_secs(5)));
    site.settle();
    assert!(site.retry.is_some());
}

#[test]
fn a_late_line_that_waits_for_its_turn_is_not_given_up() {
    let mut site = Site::opened(&["flood.log", "a.log"]);
    site.append("flood.log", "");
    let mut old = writer(&site.path("a.log"));
    old.write_all(b"1\n").expect("write");
    assert_eq!(site.lines(), ["1"]);
    site.rename("a.log", "a.log.1");
    site.append("a.log", "2\n");
    assert_eq!(site.lines(), ["2"]);
    site.append("flood.log", "flood\n".repeat(100_000));
    old.write_all(b"late\n").expect("write");
    site.pass(QUIET);
    let _more = site.poll(1000);
    assert!(site.given.iter().all(|one| one.logs == [0]));
    assert!(site.lines().iter().any(|line| line == "late"));
}

#[test]
fn no_more_than_so_many_former_files_are_kept() {
    let mut site = Site::opened(&["a.log"]);
    for round in 0..FORMERS + 5 {
        site.append("a.log", format!("{round}\n"));
        site.rename("a.log", &format!("a.log.{round}"));
        assert_eq!(site.lines(), [round.to_string()]);
    }
    assert_eq!(site.tail().files.len(), FORMERS);
    assert_eq!(
        site.states().iter().filter(|state| state.former).count(),
        FORMERS
    );
    assert_eq!(site.tail().stats().lost, 0);
}

#[test]
fn what_is_unread_in_a_file_that_is_given_up_for_lack_of_room_is_counted() {
    let mut site = Site::opened(&["a.log"]);
    for round in 0..=FORMERS {
        site.append("a.log", "12345\n");
        site.rename("a.log", &format!("a.log.{round}"));
    }
    assert_eq!(site.lines().len(), FORMERS);
    assert_eq!(site.tail().stats().lost, 6);
}

#[test]
fn several_rotations_between_two_looks_lose_nothing() {
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "");
    site.open();
    site.append("a.log", "0\n");
    for round in 1..=5 {
        for n in (1..round).rev() {
            site.rename(&format!("a.log.{n}"), &format!("a.log.{}", n + 1));
        }
        site.rename("a.log", "a.log.1");
        site.append("a.log", format!("{round}\n"));
    }
    assert_eq!(site.lines(), ["0", "1", "2", "3", "4", "5"]);
    let stats = site.tail().stats();
    assert_eq!((stats.rotations, stats.missed), (5, 0));
}

#[test]
fn a_file_that_came_and_went_between_two_looks_is_counted_as_missed() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "unseen\n");
    site.remove("a.log");
    site.append("a.log", "seen\n");
    assert_eq!(site.lines(), ["seen"]);
    assert_eq!(site.tail().stats().missed, 1);
}

#[test]
fn a_replaced_file_is_a_rotation() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "1\n");
    site.settle();
    site.append("a.log", "2\n");
    site.append("next", "3\n");
    site.rename("next", "a.log");
    assert_eq!(site.lines(), ["1", "2", "3"]);
    assert_eq!(site.tail().stats().rotations, 1);
}

#[test]
fn a_truncated_file_is_read_from_its_beginning() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "1\n2\nhalf");
    site.settle();
    site.truncate("a.log", 0);
    site.append("a.log", "3\n");
    let expected = [given(0, "1\n2\n"), cut(0, "half\n"), given(0, "3\n")];
    assert_eq!(site.chunks(), expected);
    let stats = site.tail().stats();
    assert_eq!((stats.truncations, stats.unfinished, stats.lost), (1, 1, 0));
}

#[test]
fn a_truncation_is_seen_when_the_file_has_grown_beyond_the_position_again() {
    for length in [3, 255, 256, 257, 1000, 300_000] {
        let mut site = Site::opened(&["a.log"]);
        site.append("a.log", "a".repeat(length - 1) + "\n");
        site.settle();
        site.given.clear();
        site.truncate("a.log", 0);
        for size in [length, length + 1, length * 3] {
            site.append("a.log", "b".repeat(size - 1) + "\n");
        }
        let lines: Vec<usize> = site.lines().iter().map(String::len).collect();
        let expected = [length, length + 1, length * 3].map(|size| (size - 1).min(site.max_line));
        assert_eq!(lines, expected, "{length}");
        assert_eq!(site.tail().stats().truncations, 1, "{length}");
    }
}

#[test]
fn bytes_that_were_seen_to_be_there_and_truncated_away_are_counted() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "0123456\n".repeat(1000));
    let _more = site.poll(800);
    site.truncate("a.log", 0);
    site.append("a.log", "next\n");
    assert_eq!(site.lines().len(), 101);
    assert_eq!(site.tail().stats().lost, 7200);
}

#[test]
fn a_folder_that_is_rotated_takes_its_files_with_it() {
    let mut site = Site::opened(&["app/a.log"]);
    fs::create_dir(site.path("app")).expect("create folder");
    let mut old = writer(&site.path("app/a.log"));
    old.write_all(b"1\n").expect("write");
    assert_eq!(site.lines(), ["1"]);
    site.rename("app", "app.old");
    old.write_all(b"2\n").expect("write");
    assert_eq!(site.lines(), ["2"]);
    fs::create_dir(site.path("app")).expect("create folder");
    site.append("app/a.log", "3\n");
    assert_eq!(site.lines(), ["3"]);
}

#[test]
fn swapped_names_keep_nobody_waiting() {
    let mut site = Site::new(&["*.log"]);
    site.append("a.log", "");
    site.append("b.log", "");
    site.open();
    site.append("a.log", "a 1\n");
    site.append("b.log", "b 1\n");
    site.rename("a.log", "t");
    site.rename("b.log", "a.log");
    site.rename("t", "b.log");
    let mut lines = site.lines();
    lines.sort();
    assert_eq!(lines, ["a 1", "b 1"]);
    site.append("a.log", "b 2\n");
    site.append("b.log", "a 2\n");
    let mut lines = site.lines();
    lines.sort();
    assert_eq!(lines, ["a 2", "b 2"]);
}
