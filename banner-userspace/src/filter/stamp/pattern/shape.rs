//! What every match of a pattern has in common: by it most places of a line are passed over without
//! a try.

use super::{
    Node,
    before::Before,
    chars::is_digit,
    edge::{Edge, edge},
};

/// How many characters from the beginning of a match are looked at.
const LONG: usize = 16;

/// Places for each ASCII character, then for all other digits, then for all other characters.
type Places = [u16; OTHERS + 2];

/// How many ASCII characters there are.
const OTHERS: usize = 128;

/// The longest character, in bytes.
const WIDEST: usize = 4;

/// Any ASCII byte.
const ALL: u128 = u128::MAX;

/// What a match looks like.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// For each character, the places from the beginning on where it may stand.
    places: Box<Places>,
    /// How many bytes there are at least, up to [`LONG`].
    least: usize,
    /// What may stand before a match.
    before: Before,
    mark: Option<Mark>,
}

/// A byte that is in every match, between others.
#[derive(Clone, Debug)]
struct Mark {
    byte: u8,
    /// What may stand before and behind it.
    before: u128,
    behind: u128,
    /// How many characters from the beginning on it stands, at least and at most.
    from: usize,
    to: Option<usize>,
}

impl Shape {
    pub(super) fn new(node: &Node) -> Self {
        let mut places = Box::new([0; OTHERS + 2]);
        let ends = follow(node, 1, &mut places);
        let least = (ends.trailing_zeros() as usize).min(LONG);
        anything(ends, &mut places);
        Self {
            places,
            least,
            before: Before::of(node),
            mark: mark(node),
        }
    }

    /// Whether a match may begin in this place of `text`.
    pub(super) fn may_begin(&self, text: &str, at: usize) -> bool {
        let Some(rest) = text.get(at..) else {
            return false;
        };
        // Nearly always the first byte says that it may not.
        let first = match rest.as_bytes().first() {
            Some(byte) if byte.is_ascii() => self.places[usize::from(*byte)],
            Some(_) => self.places[OTHERS] | self.places[OTHERS + 1],
            None => 1,
        };
        first & 1 != 0 && self.follows(text, at) && self.fits(rest)
    }

    /// The same, as far as what stands before it says. In a run of digits most forms of stamps begin with the
    /// first digit or not at all.
    pub(super) fn follows(&self, text: &str, at: usize) -> bool {
        self.before.lets(text, at)
    }

    /// Whether a match may begin with `text`.
    pub(super) fn fits(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let mut at = 0;
        for place in 0..LONG {
            let places = match bytes.get(at) {
                None => break,
                Some(byte) if byte.is_ascii() => {
                    at += 1;
                    self.places[usize::from(*byte)]
                }
                Some(_) => {
                    let [digits, rest] = [self.places[OTHERS], self.places[OTHERS + 1]];
                    let Some(c) = (digits | rest)
                        .checked_shr(u32::try_from(place).unwrap_or_default())
                        .filter(|places| places & 1 != 0)
                        .and_then(|_| text[at..].chars().next())
                    else {
                        return false;
                    };
                    at += c.len_utf8();
                    if is_digit(c) { digits } else { rest }
                }
            };
            if places >> place & 1 == 0 {
                return false;
            }
        }
        bytes.len() >= self.least
    }

    /// The places, from `start` on, where a match may begin, as far as the mark says: what to ask with
    /// [`Shape::fits`], in order.
    pub(super) fn spans<'t>(&self, text: &'t [u8], start: usize) -> Spans<'_, 't> {
        Spans {
            mark: self.mark.as_ref(),
            text,
            next: start,
            at: start,
            ascii: None,
        }
    }
}

/// Ranges of places where a match may begin.
pub(super) struct Spans<'s, 't> {
    mark: Option<&'s Mark>,
    text: &'t [u8],
    /// The first place that was not named yet.
    next: usize,
    /// From where on marks are looked for.
    at: usize,
    ascii: Option<bool>,
}

impl Iterator for Spans<'_, '_> {
    type Item = (usize, usize);

    fn next(&mut self) -> Option<(usize, usize)> {
        let all = (self.next, self.text.len() + 1);
        let Some(mark) = self.mark else {
            self.next = all.1;
            return (all.0 < all.1).then_some(all);
        };
        loop {
            let at = self.at + memchr::memchr(mark.byte, self.text.get(self.at..)?)?;
            self.at = at + 1;
            let has = |set: u128, byte: Option<&u8>| {
                byte.is_none_or(|&byte| !byte.is_ascii() || set >> byte & 1 != 0)
            };
            let before = at.checked_sub(1).and_then(|before| self.text.get(before));
            if !has(mark.before, before) || !has(mark.behind, self.text.get(at + 1)) {
                continue;
            }
            // Characters are bytes where all are ASCII.
            let ascii = *self.ascii.get_or_insert_with(|| self.text.is_ascii());
            let (from, to) = match mark.to {
                Some(to) => {
                    let widest = if ascii { 1 } else { WIDEST };
                    let first = at.saturating_sub(to.saturating_mul(widest));
                    (first, (at + 1).saturating_sub(mark.from))
                }
                None => all,
            };
            let from = from.max(self.next);
            if from < to {
                self.next = to;
                return Some((from, to));
            }
            if self.next >= all.1 {
                return None;
            }
        }
    }
}

/// Notes where the bytes of `node` may stand when it begins at one of these places; where it ends.
fn follow(node: &Node, from: u16, places: &mut Places) -> u16 {
    if from == 0 {
        return 0;
    }
    match node {
        Node::Empty | Node::Look { .. } | Node::At(_) => from,
        Node::One(set) => {
            for (byte, places) in (0..).zip(places[..OTHERS].iter_mut()) {
                if set.has_ascii(byte) {
                    *places |= from;
                }
            }
            for (places, there) in places[OTHERS..].iter_mut().zip(set.others()) {
                if there {
                    *places |= from;
                }
            }
            from << 1
        }
        Node::Sequence(nodes) => nodes
            .iter()
            .fold(from, |from, node| follow(node, from, places)),
        Node::Either(nodes) => nodes
            .iter()
            .fold(0, |ends, node| ends | follow(node, from, places)),
        Node::Group(_, node) | Node::Atomic(node) => follow(node, from, places),
        Node::Repeat {
            node, least, most, ..
        } => {
            let (mut now, mut ends) = (from, 0);
            for turn in 0..=most.unwrap_or(u32::MAX) {
                if turn >= *least || turn > 40 {
                    ends |= now;
                }
                if now == 0 || turn > 40 {
                    break;
                }
                now = follow(node, now, places);
            }
            ends
        }
        Node::When(_, yes, no) => follow(yes, from, places) | follow(no, from, places),
        Node::Again(..) => anything(from, places),
    }
}

/// Lets anything stand from the first of these places on.
fn anything(from: u16, places: &mut Places) -> u16 {
    let behind = match from.trailing_zeros() {
        16.. => 0,
        first => u16::MAX << first,
    };
    for places in places {
        *places |= behind;
    }
    behind
}

/// The mark of a pattern: a colon if there is one, or else another sign.
fn mark(node: &Node) -> Option<Mark> {
    let mut nodes = Vec::new();
    flat(node, &mut nodes);
    let only = |node: &Node| match node {
        Node::One(set) => set.only(),
        _ => None,
    };
    let sign =
        |wanted: fn(u8) -> bool| nodes.iter().position(|node| only(node).is_some_and(wanted));
    let at = sign(|byte| byte == b':').or_else(|| sign(|byte| byte.is_ascii_punctuation()))?;
    let (mut from, mut to) = (0, Some(0));
    for node in &nodes[..at] {
        let (least, most) = widths(node);
        from += least;
        to = to
            .zip(most)
            .map(|(to, most): (usize, usize)| to.saturating_add(most));
    }
    Some(Mark {
        byte: only(nodes[at])?,
        before: beside(nodes[..at].iter().rev(), false),
        behind: beside(nodes[at + 1..].iter(), true),
        from,
        to,
    })
}

/// The nodes that every match takes, in order.
fn flat<'n>(node: &'n Node, nodes: &mut Vec<&'n Node>) {
    match node {
        Node::Sequence(inner) => inner.iter().for_each(|node| flat(node, nodes)),
        Node::Group(_, node) => flat(node, nodes),
        node => nodes.push(node),
    }
}

/// What may stand next to something, seen from there.
fn beside<'n>(mut nodes: impl Iterator<Item = &'n &'n Node>, ahead: bool) -> u128 {
    let mut found = Edge::default();
    if nodes.all(|node| edge(node, ahead, &mut found)) {
        ALL
    } else {
        found.ascii
    }
}

/// How many characters a node takes, at least and at most.
pub(super) fn widths(node: &Node) -> (usize, Option<usize>) {
    match node {
        Node::Empty | Node::Look { .. } | Node::At(_) => (0, Some(0)),
        Node::One(_) => (1, Some(1)),
        Node::Sequence(nodes) => nodes.iter().map(widths).fold((0, Some(0)), |sum, node| {
            let most = sum
                .1
                .zip(node.1)
                .map(|(sum, node)| sum.saturating_add(node));
            (sum.0.saturating_add(node.0), most)
        }),
        Node::Either(nodes) => either(nodes.iter()),
        Node::Group(_, node) | Node::Atomic(node) => widths(node),
        Node::Repeat {
            node, least, most, ..
        } => {
            let (fewest, longest) = widths(node);
            let most = longest
                .zip(*most)
                .map(|(long, most)| long.saturating_mul(most as usize));
            (fewest.saturating_mul(*least as usize), most)
        }
        Node::Again(..) => (0, None),
        Node::When(_, yes, no) => either([yes.as_ref(), no.as_ref()].into_iter()),
    }
}

fn either<'n>(nodes: impl Iterator<Item = &'n Node>) -> (usize, Option<usize>) {
    nodes
        .map(widths)
        .reduce(|one, other| {
            let most = one.1.zip(other.1).map(|(one, other)| one.max(other));
            (one.0.min(other.0), most)
        })
        .unwrap_or((0, Some(0)))
}
