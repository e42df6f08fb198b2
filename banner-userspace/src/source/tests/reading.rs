//! What of a file is given out, and how.

use std::os::unix::fs::FileExt as _;

use super::super::turns::SLICE;
use super::{Given, Progress, Site, cut, given, writer};
use std::io::Write as _;

#[test]
fn only_what_comes_after_the_start_is_read() {
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "old\nolder\n");
    site.open();
    assert_eq!(site.lines(), [""; 0]);
    site.append("a.log", "new\n");
    assert_eq!(site.lines(), ["new"]);
}

#[test]
fn a_line_that_was_unfinished_at_the_start_is_seen_whole() {
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "old\nhalf");
    site.open();
    assert_eq!(site.lines(), [""; 0]);
    site.append("a.log", " done\n");
    assert_eq!(site.lines(), ["half done"]);

    // It may also be the first one.
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "half");
    site.open();
    site.append("a.log", " done\n");
    assert_eq!(site.lines(), ["half done"]);
}

#[test]
fn an_overlong_line_that_was_unfinished_at_the_start_is_passed_over() {
    for length in [1001, 4095, 4096, 4097, 100_000] {
        let mut site = Site::new(&["a.log"]);
        site.append("a.log", format!("old\n{}", "x".repeat(length)));
        site.open();
        site.append("a.log", " forged line in it\nnext\n");
        assert_eq!(site.lines(), ["next"], "{length}");
    }
}

#[test]
fn an_unfinished_line_is_held_until_it_ends() {
    let mut site = Site::opened(&["a.log"]);
    for part in ["one ", "line ", "in ", "parts"] {
        site.append("a.log", part);
        assert_eq!(site.lines(), [""; 0]);
    }
    site.append("a.log", "\nand another\nha");
    assert_eq!(site.lines(), ["one line in parts", "and another"]);
}

#[test]
fn lines_written_together_come_together() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "1\n2\n3\n");
    assert_eq!(site.chunks(), [given(0, "1\n2\n3\n")]);
}

#[test]
fn an_overlong_line_is_cut_at_the_limit_at_once_and_counted() {
    let mut site = Site::new(&["a.log"]);
    site.max_line = 5;
    site.open();
    site.append("a.log", "12345");
    assert_eq!(site.chunks(), []);
    site.append("a.log", "6");
    assert_eq!(site.chunks(), [cut(0, "12345\n")]);
    site.append("a.log", "789 from 192.0.2.7");
    assert_eq!(site.chunks(), []);
    site.append("a.log", "\n54321\n");
    assert_eq!(site.chunks(), [given(0, "54321\n")]);
    assert_eq!(site.tail().stats().cut, 1);
    assert_eq!(site.tail().stats().lines, 2);
}

#[test]
fn ten_megabytes_without_newline_are_cut_and_passed_over() {
    let mut site = Site::opened(&["a.log"]);
    let mut file = writer(&site.path("a.log"));
    for _ in 0..10 {
        file.write_all(&vec![b'x'; 1 << 20]).expect("write");
        site.settle();
    }
    file.write_all(b"\nnext\n").expect("write");
    let long = "x".repeat(1000) + "\n";
    assert_eq!(site.chunks(), [cut(0, &long), given(0, "next\n")]);
    assert_eq!(site.tail().stats().bytes, (10 << 20) + 6);
}

#[test]
fn any_bytes_pass_through() {
    let mut site = Site::opened(&["a.log"]);
    let bytes = b"\xff\xfe\n\x1b[31m\r\n\n\0\x01\n\0\0\n";
    site.append("a.log", bytes);
    let expected = Given {
        logs: vec![0],
        bytes: bytes.to_vec(),
        cut: false,
    };
    assert_eq!(site.chunks(), [expected]);
}

#[test]
fn a_hole_left_by_a_truncation_hides_no_line() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "before\n".repeat(100));
    site.settle();
    site.given.clear();
    // copytruncate under a writer that keeps its offset.
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(site.path("a.log"))
        .expect("open");
    file.set_len(0).expect("truncate");
    for offset in [700, 1_000_000, 1 << 40] {
        file.set_len(0).expect("truncate");
        file.write_all_at(b"after\n", offset).expect("write");
        assert_eq!(site.lines(), ["after"], "{offset}");
        file.write_all_at(b"more\n", offset + 6).expect("write");
        assert_eq!(site.lines(), ["more"], "{offset}");
    }
    assert_eq!(site.tail().stats().truncations, 3);
}

#[test]
fn a_terabyte_of_nothing_within_a_file_does_not_stall() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "first\nhalf");
    assert_eq!(site.lines(), ["first"]);
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(site.path("a.log"))
        .expect("open");
    file.write_all_at(b"\nlast\n", 1 << 40).expect("write");
    let chunks = site.chunks();
    assert_eq!(chunks.len(), 2, "{chunks:?}");
    assert!(chunks[0].cut && chunks[0].bytes.starts_with(b"half\0\0"));
    assert_eq!(chunks[1], given(0, "last\n"));
    // A truncation is still seen after it.
    site.truncate("a.log", 0);
    site.append("a.log", "anew\n");
    assert_eq!(site.lines(), ["anew"]);
}

#[test]
fn a_hole_that_begins_where_a_read_ends_is_no_truncation() {
    let mut site = Site::opened(&["a.log"]);
    let file = std::fs::File::create(site.path("a.log")).expect("create");
    file.write_all_at(&vec![b'x'; SLICE], 0).expect("write");
    file.write_all_at(b"\nnext\n", 1 << 24).expect("write");
    assert_eq!(site.lines(), ["x".repeat(1000).as_str(), "next"]);
    assert_eq!(site.tail().stats().truncations, 0);
}

#[test]
fn a_flood_in_one_file_keeps_no_other_waiting() {
    let mut site = Site::new(&["flood.log", "quiet.log"]);
    site.append("flood.log", "");
    site.append("quiet.log", "");
    site.open();
    site.append("flood.log", "flood\n".repeat(1 << 20));
    site.append("quiet.log", "quiet\n");
    assert_eq!(site.poll(256 * 1024), Progress::More);
    assert!(site.given.iter().any(|one| one.logs == [1]));
    let bytes: usize = site.given.iter().map(|one| one.bytes.len()).sum();
    assert!(bytes <= 256 * 1024, "{bytes}");
    assert_eq!(site.lines().len(), (1 << 20) + 1);
}

#[test]
fn a_budget_of_one_byte_still_reads_all() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "one\ntwo\n");
    let mut polls = 0;
    while site.poll(1) == Progress::More {
        polls += 1;
        assert!(polls < 100);
    }
    assert_eq!(site.lines(), ["one", "two"]);
    site.append("a.log", "three\n");
    assert_eq!(site.poll(0), Progress::More);
    assert_eq!(site.lines(), ["three"]);
}

#[test]
fn counters_and_states_tell_what_was_read_and_what_was_not() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "one\ntwo\n");
    site.settle();
    let stats = site.tail().stats();
    assert_eq!((stats.lines, stats.bytes), (2, 8));
    site.append("a.log", "three\n");
    let told = site.states();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].bytes, told[0].lag), (8, 6));
    assert_eq!(
        (told[0].problem, told[0].polled, told[0].former),
        (None, None, false)
    );
}
