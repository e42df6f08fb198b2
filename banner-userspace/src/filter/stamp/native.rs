//! Time stamps where banner's own prefixes have `<STAMP>`.

use jiff::{
    Timestamp, Zoned,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

use super::{
    form::{self, Written},
    strftime::StampForms,
};
use crate::model::Wall;

/// How far a stamp may lie ahead of now before it counts as being of the future: clocks of hosts
/// that log to one file differ a little.
const TOLERANCE_NS: i64 = 2_000_000_000;

const DAY_NS: i64 = 86_400_000_000_000;

/// When a line says that it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamp {
    /// At this time, which is not later than now.
    At(Wall),
    /// It does not say.
    Missing,
    /// It says something that is no time.
    Unreadable,
    /// At a time that has not come yet.
    Future,
}

impl Stamp {
    /// What a time that is known without reading is worth at `now`.
    pub(in crate::filter) fn known(at: Wall, now: Wall) -> Self {
        if at.0 > now.0.saturating_add(TOLERANCE_NS) {
            return Self::Future;
        }
        Self::At(at.min(now))
    }
}

/// Reads stamps. Most lines bear the stamp of the line before, so the last one is remembered.
#[derive(Debug)]
pub struct StampReader {
    zone: TimeZone,
    text: Vec<u8>,
    read: Option<Wall>,
    now: Wall,
}

impl StampReader {
    /// `zone` is that of stamps without one.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            text: Vec::new(),
            read: None,
            now: Wall(i64::MIN),
        }
    }

    /// What `text`, which matched [`PATTERN`](super::PATTERN), means at time `now`.
    pub fn read(&mut self, text: Option<&[u8]>, now: Wall) -> Stamp {
        self.read_as(None, text, now)
    }

    /// The same of a text of one of these forms, which are always the same for this reader; `None`:
    /// of those that are known.
    pub fn read_as(&mut self, forms: Option<&StampForms>, text: Option<&[u8]>, now: Wall) -> Stamp {
        let Some(text) = text else {
            return Stamp::Missing;
        };
        // What a stamp without a year or a zone means depends on when it is read, and on nothing that
        // was read before.
        if self.text != text || self.now != now {
            let written = match forms {
                Some(forms) => forms.read(text),
                None => form::read(text),
            };
            self.read = written.and_then(|written| time(written, now, &self.zone));
            self.text.clear();
            self.text.extend_from_slice(text);
            self.now = now;
        }
        match self.read {
            None => Stamp::Unreadable,
            Some(at) => Stamp::known(at, now),
        }
    }
}

fn time(written: Written, now: Wall, zone: &TimeZone) -> Option<Wall> {
    match written {
        Written::Epoch(at) => Some(at),
        Written::Civil {
            year: None,
            month,
            day,
            time,
            ..
        } => without_year((month, day), time, now, zone),
        Written::Civil {
            year: Some(year),
            month,
            day,
            time,
            offset,
        } => {
            let at = Date::new(year, month, day).ok()?.to_datetime(time);
            match offset {
                Some(offset) => fixed(at, offset),
                None => local(at, now, zone),
            }
        }
    }
}

/// The year is the latest that does not make it later than tomorrow.
fn without_year((month, day): (i8, i8), time: Time, now: Wall, zone: &TimeZone) -> Option<Wall> {
    let year = civil(now, zone)?.year();
    let latest = now.0.saturating_add(DAY_NS);
    // Four years back, because 29 February may be that far away; after 1900 it is eight.
    (year - 8..=year + 1).rev().find_map(|year| {
        let date = Date::new(year, month, day).ok()?;
        local(date.to_datetime(time), now, zone).filter(|at| at.0 <= latest)
    })
}

/// A time without a zone. In the hour that comes twice when summer ends, it is the later of the
/// two that is not ahead of now: what was just written is what is read.
fn local(at: DateTime, now: Wall, zone: &TimeZone) -> Option<Wall> {
    let zoned = zone.to_ambiguous_zoned(at);
    if zoned.is_ambiguous() {
        let later = wall(&zoned.clone().later().ok()?)?;
        if later.0 <= now.0.saturating_add(TOLERANCE_NS) {
            return Some(later);
        }
    }
    wall(&zoned.compatible().ok()?)
}

fn fixed(at: DateTime, offset_seconds: i32) -> Option<Wall> {
    let offset = Offset::from_seconds(offset_seconds).ok()?;
    nanos(offset.to_timestamp(at).ok()?)
}

fn civil(now: Wall, zone: &TimeZone) -> Option<DateTime> {
    let now = Timestamp::from_nanosecond(i128::from(now.0)).ok()?;
    Some(zone.to_datetime(now))
}

fn wall(at: &Zoned) -> Option<Wall> {
    nanos(at.timestamp())
}

fn nanos(at: Timestamp) -> Option<Wall> {
    i64::try_from(at.as_nanosecond()).ok().map(Wall)
}

#[cfg(test)]
mod tests {
    use super::{super::PATTERN, *};

    fn at(text: &str) -> Wall {
        nanos(text.parse().unwrap()).unwrap()
    }

    fn pattern() -> regex::Regex {
        regex::Regex::new(&format!("^(?:{PATTERN})$")).unwrap()
    }

    fn reader(zone: &str) -> StampReader {
        StampReader::new(TimeZone::get(zone).unwrap())
    }

    #[test]
    fn stamps_mean_what_they_say() {
        let now = at("2026-11-20T12:00:00Z");
        for (zone, text, time) in [
            ("UTC", "Nov 20 10:00:00", "2026-11-20T10:00:00Z"),
            ("UTC", "Nov  2 10:00:00", "2026-11-02T10:00:00Z"),
            ("UTC", "Nov  2 10:00:00.25", "2026-11-02T10:00:00.25Z"),
            ("Europe/Berlin", "Nov 20 10:00:00", "2026-11-20T09:00:00Z"),
            ("Europe/Berlin", "Jul 20 10:00:00", "2026-07-20T08:00:00Z"),
            ("UTC", "Dec 24 10:00:00", "2025-12-24T10:00:00Z"),
            ("UTC", "Feb 29 10:00:00", "2024-02-29T10:00:00Z"),
            ("UTC", "2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z"),
            (
                "UTC",
                "2026-11-20T10:00:00.123456Z",
                "2026-11-20T10:00:00.123456Z",
            ),
            ("UTC", "2026-11-20 10:00:00,5", "2026-11-20T10:00:00.5Z"),
            ("UTC", "2026-11-20T10:00:00+01:00", "2026-11-20T09:00:00Z"),
            ("UTC", "2026-11-20T01:00:00-0830", "2026-11-20T09:30:00Z"),
            ("Asia/Tokyo", "2026-11-20T10:00:00", "2026-11-20T01:00:00Z"),
            ("UTC", "2025-06-30T23:59:60Z", "2025-06-30T23:59:59Z"),
            ("UTC", "Nov 20 2026 10:00:00.5", "2026-11-20T10:00:00.5Z"),
            ("UTC", "Nov 20 2025 10:00:00", "2025-11-20T10:00:00Z"),
            ("UTC", "Fri Nov 20 10:00:00", "2026-11-20T10:00:00Z"),
            ("UTC", "Thu Nov  2 10:00:00 2023", "2023-11-02T10:00:00Z"),
            (
                "Europe/Berlin",
                "Fri Nov 20 10:00:00.123456 2026",
                "2026-11-20T09:00:00.123456Z",
            ),
            ("UTC", "2026/11/20 10:00:00", "2026-11-20T10:00:00Z"),
            ("UTC", "2026.11.20 10:00:00", "2026-11-20T10:00:00Z"),
            (
                "Asia/Tokyo",
                "2026-11-20 10:00:00 UTC",
                "2026-11-20T10:00:00Z",
            ),
            (
                "Asia/Tokyo",
                "2026-11-20 10:00:00 +0100",
                "2026-11-20T09:00:00Z",
            ),
            (
                "Asia/Tokyo",
                "20/Nov/2026:10:00:00 -0030",
                "2026-11-20T10:30:00Z",
            ),
            ("UTC", "20/Nov/2026:10:00:00", "2026-11-20T10:00:00Z"),
            (
                "UTC",
                "20-Nov-2026 10:00:00.123",
                "2026-11-20T10:00:00.123Z",
            ),
            ("UTC", "20-Nov-2026 10:00:00 +0200", "2026-11-20T08:00:00Z"),
            ("UTC", "261120 10:00:00", "2026-11-20T10:00:00Z"),
            ("UTC", "261120  9:00:00", "2026-11-20T09:00:00Z"),
            ("UTC", "Nov-20-26 10:00:00", "2026-11-20T10:00:00Z"),
            ("UTC", "Nov 20, 2026 10:00:00 AM", "2026-11-20T10:00:00Z"),
            ("UTC", "Nov 9, 2026 1:02:03 PM", "2026-11-09T13:02:03Z"),
            ("UTC", "Nov 9, 2026 12:02:03 AM", "2026-11-09T00:02:03Z"),
            ("UTC", "Nov 09, 2026 12:02:03 PM", "2026-11-09T12:02:03Z"),
            ("UTC", "20261120T100000", "2026-11-20T10:00:00Z"),
            ("UTC", "20261120T100000.25+0100", "2026-11-20T09:00:00.25Z"),
            ("Asia/Tokyo", "1795168800", "2026-11-20T10:00:00Z"),
            ("Asia/Tokyo", "1795168800.025", "2026-11-20T10:00:00.025Z"),
            (
                "Asia/Tokyo",
                "@400000006b001a2a1dcd6500",
                "2026-11-20T10:00:00.5Z",
            ),
        ] {
            assert!(pattern().is_match(text), "{text}");
            let read = reader(zone).read(Some(text.as_bytes()), now);
            assert_eq!(read, Stamp::At(at(time)), "{text} in {zone}");
        }
    }

    #[test]
    fn the_year_rolls_over() {
        let now = at("2027-01-01T00:00:01Z");
        let mut reader = reader("UTC");
        assert_eq!(
            reader.read(Some(b"Dec 31 23:59:59"), now),
            Stamp::At(at("2026-12-31T23:59:59Z"))
        );
        // The same text a year later is another time.
        let later = at("2028-01-01T00:00:01Z");
        assert_eq!(
            reader.read(Some(b"Dec 31 23:59:59"), later),
            Stamp::At(at("2027-12-31T23:59:59Z"))
        );
    }

    /// On 25 October 2026 Berlin has 02:30 twice: at 00:30 and at 01:30 UTC.
    #[test]
    fn in_the_hour_that_comes_twice_a_stamp_is_the_latest_that_it_can_be() {
        let mut reader = reader("Europe/Berlin");
        for text in ["Oct 25 02:30:00", "2026-10-25T02:30:00"] {
            for (now, time) in [
                ("2026-10-25T00:30:01Z", "2026-10-25T00:30:00Z"),
                ("2026-10-25T01:29:00Z", "2026-10-25T00:30:00Z"),
                ("2026-10-25T01:30:01Z", "2026-10-25T01:30:00Z"),
                ("2026-10-25T12:00:00Z", "2026-10-25T01:30:00Z"),
            ] {
                let read = reader.read(Some(text.as_bytes()), at(now));
                assert_eq!(read, Stamp::At(at(time)), "{text} read at {now}");
            }
        }
    }

    #[test]
    fn stamps_that_cannot_be_trusted_are_told_apart() {
        let now = at("2026-11-20T12:00:00Z");
        for (text, stamp) in [
            ("2026-11-20T12:00:02Z", Stamp::At(now)),
            ("2026-11-20T12:00:03Z", Stamp::Future),
            ("Nov 20 18:00:00", Stamp::Future),
            ("2026-13-20T12:00:00Z", Stamp::Unreadable),
            ("2026-11-31T12:00:00Z", Stamp::Unreadable),
            ("2026-11-20T25:00:00Z", Stamp::Unreadable),
            ("Foo 20 18:00:00", Stamp::Unreadable),
            ("Nov 31 18:00:00", Stamp::Unreadable),
            ("31/Nov/2026:10:00:00 +0000", Stamp::Unreadable),
            ("20/nov/2026:10:00:00 +0000", Stamp::Unreadable),
            ("Nov 20, 2026 13:00:00 PM", Stamp::Unreadable),
            ("Nov 20, 2026 0:00:00 AM", Stamp::Unreadable),
            ("2026-11-20T10:00:00+2600", Stamp::Unreadable),
            ("2026-11/20 10:00:00", Stamp::Unreadable),
            ("20261120T250000", Stamp::Unreadable),
            ("@400000006b000daaffffffff", Stamp::Unreadable),
            ("@c00000006b000daa1dcd6500", Stamp::Unreadable),
            ("9999999999", Stamp::Future),
            ("20/Nov/2026:12:00:03 +0000", Stamp::Future),
        ] {
            assert_eq!(
                reader("UTC").read(Some(text.as_bytes()), now),
                stamp,
                "{text}"
            );
        }
        assert_eq!(reader("UTC").read(None, now), Stamp::Missing);
    }

    /// Where a zone is not said, and a year, in one that has two offsets and in one that has one.
    #[test]
    fn a_day_that_is_rare_is_found_as_far_back_as_it_is() {
        let now = at("1904-02-01T00:00:00Z");
        let read = reader("UTC").read(Some(b"Feb 29 10:00:00"), now);
        assert_eq!(read, Stamp::At(at("1896-02-29T10:00:00Z")));
    }

    proptest::proptest! {
        #[test]
        fn no_text_of_that_form_makes_it_panic(text in PATTERN, now: i64) {
            let stamp = reader("Europe/Berlin").read(Some(text.as_bytes()), Wall(now));
            if let Stamp::At(at) = stamp {
                proptest::prop_assert!(at <= Wall(now));
            }
        }

        #[test]
        fn nor_does_any_other(text: Vec<u8>, like in "[ 0-9A-Za-z@:/.,+-]{0,30}", now: i64) {
            for text in [text, like.into_bytes()] {
                reader("Europe/Berlin").read(Some(&text), Wall(now));
            }
        }

        /// The same moment in each form that says it in full.
        #[test]
        fn all_forms_agree(seconds in 1_000_000_000_i64..2_000_000_000) {
            let time = jiff::Timestamp::from_second(seconds).unwrap();
            let now = Wall::from_secs(2_000_000_000);
            for form in [
                "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d %H:%M:%S", "%Y.%m.%d %H:%M:%S +0000", "%s",
                "%a %b %e %H:%M:%S %Y", "%b %d %Y %H:%M:%S", "%d/%b/%Y:%H:%M:%S +0000",
                "%d-%b-%Y %H:%M:%S", "%y%m%d %H:%M:%S", "%b-%d-%y %H:%M:%S", "%Y%m%dT%H%M%S",
                "%b %d, %Y %I:%M:%S %p",
            ] {
                let text = time.strftime(form).to_string();
                proptest::prop_assert!(pattern().is_match(&text), "{}", text);
                let read = reader("UTC").read(Some(text.as_bytes()), now);
                proptest::prop_assert_eq!(read, Stamp::At(Wall::from_secs(seconds)), "{}", text);
            }
        }
    }
}
