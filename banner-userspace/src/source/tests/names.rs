//! Which files an entry means, and when.

use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;

use super::super::settle::QUIET;
use super::{Given, Site, given};

#[test]
fn a_file_that_comes_later_is_read_from_its_beginning() {
    let mut site = Site::opened(&["a.log"]);
    assert_eq!(
        site.problem("a.log").as_deref(),
        Some("no such file yet; it is read from its beginning when it comes")
    );
    site.append("a.log", "first\n");
    assert!(site.is_readable(Duration::from_secs(5)));
    assert_eq!(site.lines(), ["first"]);
    assert_eq!(site.problem("a.log"), None);

    let mut site = Site::opened(&["a.log"]);
    site.append("elsewhere", "moved in\n");
    site.rename("elsewhere", "a.log");
    assert_eq!(site.lines(), ["moved in"]);
}

#[test]
fn folders_may_come_with_the_file_one_by_one_or_at_once() {
    let mut site = Site::opened(&["x/y/z/a.log", "x/*/z/*.log"]);
    for folder in ["x", "x/y", "x/y/z"] {
        fs::create_dir(site.path(folder)).expect("create folder");
        assert!(site.is_readable(Duration::from_secs(5)), "{folder}");
        assert_eq!(site.lines(), [""; 0]);
    }
    site.append("x/y/z/a.log", "1\n");
    let both = |text: &str| Given {
        logs: vec![0, 1],
        ..given(0, text)
    };
    assert_eq!(site.chunks(), [both("1\n")]);

    fs::remove_dir_all(site.path("x")).expect("remove");
    site.settle();
    fs::create_dir_all(site.path("x/y/z")).expect("create folders");
    site.append("x/y/z/a.log", "2\n");
    assert_eq!(site.chunks(), [both("2\n")]);

    fs::create_dir_all(site.path("t/y/z")).expect("create folders");
    site.append("t/y/z/a.log", "3\n");
    site.rename("x", "gone");
    site.rename("t", "x");
    assert_eq!(site.chunks(), [both("3\n")]);
}

#[test]
fn a_glob_takes_in_new_files_and_folders() {
    let mut site = Site::opened(&["*/[a-c]*.log"]);
    fs::create_dir(site.path("one")).expect("create folder");
    site.append("one/a.log", "1\n");
    site.append("one/x.log", "not meant\n");
    site.append("one/.a.log", "hidden\n");
    assert_eq!(site.lines(), ["1"]);
    site.append("one/b.log", "2\n");
    fs::create_dir(site.path("two")).expect("create folder");
    fs::create_dir(site.path(".three")).expect("create folder");
    site.append("two/c.log", "3\n");
    site.append(".three/a.log", "hidden\n");
    assert_eq!(site.lines(), ["2", "3"]);
    // A folder that matches is no log, and not worth a word.
    fs::create_dir(site.path("one/also.log")).expect("create folder");
    site.settle();
    assert!(site.states().iter().all(|state| state.problem.is_none()));
}

#[test]
fn a_file_that_several_entries_mean_is_read_once_for_all_of_them() {
    let mut site = Site::new(&["b.log", "a.log", "*.log", "a.log"]);
    site.append("a.log", "");
    site.open();
    site.append("a.log", "1\n");
    let expected = Given {
        logs: vec![1, 2, 3],
        ..given(0, "1\n")
    };
    assert_eq!(site.chunks(), [expected]);
}

#[test]
fn a_file_with_two_names_is_read_once() {
    let mut site = Site::new(&["a.log", "hard.log", "soft.log"]);
    site.append("a.log", "");
    fs::hard_link(site.path("a.log"), site.path("hard.log")).expect("link");
    symlink("a.log", site.path("soft.log")).expect("symlink");
    site.open();
    site.append("hard.log", "1\n");
    let all = Given {
        logs: vec![0, 1, 2],
        ..given(0, "1\n")
    };
    assert_eq!(site.chunks(), [all]);
    // One name goes; the file stays for the others, and for that one for a while.
    site.remove("a.log");
    site.append("hard.log", "2\n");
    assert_eq!(site.lines(), ["2"]);
    assert_eq!(site.tail().files.len(), 1);
}

#[test]
fn a_renamed_file_that_another_entry_means_is_not_read_again() {
    let mut site = Site::opened(&["a.log", "a.log.*"]);
    site.append("a.log", "1\n");
    assert_eq!(site.chunks(), [given(0, "1\n")]);
    site.append("a.log", "2\n");
    site.rename("a.log", "a.log.1");
    // It was written for the one, and is now the other's.
    assert_eq!(
        site.chunks(),
        [Given {
            logs: vec![0, 1],
            ..given(0, "2\n")
        }]
    );
    site.append("a.log", "3\n");
    assert_eq!(site.chunks(), [given(0, "3\n")]);
    site.pass(QUIET);
    site.settle();
    site.append("a.log.1", "4\n");
    assert_eq!(site.chunks(), [given(1, "4\n")]);
}

#[test]
fn a_symbolic_link_that_is_pointed_elsewhere_is_a_rotation() {
    let mut site = Site::new(&["current"]);
    site.append("one.log", "past\n");
    symlink("one.log", site.path("current")).expect("symlink");
    site.open();
    site.append("one.log", "1\n");
    assert_eq!(site.lines(), ["1"]);
    site.append("two.log", "2\n");
    symlink("two.log", site.path("next")).expect("symlink");
    site.rename("next", "current");
    site.append("one.log", "late\n");
    let mut lines = site.lines();
    lines.sort();
    assert_eq!(lines, ["2", "late"]);
    assert_eq!(site.tail().stats().rotations, 1);
}

#[test]
fn the_target_of_a_symbolic_link_may_be_rotated_or_come_later() {
    let mut site = Site::new(&["links/*.log"]);
    fs::create_dir_all(site.path("links")).expect("create folder");
    symlink("../pods/one/0.log", site.path("links/one.log")).expect("symlink");
    site.open();
    fs::create_dir_all(site.path("pods/one")).expect("create folder");
    site.append("pods/one/0.log", "1\n");
    assert_eq!(site.lines(), ["1"]);
    site.append("pods/one/0.log", "2\n");
    site.rename("pods/one/0.log", "pods/one/0.log.old");
    site.append("pods/one/0.log", "3\n");
    assert_eq!(site.lines(), ["2", "3"]);
    // Twice between two looks.
    site.rename("pods/one/0.log", "pods/one/0.log.older");
    site.append("pods/one/0.log", "4\n");
    site.rename("pods/one/0.log", "pods/one/0.log.oldest");
    site.append("pods/one/0.log", "5\n");
    assert_eq!(site.lines(), ["4", "5"]);
}

#[test]
fn a_folder_may_be_a_symbolic_link() {
    let mut site = Site::new(&["log/a.log"]);
    fs::create_dir_all(site.path("data/one")).expect("create folder");
    fs::create_dir_all(site.path("data/two")).expect("create folder");
    symlink("data/./one/../one", site.path("log")).expect("symlink");
    site.open();
    site.append("data/one/a.log", "1\n");
    assert_eq!(site.lines(), ["1"]);
    site.remove("log");
    symlink(site.path("data/two"), site.path("log")).expect("symlink");
    site.append("data/two/a.log", "2\n");
    assert_eq!(site.lines(), ["2"]);
}

#[test]
fn watches_go_with_what_they_were_for() {
    let mut site = Site::new(&["*/a.log"]);
    site.append("x", "");
    site.open();
    let before = site.tail().watches.counts();
    for n in 0..20 {
        fs::create_dir(site.path(&n.to_string())).expect("create folder");
        site.append(&format!("{n}/a.log"), "1\n");
    }
    assert_eq!(site.lines().len(), 20);
    assert_eq!(site.tail().watches.counts(), (before.0 + 20, 20));
    for n in 0..20 {
        fs::remove_dir_all(site.path(&n.to_string())).expect("remove");
    }
    site.settle();
    site.pass(QUIET);
    site.settle();
    assert_eq!(site.tail().watches.counts(), before);
    assert_eq!((site.tail().names.len(), site.retry), (0, None));
}
