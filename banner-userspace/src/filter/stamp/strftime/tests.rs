use jiff::tz::TimeZone;

use super::*;
use crate::filter::stamp::{Stamp, StampReader};

fn forms(patterns: &[&str]) -> Result<StampForms, (usize, String)> {
    let patterns: Vec<_> = patterns.iter().map(|&text| text.to_owned()).collect();
    StampForms::new(&patterns)
}

fn at(text: &str) -> Wall {
    let at: jiff::Timestamp = text.parse().unwrap();
    Wall(i64::try_from(at.as_nanosecond()).unwrap())
}

#[test]
fn stamps_mean_what_their_patterns_say() {
    let now = at("2026-11-20T12:00:00Z");
    for (pattern, text, time) in [
        (
            "%Y-%m-%d %H:%M:%S",
            "2026-11-20 10:00:00",
            "2026-11-20T10:00:00Z",
        ),
        (
            "%F %T.%f",
            "2026-11-20 10:00:00.25",
            "2026-11-20T10:00:00.25Z",
        ),
        ("%F_%R", "2026-11-20_10:00", "2026-11-20T10:00:00Z"),
        ("%D %T", "11/20/26 10:00:00", "2026-11-20T10:00:00Z"),
        (
            "%d.%m.%Y, %H Uhr %M",
            "20.11.2026, 10 Uhr 00",
            "2026-11-20T10:00:00Z",
        ),
        ("%-d/%-m/%Y %-H:%M", "2/1/2026 9:05", "2026-01-02T09:05:00Z"),
        (
            "%A %d %B %Y %T",
            "friday 20 NOVEMBER 2026 10:00:00",
            "2026-11-20T10:00:00Z",
        ),
        ("%a %b %e %T", "Fri Nov  6 10:00:00", "2026-11-06T10:00:00Z"),
        ("%a %b %e %T", "Thu Dec 24 10:00:00", "2025-12-24T10:00:00Z"),
        (
            "%b %e, %Y %l:%M:%S %p",
            "Nov 20, 2026  1:02:03 am",
            "2026-11-20T01:02:03Z",
        ),
        ("%F %I:%M%p", "2026-11-20 12:30AM", "2026-11-20T00:30:00Z"),
        ("%F %I:%M%p", "2026-11-19 12:30PM", "2026-11-19T12:30:00Z"),
        ("%Y.%j %H%M%S", "2026.324 100000", "2026-11-20T10:00:00Z"),
        (
            "%F %T %z",
            "2026-11-20 10:00:00 +0130",
            "2026-11-20T08:30:00Z",
        ),
        (
            "%F %T%z",
            "2026-11-20 10:00:00-01:00",
            "2026-11-20T11:00:00Z",
        ),
        ("%FT%T%z", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
        (
            "%F %T %Z",
            "2026-11-20 10:00:00 GMT",
            "2026-11-20T10:00:00Z",
        ),
        ("<%s.%f>", "<1795168800.5>", "2026-11-20T10:00:00.5Z"),
        (
            "100%% %F %R (é)",
            "100% 2026-11-20 10:00 (é)",
            "2026-11-20T10:00:00Z",
        ),
        ("%%T %F %R", "%T 2026-11-20 10:00", "2026-11-20T10:00:00Z"),
        ("%F %T", "2026-06-30 23:59:60", "2026-06-30T23:59:59Z"),
    ] {
        let forms = forms(&[pattern]).unwrap();
        let whole = regex::bytes::Regex::new(&format!("(?-u)^{}$", forms.pattern())).unwrap();
        assert!(whole.is_match(text.as_bytes()), "{text}");
        let mut reader = StampReader::new(TimeZone::UTC);
        let read = reader.read_as(Some(&forms), Some(text.as_bytes()), now);
        assert_eq!(read, Stamp::At(at(time)), "{pattern}: {text}");
        let line = format!("x {text} y");
        assert_eq!(forms.seen_in(line.as_bytes()), Some((pattern, true)));
    }
}

#[test]
fn times_that_there_are_not_cannot_be_read() {
    let now = at("2026-11-20T12:00:00Z");
    for (pattern, text) in [
        ("%F %T", "2026-02-30 10:00:00"),
        ("%F %T", "2026-11-20 24:00:00"),
        ("%F %I:%M%p", "2026-11-20 13:00AM"),
        ("%F %I:%M%p", "2026-11-20 00:00AM"),
        ("%Y.%j %R", "2026.366 10:00"),
        ("%F %T%z", "2026-11-20 10:00:00+9900"),
        ("%s", "99999999999"),
    ] {
        let forms = forms(&[pattern]).unwrap();
        let mut reader = StampReader::new(TimeZone::UTC);
        let read = reader.read_as(Some(&forms), Some(text.as_bytes()), now);
        assert!(
            matches!(read, Stamp::Unreadable | Stamp::Future),
            "{pattern}: {text}: {read:?}"
        );
    }
}

#[test]
fn the_first_form_that_fits_is_read() {
    // Day and month, or month and day: nobody but the filter can know.
    let now = at("2026-11-20T12:00:00Z");
    for (patterns, time) in [
        (["%d/%m/%Y %R", "%m/%d/%Y %R"], "2026-03-02T10:00:00Z"),
        (["%m/%d/%Y %R", "%d/%m/%Y %R"], "2026-02-03T10:00:00Z"),
    ] {
        let forms = forms(&patterns).unwrap();
        let mut reader = StampReader::new(TimeZone::UTC);
        let read = reader.read_as(Some(&forms), Some(b"02/03/2026 10:00"), now);
        assert_eq!(read, Stamp::At(at(time)));
    }
}

#[test]
fn patterns_that_say_no_time_are_refused() {
    for (pattern, message) in [
        ("%F %Q", "%Q is no field of a stamp; there are %Y %y "),
        ("%F %", "% is no field"),
        ("%F", "says no hour"),
        ("%T", "says no day"),
        ("%d %R", "says no day"),
        ("%F %H", "says no minute"),
        ("%F %I:%M", "before noon"),
        ("%j %R", "without a year"),
        ("%F %T %d", "%d: the pattern has said that already"),
        ("%F %b %T", "one thing twice"),
        ("%s %F", "%s is the whole time"),
        ("{EPOCH}", "says no day"),
        ("", "says no day"),
    ] {
        let (n, why) = forms(&["%F %T", pattern]).unwrap_err();
        assert_eq!(n, 1);
        assert!(why.contains(message), "{pattern}: {why}");
    }
}
