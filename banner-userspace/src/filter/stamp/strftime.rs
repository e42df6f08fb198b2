//! Forms of stamps that a filter of banner's own dialect names itself, in strftime's notation.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use jiff::civil::{Date, Time};
use regex::bytes::{Captures, Regex, RegexBuilder};

use super::form::{MONTHS, Written};
use crate::model::Wall;

/// The forms of one filter. They take the place of every form that is known.
#[derive(Clone, Debug)]
pub struct StampForms {
    /// All of them as one regular expression, without groups.
    pattern: String,
    forms: Vec<Form>,
}

#[derive(Clone, Debug)]
struct Form {
    /// As it is written.
    text: String,
    /// Finds it anywhere, with a group for each part that says something.
    finds: Regex,
    /// The same, for nothing else than a stamp.
    reads: Regex,
}

/// What a field says of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    DayOfYear,
    Hour,
    Hour12,
    Half,
    Minute,
    Second,
    Fraction,
    Zone,
    Epoch,
    /// The day of the week, which says nothing that the date does not say.
    Nothing,
}

/// The letters of fields, what they say and how that looks. Numbers have as many digits as strftime
/// writes, and with `-` before the letter also fewer.
const FIELDS: [(&str, Says, &str); 26] = [
    ("Y", Says::Year, "[0-9]{4}"),
    ("y", Says::ShortYear, "[0-9]{2}"),
    ("m", Says::Month, "[0-9]{2}"),
    ("-m", Says::Month, "[0-9]{1,2}"),
    ("b", Says::MonthName, SHORT_MONTHS),
    ("h", Says::MonthName, SHORT_MONTHS),
    ("B", Says::MonthName, MONTH_NAMES),
    ("d", Says::Day, "[0-9]{2}"),
    ("-d", Says::Day, "[0-9]{1,2}"),
    ("e", Says::Day, "[ 0-9][0-9]"),
    ("j", Says::DayOfYear, "[0-9]{3}"),
    ("H", Says::Hour, "[0-9]{2}"),
    ("-H", Says::Hour, "[0-9]{1,2}"),
    ("k", Says::Hour, "[ 0-9][0-9]"),
    ("I", Says::Hour12, "[0-9]{2}"),
    ("-I", Says::Hour12, "[0-9]{1,2}"),
    ("l", Says::Hour12, "[ 0-9][0-9]"),
    ("p", Says::Half, "(?i:[AP]M)"),
    ("M", Says::Minute, "[0-9]{2}"),
    ("S", Says::Second, "[0-9]{2}"),
    ("f", Says::Fraction, "[0-9]{1,9}"),
    ("z", Says::Zone, "(?:Z|[+-][0-9]{2}:?[0-9]{2})"),
    ("Z", Says::Zone, "(?:UTC|GMT|Z)"),
    ("s", Says::Epoch, "[0-9]{1,11}"),
    ("a", Says::Nothing, "(?i:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"),
    (
        "A",
        Says::Nothing,
        "(?i:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day)",
    ),
];

const SHORT_MONTHS: &str = "(?i:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)";
const MONTH_NAMES: &str = "(?i:January|February|March|April|May|June|July|August|September|October|\
                           November|December)";

/// Fields that stand for several.
const SEVERAL: [(&str, &str); 4] = [
    ("F", "%Y-%m-%d"),
    ("T", "%H:%M:%S"),
    ("R", "%H:%M"),
    ("D", "%m/%d/%y"),
];

impl StampForms {
    /// Reads patterns; which of them is wrong, and how, where one is.
    pub(in crate::filter) fn new(patterns: &[String]) -> Result<Self, (usize, String)> {
        let mut whole = Vec::new();
        let mut forms = Vec::new();
        for (n, text) in patterns.iter().enumerate() {
            let (silent, form) = form(text).map_err(|why| (n, why))?;
            whole.push(silent);
            forms.push(form);
        }
        Ok(Self {
            pattern: format!("(?:{})", whole.join("|")),
            forms,
        })
    }

    /// What a stamp looks like: a regular expression without groups.
    pub(in crate::filter) fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The first of these forms that stands somewhere in a line, and whether it is a time.
    pub fn seen_in(&self, line: &[u8]) -> Option<(&str, bool)> {
        self.forms.iter().find_map(|form| {
            let found = form.finds.captures(line)?;
            Some((form.text.as_str(), said(&found).is_some()))
        })
    }

    /// What `text`, which matched [`Self::pattern`], says. Whether there is such a day is left open.
    pub(super) fn read(&self, text: &[u8]) -> Option<Written> {
        let found = self.forms.iter().find_map(|form| form.reads.captures(text));
        said(&found?)
    }
}

/// One form, and its regular expression without groups.
fn form(text: &str) -> Result<(String, Form), String> {
    let (mut silent, mut named) = (String::new(), String::new());
    let mut says = Vec::new();
    let spelled = SEVERAL
        .iter()
        .fold(text.to_owned(), |text, (name, fields)| {
            // A percent sign that is written twice is none of a field.
            let parts: Vec<_> = text.split("%%").collect();
            let parts = parts
                .iter()
                .map(|part| part.replace(&format!("%{name}"), fields));
            parts.collect::<Vec<_>>().join("%%")
        });
    let mut rest = spelled.as_str();
    while let Some((before, behind)) = rest.split_once('%') {
        let literal = regex::escape(before);
        silent.push_str(&literal);
        named.push_str(&literal);
        if let Some(next) = behind.strip_prefix('%') {
            silent.push('%');
            named.push('%');
            rest = next;
            continue;
        }
        let field = FIELDS
            .iter()
            .find(|(letter, ..)| behind.starts_with(letter));
        let Some((letter, meaning, looks)) = field else {
            let name: String = behind.chars().take(1).collect();
            return Err(format!(
                "%{name} is no field of a stamp; there are {}, and %% is a percent sign",
                known()
            ));
        };
        if says.contains(meaning) && *meaning != Says::Nothing {
            return Err(format!("%{letter}: the pattern has said that already"));
        }
        says.push(*meaning);
        silent.push_str(looks);
        // Numbered by their meaning, so that whatever reads them need not know the pattern.
        write!(named, "(?P<{meaning:?}>{looks})").map_err(|error| error.to_string())?;
        rest = &behind[letter.len()..];
    }
    let literal = regex::escape(rest);
    silent.push_str(&literal);
    named.push_str(&literal);
    enough(&says)?;
    let regex = |text: &str| {
        let regex = RegexBuilder::new(text).unicode(false).build();
        regex.map_err(|error| error.to_string())
    };
    let form = Form {
        text: text.to_owned(),
        finds: regex(&named)?,
        reads: regex(&format!("^(?:{named})$"))?,
    };
    Ok((silent, form))
}

fn known() -> String {
    let letters = FIELDS.iter().map(|(letter, ..)| letter);
    let letters = letters.chain(SEVERAL.iter().map(|(letter, _)| letter));
    let letters: Vec<_> = letters.map(|letter| format!("%{letter}")).collect();
    letters.join(" ")
}

/// Whether fields that say this give a time.
fn enough(says: &[Says]) -> Result<(), String> {
    let has = |what: &[Says]| what.iter().any(|one| says.contains(one));
    if has(&[Says::Epoch]) {
        let more = says
            .iter()
            .any(|one| !matches!(one, Says::Epoch | Says::Fraction));
        return if more {
            Err("%s is the whole time; only %f can stand beside it".to_owned())
        } else {
            Ok(())
        };
    }
    let month = [Says::Month, Says::MonthName];
    let year = [Says::Year, Says::ShortYear];
    let day = if has(&[Says::DayOfYear]) {
        if !has(&year) {
            return Err("%j says no day without a year: %Y".to_owned());
        }
        true
    } else {
        has(&month) && has(&[Says::Day])
    };
    for (there, what) in [
        (day, "no day: %m or %b, and %d"),
        (has(&[Says::Hour, Says::Hour12]), "no hour: %H"),
        (
            !has(&[Says::Hour12]) || has(&[Says::Half]),
            "not whether the hour is before noon: %p",
        ),
        (has(&[Says::Minute]), "no minute: %M"),
    ] {
        if !there {
            return Err(format!("the pattern says {what}"));
        }
    }
    for (one, other) in [
        (Says::Month, Says::MonthName),
        (Says::Year, Says::ShortYear),
        (Says::Hour, Says::Hour12),
    ] {
        if says.contains(&one) && says.contains(&other) {
            return Err("the pattern says one thing twice".to_owned());
        }
    }
    Ok(())
}

/// What these groups say.
fn said(found: &Captures<'_>) -> Option<Written> {
    let text = |says: Says| {
        let found = found.name(&format!("{says:?}"))?;
        std::str::from_utf8(found.as_bytes()).ok()
    };
    let number = |says| text(says)?.trim_start().parse::<i16>().ok();
    let small = |says| i8::try_from(number(says)?).ok();
    let nanos = text(Says::Fraction).map_or(0, nanoseconds);
    if let Some(seconds) = text(Says::Epoch) {
        let seconds: i64 = seconds.parse().ok()?;
        let at = seconds.saturating_mul(1_000_000_000);
        return Some(Written::Epoch(Wall(at.saturating_add(nanos.into()))));
    }
    let year = number(Says::Year).or_else(|| Some(2000 + number(Says::ShortYear)?));
    let (month, day) = match number(Says::DayOfYear) {
        Some(number) => {
            let first = Date::new(year?, 1, 1).ok()?;
            let date = first.with().day_of_year(number).build().ok()?;
            (date.month(), date.day())
        }
        None => (
            small(Says::Month).or_else(|| month(text(Says::MonthName)?))?,
            small(Says::Day)?,
        ),
    };
    let hour = match small(Says::Hour12) {
        Some(hour) => {
            let hour = Some(hour).filter(|hour| (1..=12).contains(hour))? % 12;
            let after_noon = text(Says::Half)?.starts_with(['P', 'p']);
            if after_noon { hour + 12 } else { hour }
        }
        None => small(Says::Hour)?,
    };
    // A leap second is the last second of its minute.
    let second = small(Says::Second).unwrap_or(0).min(59);
    Some(Written::Civil {
        year,
        month,
        day,
        time: Time::new(hour, small(Says::Minute)?, second, nanos).ok()?,
        offset: match text(Says::Zone) {
            Some(zone) => Some(offset(zone)?),
            None => None,
        },
    })
}

fn month(name: &str) -> Option<i8> {
    let known = |known: &&[u8]| name.as_bytes()[..3].eq_ignore_ascii_case(known);
    let index = MONTHS.iter().position(known)?;
    i8::try_from(index + 1).ok()
}

/// The ns in the digits of a fraction.
fn nanoseconds(digits: &str) -> i32 {
    let places = digits.bytes().chain(std::iter::repeat(b'0')).take(9);
    places.fold(0, |nanos, digit| nanos * 10 + i32::from(digit - b'0'))
}

/// Seconds east of Greenwich.
fn offset(zone: &str) -> Option<i32> {
    let Some(digits) = zone.strip_prefix(['+', '-']) else {
        return Some(0);
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let minutes: i32 = minutes.trim_start_matches(':').parse().ok()?;
    let seconds = (hours.parse::<i32>().ok()? * 60 + minutes) * 60;
    Some(if zone.starts_with('-') {
        -seconds
    } else {
        seconds
    })
}
