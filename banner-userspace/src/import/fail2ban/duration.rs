//! Lengths of time as fail2ban reads them: `10m`, `1d 12h`, `2 weeks`, `60*60`, `1year-6mo`.

use std::{fmt::Write as _, iter::Peekable, str::Chars, time::Duration};

/// Days in a year and in a month, as fail2ban counts them.
const DAY: f64 = 86_400.0;
const YEAR: f64 = 365.25 * DAY;

/// Seconds; below zero for ever. What stands behind a `#` is a comment, as it is to fail2ban, which has
/// Python work out the value.
pub(super) fn seconds(text: &str) -> Option<f64> {
    let text = text.split_once('#').map_or(text, |(value, _)| value);
    let mut reader = Reader {
        rest: text.chars().peekable(),
        depth: 0,
    };
    let value = reader.sum()?;
    reader.space();
    (reader.rest.next().is_none() && value.is_finite()).then_some(value)
}

/// As banner writes it: the largest units that it has, down to seconds.
pub(super) fn written(time: Duration) -> String {
    let mut rest = time.as_secs();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    for (unit, length) in [
        ("w", 604_800),
        ("d", 86_400),
        ("h", 3600),
        ("m", 60),
        ("s", 1),
    ] {
        let whole = rest / length;
        // Weeks only where there is nothing else: 9d says more than 1w2d.
        if whole > 0 && (unit != "w" || rest.is_multiple_of(length) && whole > 1) {
            let _ = write!(text, "{whole}{unit}");
            rest -= whole * length;
        }
    }
    text
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    depth: u32,
}

impl Reader<'_> {
    fn space(&mut self) {
        while self.rest.next_if(|&c| super::ini::is_space(c)).is_some() {}
    }

    fn take(&mut self, wanted: char) -> bool {
        self.space();
        self.rest.next_if_eq(&wanted).is_some()
    }

    /// Parts with a sign between them, or with nothing: `1d 12h`.
    fn sum(&mut self) -> Option<f64> {
        let mut sum = self.product()?;
        loop {
            self.space();
            match self.rest.peek() {
                Some('+') => {
                    self.rest.next();
                    sum += self.product()?;
                }
                Some('-') => {
                    self.rest.next();
                    sum -= self.product()?;
                }
                Some(c) if c.is_ascii_digit() => sum += self.product()?,
                _ => return Some(sum),
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut product = self.factor()?;
        loop {
            if self.take('*') {
                product *= self.factor()?;
            } else if self.take('/') {
                product /= self.factor()?;
            } else {
                return Some(product);
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        // Signs and brackets nest; nobody writes many.
        self.depth += 1;
        if self.depth > 50 {
            return None;
        }
        let value = if self.take('-') {
            -self.factor()?
        } else if self.take('+') {
            self.factor()?
        } else if self.take('(') {
            let value = self.sum()?;
            self.take(')').then_some(value)?
        } else {
            self.number()?
        };
        self.depth -= 1;
        Some(value)
    }

    /// A number, maybe with a unit.
    fn number(&mut self) -> Option<f64> {
        let mut digits = String::new();
        while let Some(c) = self.rest.next_if(|c| c.is_ascii_digit() || *c == '.') {
            digits.push(c);
        }
        let number: f64 = digits.parse().ok()?;
        let before = self.rest.clone();
        self.space();
        let mut word = String::new();
        while let Some(c) = self.rest.next_if(char::is_ascii_alphabetic) {
            word.push(c.to_ascii_lowercase());
        }
        if word.is_empty() {
            self.rest = before;
            return Some(number);
        }
        unit(&word).map(|unit| number * unit)
    }
}

fn unit(word: &str) -> Option<f64> {
    Some(match word {
        "d" | "dd" | "da" | "day" | "days" => DAY,
        "w" | "ww" | "we" | "wee" | "week" | "weeks" => 7.0 * DAY,
        "mo" | "mon" | "month" | "months" => YEAR / 12.0,
        "y" | "yy" | "ye" | "yea" | "year" | "years" => YEAR,
        "s" | "ss" | "se" | "sec" | "second" | "seconds" => 1.0,
        "m" | "mm" | "mi" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hh" | "ho" | "hou" | "hour" | "hours" => 3600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        let rows = [
            ("600", 600.0),
            ("10m", 600.0),
            (" 1h 30m", 5400.0),
            ("1d12h", 129_600.0),
            ("1hour+30min", 5400.0),
            ("1year-6mo", 15_778_800.0),
            ("6 Months", 15_778_800.0),
            ("-1", -1.0),
            ("60*60 * 2", 7200.0),
            ("2*(1h+30m)", 10_800.0),
            ("1w", 604_800.0),
            ("0.5h", 1800.0),
            ("604800  # 7 days", 604_800.0),
            ("-1 # for ever", -1.0),
        ];
        for (text, expected) in rows {
            assert_eq!(seconds(text), Some(expected), "{text:?}");
        }
        for text in [
            "",
            "abc",
            "1x",
            "1h)",
            "(1h",
            "1/0",
            "# 600",
            "--",
            &"-".repeat(9999),
        ] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }

    #[test]
    fn times_are_written_as_people_write_them() {
        let rows = [
            (600, "10m"),
            (5400, "1h30m"),
            (86_400, "1d"),
            (604_800, "7d"),
            (1_209_600, "2w"),
            (90, "1m30s"),
            (777_600, "9d"),
        ];
        for (seconds, expected) in rows {
            assert_eq!(written(Duration::from_secs(seconds)), expected);
        }
    }
}
