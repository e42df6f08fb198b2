//! Which of several patterns may match a text, in one pass over it.

use regex_automata::{Input, MatchKind, PatternSet, meta::Regex};
use regex_syntax::hir::Hir;

use super::{linear::Linear, long::LONG, matcher::Matcher};

/// Fewer patterns are tried one by one.
const FEW: usize = 3;

/// Several patterns together.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    kind: Kind,
    patterns: usize,
    /// Some pattern asks where words of text begin and end, which the automaton cannot tell of text that
    /// is not ASCII.
    words: bool,
    /// Indexes of the linear patterns, in order, and those of the others.
    linear: Vec<usize>,
    others: Vec<usize>,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Any may match.
    Unknown,
    /// All are linear and begin where the text does: the first that matches is found.
    First(Linear),
    /// All that match are found.
    Every(Linear),
}

/// What is left to try for one text.
pub(super) enum Left<'c> {
    /// This one, which matches, and those behind it.
    Sure(usize),
    /// This one and those behind it.
    From(usize),
    /// Those in the set, and those that cannot be told.
    Set(&'c Choice, PatternSet, usize),
}

impl Choice {
    pub(super) fn new<'m>(matchers: impl Iterator<Item = &'m Matcher>) -> Self {
        let matchers: Vec<&Matcher> = matchers.collect();
        let indexes = |linear: bool| {
            let of_kind = matchers.iter().enumerate();
            of_kind.filter_map(move |(n, matcher)| (matcher.hir().is_some() == linear).then_some(n))
        };
        let linear: Vec<usize> = indexes(true).collect();
        let others: Vec<usize> = indexes(false).collect();
        let hirs: Vec<_> = matchers
            .iter()
            .filter_map(|matcher| matcher.hir())
            .collect();
        let first = others.is_empty() && matchers.iter().all(|matcher| matcher.is_anchored());
        let kind = if hirs.len() < FEW {
            Kind::Unknown
        } else {
            let kind = if first {
                MatchKind::LeftmostFirst
            } else {
                MatchKind::All
            };
            let config = Regex::config().match_kind(kind).utf8_empty(false);
            let unicode = matchers.iter().any(|matcher| matcher.is_for_text());
            let built = Linear::new(&hirs, unicode, &Linear::without_groups(config));
            match built {
                Ok(regex) if first => Kind::First(regex),
                Ok(regex) => Kind::Every(regex),
                Err(_) => Kind::Unknown,
            }
        };
        let looks = |hir: &&Hir| hir.properties().look_set().contains_word_unicode();
        Self {
            words: hirs.iter().any(looks),
            kind,
            patterns: matchers.len(),
            linear,
            others,
        }
    }

    /// The patterns that may match `text`.
    pub(super) fn ask(&self, text: &[u8]) -> Left<'_> {
        match &self.kind {
            Kind::Unknown => Left::From(0),
            // Each says for itself that it gives up.
            Kind::First(_) | Kind::Every(_) if self.words && is_long(text) => Left::From(0),
            Kind::First(regex) => {
                let found = regex.of(text).search_half(&Input::new(text));
                let first = found.map(|found| found.pattern().as_usize());
                first.map_or(Left::From(self.patterns), Left::Sure)
            }
            Kind::Every(regex) => {
                let regex = regex.of(text);
                let mut set = PatternSet::new(regex.pattern_len());
                regex.which_overlapping_matches(&Input::new(text), &mut set);
                Left::Set(self, set, 0)
            }
        }
    }
}

fn is_long(text: &[u8]) -> bool {
    text.len() > LONG && !text.is_ascii()
}

impl Left<'_> {
    /// The next pattern to try.
    pub(super) fn next(&mut self, patterns: usize) -> Option<usize> {
        match self {
            Self::Sure(this) => {
                let this = *this;
                *self = Self::From(this + 1);
                Some(this)
            }
            Self::From(next) => {
                let this = *next;
                *next += 1;
                (this < patterns).then_some(this)
            }
            Self::Set(choice, set, from) => {
                let linear = (set.iter())
                    .filter_map(|id| choice.linear.get(id.as_usize()).copied())
                    .find(|n| n >= from);
                let other = choice.others.iter().copied().find(|n| n >= from);
                let this = match (linear, other) {
                    (Some(one), Some(other)) => one.min(other),
                    (one, other) => one.or(other)?,
                };
                *from = this + 1;
                Some(this)
            }
        }
    }
}
