//! What is judged of the lines that were sieved is what is judged of all lines.

use std::path::Path;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use crate::{
    config::read_filter,
    filter::{
        Dialect, Filter, FilterSpec, FilterState, Hit, Line, Prefixes, Sieve, Verdict, library,
    },
    model::Wall,
};

const NOW: Wall = Wall::from_secs(1_795_176_000); // 2026-11-20T12:00:00Z

fn filters() -> Vec<Filter> {
    let sshd = read_filter(
        "sshd",
        Path::new("sshd"),
        library("sshd").unwrap().as_bytes(),
    );
    let mut specs = vec![sshd.unwrap()];
    for (dialect, prefilter, fail, ignore) in [
        (
            Dialect::Banner,
            None,
            &["^bad <HOST>$", "failed .* from <HOST>", "^x(?:yz)?w <HOST>"][..],
            &["nagios"][..],
        ),
        (
            Dialect::Banner,
            Some("^app: (?P<content>.*)$"),
            &["^(?!good)\\w+ <HOST>$", "(?i)^error <HOST>"],
            &[],
        ),
        (Dialect::Banner, None, &["^<HOST>$"], &[]),
        (
            Dialect::Fail2ban,
            None,
            &[
                r"^\s*bad <HOST>$",
                r"^\[\] Failed \S+ from <HOST>\s*$",
                r"(?<!good) login <HOST>",
                "^cc <HOST>",
                "^dd <HOST>",
            ],
            &["nagios"],
        ),
        (
            Dialect::Fail2ban,
            Some("^\\s*app: <F-CONTENT>.+</F-CONTENT>$"),
            &["^(?:bad|failed) <HOST>", "(?i)^<HOST> error"],
            &["x"],
        ),
    ] {
        let own = |texts: &[&str]| texts.iter().map(|text| String::from(*text)).collect();
        specs.push(FilterSpec {
            dialect,
            prefilter: prefilter.map(String::from),
            fail: own(fail),
            ignore: own(ignore),
            ..FilterSpec::default()
        });
    }
    let compile = |spec| Filter::compile(&spec, &Prefixes::default()).unwrap();
    specs.into_iter().map(compile).collect()
}

/// The failures in a text: line, filter, who.
fn failures(filters: &[Filter], lines: impl FnOnce(&mut dyn FnMut(&[u8], usize))) -> Vec<String> {
    let mut states: Vec<FilterState> = (filters.iter())
        .map(|filter| FilterState::new(filter, &TimeZone::UTC))
        .collect();
    let mut found = Vec::new();
    lines(&mut |line, n| {
        let verdict = filters[n].judge_in(&mut states[n], Line::whole(line), NOW);
        if let Verdict::Fail(hit) = verdict {
            let line = String::from_utf8_lossy(line);
            found.push(format!("{n} {} {}: {line}", hit.pattern, hit.key));
        }
    });
    found
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("192.0.2.7"),
        Just("2001:db8::7"),
        Just("999.1.1.1"),
        Just("192.0.2."),
        Just(" from "),
        Just("bad "),
        Just("failed "),
        Just("Failed password for "),
        Just(" port 22 ssh2"),
        Just("app: "),
        Just("error "),
        Just("ErRor "),
        Just("Invalid user "),
        Just("good"),
        Just(" login "),
        Just("nagios"),
        Just("[] "),
        Just("Failed x"),
        Just("x"),
        Just("xyzw "),
        Just("xw "),
        Just("\n"),
        Just("\n"),
        Just("\n"),
        Just("Nov 20 10:00:00 h sshd[1]: "),
        Just("\u{e4}"),
        Just("\n192.0.2.9\n"),
        Just("cc "),
        Just("PAM: "),
        Just(" for "),
        Just("\r\n"),
    ]
    .prop_map(String::from)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn sieved_lines_are_judged_as_all_lines_are(pieces in prop::collection::vec(piece(), 0..40)) {
        let filters = FILTERS.with(std::rc::Rc::clone);
        let text = pieces.concat();
        let sieve = Sieve::new(filters.iter());
        let all = failures(&filters, |judge| {
            for line in text.as_bytes().split(|&byte| byte == b'\n') {
                (0..filters.len()).for_each(|n| judge(line, n));
            }
        });
        let sieved = failures(&filters, |judge| {
            sieve.lines(text.as_bytes(), |line, wanted| wanted.iter().for_each(|n| judge(line, n)));
        });
        prop_assert_eq!(&sieved, &all);
        // And each filter alone, where none wants every line.
        for (n, filter) in filters.iter().enumerate() {
            let mut found = Vec::new();
            Sieve::new([filter]).lines(text.as_bytes(), |line, _| found.push(line.to_vec()));
            let alone = failures(&filters, |judge| found.iter().for_each(|line| judge(line, n)));
            let of_this = |line: &&String| line.starts_with(&format!("{n} "));
            let expected: Vec<&String> = all.iter().filter(of_this).collect();
            prop_assert_eq!(alone.iter().collect::<Vec<_>>(), expected);
        }
    }
}

thread_local! {
    static FILTERS: std::rc::Rc<Vec<Filter>> = std::rc::Rc::new(filters());
}

#[test]
fn a_filter_without_literals_wants_every_line_and_others_do_not() {
    let filters = filters();
    let every: Vec<bool> = filters.iter().map(Filter::wants_every_line).collect();
    assert_eq!(every, [false, false, false, true, false, false]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    /// Shortcuts and what is remembered of lines before change nothing: a line that is judged with
    /// all its fields, by a state that has seen nothing, gets the same verdict.
    #[test]
    fn shortcuts_change_no_verdict(
        pieces in prop::collection::vec(prop_oneof![
            piece(),
            Just(" from 192.0.2.1 port 1 ssh2".into()),
            Just("\nNov 20 10:00:00 host sshd[12]: Failed password for ".into()),
            Just("\nNov 20 10:00:01 host sshd[12]: Invalid user ".into()),
            Just("\n<34>1 2026-11-20T10:00:00Z h sshd 1 - - Invalid user ".into()),
            Just("\n2026-11-20T10:00:00Z sshd: PAM: x for y from ".into()),
            Just("\nNov 20 10:00:00 ".into()),
        ], 0..40),
    ) {
        let filters = FILTERS.with(std::rc::Rc::clone);
        let text = pieces.concat();
        let sshd = &filters[0];
        let mut state = FilterState::new(sshd, &TimeZone::UTC);
        for line in text.split('\n') {
            let line = Line::whole(line.as_bytes());
            let mut fresh = FilterState::new(sshd, &TimeZone::UTC).keep_fields(true);
            let expected = match sshd.judge_in(&mut fresh, line, NOW) {
                Verdict::Fail(hit) => Verdict::Fail(Hit { fields: None, ..hit }),
                other => other,
            };
            prop_assert_eq!(sshd.judge_in(&mut state, line, NOW), expected);
        }
    }

    #[test]
    fn any_bytes_are_judged(
        bytes in prop::collection::vec(any::<u8>(), 0..2000),
        cut: bool,
    ) {
        let filters = FILTERS.with(std::rc::Rc::clone);
        for filter in filters.iter() {
            let mut state = FilterState::new(filter, &TimeZone::UTC);
            let line = Line { bytes: &bytes, cut, at: None };
            let _ = filter.judge_in(&mut state, line, NOW);
        }
        let mut lines = 0;
        Sieve::new(filters.iter()).lines(&bytes, |_, _| lines += 1);
        prop_assert!(lines <= bytes.len() + 1);
    }
}
