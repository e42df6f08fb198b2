use std::time::Duration;

use super::report::Report;
use super::shape::{Shape, refuse};
use super::yaml::{Kind, Node};

/// How long a ban holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BanTime {
    /// For so long after it was decided.
    For(Duration),
    /// Until somebody lifts it.
    Permanent,
}

/// Longer is a slip, or meant as "permanent".
const LONGEST: Duration = Duration::from_hours(10 * 365 * 24);

/// From the longest to the shortest, the order in which they are written.
const UNITS: [(char, u64); 5] = [
    ('w', 7 * 86_400),
    ('d', 86_400),
    ('h', 3600),
    ('m', 60),
    ('s', 1),
];

/// A length of time, longer than zero.
pub(crate) struct Span;

impl Shape for Span {
    type Value = Duration;

    fn noun(&self) -> String {
        "a duration".to_owned()
    }

    fn examples(&self) -> &'static str {
        "90s, 10m, 1h30m, 1d or 2w"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Duration> {
        read(node)
            .map_err(|fault| refuse(self, node, path, report, fault.advice()))
            .ok()
    }
}

/// A [`Span`], or no end at all.
pub(crate) struct BanSpan;

impl Shape for BanSpan {
    type Value = BanTime;

    fn noun(&self) -> String {
        "the word permanent or a duration".to_owned()
    }

    fn examples(&self) -> &'static str {
        "10m, 1h30m, 1d or 2w"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<BanTime> {
        if node.kind == Kind::Text("permanent".to_owned()) {
            return Some(BanTime::Permanent);
        }
        read(node)
            .map(BanTime::For)
            .map_err(|fault| refuse(self, node, path, report, Self::advice(fault)))
            .ok()
    }
}

impl BanTime {
    /// How long; `None`: without an end.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Self::For(time) => Some(time),
            Self::Permanent => None,
        }
    }

    /// What a command line says: `permanent`, or a duration such as `1h30m`.
    ///
    /// # Errors
    /// What is wrong with it, and what to do.
    pub fn from_text(text: &str) -> Result<Self, String> {
        if text == "permanent" {
            return Ok(Self::Permanent);
        }
        let time = parse(text).map(Self::For);
        time.map_err(|fault| match BanSpan::advice(fault) {
            "" => format!("{text:?} is not {}", BanSpan.describe()),
            advice => format!("{text:?} is not {}; {advice}", BanSpan.noun()),
        })
    }
}

impl BanSpan {
    fn advice(fault: Fault) -> &'static str {
        match fault {
            Fault::Negative => "for a ban without end write permanent",
            Fault::TooLong => "longer than 10 years: write permanent",
            other => other.advice(),
        }
    }
}

/// Why something is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    NoDuration,
    Colon,
    Unit,
    Order,
    Zero,
    Negative,
    TooLong,
}

impl Fault {
    fn advice(self) -> &'static str {
        match self {
            Self::NoDuration => "",
            Self::Colon => "times are not written with a colon: 1h30m, or 1m30s",
            Self::Unit => "the units are s, m, h, d and w",
            Self::Order => "write each unit once, the longest first",
            Self::Zero => "it must be longer than zero",
            Self::Negative => "it must not be negative",
            Self::TooLong => "it must not be longer than 10 years",
        }
    }
}

fn read(node: &Node) -> Result<Duration, Fault> {
    match &node.kind {
        Kind::Int(number) if *number < 0 => Err(Fault::Negative),
        Kind::Int(number) => checked(u64::try_from(*number).map_err(|_| Fault::TooLong)?),
        Kind::Text(text) => parse(text),
        _ => Err(Fault::NoDuration),
    }
}

/// Numbers, each with a unit; a bare number is seconds.
fn parse(text: &str) -> Result<Duration, Fault> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        let negative = text
            .strip_prefix('-')
            .is_some_and(|rest| parse(rest).is_ok());
        return Err(if negative {
            Fault::Negative
        } else {
            Fault::NoDuration
        });
    }
    if text.contains(':') {
        return Err(Fault::Colon);
    }
    let mut total = 0_u64;
    let mut units = UNITS.iter();
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        if digits == 0 {
            return Err(Fault::Unit);
        }
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| Fault::TooLong)?;
        let seconds = match tail.chars().next() {
            None if digits == text.len() => 1,
            None => return Err(Fault::Unit),
            Some(unit) => {
                let known = UNITS.iter().any(|(name, _)| *name == unit);
                let later = units.find(|(name, _)| *name == unit);
                let fault = if known { Fault::Order } else { Fault::Unit };
                later.ok_or(fault)?.1
            }
        };
        total = number
            .checked_mul(seconds)
            .and_then(|seconds| total.checked_add(seconds))
            .ok_or(Fault::TooLong)?;
        let mut tail = tail.chars();
        tail.next();
        rest = tail.as_str();
    }
    checked(total)
}

fn checked(seconds: u64) -> Result<Duration, Fault> {
    match Duration::from_secs(seconds) {
        Duration::ZERO => Err(Fault::Zero),
        duration if duration > LONGEST => Err(Fault::TooLong),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_sums_of_units() {
        let rows = [
            ("90s", Ok(90)),
            ("10m", Ok(600)),
            ("1h30m", Ok(5400)),
            ("1d", Ok(86_400)),
            ("2w", Ok(14 * 86_400)),
            ("1w1d1h1m1s", Ok(7 * 86_400 + 86_400 + 3661)),
            ("600", Ok(600)),
            ("007s", Ok(7)),
            ("3650d", Ok(3650 * 86_400)),
            ("3651d", Err(Fault::TooLong)),
            ("99999999999999999999", Err(Fault::TooLong)),
            ("99999999999999999w", Err(Fault::TooLong)),
            ("18446744073709551615s1s", Err(Fault::Order)),
            ("0", Err(Fault::Zero)),
            ("0h0m", Err(Fault::Zero)),
            ("-1", Err(Fault::Negative)),
            ("-10m", Err(Fault::Negative)),
            ("1:30", Err(Fault::Colon)),
            ("30m1h", Err(Fault::Order)),
            ("1h1h", Err(Fault::Order)),
            ("1h30", Err(Fault::Unit)),
            ("10min", Err(Fault::Unit)),
            ("10 m", Err(Fault::Unit)),
            ("500ms", Err(Fault::Unit)),
            ("1y", Err(Fault::Unit)),
            ("10M", Err(Fault::Unit)),
            ("1.5h", Err(Fault::Unit)),
            ("1ü", Err(Fault::Unit)),
            ("m", Err(Fault::NoDuration)),
            ("", Err(Fault::NoDuration)),
            ("-", Err(Fault::NoDuration)),
            ("soon", Err(Fault::NoDuration)),
        ];
        for (text, seconds) in rows {
            assert_eq!(parse(text), seconds.map(Duration::from_secs), "{text:?}");
        }
    }

    #[test]
    fn a_command_line_is_told_what_a_time_looks_like() {
        let hour = BanTime::For(Duration::from_hours(1));
        assert_eq!(BanTime::from_text("1h"), Ok(hour));
        assert_eq!(BanTime::from_text("permanent"), Ok(BanTime::Permanent));
        for (text, why) in [
            (
                "",
                "\"\" is not the word permanent or a duration such as 10m, 1h30m, 1d or 2w",
            ),
            (
                "-1h",
                "\"-1h\" is not the word permanent or a duration; for a ban without end write permanent",
            ),
        ] {
            assert_eq!(BanTime::from_text(text), Err(why.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_in_units_reads_as_their_sum(w in 0..99_u64, d in 0..99_u64, m in 1..99_u64) {
            let text = format!("{w}w{d}d{m}m");
            let seconds = w * 604_800 + d * 86_400 + m * 60;
            prop_assert_eq!(parse(&text), Ok(Duration::from_secs(seconds)));
        }

        #[test]
        fn no_text_gives_zero_or_more_than_ten_years(text in "-?[0-9]{0,22}[smhdw:. ü]?[0-9]{0,3}[smhdw]?") {
            if let Ok(duration) = parse(&text) {
                prop_assert!(duration > Duration::ZERO && duration <= LONGEST);
            }
        }
    }
}
