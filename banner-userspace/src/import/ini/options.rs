//! `name[key=value, key2="va,lue"][key3='…']`.

use super::python::{is_space, is_word, strip};
use crate::import::error::{ImportError, Place, Why};

/// Options in the order in which they are given; the last of several of one name wins.
pub(crate) type Options = super::Table<String>;

fn is_key(c: char) -> bool {
    is_word(c) || c == '-' || c == '.'
}

/// Splits a name from its options.
pub(crate) fn named<'a>(text: &'a str, place: &Place) -> Result<(&'a str, Options), ImportError> {
    let bad = || Why::BadOptions(text.chars().take(200).collect()).at(place);
    let (name, list) = match text.find('[') {
        None => (text, ""),
        Some(at) => {
            let list = text[at + 1..].trim_end_matches(is_space);
            (&text[..at], list.strip_suffix(']').ok_or_else(bad)?)
        }
    };
    if name.is_empty() {
        return Err(bad());
    }
    let mut options = Options::default();
    let mut rest = list;
    loop {
        let begin = rest.trim_start_matches(is_space);
        let Some((key, value)) = key(begin) else {
            // Nothing, or one comma, may stand at the end.
            let end = rest.strip_prefix(',').unwrap_or(rest);
            return if strip(end).is_empty() {
                Ok((name, options))
            } else {
                Err(bad())
            };
        };
        let (value, after) = value_at(value);
        options.insert(key, strip(value).to_owned());
        rest = separated(after).ok_or_else(bad)?;
    }
}

/// A key and what stands behind its `=`.
fn key(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c| !is_key(c))?;
    let rest = text[end..].strip_prefix('=')?;
    (end > 0).then_some((&text[..end], rest))
}

/// A value, without its quotes, and what stands behind it. Without quotes it ends before a comma
/// or a bracket.
fn value_at(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some((value, rest)) = text
            .strip_prefix(quote)
            .and_then(|text| text.split_once(quote))
        {
            return (value, rest);
        }
    }
    text.split_at(text.find([',', ']']).unwrap_or(text.len()))
}

/// What stands behind the separator: a comma, or `][` between two lists; nothing at the end.
fn separated(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix(',') {
        return Some(rest);
    }
    if let Some(rest) = text.strip_prefix(']')
        && let Some(rest) = rest.trim_start_matches(is_space).strip_prefix('[')
    {
        return Some(rest);
    }
    // A final line break counts as the end.
    (text.is_empty() || text == "\n").then_some("")
}

/// Splits a list of names with options at white space outside of the brackets.
pub(crate) fn split_named(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = with_options(rest).unwrap_or_else(|| rest.find(is_space).unwrap_or(rest.len()));
        found.push(strip(&rest[..end]));
        rest = rest[end..].trim_start_matches(is_space);
    }
    found
}

/// How far a name and its lists of options go, if white space or nothing follows.
fn with_options(text: &str) -> Option<usize> {
    let name = text.find(|c| c == '[' || is_space(c))?;
    let list = text[name..]
        .trim_start_matches(is_space)
        .strip_prefix('[')?;
    if name == 0 {
        return None;
    }
    let mut rest = list.trim_start_matches(is_space);
    while let Some((_, value)) = key(rest) {
        let (_, after) = value_at(value);
        let after = after.trim_start_matches(is_space);
        rest = after
            .strip_prefix(',')
            .or_else(|| {
                let after = after.strip_prefix(']')?;
                after.trim_start_matches(is_space).strip_prefix('[')
            })
            .unwrap_or(after)
            .trim_start_matches(is_space);
    }
    let rest = rest.strip_prefix(']')?;
    let ends = rest.is_empty() || rest.starts_with(is_space);
    ends.then(|| text.len() - rest.len())
}
