//! What the fields of a stamp come to.

use jiff::tz::TimeZone;

use super::{
    calendar::{DAY, FIRST, LAST, civil, day_of_year, days},
    pattern::{digit, is_space},
    zone::{self, Local, Offset},
};
use crate::model::Wall;

/// Why a stamp is no time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It cannot be read. The line counts as one without a time.
    Unreadable,
    /// fail2ban stumbles over it, and over the line with it.
    Lost,
}

/// What a group with this name is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    ShortYear,
    Year,
    Month,
    MonthName,
    ShortMonthName,
    Day,
    Hour,
    Hour12,
    HalfOfDay,
    Minute,
    Second,
    DayName,
    ShortDayName,
    DayOfWeek,
    DayOfYear,
    WeekFromSunday,
    WeekFromMonday,
    Zone,
}

impl Field {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "y" => Self::ShortYear,
            "Y" => Self::Year,
            "m" => Self::Month,
            "B" => Self::MonthName,
            "b" => Self::ShortMonthName,
            "d" => Self::Day,
            "H" => Self::Hour,
            "I" => Self::Hour12,
            "p" => Self::HalfOfDay,
            "M" => Self::Minute,
            "S" => Self::Second,
            "A" => Self::DayName,
            "a" => Self::ShortDayName,
            "w" => Self::DayOfWeek,
            "j" => Self::DayOfYear,
            "U" => Self::WeekFromSunday,
            "W" => Self::WeekFromMonday,
            "z" | "Z" => Self::Zone,
            _ => return None,
        })
    }
}

/// What a stamp is read against.
#[derive(Debug)]
pub(super) struct Around<'z> {
    pub(super) now: Wall,
    pub(super) zone: &'z TimeZone,
    /// Minutes east of Greenwich of stamps without a zone; `None`: they are in `zone`.
    pub(super) default: Option<i32>,
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

#[derive(Default)]
struct Parts {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    /// 0 is Monday.
    weekday: Option<i64>,
    day_of_year: Option<i64>,
    /// Which, and whether weeks begin on Monday.
    week: Option<(i64, bool)>,
    offset: Option<i32>,
}

/// A time that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    /// Seconds since the epoch.
    pub(super) at: i64,
    /// The same text means that again in the same second.
    pub(super) steady: bool,
    /// And in any other.
    pub(super) absolute: bool,
}

/// The time that these fields give; groups that took no part are `None`.
pub(super) fn read<'t>(
    fields: &(impl Iterator<Item = (Field, Option<&'t str>)> + Clone),
    around: &Around<'_>,
    local: &mut Local,
) -> Result<Time, Fault> {
    let mut parts = Parts::default();
    for (field, text) in fields.clone() {
        if let Some(text) = text {
            parts.take(field, text, fields.clone())?;
        }
    }
    parts.time(around, local)
}

impl Parts {
    fn take<'t>(
        &mut self,
        field: Field,
        text: &str,
        mut fields: impl Iterator<Item = (Field, Option<&'t str>)>,
    ) -> Result<(), Fault> {
        match field {
            // Years of two digits are of this century.
            Field::ShortYear => {
                let year = number(text)?;
                self.year = Some(if year <= 2000 { year + 2000 } else { year });
            }
            Field::Year => self.year = Some(number(text)?),
            Field::Month => self.month = Some(number(text)?),
            Field::MonthName => self.month = Some(name(&MONTHS, text, false)? + 1),
            Field::ShortMonthName => self.month = Some(name(&MONTHS, text, true)? + 1),
            Field::Day => self.day = Some(number(text)?),
            Field::Hour => self.hour = number(text)?,
            Field::Hour12 => {
                let half = match fields.find(|(field, _)| *field == Field::HalfOfDay) {
                    Some((_, Some(half))) => half,
                    // One that is left out is more than fail2ban can take.
                    Some((_, None)) => return Err(Fault::Lost),
                    None => "",
                };
                self.hour = hour(number(text)?, half);
            }
            Field::HalfOfDay => {}
            Field::Minute => self.minute = number(text)?,
            Field::Second => self.second = number(text)?,
            Field::DayName => self.weekday = Some(name(&DAYS, text, false)?),
            Field::ShortDayName => self.weekday = Some(name(&DAYS, text, true)?),
            Field::DayOfWeek => {
                let day = number(text)?;
                self.weekday = Some(if day < 1 { 6 } else { day - 1 });
            }
            Field::DayOfYear => self.day_of_year = Some(number(text)?),
            Field::WeekFromSunday => self.week = Some((number(text)?, false)),
            Field::WeekFromMonday => self.week = Some((number(text)?, true)),
            Field::Zone => {
                self.offset = Some(match zone::offset(text) {
                    Offset::Minutes(minutes) => minutes,
                    Offset::Unknown => return Err(Fault::Lost),
                    Offset::Malformed => return Err(Fault::Unreadable),
                });
            }
        }
        Ok(())
    }

    fn time(mut self, around: &Around<'_>, local: &mut Local) -> Result<Time, Fault> {
        let mut now = || local.shown(around.now.as_secs(), around.zone).0;
        let no_year = self.year.is_none();
        let mut year = match self.year {
            Some(year) => year,
            None => civil(now()).0,
        };
        if self.month.is_none() || self.day.is_none() {
            if let (None, Some((week, monday)), Some(weekday)) =
                (self.day_of_year, self.week, self.weekday)
            {
                self.day_of_year =
                    Some(day_of_year(year, week, weekday, monday).ok_or(Fault::Unreadable)?);
            }
            if let Some(day) = self.day_of_year {
                let date = days(year, 1, 1).ok_or(Fault::Unreadable)? + day - 1;
                if !(FIRST..=LAST).contains(&date.saturating_mul(DAY)) {
                    return Err(Fault::Unreadable);
                }
                let (of_year, month, day) = civil(date * DAY);
                year = of_year;
                (self.month, self.day) = (Some(month), Some(day));
            }
        }
        let no_day = self.month.is_none() && self.day.is_none();
        if no_day {
            let (_, month, day) = civil(now());
            (self.month, self.day) = (Some(month), Some(day));
        }
        // Half of a date is more than fail2ban can take.
        let (Some(month), Some(day)) = (self.month, self.day) else {
            return Err(Fault::Lost);
        };
        let numbers = [year, month, day, self.hour, self.minute, self.second];
        if numbers.iter().any(|&number| i32::try_from(number).is_err()) {
            return Err(Fault::Lost);
        }
        let date = days(year, month, day).ok_or(Fault::Unreadable)?;
        let clock = [(self.hour, 24), (self.minute, 60), (self.second, 60)];
        if clock
            .iter()
            .any(|&(number, end)| !(0..end).contains(&number))
        {
            return Err(Fault::Unreadable);
        }
        let mut at = date * DAY + self.hour * 3600 + self.minute * 60 + self.second;
        let offset = self.offset.or(around.default);
        if let Some(offset) = offset {
            at -= i64::from(offset) * 60;
            if !(FIRST..=LAST).contains(&at) {
                return Err(Fault::Lost);
            }
        }
        // What has not come yet was yesterday, or last year. With a zone, UTC is compared with local time.
        if no_day && at > now() {
            at -= DAY;
        }
        if no_year && at > now() + DAY {
            at = days(year - 1, month, day).ok_or(Fault::Unreadable)? * DAY + at.rem_euclid(DAY);
        }
        let (at, steady) = match offset {
            Some(_) => (at, true),
            None => local.mktime(at, around.zone).ok_or(Fault::Lost)?,
        };
        Ok(Time {
            at,
            steady,
            absolute: !no_year && !no_day,
        })
    }
}

/// The hour of a clock with twelve; without a half of the day it is before noon.
fn hour(hour: i64, half: &str) -> i64 {
    match (half.to_lowercase().as_str(), hour) {
        ("" | "am", 12) => 0,
        ("pm", hour) if hour != 12 => hour + 12,
        _ => hour,
    }
}

/// A number as Python's `int` reads it. Beyond what fits, it is too large for everything.
fn number(text: &str) -> Result<i64, Fault> {
    let digits = text.as_bytes();
    if (1..=4).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit) {
        return Ok(digits
            .iter()
            .fold(0, |value, digit| value * 10 + i64::from(digit - b'0')));
    }
    let text = text.trim_matches(is_space);
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut value: i64 = 0;
    let mut before = '_';
    for c in digits.chars() {
        match digit(c) {
            Some(digit) => value = value.saturating_mul(10).saturating_add(i64::from(digit)),
            None if c == '_' && before != '_' => {}
            None => return Err(Fault::Unreadable),
        }
        before = c;
    }
    if before == '_' {
        return Err(Fault::Unreadable);
    }
    Ok(if negative { -value } else { value })
}

fn name(names: &[&str], text: &str, short: bool) -> Result<i64, Fault> {
    let found = names.iter().position(|name| {
        let name = if short { &name[..3] } else { name };
        name.eq_ignore_ascii_case(text)
    });
    found
        .and_then(|index| i64::try_from(index).ok())
        .ok_or(Fault::Unreadable)
}

/// Seconds since the epoch in these digits, which may have a fraction. `long`: they may be in
/// milliseconds or microseconds.
pub(super) fn epoch(text: Option<&str>, long: bool) -> Result<Wall, Fault> {
    let text = text.ok_or(Fault::Lost)?;
    let places = match text.chars().count() {
        16.. if long && !text.contains('.') => 6,
        13.. if long => 3,
        _ => 0,
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut nanos: i128 = 0;
    let mut scale = 9 - places;
    for c in whole.chars() {
        nanos = nanos
            .saturating_mul(10)
            .saturating_add(i128::from(digit(c).ok_or(Fault::Unreadable)?));
    }
    for c in fraction.chars() {
        let digit = digit(c).ok_or(Fault::Unreadable)?;
        if scale > 0 {
            nanos = nanos.saturating_mul(10).saturating_add(i128::from(digit));
            scale -= 1;
        }
    }
    if whole.is_empty() && fraction.is_empty() {
        return Err(Fault::Unreadable);
    }
    for _ in 0..scale {
        nanos = nanos.saturating_mul(10);
    }
    Ok(Wall(i64::try_from(nanos).unwrap_or(i64::MAX)))
}

/// The seconds in `@` and 24 hexadecimal digits. The first of them, which is always 4, is left
/// out; leap seconds are not taken off.
pub(super) fn tai64n(text: &str) -> Result<i64, Fault> {
    let digits = text.get(2..17).ok_or(Fault::Unreadable)?;
    i64::from_str_radix(digits, 16).map_err(|_| Fault::Unreadable)
}
