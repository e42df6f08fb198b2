//! Time stamps of syslog lines.

use jiff::{
    Timestamp, Zoned,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};

use crate::model::Wall;

/// What stands for `<STAMP>`: RFC 3164 (`Nov 20 10:00:00`), and RFC 3339 / ISO 8601
/// (`2026-11-20T10:00:00.123+01:00`; a space for the T, a comma for the point and no zone are
/// taken, too); and the stamps of access logs, Apache's and nginx' error logs, vsftpd, named, Redis,
/// multilog and old MySQL, which [`StampReader`] does not read yet.
pub(in crate::filter) const PATTERN: &str = concat!(
    r"[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?",
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][ 0-9][0-9]:[0-9]{2}:[0-9]{2}",
    r"(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2}| [+-][0-9]{4})?",
    r"|[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?: [+-][0-9]{4})?",
    r"|[0-9]{2}/[0-9]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}",
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})? [0-9]{4}",
    r"|[0-9]{4}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}",
    r"|[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?: [+-][0-9]{4})?",
    r"|[0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?",
    r"|@[0-9a-f]{24}",
    r"|[0-9]{6} [ 0-9][0-9]:[0-9]{2}:[0-9]{2}"
);

const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// How far a stamp may lie ahead of now before it counts as being of the future: clocks of hosts
/// that log to one file differ a little.
const TOLERANCE_NS: i64 = 2_000_000_000;

const DAY_NS: i64 = 86_400_000_000_000;
const MINUTE_NS: i64 = 60_000_000_000;

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
    now_minute: i64,
}

impl StampReader {
    /// `zone` is that of stamps without one.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            text: Vec::new(),
            read: None,
            now_minute: i64::MIN,
        }
    }

    /// What `text`, which matched [`PATTERN`], means at time `now`.
    pub fn read(&mut self, text: Option<&[u8]>, now: Wall) -> Stamp {
        let Some(text) = text else {
            return Stamp::Missing;
        };
        // What a stamp without a year or a zone means depends on when it is read.
        let minute = now.0.div_euclid(MINUTE_NS);
        if self.text != text || self.now_minute != minute {
            self.read = parse(text, now, &self.zone);
            self.text.clear();
            self.text.extend_from_slice(text);
            self.now_minute = minute;
        }
        match self.read {
            None => Stamp::Unreadable,
            Some(at) => Stamp::known(at, now),
        }
    }
}

fn parse(text: &[u8], now: Wall, zone: &TimeZone) -> Option<Wall> {
    if text.first()?.is_ascii_alphabetic() {
        rfc3164(text, now, zone)
    } else {
        iso(text, now, zone)
    }
}

/// `Nov 20 10:00:00`: the year is the latest that does not make it later than tomorrow.
fn rfc3164(text: &[u8], now: Wall, zone: &TimeZone) -> Option<Wall> {
    let month = MONTHS.iter().position(|month| text.starts_with(month))?;
    let month = i8::try_from(month + 1).ok()?;
    let day = number(text.get(4..6)?)?;
    let (nanos, _) = fraction(text.get(15..)?);
    let time = time(text.get(7..15)?, nanos)?;
    let year = civil(now, zone)?.year();
    let latest = now.0.saturating_add(DAY_NS);
    // Four years back, because 29 February may be that far away.
    (year - 4..=year + 1).rev().find_map(|year| {
        let date = Date::new(year, month, i8::try_from(day).ok()?).ok()?;
        local(date.to_datetime(time), now, zone).filter(|at| at.0 <= latest)
    })
}

/// `2026-11-20T10:00:00.123+01:00`.
fn iso(text: &[u8], now: Wall, zone: &TimeZone) -> Option<Wall> {
    let date = Date::new(
        number(text.get(..4)?)?,
        i8::try_from(number(text.get(5..7)?)?).ok()?,
        i8::try_from(number(text.get(8..10)?)?).ok()?,
    )
    .ok()?;
    let (nanos, rest) = fraction(text.get(19..)?);
    let at = date.to_datetime(time(text.get(11..19)?, nanos)?);
    match rest {
        [] => local(at, now, zone),
        [b'Z'] => fixed(at, 0),
        [sign @ (b'+' | b'-'), zone @ ..] => {
            let (hours, minutes) = zone.split_at_checked(2)?;
            let minutes = minutes.strip_prefix(b":").unwrap_or(minutes);
            let seconds = i32::from(number(hours)?) * 3600 + i32::from(number(minutes)?) * 60;
            fixed(at, if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

/// The ns in a fraction of a second, if there is one at the beginning, and what comes behind it.
fn fraction(text: &[u8]) -> (i32, &[u8]) {
    let Some((b'.' | b',', rest)) = text.split_first() else {
        return (0, text);
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, behind) = rest.split_at(digits);
    let places = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
    (
        places.fold(0, |nanos, digit| nanos * 10 + i32::from(digit - b'0')),
        behind,
    )
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

fn time(text: &[u8], nanos: i32) -> Option<Time> {
    let part = |range| i8::try_from(number(text.get(range)?)?).ok();
    // A leap second is the last second of its minute.
    Time::new(part(0..2)?, part(3..5)?, part(6..8)?.min(59), nanos).ok()
}

/// The number in these digits; blanks before it count for nothing.
fn number(text: &[u8]) -> Option<i16> {
    std::str::from_utf8(text).ok()?.trim_start().parse().ok()
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
    use super::*;

    fn at(text: &str) -> Wall {
        nanos(text.parse().unwrap()).unwrap()
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
        ] {
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
        ] {
            assert_eq!(
                reader("UTC").read(Some(text.as_bytes()), now),
                stamp,
                "{text}"
            );
        }
        assert_eq!(reader("UTC").read(None, now), Stamp::Missing);
    }

    proptest::proptest! {
        #[test]
        fn no_text_of_that_form_makes_it_panic(
            text in "([A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.,][0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?)",
            now: i64,
        ) {
            let stamp = reader("Europe/Berlin").read(Some(text.as_bytes()), Wall(now));
            if let Stamp::At(at) = stamp {
                proptest::prop_assert!(at <= Wall(now));
            }
        }
    }
}
