//! The journal, with a script in place of journalctl that notes how it was called.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use std::time::Duration;

use super::house::{House, Line};
use crate::model::{JournalLog, Log, LogId, Mono};

/// `FIELD=VALUE` and more of it, with ` + ` between alternatives.
fn log(matches: &str) -> Log {
    let terms = |text: &str| {
        text.split(' ')
            .map(|term| term.parse().expect("a term"))
            .collect()
    };
    let matches = matches.split(" + ").filter(|text| !text.is_empty());
    Log::Journal(JournalLog {
        matches: matches.map(terms).collect(),
        directory: None,
    })
}

/// `script` is what it does after it has noted its arguments, a line for each call.
fn house(logs: &[&str], script: &str) -> House {
    let mut house = House::new(|_| logs.iter().map(|matches| log(matches)).collect());
    let program = house.path("journalctl");
    let calls = house.path("calls");
    let calls = calls.display();
    fs::write(
        &program,
        format!("#!/bin/sh\necho \"$*\" >>{calls}\n{script}\n"),
    )
    .expect("write");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("chmod");
    house.journalctl = Some(program);
    house
}

fn calls(house: &House) -> Vec<String> {
    let text = fs::read_to_string(house.path("calls")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

fn from(call: &str) -> &str {
    let mut words = call.split(' ');
    words
        .find(|word| word.starts_with("--since") || word.starts_with("--after"))
        .expect("where from")
}

fn entry(cursor: &str, program: &str, message: &str) -> String {
    let at = "1795176005000000"; // five seconds after noon
    format!(
        r#"{{"__CURSOR":"{cursor}","__REALTIME_TIMESTAMP":"{at}","_COMM":"{program}","MESSAGE":"{message}"}}"#
    )
}

fn line(logs: &[u16], text: &str) -> Line {
    Line {
        logs: logs.to_vec(),
        text: text.into(),
        at: Some(5),
        cut: false,
        origin: None,
    }
}

#[test]
fn one_journalctl_serves_all_and_each_gets_what_it_matches() {
    let entries = [
        entry("1", "a", "one"),
        entry("2", "b", "two"),
        entry("3", "a", &"x".repeat(40)),
    ];
    let script = format!("echo '{}'; exec sleep 1000", entries.join("\n"));
    let mut house = house(&["_COMM=a", "_COMM=b + _COMM=a", "_COMM=c"], &script);
    house.open(Vec::new());
    let lines = house.wait_for(3);
    let cut = Line {
        cut: true,
        ..line(&[0, 1], &format!("a: {}", "x".repeat(27)))
    };
    assert_eq!(lines, [line(&[0, 1], "a: one"), line(&[1], "b: two"), cut]);
    let calls = calls(&house);
    assert_eq!(calls.len(), 1);
    assert!(
        calls[0].ends_with(" _COMM=a + _COMM=b + _COMM=c"),
        "{calls:?}"
    );
    assert_eq!(from(&calls[0]), "--since=@1795176000.000000");
    let sources = house.sources.as_ref().expect("they are open");
    assert_eq!(sources.cursors(), [("journal".to_owned(), "3".to_owned())]);
    let state = &house.states()[0];
    assert_eq!(
        (state.tally.lines, state.tally.cut, &state.problem),
        (3, 1, &None)
    );
}

#[test]
fn one_that_wants_all_of_the_journal_makes_it_all_for_journalctl() {
    let mut house = house(
        &["_COMM=a", ""],
        &format!("echo '{}'; exec sleep 1000", entry("1", "b", "x")),
    );
    house.open(Vec::new());
    assert_eq!(house.wait_for(1), [line(&[1], "b: x")]);
    assert!(!calls(&house)[0].contains("_COMM=a"));
}

#[test]
fn when_it_ends_it_is_started_again_behind_the_last_entry() {
    let script = format!(
        "case \"$*\" in *--since*) echo '{}'; echo gone >&2; exit 3;; esac; echo '{}'; exec sleep 1000",
        entry("s=1;t=9", "a", "one"),
        entry("s=1;t=a", "a", "two"),
    );
    let mut house = house(&[""], &script);
    house.open(Vec::new());
    assert_eq!(house.wait_for(1)[0].text, "a: one");
    house.wait_until(|house| house.states()[0].problem.is_some());
    let problem = house.states()[0].problem.clone().expect("it has ended");
    assert!(
        problem.error.starts_with("journalctl ended"),
        "{}",
        problem.error
    );
    assert!(problem.error.ends_with(": gone"), "{}", problem.error);
    assert_eq!(calls(&house).len(), 1, "not at once");
    assert_eq!(house.wait_for(1)[0].text, "a: two");
    assert_eq!(from(&calls(&house)[1]), "--after-cursor=s=1;t=9");
    house.wait_until(|house| house.states()[0].problem.is_none());
}

#[test]
fn the_waits_grow_while_it_does_not_work() {
    let mut house = house(&[""], "exit 1");
    house.open(Vec::new());
    let mut waits = Vec::new();
    for count in 1..5 {
        let over = |house: &House| house.states()[0].note.is_none();
        house.wait_still(|house| calls(house).len() == count && over(house));
        let problem = house.states()[0].problem.clone().expect("it does not work");
        let retry = problem.retry.expect("it is tried again");
        waits.push(retry.since(house.now.mono).as_secs());
        house.now.mono = Mono(retry.0 - 1);
        house.settle();
        assert!(over(&house), "before its time");
        house.now.mono = retry;
        house.settle();
    }
    assert_eq!(waits, [1, 2, 4, 8]);
}

#[test]
fn a_cursor_that_the_journal_does_not_know_is_a_time() {
    let script = format!(
        "case \"$*\" in *--after*) echo 'Failed to seek to cursor: Invalid argument' >&2; exit 1;; esac; \
         echo '{}'; exec sleep 1000",
        entry("2", "a", "one")
    );
    let mut house = house(&[""], &script);
    house.cursors = vec![("journal".into(), "s=1;t=64ea5c6b9a000;x=1".into())];
    house.open(Vec::new());
    assert_eq!(house.wait_for(1)[0].text, "a: one");
    let micros = 0x0006_4ea5_c6b9_a000_u64 + 1;
    let since = format!("--since=@{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    assert_eq!(from(&calls(&house)[1]), since);
}

#[test]
fn a_restart_goes_on_behind_the_last_entry() {
    let mut house = house(
        &[""],
        &format!("echo '{}'; exec sleep 1000", entry("7", "a", "one")),
    );
    house.open(Vec::new());
    house.wait_for(1);
    house.restart();
    house.wait_until(|house| calls(house).len() == 2);
    assert_eq!(from(&calls(&house)[1]), "--after-cursor=7");
}

#[test]
fn a_restart_before_the_first_entry_begins_where_the_first_start_did() {
    let mut house = house(&[""], "exec sleep 1000");
    house.open(Vec::new());
    house.wait_until(|house| calls(house).len() == 1);
    house.now.wall = house.now.wall.after(Duration::from_mins(1));
    house.restart();
    house.wait_until(|house| calls(house).len() == 2);
    assert_eq!(from(&calls(&house)[1]), "--since=@1795176000.000000");
}

#[test]
fn one_more_that_wants_of_it_makes_the_next_journalctl_tell_of_that_too() {
    let script = format!(
        "case \"$*\" in *--since*) echo '{}';; *) echo '{}';; esac; exec sleep 1000",
        entry("1", "a", "one"),
        entry("2", "b", "two"),
    );
    let mut house = house(&["_COMM=a"], &script);
    house.open(Vec::new());
    assert_eq!(house.wait_for(1), [line(&[0], "a: one")]);
    let sources = house.sources.as_mut().expect("they are open");
    sources
        .add(LogId(3), &log("_COMM=b"), house.now.mono)
        .expect("one more");
    sources.drop(LogId(0));
    assert_eq!(house.wait_for(1), [line(&[3], "b: two")]);
    let calls = calls(&house);
    assert_eq!((calls.len(), from(&calls[1])), (2, "--after-cursor=1"));
    house
        .sources
        .as_mut()
        .expect("they are open")
        .drop(LogId(3));
    assert_eq!(house.states(), []);
}

#[test]
fn what_is_no_entry_is_counted() {
    let script = format!(
        "echo '{{'; echo '{}'; exec sleep 1000",
        entry("1", "a", "one")
    );
    let mut house = house(&[""], &script);
    house.open(Vec::new());
    assert_eq!(house.wait_for(1)[0].text, "a: one");
    assert_eq!(house.states()[0].tally.strange, 1);
}

#[test]
fn a_journalctl_that_is_not_there_is_told_of() {
    let mut house = house(&[""], "");
    house.journalctl = Some(house.path("none"));
    house.open(Vec::new());
    let problem = house.states()[0].problem.clone().expect("it is not there");
    assert!(
        problem.error.starts_with("cannot start "),
        "{}",
        problem.error
    );
    assert!(problem.retry.is_some());
}
