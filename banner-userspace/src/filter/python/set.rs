//! Sets of characters, as Python's `re` understands them.

use std::{
    fmt,
    sync::{Arc, LazyLock},
};

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange, HirKind};

/// A set of characters.
#[derive(Clone, PartialEq)]
pub(super) struct Set(Arc<ClassUnicode>);

static WORD: LazyLock<ClassUnicode> = LazyLock::new(|| class(r"[\p{L}\p{N}_]"));
static DIGIT: LazyLock<ClassUnicode> = LazyLock::new(|| class(r"\d"));
static SPACE: LazyLock<ClassUnicode> = LazyLock::new(|| class(r"[\s\x1c-\x1f]"));

/// Where `regex` and Python do not agree on what is part of a word.
static DOUBTFUL: LazyLock<ClassUnicode> = LazyLock::new(|| {
    let mut doubtful = class(r"\w");
    doubtful.symmetric_difference(&WORD);
    doubtful
});

/// The sets that have a short name in the syntax of the `regex` crate.
static NAMED: [(&LazyLock<ClassUnicode>, &str); 3] = [
    (&WORD, r"\p{L}\p{N}_"),
    (&SPACE, r"\s\x1c-\x1f"),
    (&DIGIT, r"\d"),
];

/// A set with more ranges than this is written with names, if it can be.
const FEW: usize = 12;

/// The set that this class of the `regex` crate is; the class is one of ours.
fn class(text: &str) -> ClassUnicode {
    match regex_syntax::parse(text).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(regex_syntax::hir::Class::Unicode(class))) => class,
        other => unreachable!("{text} is a class: {other:?}"),
    }
}

impl Set {
    /// Letters, digits (all that are numbers) and `_`.
    pub(super) fn word() -> Self {
        Self(Arc::new(WORD.clone()))
    }

    /// Decimal digits.
    pub(super) fn digit() -> Self {
        Self(Arc::new(DIGIT.clone()))
    }

    /// White space.
    pub(super) fn space() -> Self {
        Self(Arc::new(SPACE.clone()))
    }

    /// What is part of a word for one of `regex` and Python only.
    pub(super) fn doubtful() -> Self {
        Self(Arc::new(DOUBTFUL.clone()))
    }

    /// A single character.
    pub(super) fn one(char: char) -> Self {
        Self::ranges([(char, char)])
    }

    /// These ranges, both ends included.
    pub(super) fn ranges(ranges: impl IntoIterator<Item = (char, char)>) -> Self {
        let ranges = ranges.into_iter();
        Self(Arc::new(ClassUnicode::new(
            ranges.map(|(low, high)| ClassUnicodeRange::new(low, high)),
        )))
    }

    /// Every character but `\n`.
    pub(super) fn dot() -> Self {
        Self::one('\n').not()
    }

    /// Every character.
    pub(super) fn any() -> Self {
        Self::ranges([]).not()
    }

    /// What is not in it.
    pub(super) fn not(&self) -> Self {
        let mut class = (*self.0).clone();
        class.negate();
        Self(Arc::new(class))
    }

    /// What is in either.
    pub(super) fn or(&self, other: &Self) -> Self {
        let mut class = (*self.0).clone();
        class.union(&other.0);
        Self(Arc::new(class))
    }

    /// What is in both.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut class = (*self.0).clone();
        class.intersect(&other.0);
        Self(Arc::new(class))
    }

    /// What is in this one only.
    pub(super) fn without(&self, other: &Self) -> Self {
        let mut class = (*self.0).clone();
        class.difference(&other.0);
        Self(Arc::new(class))
    }

    /// Whether nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.ranges().is_empty()
    }

    /// Whether nothing is in both.
    pub(super) fn is_apart_from(&self, other: &Self) -> bool {
        self.and(other).is_empty()
    }

    /// Whether all of it is in the other.
    pub(super) fn is_within(&self, other: &Self) -> bool {
        self.without(other).is_empty()
    }

    /// Its ranges in order, both ends included.
    pub(super) fn iter(&self) -> impl Iterator<Item = (char, char)> {
        self.0.iter().map(|range| (range.start(), range.end()))
    }

    /// Its only character, if there is but one.
    pub(super) fn single(&self) -> Option<char> {
        match self.0.ranges() {
            [one] if one.start() == one.end() => Some(one.start()),
            _ => None,
        }
    }

    /// Appends it in the syntax of the `regex` crate.
    pub(super) fn print(&self, out: &mut String) {
        if let Some(char) = self.single() {
            return escape(char, out);
        }
        if *self == Self::dot() {
            return out.push('.');
        }
        if *self == Self::any() {
            return out.push_str(r"(?s:.)");
        }
        if self.is_empty() {
            return out.push_str(r"[^\x00-\x{10FFFF}]");
        }
        let not = self.not();
        let named = self.named(false).into_iter().chain(not.named(true));
        let plain = [items(self), format!("^{}", items(&not))];
        let shortest = named.chain(plain).min_by_key(String::len);
        out.push('[');
        out.push_str(&shortest.unwrap_or_default());
        out.push(']');
    }

    /// What stands between the brackets, where a named set is most of it.
    fn named(&self, negated: bool) -> Option<String> {
        if self.0.ranges().len() <= FEW / 2 {
            return None;
        }
        let ways = NAMED.iter().filter_map(|(named, name)| {
            let named = Set(Arc::new((**named).clone()));
            let (more, less) = (self.without(&named), named.without(self));
            if more.0.ranges().len() + less.0.ranges().len() > FEW {
                return None;
            }
            let caret = if negated { "^" } else { "" };
            let more = items(&more);
            if less.is_empty() {
                return Some(format!("{caret}{name}{more}"));
            }
            // The set operation takes everything to its left.
            Some(format!("{caret}{name}{more}--[{}]", items(&less)))
        });
        ways.min_by_key(String::len)
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.print(&mut text);
        to.write_str(&text)
    }
}

/// The ranges as they stand between brackets.
fn items(set: &Set) -> String {
    let mut out = String::new();
    for (low, high) in set.iter() {
        escape(low, &mut out);
        if high > low {
            if u32::from(high) > u32::from(low) + 1 {
                out.push('-');
            }
            escape(high, &mut out);
        }
    }
    out
}

/// Appends a character so that it means itself, in brackets and outside.
pub(super) fn escape(char: char, out: &mut String) {
    match char {
        '\n' => out.push_str(r"\n"),
        '\t' => out.push_str(r"\t"),
        '\r' => out.push_str(r"\r"),
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
        | '#' | '&' | '-' | '~' => {
            out.push('\\');
            out.push(char);
        }
        ' '..='~' => out.push(char),
        _ if char.is_alphanumeric() => out.push(char),
        _ => {
            let code = u32::from(char);
            let code = if char.is_ascii() {
                format!(r"\x{code:02x}")
            } else {
                format!(r"\x{{{code:x}}}")
            };
            out.push_str(&code);
        }
    }
}
