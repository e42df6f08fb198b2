//! Filters and prefixes that are wrong, in place and in files of their own.

use super::{assert_said, load, said};
use crate::filter::library_names;

#[test]
fn a_filter_of_the_wrong_shape_is_refused() {
    assert_said(&[
        (
            "jails: {a: {logs: [/x], filter: {}}}",
            &["1:33: jails.a.filter: fail is missing; give a list of regular expressions"],
        ),
        (
            "jails: {a: {logs: [/x], filter: {fail: []}}}",
            &["1:40: jails.a.filter.fail: needs at least one regular expression"],
        ),
        (
            "jails: {a: {logs: [/x], filter: {fail: x}}}",
            &[
                "1:40: jails.a.filter.fail: expected a list of regular expressions, found `x`; write [x]",
            ],
        ),
        (
            "jails: {a: {logs: [/x], filter: {fail: [x, '', 5]}}}",
            &[
                "1:44: jails.a.filter.fail[1]: expected a regular expression, found an empty text",
                "1:48: jails.a.filter.fail[2]: expected a regular expression, found the number 5; put it in quotes if it is meant",
            ],
        ),
        (
            "jails: {a: {logs: [/x], filter: {failregex: x}}}",
            &[
                "1:33: jails.a.filter: fail is missing; give a list of regular expressions",
                "1:34: jails.a.filter.failregex: unknown key; did you mean fail?",
            ],
        ),
        (
            "jails: {a: {logs: [/x], filter: [x]}}",
            &[
                "1:33: jails.a.filter: expected the name of a filter, or the filter itself, found a list",
            ],
        ),
        (
            "jails:\n  a:\n    logs: [/x]\n    filter:\n      fail: [x]\n      samples:\n        - {line: a}\n        - {line: a, fail: b}\n        - {line: a, pass: false}\n        - {line: a, pass: true, fail: 192.0.2.7}\n        - {pass: true}\n        - a line\n",
            &[
                "7:11: jails.a.filter.samples[0]: needs fail: ADDRESS or pass: true",
                "8:27: jails.a.filter.samples[1].fail: expected an address, a prefix, { name: DNS-NAME } or { id: TEXT }, found `b`; names are not resolved: write the address",
                "9:27: jails.a.filter.samples[2].pass: expected true, found the word false; for a failure write fail: ADDRESS",
                "10:11: jails.a.filter.samples[3]: has both fail and pass; keep one",
                "11:11: jails.a.filter.samples[4]: line is missing; give a line of a log",
                "12:11: jails.a.filter.samples[5]: expected a sample: { line: '…', fail: ADDRESS } or { line: '…', pass: true }, found `a line`",
            ],
        ),
    ]);
}

/// The words are the filter's; where they are said is the configuration's.
#[test]
fn what_the_compiler_refuses_is_reported_at_its_part() {
    let jail = |filter: &str| format!("jails:\n  a:\n    logs: [/x]\n    filter: {filter}\n");
    let in_place = jail("{ fail: ['<HOST>', '(', '<HOST>', '['], program: '(' }");
    let said_in_place = said(&[("etc/banner.yaml", &in_place)]);
    assert_places(
        &said_in_place,
        &[
            "etc/banner.yaml:4:32: jails.a.filter.fail[1]: ",
            "etc/banner.yaml:4:47: jails.a.filter.fail[3]: ",
            "etc/banner.yaml:4:62: jails.a.filter.program: ",
        ],
    );
    let filter = "description: |\n  two\n  lines\nfail:\n  - '<HOST>'\n  - '('\nignore: ['(']\n";
    let files = [
        ("etc/banner.yaml", jail("own").as_str()),
        ("etc/filters.d/own.yaml", filter),
    ]
    .map(|(path, text)| (path, text.to_owned()));
    let files: Vec<(&str, &str)> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
    assert_places(
        &said(&files),
        &[
            "etc/filters.d/own.yaml:6:5: fail[1]: ",
            "etc/filters.d/own.yaml:7:10: ignore[0]: ",
        ],
    );
}

#[track_caller]
fn assert_places(said: &[String], places: &[&str]) {
    assert_eq!(said.len(), places.len() + 1, "{said:?}");
    for (line, place) in said.iter().zip(places) {
        assert!(line.starts_with(place), "{line:?} is not at {place:?}");
    }
}

#[test]
fn a_wrong_prefix_is_reported_where_it_is_used_and_where_it_was_given() {
    let said = said(&[
        (
            "etc/banner.yaml",
            "jails:\n  a:\n    filter: {prefix: mine, fail: ['<HOST>']}\n    logs: [/x]\n",
        ),
        ("etc/prefixes.yaml", "# ours\nmine: '('\n"),
    ]);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said[0].starts_with("etc/banner.yaml:3:22: jails.a.filter.prefix: "));
    assert!(said[0].ends_with("; given at etc/prefixes.yaml:2:7"));
}

#[test]
fn wrong_prefixes_are_refused() {
    let prefixes = "a: 5\nb c: x\nd:\ne: x\ne: y\n";
    let said = said(&[
        ("etc/banner.yaml", "jails: {a: {filter: sshd, logs: [/x]}}"),
        ("etc/prefixes.yaml", prefixes),
    ]);
    assert_eq!(
        said,
        [
            "etc/prefixes.yaml:1:4: a: expected a regular expression, found the number 5; \
             put it in quotes if it is meant",
            "etc/prefixes.yaml:2:1: b c: not a name for a prefix; it must have 1 to 64 letters, \
             digits, dots, underscores and hyphens",
            "etc/prefixes.yaml:3:3: d: expected a regular expression, found nothing",
            "etc/prefixes.yaml:5:1: e: given twice; first at etc/prefixes.yaml:4:1",
            "4 problems",
        ]
    );
}

#[test]
fn a_wrong_filter_is_reported_once_however_many_jails_use_it() {
    let main = "jails: {a: {filter: own, logs: [/x]}, b: {filter: own, logs: [/x]}}";
    let said = said(&[("etc/banner.yaml", main), ("etc/filters.d/own.yaml", "")]);
    assert_eq!(
        said,
        [
            "etc/filters.d/own.yaml: the file is empty; a filter needs at least `fail`",
            "1 problem",
        ]
    );
}

#[test]
fn a_filter_that_is_nowhere_is_refused_with_the_ones_that_are() {
    let main = "jails: {a: {filter: wn, logs: [/x]}, b: {filter: something, logs: [/x]}}";
    let said = said(&[
        ("etc/banner.yaml", main),
        ("etc/filters.d/own.yaml", "fail: ['<HOST>']"),
        ("etc/filters.d/README", ""),
    ]);
    assert_eq!(
        said[0],
        "etc/banner.yaml:1:21: jails.a.filter: no filter is named wn; did you mean own?"
    );
    let second = "etc/banner.yaml:1:50: jails.b.filter: no filter is named something; known: own, ";
    assert!(said[1].starts_with(second), "{said:?}");
    let first = library_names().next().expect("a built-in filter");
    assert!(said[1].contains(first), "{said:?}");
    assert!(!said[1].contains("README"), "{said:?}");
}

#[test]
fn the_filter_of_a_jail_that_is_not_in_use_is_not_looked_for() {
    let main = "jails: {a: {enabled: false, filter: nowhere}}";
    assert!(load(&[("etc/banner.yaml", main)]).is_ok());
}
