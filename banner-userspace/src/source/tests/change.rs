//! Entries that come and go while others are followed.

use super::{Given, Site, given};
use crate::model::LogId;

fn add(site: &mut Site, id: u16, name: &str) {
    let (path, now) = (site.path(name), site.now);
    let text = path.to_str().expect("UTF-8").to_owned();
    let added = site.tail().add_log(LogId(id), &text, None, now);
    added.expect("an absolute path");
}

#[test]
fn what_is_there_when_an_entry_is_added_is_past_and_others_go_on() {
    let mut site = Site::new(&["a.log"]);
    site.append("a.log", "0\n");
    site.append("b.log", "old\n");
    site.open();
    site.append("a.log", "1\nunfin");
    site.settle();
    site.rename("a.log", "a.log.1");
    site.append("a.log.1", "ished\n2\n");
    site.append("a.log", "3\n");
    add(&mut site, 1, "b*.log");
    site.append("b.log", "new\n");
    site.append("bb.log", "first\n");
    site.append("a.log.1", "late\n");
    let mut lines = site.lines();
    lines.sort();
    assert_eq!(lines, ["1", "2", "3", "first", "late", "new", "unfinished"]);
}

#[test]
fn a_file_of_two_entries_is_read_on_for_the_one_that_stays() {
    let mut site = Site::opened(&["a.log"]);
    site.append("a.log", "1\n");
    site.settle();
    add(&mut site, 1, "*.log");
    site.append("a.log", "2\n");
    let both = |text: &str| Given {
        logs: vec![0, 1],
        ..given(0, text)
    };
    assert_eq!(site.chunks(), [given(0, "1\n"), both("2\n")]);
    site.tail().drop_log(LogId(0));
    site.append("a.log", "3\n");
    assert_eq!(site.chunks(), [given(1, "3\n")]);
    site.rename("a.log", "x");
    site.append("a.log", "4\n");
    assert_eq!(site.chunks(), [given(1, "4\n")], "and through rotation");
}

#[test]
fn what_no_entry_means_any_more_is_left_alone_until_one_does() {
    let mut site = Site::opened(&["a.log", "b.log"]);
    site.append("a.log", "1\nunfinished");
    site.append("b.log", "1\n");
    site.settle();
    site.given.clear();
    site.tail().drop_log(LogId(0));
    site.settle();
    site.given.clear();
    assert_eq!(site.states().len(), 1);
    assert!(
        site.tail().marks().len() == 1,
        "only what is read is marked"
    );
    site.append("a.log", " 2\n");
    site.rename("a.log", "x");
    site.append("a.log", "3\n");
    site.append("b.log", "2\n");
    assert_eq!(site.chunks(), [given(1, "2\n")]);
    add(&mut site, 0, "a.log");
    site.append("a.log", "4\n");
    assert_eq!(site.chunks(), [given(0, "4\n")]);
}
