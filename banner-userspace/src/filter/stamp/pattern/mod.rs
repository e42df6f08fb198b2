//! Patterns for stamps: regular expressions as Python's `re` (3.11) reads them.
//!
//! Stamp patterns are written for Python, are short, and are asked at a given position up to a
//! given end, with what stands before the position in view. No engine for Rust offers that, so
//! there is a small backtracking one here, with a bound on the work for one line.

mod before;
mod chars;
mod compile;
mod edge;
mod escape;
mod groups;
mod parse;
mod run;
mod shape;
#[cfg(test)]
mod tests;

pub(super) use chars::{digit, is_alphanumeric, is_space};
pub(super) use compile::Program;
pub(super) use run::Scratch;

use chars::Set;

/// Stands in a pattern's text for: not inside of a word to the left, as fail2ban sees it.
pub(super) const LEFT: char = '\u{10fff0}';
/// Stands in a pattern's text for: not inside of a word to the right.
pub(super) const RIGHT: char = '\u{10fff1}';

/// A parsed pattern.
#[derive(Clone, Debug)]
enum Node {
    Empty,
    One(Set),
    Sequence(Vec<Node>),
    Either(Vec<Node>),
    Group(usize, Box<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
        how: How,
    },
    Look {
        /// How many characters back; `None`: ahead.
        behind: Option<usize>,
        negate: bool,
        node: Box<Node>,
    },
    /// The text of a group again; `true`: whatever its case.
    Again(usize, bool),
    /// When a group took part, the first, or else the second.
    When(usize, Box<Node>, Box<Node>),
    Atomic(Box<Node>),
    At(At),
}

/// How often a repeat is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Greedy,
    Lazy,
    Possessive,
}

/// A condition on a position. Where it is about words, `true` stands for ASCII alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    LineStart,
    End,
    LineEnd,
    LastEnd,
    Boundary(bool),
    NoBoundary(bool),
    Left(bool),
    Right(bool),
}

/// A pattern with the names of its groups.
#[derive(Clone, Debug)]
struct Parsed {
    node: Node,
    groups: usize,
    /// In the order of the groups.
    names: Vec<(String, usize)>,
}
