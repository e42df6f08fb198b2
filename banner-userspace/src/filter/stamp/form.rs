//! The forms of stamps that banner's own prefixes take, strictly as they are written.

use jiff::civil::Time;

use crate::model::Wall;

/// The stamps that [`read`] reads.
///
/// RFC 3164, with a year before the time, or a day's name before it all and maybe a year behind
/// (`Fri Nov 20 10:00:00.123 2026`); RFC 3339 and ISO 8601, with a blank for the T, a comma for the
/// point, slashes or points in the date, a blank before the zone, or none; both also for a clock
/// with twelve hours (`Nov 20, 2026 10:00:00 PM`); the common log format; `20-Nov-2026 10:00:00`;
/// `Nov-20-26 10:00:00`; `261120 10:00:00`; `20261120T100000`; seconds since 1970; TAI64N.
pub(in crate::filter) const PATTERN: &str = concat!(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2}",
    r"(?:\.[0-9]{1,9})?(?: [0-9]{4})?",
    r"|[A-Z][a-z]{2} [ 0-9][0-9] (?:[0-9]{4} )?[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?",
    r"|[A-Z][a-z]{2} [ 0-9]?[0-9], [0-9]{4} [0-9]{1,2}:[0-9]{2}:[0-9]{2} [AP]M",
    r"|[A-Z][a-z]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}",
    r"|[0-9]{4}(?:-[0-9]{2}-|/[0-9]{2}/|\.[0-9]{2}\.)[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}",
    r"(?:[.,][0-9]{1,9})?(?:Z| ?[+-][0-9]{2}:?[0-9]{2}| UTC| GMT)?",
    r"|[0-9]{8}T[0-9]{6}(?:[.,][0-9]{1,9})?(?:Z|[+-][0-9]{2}:?[0-9]{2})?",
    r"|[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9]{2}:[0-9]{2}:[0-9]{2}(?: [+-][0-9]{4})?",
    r"|[0-9]{2}-[A-Z][a-z]{2}-[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?",
    r"(?: [+-][0-9]{4})?",
    r"|[0-9]{6} [ 0-9][0-9]:[0-9]{2}:[0-9]{2}",
    r"|[0-9]{10}(?:\.[0-9]{1,9})?",
    r"|@[0-9a-f]{24})",
);

/// What a stamp says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// The time itself.
    Epoch(Wall),
    /// What clocks show.
    Civil {
        year: Option<i16>,
        month: i8,
        day: i8,
        time: Time,
        /// Seconds east of Greenwich.
        offset: Option<i32>,
    },
}

pub(super) const MONTHS: [&[u8]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// What `text`, which matched [`PATTERN`], says. Whether there is such a day is left open.
pub(super) fn read(text: &[u8]) -> Option<Written> {
    let mut rest = Rest(text);
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let written = match digits {
        0 if text.starts_with(b"@") => return tai64n(&text[1..]),
        0 => rest.month_first(),
        2 => rest.day_first(),
        4 => rest.iso(),
        6 => rest.short(),
        8 => rest.compact(),
        10 => return epoch(text),
        _ => None,
    };
    written.filter(|_| rest.0.is_empty())
}

/// What is not read yet.
struct Rest<'t>(&'t [u8]);

impl Rest<'_> {
    fn eat(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    fn either(&mut self, bytes: &[u8]) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        bytes.contains(first).then_some(*first)
    }

    /// A number of this many digits.
    fn number(&mut self, digits: usize) -> Option<i16> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        self.0 = rest;
        number.iter().try_fold(0_i16, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| i16::from(byte - b'0'))?;
            value.checked_mul(10)?.checked_add(digit)
        })
    }

    fn two(&mut self) -> Option<i8> {
        i8::try_from(self.number(2)?).ok()
    }

    /// Two digits, or a blank and one.
    fn padded(&mut self) -> Option<i8> {
        match self.eat(b' ') {
            Some(()) => i8::try_from(self.number(1)?).ok(),
            None => self.two(),
        }
    }

    /// One digit or two.
    fn loose(&mut self) -> Option<i8> {
        if self.0.get(1).is_some_and(u8::is_ascii_digit) {
            self.padded()
        } else {
            i8::try_from(self.number(1)?).ok()
        }
    }

    fn month(&mut self) -> Option<i8> {
        let (name, rest) = self.0.split_at_checked(3)?;
        self.0 = rest;
        let month = MONTHS.iter().position(|month| *month == name)?;
        i8::try_from(month + 1).ok()
    }

    /// The ns in a fraction of a second, if there is one.
    fn fraction(&mut self) -> i32 {
        let Some((b'.' | b',', rest)) = self.0.split_first() else {
            return 0;
        };
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, behind) = rest.split_at(digits);
        self.0 = behind;
        let places = digits.iter().chain(std::iter::repeat(&b'0')).take(9);
        places.fold(0, |nanos, digit| nanos * 10 + i32::from(digit - b'0'))
    }

    /// What follows the hour, with what stands between.
    fn rest_of_time(&mut self, hour: i8, between: bool) -> Option<Time> {
        let mut part = || {
            if between {
                self.eat(b':')?;
            }
            self.two()
        };
        // A leap second is the last second of its minute.
        let (minute, second) = (part()?, part()?.min(59));
        Time::new(hour, minute, second, self.fraction()).ok()
    }

    fn clock(&mut self) -> Option<Time> {
        let hour = self.two()?;
        self.rest_of_time(hour, true)
    }

    /// The zone, if there is one, and with it all of the stamp.
    fn zoned(&mut self, date: (Option<i16>, i8, i8), time: Time) -> Option<Written> {
        let text = std::mem::take(&mut self.0);
        if text.is_empty() {
            return Some(civil(date, time, None));
        }
        let mut rest = Rest(text.strip_prefix(b" ").unwrap_or(text));
        if let b"Z" | b"UTC" | b"GMT" = rest.0 {
            return Some(civil(date, time, Some(0)));
        }
        let sign = rest.either(b"+-")?;
        let hours = i32::from(rest.two()?);
        let _ = rest.eat(b':');
        let seconds = (hours * 60 + i32::from(rest.two()?)) * 60;
        let offset = if sign == b'-' { -seconds } else { seconds };
        rest.0.is_empty().then(|| civil(date, time, Some(offset)))
    }

    /// `Nov 20 10:00:00`, `Fri Nov 20 10:00:00 2026`, `Nov 20, 2026 10:00:00 PM`, `Nov-20-26 10:00:00`.
    fn month_first(&mut self) -> Option<Written> {
        let named = self.0.get(4).is_some_and(u8::is_ascii_alphabetic);
        if named {
            self.0 = self.0.get(4..)?;
        }
        let month = self.month()?;
        if self.either(b" -")? == b'-' {
            let day = self.two()?;
            self.eat(b'-')?;
            let year = Some(2000 + self.number(2)?);
            self.eat(b' ')?;
            let time = self.clock()?;
            return Some(civil((year, month, day), time, None));
        }
        let day = self.loose()?;
        if self.eat(b',').is_some() {
            self.eat(b' ')?;
            let year = Some(self.number(4)?);
            self.eat(b' ')?;
            let time = self.half_day()?;
            return Some(civil((year, month, day), time, None));
        }
        self.eat(b' ')?;
        let mut year = None;
        if self.0.get(4) == Some(&b' ') {
            year = Some(self.number(4)?);
            self.eat(b' ')?;
        }
        let time = self.clock()?;
        if named && self.eat(b' ').is_some() {
            year = Some(self.number(4)?);
        }
        Some(civil((year, month, day), time, None))
    }

    /// `10:00:00 PM`.
    fn half_day(&mut self) -> Option<Time> {
        let hour = self.loose().filter(|hour| (1..=12).contains(hour))?;
        let time = self.rest_of_time(hour % 12, true)?;
        self.eat(b' ')?;
        let hours = if self.either(b"AP")? == b'P' { 12 } else { 0 };
        self.eat(b'M')?;
        time.with().hour(time.hour() + hours).build().ok()
    }

    /// `20/Nov/2026:10:00:00 +0000`, `20-Nov-2026 10:00:00.123`.
    fn day_first(&mut self) -> Option<Written> {
        let day = self.two()?;
        let between = self.either(b"/-")?;
        let month = self.month()?;
        self.eat(between)?;
        let year = Some(self.number(4)?);
        self.either(b": ")?;
        let time = self.clock()?;
        self.zoned((year, month, day), time)
    }

    /// `2026-11-20T10:00:00.123+01:00`.
    fn iso(&mut self) -> Option<Written> {
        let year = Some(self.number(4)?);
        let between = self.either(b"-/.")?;
        let month = self.two()?;
        self.eat(between)?;
        let day = self.two()?;
        self.either(b"T ")?;
        let time = self.clock()?;
        self.zoned((year, month, day), time)
    }

    /// `261120 10:00:00`.
    fn short(&mut self) -> Option<Written> {
        let year = Some(2000 + self.number(2)?);
        let (month, day) = (self.two()?, self.two()?);
        self.eat(b' ')?;
        let hour = self.padded()?;
        let time = self.rest_of_time(hour, true)?;
        Some(civil((year, month, day), time, None))
    }

    /// `20261120T100000Z`.
    fn compact(&mut self) -> Option<Written> {
        let year = Some(self.number(4)?);
        let (month, day) = (self.two()?, self.two()?);
        self.eat(b'T')?;
        let hour = self.two()?;
        let time = self.rest_of_time(hour, false)?;
        self.zoned((year, month, day), time)
    }
}

fn civil((year, month, day): (Option<i16>, i8, i8), time: Time, offset: Option<i32>) -> Written {
    Written::Civil {
        year,
        month,
        day,
        time,
        offset,
    }
}

fn epoch(text: &[u8]) -> Option<Written> {
    let (seconds, fraction) = text.split_at_checked(10)?;
    let seconds: i64 = std::str::from_utf8(seconds).ok()?.parse().ok()?;
    let nanos = i64::from(Rest(fraction).fraction());
    Some(Written::Epoch(Wall(
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos),
    )))
}

/// Seconds from 2^62 on and nanoseconds, in hexadecimal digits (<https://cr.yp.to/libtai/tai64.html>).
/// As daemontools writes them: 10 seconds before 1970, and no leap seconds.
fn tai64n(digits: &[u8]) -> Option<Written> {
    let (seconds, nanos) = digits.split_at_checked(16)?;
    let number = |digits| i64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
    let seconds = number(seconds)?.checked_sub((1 << 62) + 10)?;
    let nanos = number(nanos).filter(|nanos| *nanos < 1_000_000_000)?;
    Some(Written::Epoch(Wall(
        seconds.saturating_mul(1_000_000_000).saturating_add(nanos),
    )))
}
