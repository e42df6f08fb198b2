//! Finds the few lines that any of several filters has to look at.
//!
//! From every filter come the literals of which a failure must contain one. All of them are
//! searched at once over whole buffers; a line without any is no failure for any filter, and is
//! not even split off. A filter with a pattern that has no literal looks at every line.

mod literal;

use std::ops::Range;

use aho_corasick::{
    AhoCorasick, AhoCorasickKind, Input, MatchKind, Span,
    packed::{self, Searcher},
};

pub(super) use self::literal::{Pattern, Pieces, Required, better, required};
use super::Filter;

/// Finds the lines that some of its filters have to look at.
#[derive(Debug)]
pub struct Sieve {
    engine: Engine,
    /// For each literal the filters that want a line with it.
    wanted: Vec<Wanted>,
    /// Those that want every line.
    always: Wanted,
    all: Wanted,
}

#[derive(Debug)]
enum Engine {
    /// There is nothing to look for.
    None,
    /// Few literals: many bytes at a time.
    Packed(Box<Searcher>),
    Automaton(Box<AhoCorasick>),
}

/// A set of filters, by their index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted(Vec<u64>);

impl Wanted {
    fn none(filters: usize) -> Self {
        Self(vec![0; filters.div_ceil(64)])
    }

    fn insert(&mut self, filter: usize) {
        if let Some(word) = self.0.get_mut(filter / 64) {
            *word |= 1 << (filter % 64);
        }
    }

    fn add(&mut self, other: &Self) {
        for (word, more) in self.0.iter_mut().zip(&other.0) {
            *word |= more;
        }
    }

    fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether a filter is in it.
    pub fn contains(&self, filter: usize) -> bool {
        (self.0.get(filter / 64)).is_some_and(|word| word >> (filter % 64) & 1 == 1)
    }

    /// The filters, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(n, &word)| {
            let rest = move |word: u64| (word != 0).then_some(word);
            std::iter::successors(rest(word), move |word| rest(word & (word - 1)))
                .map(move |word| n * 64 + word.trailing_zeros() as usize)
        })
    }
}

impl Sieve {
    /// For these filters, by their place.
    pub fn new<'f>(filters: impl IntoIterator<Item = &'f Filter>) -> Self {
        let filters: Vec<&Filter> = filters.into_iter().collect();
        let none = Wanted::none(filters.len());
        let mut literals: Vec<(&[u8], Wanted)> = Vec::new();
        let (mut always, mut all) = (none.clone(), none.clone());
        for (n, filter) in filters.iter().enumerate() {
            all.insert(n);
            let Some(required) = &filter.required else {
                always.insert(n);
                continue;
            };
            for text in required {
                let at = literals.iter().position(|(known, _)| known == text);
                let at = at.unwrap_or_else(|| {
                    literals.push((text, none.clone()));
                    literals.len() - 1
                });
                literals[at].1.insert(n);
            }
        }
        // Of several that begin in one place the longest is found. Those that it begins with are
        // found with it.
        let mut wanted: Vec<Wanted> = literals.iter().map(|(_, wanted)| wanted.clone()).collect();
        for (n, (text, _)) in literals.iter().enumerate() {
            for (other, of_other) in &literals {
                if text.starts_with(other) {
                    wanted[n].add(of_other);
                }
            }
        }
        let texts: Vec<&[u8]> = literals.iter().map(|(text, _)| *text).collect();
        Self {
            engine: engine(&texts),
            wanted,
            always,
            all,
        }
    }

    /// Calls `each` for every line of `bytes` that some filter has to look at, in order, without its
    /// line break. `bytes` is whole lines; the last may be without a line break.
    pub fn lines<'b>(&self, bytes: &'b [u8], mut each: impl FnMut(&'b [u8], &Wanted)) {
        let mut wanted = self.always.clone();
        let every = !self.always.is_empty();
        let mut from = 0;
        let mut next = self.find(bytes, 0);
        while from < bytes.len() {
            let start = match &next {
                _ if every => from,
                None => return,
                Some((at, _)) => {
                    let before = memchr::memrchr(b'\n', &bytes[from..at.start]);
                    before.map_or(from, |end| from + end + 1)
                }
            };
            let search_from = next.as_ref().map_or(start, |(at, _)| at.start).max(start);
            let end = if every { start } else { search_from };
            let end = memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len(), |at| end + at);
            wanted.0.clone_from(&self.always.0);
            while let Some((at, literal)) = &next {
                if at.start >= end {
                    break;
                }
                wanted.add(&self.wanted[*literal]);
                let resume = if wanted == self.all {
                    end
                } else {
                    at.start + 1
                };
                next = self.find(bytes, resume);
            }
            if !wanted.is_empty() {
                each(&bytes[start..end], &wanted);
            }
            from = end + 1;
        }
    }

    fn find(&self, bytes: &[u8], from: usize) -> Option<(Range<usize>, usize)> {
        let found = match &self.engine {
            Engine::None => None,
            Engine::Packed(searcher) => {
                let span = Span {
                    start: from,
                    end: bytes.len(),
                };
                searcher.find_in(bytes, span)
            }
            Engine::Automaton(automaton) => automaton.find(Input::new(bytes).range(from..)),
        }?;
        Some((found.range(), found.pattern().as_usize()))
    }
}

fn engine(texts: &[&[u8]]) -> Engine {
    if texts.is_empty() {
        return Engine::None;
    }
    let packed = packed::Config::new()
        .match_kind(packed::MatchKind::LeftmostLongest)
        .builder()
        .extend(texts)
        .build();
    if let Some(searcher) = packed {
        return Engine::Packed(Box::new(searcher));
    }
    let build = |kind| {
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(kind)
            .build(texts)
    };
    build(Some(AhoCorasickKind::DFA))
        .or_else(|_| build(None))
        .map_or(Engine::None, |automaton| {
            Engine::Automaton(Box::new(automaton))
        })
}
