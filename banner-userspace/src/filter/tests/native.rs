//! banner's own dialect: tags, ids, sessions, look-back.

use super::*;

fn native(fail: &[&str], change: impl FnOnce(&mut FilterSpec)) -> Filter {
    let mut spec = FilterSpec {
        fail: fail.iter().map(|text| String::from(*text)).collect(),
        ..FilterSpec::default()
    };
    change(&mut spec);
    Filter::compile(&spec, &Prefixes::default()).unwrap()
}

/// What is said of each line, in few words.
pub(super) fn story(filter: &Filter, lines: &[&str]) -> Vec<String> {
    let mut state = FilterState::new(filter, &TimeZone::UTC).keep_fields(true);
    let verdicts = lines.iter().map(|line| {
        let line = Line::whole(line.as_bytes());
        match filter.judge_in(&mut state, line, NOW) {
            Verdict::Miss => "-".into(),
            Verdict::Ignored => "ignored".into(),
            Verdict::Fail(hit) => {
                let fields = hit.fields.unwrap_or_default();
                let user = fields.get("user").map(|user| format!(" {user}"));
                let kind = match hit.key {
                    Key::Address(_) | Key::Prefix(_) => "",
                    Key::Name(_) => "name ",
                    Key::Id(_) => "id ",
                };
                format!("{kind}{}{}", hit.key, user.unwrap_or_default())
            }
        }
    });
    verdicts.collect()
}

#[test]
fn tags_say_who_failed() {
    for (pattern, line, expected) in [
        ("^<IPV4>$", "192.0.2.7", "192.0.2.7"),
        ("^<IPV4>$", "2001:db8::7", "-"),
        ("^<IPV6>$", "[2001:db8::7]", "2001:db8::7"),
        ("^<IPV6>$", "192.0.2.7", "-"),
        ("^<PREFIX>$", "192.0.2.7/24", "192.0.2.0/24"),
        ("^<PREFIX>$", "192.0.2.7", "192.0.2.7"),
        ("^<PREFIX>$", "192.0.2.7/33", "-"),
        ("^<PREFIX>$", "2001:db8::7/32", "2001:db8::/32"),
        ("^<NAME>$", "a.example", "name a.example"),
        ("^(?:<HOST>|<NAME>)$", "a.example", "name a.example"),
        ("^(?:<HOST>|<NAME>)$", "192.0.2.7", "192.0.2.7"),
        ("^(?P<id>\\S+) by <HOST>$", "box by 192.0.2.7", "id box"),
        ("^(?P<id>\\S+)$", "box", "id box"),
        ("^<HOST> (?P<user>\\S+)$", "192.0.2.7 bob", "192.0.2.7 bob"),
        ("^<HOST> (?!ok)", "192.0.2.7 bad", "192.0.2.7"),
        ("^<HOST> (?!ok)", "192.0.2.7 ok", "-"),
    ] {
        let filter = native(&[pattern], |_| {});
        assert_eq!(story(&filter, &[line]), [expected], "{pattern} {line}");
    }
}

#[test]
fn a_stamp_may_stand_in_a_pattern() {
    let filter = native(&[r#"^<HOST> - \[<STAMP>\] "GET"#], |_| {});
    let line = br#"192.0.2.7 - [2026-11-20T10:00:00Z] "GET /"#;
    let Verdict::Fail(hit) = judge(&filter, line, false) else {
        panic!("no failure")
    };
    assert_eq!(hit.at, Some(Wall::from_secs(1_795_168_800)));
}

#[test]
fn a_filter_says_how_its_stamps_look() {
    let named = |patterns: &[&str]| {
        Stamps::Patterns(patterns.iter().map(|&text| text.to_owned()).collect())
    };
    // In a pattern, in a prefix, and in a prefix that others share.
    let in_pattern = native(&["^<HOST> at <STAMP> failed"], |spec| {
        spec.stamps = named(&["%d.%m.%Y %R", "%s"]);
    });
    let in_syslog = native(&["^<HOST> failed"], |spec| {
        spec.prefix = Some("syslog".into());
        spec.stamps = named(&["%d.%m.%Y %R"]);
    });
    let at = |filter: &Filter, line: &str| {
        let mut state = FilterState::new(filter, &TimeZone::UTC);
        match filter.judge_in(&mut state, Line::whole(line.as_bytes()), NOW) {
            Verdict::Fail(hit) => Some(hit.stamp),
            _ => None,
        }
    };
    let stamp = Stamp::At(Wall::from_secs(1_795_168_800));
    for (filter, line, found) in [
        (
            &in_pattern,
            "192.0.2.7 at 20.11.2026 10:00 failed",
            Some(stamp),
        ),
        (&in_pattern, "192.0.2.7 at 1795168800 failed", Some(stamp)),
        // A form that is known and that the filter does not name is no stamp to it.
        (
            &in_pattern,
            "192.0.2.7 at 2026-11-20T10:00:00Z failed",
            None,
        ),
        (
            &in_syslog,
            "20.11.2026 10:00 host app[1]: 192.0.2.7 failed",
            Some(stamp),
        ),
        (
            &in_syslog,
            "Nov 20 10:00:00 host app[1]: 192.0.2.7 failed",
            None,
        ),
        (
            &in_syslog,
            "31.11.2026 10:00 host app[1]: 192.0.2.7 failed",
            Some(Stamp::Unreadable),
        ),
        (&in_syslog, "192.0.2.7 failed", Some(Stamp::Missing)),
    ] {
        assert_eq!(at(filter, line), found, "{line}");
    }
}

#[test]
fn stamps_that_stand_nowhere_are_refused() {
    let spec = |stamps: &str, fail: &str| FilterSpec {
        fail: vec![fail.into()],
        stamps: Stamps::Patterns(vec![stamps.into()]),
        ..FilterSpec::default()
    };
    for (spec, message) in [
        (
            spec("%F %T", "^<HOST>$"),
            "neither the prefix nor a pattern has <STAMP>",
        ),
        (spec("%F", "^<STAMP> <HOST>$"), "the pattern says no hour"),
    ] {
        let errors = Filter::compile(&spec, &Prefixes::default()).unwrap_err();
        let found: Vec<_> = errors
            .iter()
            .map(|error| (error.part, &*error.message))
            .collect();
        assert_eq!(found.len(), 1);
        assert!(
            found[0].0 == Part::Stamp(0) && found[0].1.contains(message),
            "{found:?}"
        );
    }
}

#[test]
fn a_prefilter_gives_content_and_fields_to_all_patterns() {
    let filter = native(&["^bad (?P<user>\\S+)$", "^<HOST> worse$"], |spec| {
        spec.prefilter = Some("^(?P<session>\\d+): (?P<content>.*)$".into());
        spec.ignore = vec!["^bad nagios$".into()];
    });
    let lines = [
        "1: bad bob",
        "1: 192.0.2.7 worse",
        "bad bob",
        "2: bad nagios",
    ];
    assert_eq!(
        story(&filter, &lines),
        ["-", "192.0.2.7 bob", "-", "ignored"]
    );
}

#[test]
fn sessions_decide_when_they_know_enough() {
    let filter = native(
        &[
            "^(?P<session>\\d+) (?P<pending>connect) from <HOST>$",
            "^(?P<session>\\d+) bad (?P<user>\\S+)$",
            "^(?P<session>\\d+) (?P<accepted>good) (?P<user>\\S+)$",
            "^(?P<session>\\d+) (?P<forget>(?P<pending>bye))$",
        ],
        |_| {},
    );
    for (lines, expected) in [
        // The address comes first, the failure later.
        (
            &["1 connect from 192.0.2.7", "1 bad bob", "1 bad bob"][..],
            &["-", "192.0.2.7 bob", "192.0.2.7 bob"][..],
        ),
        // Sessions are apart, and end.
        (&["1 connect from 192.0.2.7", "2 bad bob"], &["-", "-"]),
        (
            &["1 connect from 192.0.2.7", "1 bye", "1 bad bob"],
            &["-", "-", "-"],
        ),
        // A failure waits for its address.
        (
            &["1 bad bob", "1 connect from 192.0.2.7"],
            &["-", "192.0.2.7 bob"],
        ),
        // A login forgives what waits.
        (
            &["1 bad bob", "1 good bob", "1 connect from 192.0.2.7"],
            &["-", "-", "-"],
        ),
        // But not with a second name.
        (
            &["1 connect from 192.0.2.7", "1 bad bob", "1 good eve"],
            &["-", "192.0.2.7 bob", "192.0.2.7 eve"],
        ),
    ] {
        assert_eq!(story(&filter, lines), expected, "{lines:?}");
    }
}

#[test]
fn only_so_many_sessions_are_remembered() {
    let filter = native(
        &[
            "^(?P<session>\\d+) (?P<pending>c) <HOST>$",
            "^(?P<session>\\d+) bad$",
        ],
        |_| {},
    );
    let mut state = FilterState::new(&filter, &TimeZone::UTC);
    let mut say =
        |text: String, now| filter.judge_in(&mut state, Line::whole(text.as_bytes()), now);
    for n in 0..=SESSIONS {
        say(format!("{n} c 192.0.2.7"), NOW);
    }
    assert_eq!(say("0 bad".into(), NOW), Verdict::Miss);
    assert!(matches!(say("2 bad".into(), NOW), Verdict::Fail(_)));
    let late = NOW.after(SESSION_TIME);
    assert_eq!(say("3 bad".into(), late), Verdict::Miss);
    assert!(state.forgotten_sessions() > 0);
}

#[test]
fn patterns_look_back_on_lines() {
    let filter = native(&["(?s)^open <HOST>$.*^bad$"], |spec| spec.lines = 3);
    for (lines, expected) in [
        (
            &["open 192.0.2.7", "x", "bad", "bad"][..],
            &["-", "-", "192.0.2.7", "-"][..],
        ),
        (&["open 192.0.2.7", "x", "y", "bad"], &["-", "-", "-", "-"]),
    ] {
        assert_eq!(story(&filter, lines), expected, "{lines:?}");
    }
}

#[test]
fn a_pattern_that_explodes_gives_up_and_is_counted() {
    let filter = native(&["^(?:(?=a)a+)+ <HOST>$"], |_| {});
    assert!(
        filter
            .loose()
            .iter()
            .any(|loose| loose.why.contains("backtracking"))
    );
    let mut state = FilterState::new(&filter, &TimeZone::UTC);
    let line = "a".repeat(3000);
    filter.judge_in(&mut state, Line::whole(line.as_bytes()), NOW);
    assert_eq!(state.exhausted(), 1);
    let long = "x".repeat(10_000);
    filter.judge_in(&mut state, Line::whole(long.as_bytes()), NOW);
    assert_eq!(state.exhausted(), 2);
}

#[test]
fn an_encoding_makes_text_of_lines() {
    let filter = native(&["^ü <HOST>$"], |spec| {
        spec.encoding = Some("latin1".into());
    });
    let line = b"\xfc 192.0.2.7";
    assert!(matches!(judge(&filter, line, false), Verdict::Fail(_)));
}
