//! `<tag>` in values.

use std::collections::{HashMap, HashSet};

use super::{LONGEST_VALUE, MOST_WORK, Section, Text};
use crate::import::error::{ImportError, Why};

/// How often one tag may be replaced in one value, counting what the replacements bring along.
const MOST: usize = 25;

/// Replaces `<name>` in every value by the value of that name: of the table, or what `other` has
/// for it. Names that nothing has a value for stay as they are: `<HOST>` is one of them.
pub(crate) fn substitute(
    values: &Section,
    ignore: &HashSet<String>,
    mut other: impl FnMut(&str) -> Result<Option<Text>, ImportError>,
) -> Result<Section, ImportError> {
    let mut values = values.clone();
    let names: Vec<_> = values.keys().map(str::to_owned).collect();
    let mut done = HashSet::new();
    let mut counts: HashMap<String, HashMap<String, usize>> = HashMap::new();
    let mut work = 0;
    loop {
        let mut again = false;
        for name in &names {
            if ignore.contains(name) || done.contains(name) {
                continue;
            }
            let Some(value) = values.get(name) else {
                continue;
            };
            let mut value = value.clone();
            let count = counts.entry(name.clone()).or_default();
            let mut at = 0;
            let mut changed = false;
            while let Some((start, end)) = next_tag(&value.text, at) {
                let tag = value.text[start + 1..end - 1].to_owned();
                if ignore.contains(&tag) {
                    at = end;
                    continue;
                }
                let option = || name.clone();
                if tag == *name || count.get(&tag).is_some_and(|&count| count > MOST) {
                    let option = option();
                    return Err(Why::TagLoop { option, tag }.at(&value.place));
                }
                let replacement = match values.get(&tag) {
                    Some(replacement) => Some(replacement.text.clone()),
                    None => other(&tag)?.map(|value| value.text),
                };
                let Some(replacement) = replacement else {
                    at = end;
                    continue;
                };
                let whole = &value.text[start..end];
                let times = value.text.matches(whole).count();
                let grown = value.text.len() + times * replacement.len();
                work += grown;
                if grown > 2 * LONGEST_VALUE || work > MOST_WORK {
                    let (option, limit) = (option(), LONGEST_VALUE);
                    return Err(Why::Explodes { option, limit }.at(&value.place));
                }
                let text = value.text.replace(whole, &replacement);
                changed |= text != value.text;
                value.text = text;
                *count.entry(tag).or_default() += 1;
                // Everything before it has been looked at; occurrences there were none.
                at = start;
            }
            if !value.text.contains('<') {
                done.insert(name.clone());
            }
            if changed {
                again |= next_tag(&value.text, 0).is_some();
                values.insert(name.clone(), value);
            }
        }
        if !again {
            return Ok(values);
        }
    }
}

/// Where the next tag begins and ends: `<`, at least one character that is none of `<`, `>` and
/// space, `>`.
fn next_tag(text: &str, from: usize) -> Option<(usize, usize)> {
    let mut open = None;
    for (at, byte) in text.bytes().enumerate().skip(from) {
        match (byte, open) {
            (b'<', _) => open = Some(at),
            (b'>', Some(start)) if at > start + 1 => return Some((start, at + 1)),
            (b'>' | b' ', _) => open = None,
            _ => {}
        }
    }
    None
}
