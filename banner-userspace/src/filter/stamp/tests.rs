//! The detector by examples, and on whatever comes.

use jiff::tz::TimeZone;

use super::{Detector, DetectorState};
use crate::{filter::spec::Stamps, model::Wall};

fn detector(patterns: &[&str], zone: &str) -> Detector {
    let stamps = if patterns.is_empty() {
        Stamps::Known
    } else {
        Stamps::Patterns(patterns.iter().map(|&text| text.into()).collect())
    };
    Detector::new(&stamps, 2026, None, TimeZone::get(zone).unwrap()).unwrap()
}

/// What is cut out of the line, and when that is.
fn find(detector: &Detector, state: &mut DetectorState, line: &str) -> Option<(String, String)> {
    // 2026-11-20 12:00:00 UTC
    let found = detector.find(state, line, Wall::from_secs(1_795_176_000))?;
    let at = match found.at {
        _ if found.lost => "lost".into(),
        Some(at) => jiff::Timestamp::from_nanosecond(at.0.into())
            .unwrap()
            .to_string(),
        None => "unreadable".into(),
    };
    Some((line[found.start..found.end].into(), at))
}

/// Patterns, a line, what is cut out of it, and when that is.
const STAMPS: &[(&[&str], &str, &str, &str)] = &[
    (
        &[],
        "Nov 20 10:00:00 host x",
        "Nov 20 10:00:00",
        "2026-11-20T09:00:00Z",
    ),
    (
        &[],
        "Dec 24 10:00:00 host x",
        "Dec 24 10:00:00",
        "2025-12-24T09:00:00Z",
    ),
    (
        &[],
        "Feb 29 10:00:00 host x",
        "Feb 29 10:00:00",
        "unreadable",
    ),
    (
        &[],
        "<1>2026-11-20T10:00:00,5Z x",
        "2026-11-20T10:00:00,5Z",
        "2026-11-20T10:00:00Z",
    ),
    (
        &[],
        "2026-11-20 10:00:00 -0030 x",
        "2026-11-20 10:00:00 -0030",
        "2026-11-20T10:30:00Z",
    ),
    (
        &[],
        "a b [20/Nov/2026:10:00:00 +0000] x",
        "20/Nov/2026:10:00:00 +0000",
        "2026-11-20T10:00:00Z",
    ),
    (
        &[],
        "[Fri Nov 20 10:00:00.1 2026] x",
        "Fri Nov 20 10:00:00.1 2026",
        "2026-11-20T09:00:00Z",
    ),
    (&[], "261120 10:00:60 x", "261120 10:00:60", "unreadable"),
    (&[], "13:30:00 x", "13:30:00", "2026-11-19T12:30:00Z"),
    (
        &[],
        "1795168800.250 x",
        "1795168800.250",
        "2026-11-20T10:00:00.25Z",
    ),
    (
        &[],
        "@400000006b001a200000000a x",
        "@400000006b001a200000000a",
        "2026-11-20T10:00:00Z",
    ),
    (
        &[],
        "x @400000006b001a200000000a",
        "@400000006b001a200000000a",
        "2026-11-20T10:00:00Z",
    ),
    (
        &["%d.%m.%Y %H:%M"],
        "x 20.11.2026 10:00 y",
        "20.11.2026 10:00",
        "2026-11-20T09:00:00Z",
    ),
    (
        &[r"^\[({DATE})\]"],
        "[2026-11-20 10:00:00] y",
        "2026-11-20 10:00:00",
        "2026-11-20T09:00:00Z",
    ),
    (
        &["%b %d %Y %I:%M %p"],
        "Nov 20 2026 12:30 am",
        "Nov 20 2026 12:30 am",
        "2026-11-19T23:30:00Z",
    ),
    (&["%Y %I:%M(?: %p)?"], "2026 12:30", "2026 12:30", "lost"),
    (
        &["^%ExZ %Y-%m-%d"],
        "CEST 2026-11-20",
        "CEST 2026-11-20",
        "2026-11-19T22:00:00Z",
    ),
    (
        &["^%ExZ %Y-%m-%d"],
        "XYZ 2026-11-20",
        "XYZ 2026-11-20",
        "lost",
    ),
    (
        &["%Y-%m-%d %H:%M"],
        "2026-03-29 02:30",
        "2026-03-29 02:30",
        "2026-03-29T01:30:00Z",
    ),
    (
        &["%a %W %Y"],
        "Fri 46 2026",
        "Fri 46 2026",
        "2026-11-19T23:00:00Z",
    ),
    (
        &["{LEPOCH}"],
        "1795168800123 x",
        "1795168800123",
        "2026-11-20T10:00:00.123Z",
    ),
];

#[test]
fn stamps_are_found_wherever_they_stand() {
    for &(patterns, line, stamp, at) in STAMPS {
        let found = find(
            &detector(patterns, "Europe/Zurich"),
            &mut DetectorState::default(),
            line,
        );
        assert_eq!(found, Some((stamp.into(), at.into())), "{line}");
    }
    for (patterns, line) in [
        (&[][..], ""),
        (&[], "no stamp in this"),
        (&[], "x2026-11-20 10:00:00"),
        (&["{^LN-BEG}"], "somewhere 2026-11-20 10:00:00"),
        (&["^%H:%M"], " 10:00"),
    ] {
        let found = find(
            &detector(patterns, "UTC"),
            &mut DetectorState::default(),
            line,
        );
        assert_eq!(found, None, "{line}");
    }
    let none = Detector::new(&Stamps::None, 2026, None, TimeZone::UTC).unwrap();
    assert_eq!(
        find(&none, &mut DetectorState::default(), "Nov 20 10:00:00"),
        None
    );
}

/// Nothing is cut out of a line that has nothing to cut out.
#[test]
fn a_line_may_do_without_a_stamp() {
    let detector = detector(&["{NONE}"], "UTC");
    let mut state = DetectorState::default();
    let found = detector.find(&mut state, "hello", Wall(0)).unwrap();
    assert_eq!(
        (found.start, found.end, found.at, found.lost),
        (0, 0, None, false)
    );
    // But fail2ban stumbles over an empty line.
    assert!(detector.find(&mut state, "", Wall(0)).unwrap().lost);
}

/// A log with its stamps in one place keeps to them.
#[test]
fn a_stamp_in_the_message_does_not_count_where_the_log_has_its_own() {
    let detector = detector(&[], "UTC");
    let mut state = DetectorState::default();
    let own = "x [20/Nov/2026:10:00:00 +0000] hello";
    let both = "x [20/Nov/2026:10:00:01 +0000] 2026-01-01 00:00:00";
    for line in [own, own, both, own, both] {
        let (stamp, _) = find(&detector, &mut state, line).unwrap();
        assert!(stamp.starts_with("20/Nov"), "{line}: {stamp}");
    }
}

/// 02:30 comes twice on 25 October 2026: it is what the lines before said.
#[test]
fn in_the_hour_that_comes_twice_the_last_line_decides() {
    let detector = detector(&[], "Europe/Zurich");
    for (before, at) in [
        ("2026-10-25 01:59:59", "2026-10-25T00:30:00Z"),
        ("2026-10-25 03:00:00", "2026-10-25T01:30:00Z"),
    ] {
        let mut state = DetectorState::default();
        find(&detector, &mut state, before).unwrap();
        let (_, found) = find(&detector, &mut state, "2026-10-25 02:30:00").unwrap();
        assert_eq!(found, at);
    }
}

#[test]
fn patterns_that_cannot_be_used_are_named() {
    for (pattern, why) in [
        ("%Q", "no field"),
        ("100%", "no field"),
        ("(%Y", "missing )"),
        ("%Y %Y", "redefinition"),
        ("[(]", "no group"),
    ] {
        let stamps = Stamps::Patterns(vec!["EPOCH".into(), pattern.into()]);
        let error = Detector::new(&stamps, 2026, None, TimeZone::UTC).unwrap_err();
        assert_eq!(error.pattern, 1);
        assert!(error.message.contains(why), "{pattern}: {error}");
    }
    let twice = Stamps::Patterns(vec!["%Y".into(), "%Y".into()]);
    let error = Detector::new(&twice, 2026, None, TimeZone::UTC).unwrap_err();
    assert!(error.message.contains("twice"), "{error}");
}

/// Whatever the line: where the stamp is is in the line, and what is remembered changes nothing.
fn holds(detector: &Detector, lines: &[String], now: i64) {
    let mut state = DetectorState::default();
    for line in lines {
        let found = detector.find(&mut state, line, Wall(now));
        if let Some(found) = found {
            assert!(line.get(found.start..found.end).is_some(), "{line:?}");
            assert!(!found.lost || found.at.is_none());
        }
    }
}

proptest::proptest! {
    #[test]
    fn any_line_is_looked_at(
        lines: Vec<String>,
        like in "([A-Z][a-z]{2} |[0-9]{1,4}[-/.: T@]|[+-]0[0-9]00|Z|é|٣|\\[|\\]|<){0,20}",
        now: i64,
    ) {
        let lines = [lines, vec![like.clone(), like.clone(), format!("{like}x"), like]].concat();
        for patterns in [&[][..], &["{^LN-BEG}"], &["{NONE}"], &[r"%j?%a? ?(%H)?", "{LEPOCH}"]] {
            let detector = detector(patterns, "Europe/Zurich");
            holds(&detector, &lines, now);
        }
    }

    #[test]
    fn any_pattern_is_used_or_refused(
        pattern in "(%[a-zA-Z%]|%Ex[YymdHMSkzZ]|[()\\[\\]^$*?|\\\\]|\\{(DATE|EPOCH|UNB|NONE)\\}|[ a0:-]){0,10}",
        lines: Vec<String>,
        now: i64,
    ) {
        let stamps = Stamps::Patterns(vec![pattern]);
        if let Ok(detector) = Detector::new(&stamps, 2026, Some(3600), TimeZone::UTC) {
            holds(&detector, &lines, now);
        }
    }
}
