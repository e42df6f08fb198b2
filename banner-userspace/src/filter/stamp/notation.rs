//! The notation of stamp patterns: fields such as `%Y`, and what bounds them in a line.

use super::pattern::{LEFT, RIGHT};

macro_rules! months {
    () => {
        "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
    };
}
macro_rules! long_months {
    () => {
        "january|february|march|april|may|june|july|august|september|october|november|december"
    };
}
macro_rules! days {
    () => {
        "mon|tue|wed|thu|fri|sat|sun"
    };
}
macro_rules! long_days {
    () => {
        "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    };
}
macro_rules! offset {
    () => {
        r"[+-][01]\d(?::?\d\d)?"
    };
}
macro_rules! day {
    () => {
        r"3[01]|[12]\d|0[1-9]|[1-9]| [1-9]"
    };
}
macro_rules! clock {
    () => {
        r"(?P<H>2[0-3]|[01]\d|\d):(?P<M>[0-5]\d|\d):(?P<S>6[01]|[0-5]\d|\d)"
    };
}

/// The years that `%ExY` takes: those of these decades.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decades(String);

impl Decades {
    /// From 2000 to three years after `year`, as fail2ban does.
    pub(super) fn up_to(year: i16) -> Self {
        let last = (year.clamp(2000, 9989) + 3) / 10;
        let decades: Vec<_> = (200..=last).map(|decade| decade.to_string()).collect();
        Self(decades.join("|"))
    }
}

/// What stands before a stamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Anything.
    Free,
    /// Not the inside of a word.
    Word,
    /// The line begins there, up to two characters before it that belong to no word.
    Line,
}

/// A pattern's text as it is compiled.
#[derive(Clone, Debug)]
pub(super) struct Bounded {
    pub(super) text: String,
    /// It stands at the beginning or at the end of a line.
    pub(super) anchored: bool,
    /// It stands at the beginning of a line.
    pub(super) begins_line: bool,
    /// The beginning of the line was put before it.
    pub(super) line: bool,
}

/// Replaces the fields in `pattern` by regular expressions with a group for each.
pub(super) fn expand(pattern: &str, decades: &Decades) -> Result<String, String> {
    let mut text = String::new();
    // Names of days and months are not about case.
    if names_in(pattern) {
        text.push_str("(?iu)");
    }
    let mut rest = pattern;
    while let Some((before, behind)) = rest.split_once('%') {
        text.push_str(before);
        let long = match behind
            .strip_prefix("Ex")
            .and_then(|name| name.chars().next())
        {
            Some(letter) if "ZzdmHklMSYy".contains(letter) => 3,
            _ => behind.chars().next().map_or(0, char::len_utf8),
        };
        let (name, next) = behind.split_at(long);
        push_field(&mut text, name, decades).ok_or_else(|| {
            format!("%{name} is no field of a time; a percent sign is written %%")
        })?;
        rest = next;
    }
    text.push_str(rest);
    Ok(text)
}

fn push_field(text: &mut String, name: &str, decades: &Decades) -> Option<()> {
    let field = match name {
        "%" => "%",
        "Y" => r"(?P<Y>\d\d\d\d)",
        "ExY" => {
            text.push_str("(?P<Y>(?:");
            text.push_str(&decades.0);
            r")\d)"
        }
        "y" | "Exy" => r"(?P<y>\d\d)",
        "G" => r"(?P<G>\d\d\d\d)",
        "m" => "(?P<m>0?[1-9]|1[012])",
        "Exm" => "(?P<m>0[1-9]|1[012])",
        "b" => concat!("(?P<b>", months!(), ")"),
        "B" => concat!("(?P<B>", long_months!(), ")"),
        "d" => r"(?P<d>[12]\d|[ 0]?[1-9]|3[01])",
        "Exd" => r"(?P<d>[12]\d|0[1-9]|3[01])",
        "a" => concat!("(?P<a>", days!(), ")"),
        "A" => concat!("(?P<A>", long_days!(), ")"),
        "w" => "(?P<w>[0-6])",
        "u" => "(?P<u>[1-7])",
        "j" => r"(?P<j>36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])",
        "U" => r"(?P<U>5[0-3]|[0-4]\d|\d)",
        "W" => r"(?P<W>5[0-3]|[0-4]\d|\d)",
        "V" => r"(?P<V>5[0-3]|0[1-9]|[1-4]\d|\d)",
        "H" => r"(?P<H>[01]?\d|2[0-3])",
        "ExH" => r"(?P<H>[01]\d|2[0-3])",
        "k" => r" ?(?P<H>[012]?\d)",
        "Exk" => r" ?(?P<H>[01]?\d|2[0-3])",
        "I" => "(?P<I>1[012]|0[1-9]|[1-9])",
        "l" => r" ?(?P<I>1?\d)",
        "Exl" => r" ?(?P<I>1[012]|\d)",
        "p" => "(?P<p>am|pm)",
        "M" => r"(?P<M>[0-5]?\d)",
        "ExM" => r"(?P<M>[0-5]\d)",
        "S" => r"(?P<S>[0-5]?\d|6[01])",
        "ExS" => r"(?P<S>[0-5]\d|6[01])",
        "f" => "(?P<f>[0-9]{1,6})",
        "Z" => "(?P<Z>Z|[A-Z]{3,5})",
        "ExZ" => "(?P<Z>[A-Z](?:[A-Z]{2,4})?)",
        "z" => concat!("(?P<z>Z|UTC|GMT|", offset!(), ")"),
        "Exz" => concat!(
            "(?P<z>(?:[A-Z](?:[A-Z]{2,4})?)?",
            offset!(),
            "|[A-Z](?:[A-Z]{2,4})?)"
        ),
        // A date and time, a date and a time as strftime writes them without a locale.
        "c" => concat!(
            "(?P<a>",
            days!(),
            r")\s+(?P<b>",
            months!(),
            r")\s+(?P<d>",
            day!(),
            r")\s+",
            clock!(),
            r"\s+(?P<Y>\d\d\d\d)",
        ),
        "x" => concat!(
            "(?P<m>1[012]|0[1-9]|[1-9])/(?P<d>",
            day!(),
            r")/(?P<y>\d\d)"
        ),
        "X" => clock!(),
        _ => return None,
    };
    text.push_str(field);
    Some(())
}

/// Whether there is a field of names in it, behind no other percent sign.
fn names_in(pattern: &str) -> bool {
    let bytes = pattern.as_bytes();
    let name = |pair: &[u8]| pair[0] == b'%' && b"aAbBpc".contains(&pair[1]);
    bytes.windows(2).enumerate().any(|(at, pair)| {
        name(pair) && at.checked_sub(1).is_none_or(|before| bytes[before] != b'%')
    })
}

/// Puts what bounds a stamp around `text`, unless it has that itself, and a group around the
/// whole, unless there is one.
pub(super) fn bound(text: &str, begin: Begin, end: bool) -> Bounded {
    let text = text.trim_matches(super::pattern::is_space);
    let (flags, text) = take_flags(text);
    let begin = if begins_free(&text) {
        Begin::Free
    } else {
        begin
    };
    let end = end && !ends_free(&text);
    let text = if has_group(&text) {
        text
    } else {
        grouped(&text)
    };
    let mut whole = match begin {
        Begin::Free => text,
        Begin::Word => format!("{LEFT}{text}"),
        Begin::Line => format!(r"^(?:\W{{0,2}})?{text}"),
    };
    if end {
        whole.push(RIGHT);
    }
    let line = begin == Begin::Line;
    let begins_line = line || at_line_start(&whole);
    Bounded {
        text: flags + &without_stars(&whole),
        anchored: begins_line || at_line_end(&whole),
        begins_line,
        line,
    }
}

/// The first flags for the whole pattern, and the pattern without them.
fn take_flags(text: &str) -> (String, String) {
    let found = text.match_indices("(?").find_map(|(at, _)| {
        let letters = text[at + 2..]
            .bytes()
            .take_while(u8::is_ascii_lowercase)
            .count();
        let end = at + 2 + letters;
        (letters > 0 && text[end..].starts_with(')')).then_some((at, end + 1))
    });
    match found {
        Some((start, end)) => (
            text[start..end].into(),
            [&text[..start], &text[end..]].concat(),
        ),
        None => (String::new(), text.into()),
    }
}

/// The length of `(?flags)` at the beginning.
fn flags_long(text: &str) -> Option<usize> {
    let end = text
        .strip_prefix("(?")?
        .find(|c: char| !c.is_alphanumeric() && c != '_')?
        + 2;
    (end > 2 && text[end..].starts_with(')')).then_some(end + 1)
}

/// The text behind opening brackets, and behind flags in the last of them.
fn openings(text: &str) -> (&str, &str, Option<&str>) {
    let rest = text.trim_start_matches('(');
    let brackets = &text[..text.len() - rest.len()];
    let with_flags = brackets.len().checked_sub(1).and_then(|last| {
        let text = &text[last..];
        flags_long(text).map(|long| &text[long..])
    });
    (brackets, rest, with_flags)
}

/// Whether the pattern itself says where in a line it begins, or that it may be anywhere (`**`).
fn begins_free(text: &str) -> bool {
    let free = |brackets: bool, rest: &str| {
        rest.starts_with('^') || rest.starts_with("**") || (brackets && rest.starts_with("?:^"))
    };
    let (brackets, rest, with_flags) = openings(text);
    free(!brackets.is_empty(), rest)
        || with_flags.is_some_and(|text| {
            let rest = text.trim_start_matches('(');
            rest.starts_with("**")
                || ["^", "(^", "(?:^"]
                    .iter()
                    .any(|begin| text.starts_with(begin))
        })
}

/// Whether the pattern itself says how it ends, or that anything may follow.
fn ends_free(text: &str) -> bool {
    let escaped = |before: &str| before.ends_with('\\');
    let ends = |end| {
        text.strip_suffix(end)
            .is_some_and(|before| !escaped(before))
    };
    ["$", "$)", r"\b", r"\s"].into_iter().any(ends)
        || text
            .trim_end_matches(')')
            .strip_suffix("**")
            .is_some_and(|before| !escaped(before))
}

/// Whether there is a group without a name; brackets in sets pass for one.
fn has_group(text: &str) -> bool {
    text.match_indices('(').any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + 1..]);
        !before.ends_with("(?") && !before.ends_with('\\') && !behind.starts_with('?')
    })
}

/// A group around all but anchors and flags.
fn grouped(text: &str) -> String {
    let mut begin = flags_long(text).unwrap_or(0);
    begin += usize::from(text[begin..].starts_with('^'));
    begin += flags_long(&text[begin..]).unwrap_or(0);
    let end = text.len() - usize::from(text[begin..].ends_with('$'));
    format!("{}({}){}", &text[..begin], &text[begin..end], &text[end..])
}

fn at_line_start(text: &str) -> bool {
    let text = &text[flags_long(text).unwrap_or(0)..];
    text.starts_with('^')
        || ["(^", "(?:^"].iter().any(|begin| {
            text.strip_prefix(begin)
                .is_some_and(|behind| !behind.starts_with('|'))
        })
}

fn at_line_end(text: &str) -> bool {
    ["$", "$)"].iter().any(|end| {
        text.strip_suffix(end)
            .is_some_and(|before| !before.ends_with(['\\', '|']))
    })
}

/// The pattern without the stars that say that it has no bounds.
fn without_stars(text: &str) -> String {
    let mut text = String::from(text);
    let (brackets, rest, with_flags) = openings(&text);
    let begin = if rest.starts_with("**") {
        Some(brackets.len())
    } else {
        with_flags
            .map(|text| text.trim_start_matches('('))
            .filter(|rest| rest.starts_with("**"))
            .map(|rest| text.len() - rest.len())
    };
    if let Some(begin) = begin {
        text.replace_range(begin..begin + 2, "");
    }
    let inside = text.trim_end_matches(')').len();
    if let Some(before) = text[..inside].strip_suffix("**")
        && !before.ends_with('\\')
    {
        text.replace_range(before.len()..inside, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_put_where_the_pattern_has_none() {
        for (text, begin, expected, anchored) in [
            ("%Y", Begin::Word, "L(%Y)R", false),
            ("%Y", Begin::Line, r"^(?:\W{0,2})?(%Y)R", true),
            ("%Y", Begin::Free, "(%Y)R", false),
            ("^%Y", Begin::Word, "^(%Y)R", true),
            ("^%Y", Begin::Line, "^(%Y)R", true),
            ("^a(%Y)", Begin::Word, "^a(%Y)R", true),
            ("(?:^|b)%Y", Begin::Word, "((?:^|b)%Y)R", false),
            ("(?:^)%Y", Begin::Word, "((?:^)%Y)R", false),
            ("(^a)%Y", Begin::Word, "(^a)%YR", true),
            ("**%Y", Begin::Word, "(%Y)R", false),
            ("(**%Y)", Begin::Word, "(%Y)R", false),
            ("%Y**", Begin::Word, "L(%Y)", false),
            ("((%Y**))", Begin::Word, "L((%Y))", false),
            (r"%Y\**", Begin::Word, r"L(%Y\**)R", false),
            ("%Y$", Begin::Word, "L(%Y)$", true),
            (r"%Y\s", Begin::Word, r"L(%Y\s)", false),
            (r"%Y\\s", Begin::Word, r"L(%Y\\s)R", false),
            ("(?i)%Y", Begin::Word, "(?i)L(%Y)R", false),
            ("^(?i)%Y", Begin::Word, "(?i)^(%Y)R", true),
            ("[(]%Y", Begin::Word, "L[(]%YR", false),
            (r"\(%Y", Begin::Word, r"L(\(%Y)R", false),
            ("  %Y ", Begin::Word, "L(%Y)R", false),
            ("^", Begin::Free, "^()R", true),
        ] {
            let bounded = bound(text, begin, true);
            let shown = bounded.text.replace(LEFT, "L").replace(RIGHT, "R");
            assert_eq!(shown, expected, "{text}");
            assert_eq!(bounded.anchored, anchored, "{text}");
        }
    }
}
