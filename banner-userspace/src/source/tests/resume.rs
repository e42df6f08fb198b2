//! Starting again where it was left.

use std::fs;

use super::super::settle::QUIET;
use super::{Site, cut, given};

/// A log of which everything was given out but an unfinished line.
fn read_site(logs: &[&str]) -> Site {
    let mut site = Site::opened(logs);
    site.append("a.log", "1\n2\nha");
    assert_eq!(site.lines(), ["1", "2"]);
    site
}

#[test]
fn what_was_written_in_the_meantime_is_read_once() {
    let mut site = read_site(&["a.log"]);
    site.restart(|site| site.append("a.log", "lf\n3\n"));
    assert_eq!(site.lines(), ["half", "3"]);
    site.restart(|_| ());
    assert_eq!(site.lines(), [""; 0]);
    site.append("a.log", "4\n");
    assert_eq!(site.lines(), ["4"]);
}

#[test]
fn a_log_without_a_mark_begins_at_its_end() {
    let mut site = read_site(&["a.log", "b.log"]);
    site.restart(|site| {
        site.append("a.log", "lf\n");
        site.append("b.log", "new to us\n");
    });
    assert_eq!(site.lines(), ["half"]);
}

#[test]
fn a_log_that_was_rotated_in_the_meantime_is_finished_first() {
    for logs in [&["a.log"][..], &["a.log*"], &["a.log", "a.log.*"]] {
        let mut site = read_site(logs);
        site.restart(|site| {
            site.append("a.log", "lf\n3\n");
            site.rename("a.log", "a.log.1");
            site.append("a.log", "4\n");
        });
        assert_eq!(site.lines(), ["half", "3", "4"], "{logs:?}");
        // Its writer may still hold it.
        site.append("a.log.1", "5\n");
        assert_eq!(site.lines(), ["5"], "{logs:?}");
        assert_eq!(site.tail().stats().rotations, 1, "{logs:?}");
    }
}

#[test]
fn a_log_that_was_rotated_and_has_no_successor_is_finished() {
    let mut site = read_site(&["a.log"]);
    site.restart(|site| {
        site.append("a.log", "lf\n");
        site.rename("a.log", "a.log.1");
    });
    assert_eq!(site.lines(), ["half"]);
}

#[test]
fn a_log_that_was_rotated_and_deleted_leaves_only_its_successor() {
    let mut site = read_site(&["a.log"]);
    // Taken so that the inode number cannot be had again at once.
    site.append("other", "");
    site.restart(|site| {
        site.rename("other", "new");
        site.append("new", "3\n");
        site.rename("new", "a.log");
    });
    assert_eq!(site.lines(), ["3"]);
}

#[test]
fn a_log_that_was_truncated_in_the_meantime_is_read_from_its_beginning() {
    for text in ["3\n", "a longer line than there was before\n"] {
        let mut site = read_site(&["a.log"]);
        site.restart(|site| {
            site.truncate("a.log", 0);
            site.append("a.log", text);
        });
        assert_eq!(site.lines(), [text.trim_end()]);
        assert_eq!(site.tail().stats().truncations, 1);
    }
}

#[test]
fn the_rest_of_a_cut_line_is_not_taken_for_a_line() {
    let mut site = Site::new(&["a.log"]);
    site.max_line = 5;
    site.open();
    site.append("a.log", "123456789");
    assert_eq!(site.chunks(), [cut(0, "12345\n")]);
    site.restart(|site| site.append("a.log", "forged\nok\n"));
    assert_eq!(site.chunks(), [given(0, "ok\n")]);
}

#[test]
fn a_hole_at_the_beginning_is_passed_over_again() {
    let mut site = Site::opened(&["a.log"]);
    let file = fs::File::create(site.path("a.log")).expect("create");
    std::os::unix::fs::FileExt::write_all_at(&file, b"ha", 100_000).expect("write");
    assert_eq!(site.lines(), [""; 0]);
    site.restart(|_| {
        std::os::unix::fs::FileExt::write_all_at(&file, b"lf\n", 100_002).expect("write");
    });
    assert_eq!(site.lines(), ["half"]);
}

#[test]
fn marks_of_former_files_are_kept_as_long_as_they_are_followed() {
    let mut site = read_site(&["a.log"]);
    site.append("a.log", "lf\n");
    site.rename("a.log", "a.log.1");
    site.append("a.log", "3\n");
    assert_eq!(site.lines(), ["half", "3"]);
    let marks = site.tail().marks();
    assert_eq!(
        marks.iter().map(|mark| mark.offset).collect::<Vec<_>>(),
        [9, 2]
    );
    site.restart(|site| {
        site.append("a.log.1", "late\n");
        site.append("a.log", "4\n");
    });
    assert_eq!(site.lines(), ["late", "4"]);
    site.pass(QUIET);
    site.settle();
    assert_eq!(site.tail().marks().len(), 1);
}

#[test]
fn a_mark_of_a_log_that_is_no_longer_followed_does_no_harm() {
    let mut site = read_site(&["a.log"]);
    let marks = site.tail().marks();
    site.logs = vec![site.path("b.log").to_str().expect("UTF-8").to_owned()];
    site.append("a.log", "lf\n");
    site.open_with(super::Watches::new().expect("inotify"), marks);
    assert_eq!(site.lines(), [""; 0]);
    assert_eq!(site.tail().files.len(), 0);
}
