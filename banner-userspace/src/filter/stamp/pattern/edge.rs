//! With what a part of a pattern can begin, or end.

use super::Node;

/// Characters with which something may begin or end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    /// A bit for each of ASCII.
    pub(super) ascii: u128,
    /// Whether others may that are digits, and others that are none.
    pub(super) others: [bool; 2],
}

impl Edge {
    /// Any character.
    pub(super) const ALL: Self = Self {
        ascii: u128::MAX,
        others: [true; 2],
    };

    /// Those of both.
    pub(super) fn and(self, other: Self) -> Self {
        let ([digits, rest], [more, others]) = (self.others, other.others);
        Self {
            ascii: self.ascii & other.ascii,
            others: [digits && more, rest && others],
        }
    }

    /// Those of either.
    pub(super) fn or(self, other: Self) -> Self {
        let ([digits, rest], [more, others]) = (self.others, other.others);
        Self {
            ascii: self.ascii | other.ascii,
            others: [digits || more, rest || others],
        }
    }
}

/// Adds the characters that `node` can begin with, or end with; whether it can be empty.
pub(super) fn edge(node: &Node, ahead: bool, found: &mut Edge) -> bool {
    match node {
        Node::Empty | Node::Look { .. } | Node::At(_) => true,
        Node::One(set) => {
            *found = found.or(Edge {
                ascii: set.ascii(),
                others: set.others(),
            });
            false
        }
        Node::Sequence(nodes) if ahead => nodes.iter().all(|node| edge(node, ahead, found)),
        Node::Sequence(nodes) => nodes.iter().rev().all(|node| edge(node, ahead, found)),
        Node::Either(nodes) => {
            let mut empty = false;
            for node in nodes {
                empty |= edge(node, ahead, found);
            }
            empty
        }
        Node::Group(_, node) | Node::Atomic(node) => edge(node, ahead, found),
        Node::Repeat { node, least, .. } => edge(node, ahead, found) || *least == 0,
        Node::Again(..) => {
            *found = Edge::ALL;
            true
        }
        Node::When(_, yes, no) => {
            let empty = edge(yes, ahead, found);
            edge(no, ahead, found) || empty
        }
    }
}
