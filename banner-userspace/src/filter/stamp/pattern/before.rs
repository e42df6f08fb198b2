//! What may stand before a match.

use super::{
    At, Node,
    chars::is_digit,
    edge::{Edge, edge},
    shape::widths,
};

/// What may stand before something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Before {
    /// Nothing: the text begins there.
    start: bool,
    /// These characters.
    characters: Edge,
}

impl Before {
    const ANYTHING: Self = Self {
        start: true,
        characters: Edge::ALL,
    };
    const NOTHING: Self = Self {
        start: true,
        characters: Edge {
            ascii: 0,
            others: [false; 2],
        },
    };

    /// What may stand before a pattern.
    pub(super) fn of(node: &Node) -> Self {
        Self::of_several(std::slice::from_ref(node), None)
    }

    /// What may stand before nodes, one behind the other, that these follow.
    fn of_several(nodes: &[Node], then: Option<&Then<'_>>) -> Self {
        let mut before = Self::ANYTHING;
        for (at, node) in nodes.iter().enumerate() {
            let then = Then {
                nodes: &nodes[at + 1..],
                then,
            };
            before = before.and(Self::of_one(node, &then));
            if widths(node) != (0, Some(0)) {
                break;
            }
        }
        before
    }

    /// What may stand before a node that these follow.
    fn of_one(node: &Node, then: &Then<'_>) -> Self {
        match node {
            Node::Group(_, node) | Node::Atomic(node) => Self::of_one(node, then),
            Node::Sequence(nodes) => Self::of_several(nodes, Some(then)),
            Node::Either(nodes) => (nodes.iter())
                .map(|node| Self::of_one(node, then))
                .reduce(Self::or)
                .unwrap_or(Self::ANYTHING),
            Node::Look {
                behind: Some(1..),
                negate: false,
                node,
            } => {
                let mut characters = Edge::default();
                if edge(node, false, &mut characters) {
                    return Self::ANYTHING;
                }
                Self {
                    start: false,
                    characters,
                }
            }
            Node::At(At::Start) => Self::NOTHING,
            // Where a word goes on, none begins.
            Node::At(At::Left(ascii) | At::Boundary(ascii)) if then.is_word(*ascii) => Self {
                start: true,
                characters: Edge {
                    ascii: !WORD,
                    others: [*ascii, true],
                },
            },
            _ => Self::ANYTHING,
        }
    }

    fn and(self, other: Self) -> Self {
        Self {
            start: self.start && other.start,
            characters: self.characters.and(other.characters),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            start: self.start || other.start,
            characters: self.characters.or(other.characters),
        }
    }

    /// Whether what stands before this place is such.
    pub(super) fn lets(&self, text: &str, at: usize) -> bool {
        let Some(byte) = at.checked_sub(1).and_then(|at| text.as_bytes().get(at)) else {
            return self.start;
        };
        if byte.is_ascii() {
            return self.characters.ascii >> byte & 1 != 0;
        }
        let [digits, rest] = self.characters.others;
        if digits == rest {
            return digits;
        }
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| if is_digit(c) { digits } else { rest })
    }
}

/// The ASCII characters of words.
const WORD: u128 = {
    let mut word = 0;
    let mut byte = 0_u8;
    while byte < 128 {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            word |= 1 << byte;
        }
        byte += 1;
    }
    word
};

/// What follows a node.
struct Then<'n> {
    nodes: &'n [Node],
    then: Option<&'n Then<'n>>,
}

impl Then<'_> {
    /// Whether it takes something, and what it begins with is part of a word for certain. Of characters
    /// that are not ASCII this is known of digits.
    fn is_word(&self, ascii: bool) -> bool {
        let mut first = Edge::default();
        let mut parts = std::iter::successors(Some(self), |then| then.then);
        let empty = parts.all(|part| part.nodes.iter().all(|node| edge(node, true, &mut first)));
        if empty || first.ascii & !WORD != 0 {
            return false;
        }
        match first.others {
            [_, true] => false,
            [digits, false] => !(digits && ascii),
        }
    }
}
