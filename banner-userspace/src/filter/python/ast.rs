//! What a pattern says, once its syntax is understood. Flags are resolved: a letter under `(?i)` is
//! the set of all its forms, `.` is a set, `$` is one of its two meanings.

use super::set::Set;

/// A pattern or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    /// Matches nothing, everywhere.
    Empty,
    /// One character out of a set.
    Set(Set),
    /// One after the other.
    Seq(Vec<Node>),
    /// The first of these that leads to a match.
    Alt(Vec<Node>),
    /// A group that captures, with Python's number of it.
    Group(usize, Box<Node>),
    /// Something many times.
    Repeat(Repeat),
    /// A place in the text.
    Anchor(Anchor),
    /// What a group holds, once more.
    Back {
        /// Its number.
        group: usize,
        /// How letters compare.
        case: Case,
        /// Where this stands in the pattern.
        at: usize,
    },
    /// `yes` if a group took part, `no` otherwise.
    If {
        /// Its number.
        group: usize,
        /// What to match then.
        yes: Box<Node>,
        /// What to match otherwise.
        no: Box<Node>,
        /// Where this stands in the pattern.
        at: usize,
    },
    /// Looks around and takes nothing.
    Look {
        /// Forward, or back.
        ahead: bool,
        /// Must not match.
        negative: bool,
        /// What is looked for.
        node: Box<Node>,
        /// Where this stands in the pattern.
        at: usize,
    },
    /// At the end of a pattern: what is matched, but does not belong to the match.
    Beyond(Box<Node>),
    /// Once matched, never tried in another way.
    Atomic(Box<Node>, usize),
}

/// Something many times.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Repeat {
    /// How often at least.
    pub(super) min: u32,
    /// How often at most; none: without end.
    pub(super) max: Option<u32>,
    /// Which count is tried first.
    pub(super) greed: Greed,
    /// What.
    pub(super) node: Box<Node>,
    /// Where the count stands in the pattern.
    pub(super) at: usize,
}

/// Which count of a repetition is tried first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greed {
    /// The most.
    Greedy,
    /// The fewest.
    Lazy,
    /// The most, and no other.
    Possessive,
}

/// How a back-reference compares letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// Exactly.
    Exact,
    /// Upper and lower case of ASCII letters are the same.
    Ascii,
    /// Upper and lower case are the same.
    Unicode,
}

/// A place in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The beginning of the text.
    TextStart,
    /// The beginning of a line.
    LineStart,
    /// The end of the text, or before a line break that ends it.
    TextEndOrBreak,
    /// The end of a line.
    LineEnd,
    /// The end of the text.
    TextEnd,
    /// Between a word and what is none.
    Word(WordKind),
    /// Not there.
    NotWord(WordKind),
}

/// What a word is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordKind {
    /// Letters and digits of all scripts, and `_`.
    Unicode,
    /// Those of ASCII.
    Ascii,
    /// What `regex` takes for one; used where it makes no difference.
    Rust,
}

impl WordKind {
    /// The characters of words.
    pub(super) fn set(self) -> Set {
        match self {
            WordKind::Unicode | WordKind::Rust => Set::word(),
            WordKind::Ascii => Set::ranges([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        }
    }
}

impl Node {
    /// The parts of this node.
    pub(super) fn children(&self) -> Vec<&Node> {
        match self {
            Node::Empty | Node::Set(_) | Node::Anchor(_) | Node::Back { .. } => Vec::new(),
            Node::Seq(nodes) | Node::Alt(nodes) => nodes.iter().collect(),
            Node::Group(_, node)
            | Node::Look { node, .. }
            | Node::Atomic(node, _)
            | Node::Beyond(node) => vec![node],
            Node::Repeat(repeat) => vec![&repeat.node],
            Node::If { yes, no, .. } => vec![yes, no],
        }
    }

    /// Whether this node or a part of it is such a one.
    pub(super) fn any(&self, is: &mut dyn FnMut(&Node) -> bool) -> bool {
        is(self) || self.children().into_iter().any(|child| child.any(is))
    }

    /// How many nodes there are.
    pub(super) fn size(&self) -> usize {
        1 + self.children().into_iter().map(Node::size).sum::<usize>()
    }

    /// A sequence, flat.
    pub(super) fn seq(nodes: Vec<Node>) -> Node {
        let mut flat = Vec::with_capacity(nodes.len());
        for node in nodes {
            match node {
                Node::Empty => {}
                Node::Seq(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Node::Empty,
            1 => flat.remove(0),
            _ => Node::Seq(flat),
        }
    }

    /// The fewest and the most characters that it takes; `widths` are those of the groups. The
    /// most saturates.
    pub(super) fn width(&self, widths: &[Option<(u64, u64)>]) -> (u64, u64) {
        match self {
            Node::Empty | Node::Anchor(_) | Node::Look { .. } | Node::Beyond(_) => (0, 0),
            Node::Set(_) => (1, 1),
            Node::Seq(nodes) => nodes.iter().fold((0, 0), |(low, high), node| {
                let (least, most) = node.width(widths);
                (
                    u64::saturating_add(low, least),
                    u64::saturating_add(high, most),
                )
            }),
            Node::Alt(nodes) => either(nodes.iter().map(|node| node.width(widths))),
            Node::Group(_, node) | Node::Atomic(node, _) => node.width(widths),
            Node::Repeat(repeat) => {
                let (low, high) = repeat.node.width(widths);
                let most = match repeat.max {
                    None if high > 0 => u64::MAX,
                    None => 0,
                    Some(max) => high.saturating_mul(u64::from(max)),
                };
                (low.saturating_mul(u64::from(repeat.min)), most)
            }
            Node::Back { group, .. } => widths.get(*group).copied().flatten().unwrap_or((0, 0)),
            Node::If { yes, no, .. } => either([yes.width(widths), no.width(widths)].into_iter()),
        }
    }
}

fn either(widths: impl Iterator<Item = (u64, u64)>) -> (u64, u64) {
    widths
        .reduce(|(low, high), (least, most)| (low.min(least), high.max(most)))
        .unwrap_or((0, 0))
}
