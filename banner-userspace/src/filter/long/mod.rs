//! The groups of a pattern in long texts.
//!
//! Whether a linear pattern matches, and where, an automaton says at a nanosecond for each byte. To find
//! its groups as well, the engine of the `regex` crate follows all ways to match at once where a text
//! is too long for its backtracker, at hundreds of nanoseconds for each byte. A line of 16 KiB, which
//! anybody can have logged, took 10 ms then.
//!
//! Here a pattern is divided behind its last group with a name. Another automaton, from the end of the
//! match on, says in which places what stands behind matches. Then the ways through the first part are
//! tried in order, none twice in one place, until one ends in such a place. Steps are counted, and
//! there is a limit to them.

mod ends;
mod ops;
mod walk;
mod ways;

use regex_automata::Input;
use regex_syntax::hir::{Hir, HirKind};

use self::{ends::Ends, walk::Walk};
use super::{ascii::ascii, groups::Slots};

/// Texts up to this length, in bytes, are left to the `regex` crate: its backtracker has room for them.
pub(super) const LONG: usize = 1024;

/// Finds groups in long texts.
#[derive(Debug)]
pub(super) struct Long {
    /// For texts of ASCII, where the pattern is one for text: many times smaller.
    ascii: Option<Parts>,
    /// For any text.
    any: Option<Parts>,
}

/// The text is too long for the pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// A pattern in two parts.
#[derive(Debug)]
struct Parts {
    /// Up to the last group that is of interest.
    head: Walk,
    /// What stands behind; none: nothing.
    tail: Option<Ends>,
}

impl Long {
    /// For a pattern that is one for text (`unicode`) or for bytes.
    pub(super) fn new(pattern: &Hir, unicode: bool) -> Self {
        Self {
            ascii: unicode.then(|| Parts::new(&ascii(pattern), true)).flatten(),
            any: Parts::new(pattern, unicode),
        }
    }

    /// Finds the groups of a match that is known to stand where `input` says: all up to the last that
    /// has a name, or all where none has one.
    pub(super) fn search(&self, input: &Input<'_>, slots: &mut Slots) -> Result<bool, TooLong> {
        let parts = match &self.ascii {
            Some(parts) if is_ascii(input) => parts,
            _ => self.any.as_ref().ok_or(TooLong)?,
        };
        parts.search(input, slots)
    }
}

impl Parts {
    fn new(pattern: &Hir, unicode: bool) -> Option<Self> {
        let (head, tail) = divided(pattern);
        Some(Self {
            head: Walk::new(&head, unicode)?,
            tail: match tail {
                Some(tail) => Some(Ends::new(&tail, unicode)?),
                None => None,
            },
        })
    }

    fn search(&self, input: &Input<'_>, slots: &mut Slots) -> Result<bool, TooLong> {
        match &self.tail {
            None => {
                let end = input.end();
                self.head.search(input, &|at| at == end, slots)
            }
            Some(tail) => tail.with(input, |ends| {
                self.head.search(input, &|at| ends.contains(at), slots)
            })?,
        }
    }
}

/// A pattern up to its last group that is of interest, and what stands behind.
fn divided(pattern: &Hir) -> (Hir, Option<Hir>) {
    let HirKind::Concat(parts) = pattern.kind() else {
        return (pattern.clone(), None);
    };
    // Where no group has a name, all are asked for by their number.
    let named = last_group(pattern, true).is_some();
    let last = (parts.iter()).rposition(|part| last_group(part, named).is_some());
    let (head, tail) = parts.split_at(last.map_or(0, |last| last + 1));
    let tail = (!tail.is_empty()).then(|| Hir::concat(tail.to_vec()));
    (Hir::concat(head.to_vec()), tail)
}

/// The number of the last group, of those with a name if `named`.
fn last_group(pattern: &Hir, named: bool) -> Option<u32> {
    match pattern.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => None,
        HirKind::Repetition(repetition) => last_group(&repetition.sub, named),
        HirKind::Capture(capture) => {
            let counts = !named || capture.name.is_some();
            let own = counts.then_some(capture.index);
            own.max(last_group(&capture.sub, named))
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            (parts.iter().filter_map(|part| last_group(part, named))).max()
        }
    }
}

/// Whether the text is ASCII, with what a look at a boundary sees beside it.
fn is_ascii(input: &Input<'_>) -> bool {
    let (start, end) = (input.start().saturating_sub(1), input.end() + 1);
    let end = end.min(input.haystack().len());
    input.haystack()[start..end].is_ascii()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex_automata::{PatternID, meta::Regex, util::syntax};

    use super::*;

    /// Patterns with several ways to match, and texts that go each of them.
    const PATTERNS: [&str; 11] = [
        r"^(a+)(a*?)(b|ab)*(.*) (?P<host>\d+)$",
        r"(?P<id>\S+) .*(?i:err|fail)(.*?)(?P<n>\d+)(?:x|(y))?$",
        r"^(?:(\w+)=(?P<v>\S*) )*(?:end|.*?(\d))$",
        r"\b(?P<a>\w+)\b\W+(\w*)(é|e|.)?",
        r"^(?P<a>[^é]*)(é)?(.*)$",
        r"(k|ſ)+(?i:K|s)(?P<a>.*?)([[:alpha:]]|\d)$",
        r"^(?P<a>.*)(?:a|(b))(.*?)$",
        r"((?:a|b|ab)+)(b?)(.*)",
        r"^(.*?)(?P<a>a|ab)(?:b?c|.* (?:err|x))",
        r"(?P<a>a*)\b(?:a|b)(?:=|$)",
        r"^[ab]*.*$",
    ];

    fn check(text: &str) {
        for pattern in PATTERNS {
            for unicode in [true, false] {
                let config = syntax::Config::new().unicode(unicode).utf8(unicode);
                let Ok(hir) = syntax::parse_with(pattern, &config) else {
                    // Classes of other characters than bytes are for text.
                    assert!(!unicode && pattern.contains('é'));
                    continue;
                };
                let regex = Regex::builder()
                    .configure(Regex::config().utf8_empty(unicode))
                    .build_from_hir(&hir)
                    .unwrap();
                let count = regex.group_info().slot_len();
                let mut wanted: Slots = vec![None; count];
                let matched = regex.search_slots(&Input::new(text), &mut wanted);
                let Some(found) = regex.search(&Input::new(text)) else {
                    assert_eq!(matched, None);
                    continue;
                };
                let mut slots: Slots = vec![None; count];
                let input = Input::new(text).span(found.range());
                let long = Long::new(&hir, unicode);
                let said = long.search(&input, &mut slots);
                if said.is_err() {
                    // Only text that is not ASCII may be too much, and only for words.
                    assert!(unicode && !text.is_ascii(), "{pattern} on {text:?}");
                    continue;
                }
                assert_eq!(said, Ok(true), "{pattern} on {text:?}");
                let named = regex.group_info().pattern_names(PatternID::ZERO);
                for (group, name) in named.enumerate() {
                    let (_, tail) = divided(&hir);
                    if group == 0 || name.is_some() || tail.is_none() {
                        let of = |slots: &Slots| [slots[group * 2], slots[group * 2 + 1]];
                        assert_eq!(of(&slots), of(&wanted), "{pattern} on {text:?}: {group}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_groups_are_those_of_the_regex_crate(
            text in r"(?:a|b|ab|=| |é|k|ſ|K|err|FAIL|[0-9]|\n|x|y|end){0,40}",
        ) {
            check(&text);
        }

        #[test]
        fn so_are_those_in_ascii(text in r"(?:a|b|c|ab|=| |k|K|s|err|FAIL|[0-9]|\n|x|y|end){0,40}") {
            check(&text);
        }
    }

    #[test]
    fn what_takes_too_many_steps_is_too_long() {
        let config = syntax::Config::new().unicode(false).utf8(false);
        // Every state in every place is tried, because what has to follow never does.
        let pattern = format!("^(?:{})*(?P<host>c)|a*c$", "a?".repeat(40));
        let hir = syntax::parse_with(&pattern, &config).unwrap();
        let long = Long::new(&hir, false);
        let search = |length| {
            let text = "a".repeat(length) + "c";
            long.search(&Input::new(&text), &mut vec![None; 4])
        };
        assert_eq!(search(1000), Ok(true));
        assert_eq!(search(150_000), Err(TooLong));
    }
}
