//! YAML text with positions.
//!
//! The parser's own tree has no positions, but its errors have. So the tree here numbers its nodes
//! in the order of one walk ([`walk`]), and the position of node `n` is found by walking the text
//! again and failing on purpose at the `n`th step. One parser, one walk, and a configuration
//! without problems pays nothing for it.

mod node;
mod syntax;
mod walk;

pub(crate) use node::{FileId, Key, Kind, Located, Node, Spot, shortened};
pub(crate) use syntax::{SyntaxError, decode};
pub(crate) use walk::{locate, parse};

/// A point in a text; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    pub(crate) line: usize,
    pub(crate) column: usize,
}
