//! What may stand before and behind a place in a pattern.

use crate::filter::python::{
    ast::{Anchor, Node, Repeat},
    set::Set,
};

/// Words, each a set of characters at every place. A text begins with one of them, or does not.
pub(super) type Words = Vec<Vec<Set>>;

/// What follows a place: nodes, then more of them; at the end anything.
#[derive(Clone, Copy)]
pub(super) struct Next<'n> {
    /// These first.
    pub(super) nodes: &'n [Node],
    /// Then these.
    pub(super) then: Option<&'n Next<'n>>,
}

/// How many steps an answer may take; then it is "perhaps".
const FUEL: usize = 2000;

impl Next<'_> {
    /// Whether what follows may begin with that word.
    pub(super) fn may_be(&self, word: &[Set]) -> bool {
        may_be(word, self.nodes, self.then, &mut { FUEL })
    }

    /// Whether what follows begins with that word if the pattern matches at all.
    pub(super) fn must_be(&self, word: &[Set]) -> bool {
        must_be(word, self.nodes, self.then, &mut { FUEL })
    }

    /// Whether the pattern ends here.
    pub(super) fn is_end(&self) -> bool {
        self.nodes.is_empty() && self.then.is_none_or(Next::is_end)
    }

    /// Whether something must still be taken.
    pub(super) fn takes(&self) -> bool {
        let takes = |node: &Node| !nullable(node);
        self.nodes.iter().any(takes) || self.then.is_some_and(Next::takes)
    }
}

fn may_be(word: &[Set], nodes: &[Node], then: Option<&Next<'_>>, fuel: &mut usize) -> bool {
    let Some((first, others)) = word.split_first() else {
        return true;
    };
    if *fuel == 0 {
        return true;
    }
    *fuel -= 1;
    let Some((node, rest)) = nodes.split_first() else {
        return then.is_none_or(|then| may_be(word, then.nodes, then.then, fuel));
    };
    let after = Next { nodes: rest, then };
    match node {
        Node::Set(set) => !set.is_apart_from(first) && may_be(others, rest, then, fuel),
        Node::Seq(nodes) => may_be(word, nodes, Some(&after), fuel),
        Node::Alt(nodes) => {
            let mut ways = nodes.iter();
            ways.any(|node| may_be(word, std::slice::from_ref(node), Some(&after), fuel))
        }
        Node::Group(_, node) | Node::Atomic(node, _) => {
            may_be(word, std::slice::from_ref(node), Some(&after), fuel)
        }
        Node::Repeat(repeat) => {
            (repeat.min == 0 && may_be(word, rest, then, fuel)) || {
                *fuel = fuel.saturating_sub(repeat.node.size());
                let again = [again(repeat)];
                let again = Next {
                    nodes: &again,
                    then: Some(&after),
                };
                may_be(word, std::slice::from_ref(&repeat.node), Some(&again), fuel)
            }
        }
        Node::Anchor(Anchor::TextEnd) => false,
        Node::Anchor(Anchor::TextEndOrBreak | Anchor::LineEnd) => {
            !first.is_apart_from(&Set::one('\n'))
        }
        Node::Empty | Node::Anchor(_) | Node::Look { .. } => may_be(word, rest, then, fuel),
        Node::Back { .. } | Node::If { .. } | Node::Beyond(_) => true,
    }
}

fn must_be(word: &[Set], nodes: &[Node], then: Option<&Next<'_>>, fuel: &mut usize) -> bool {
    let Some((first, others)) = word.split_first() else {
        return true;
    };
    if *fuel == 0 {
        return false;
    }
    *fuel -= 1;
    let Some((node, rest)) = nodes.split_first() else {
        return then.is_some_and(|then| must_be(word, then.nodes, then.then, fuel));
    };
    let after = Next { nodes: rest, then };
    match node {
        Node::Set(set) => set.is_within(first) && must_be(others, rest, then, fuel),
        Node::Seq(nodes) => must_be(word, nodes, Some(&after), fuel),
        Node::Alt(nodes) => {
            let mut ways = nodes.iter();
            ways.all(|node| must_be(word, std::slice::from_ref(node), Some(&after), fuel))
        }
        Node::Group(_, node) | Node::Atomic(node, _) => {
            must_be(word, std::slice::from_ref(node), Some(&after), fuel)
        }
        Node::Repeat(repeat) => {
            (repeat.min > 0 || must_be(word, rest, then, fuel)) && {
                *fuel = fuel.saturating_sub(repeat.node.size());
                let again = [again(repeat)];
                let again = Next {
                    nodes: &again,
                    then: Some(&after),
                };
                must_be(word, std::slice::from_ref(&repeat.node), Some(&again), fuel)
            }
        }
        Node::Empty | Node::Anchor(_) | Node::Look { .. } => must_be(word, rest, then, fuel),
        Node::Back { .. } | Node::If { .. } | Node::Beyond(_) => false,
    }
}

/// The rounds that are left after one; endless stays endless.
pub(super) fn again(repeat: &Repeat) -> Node {
    Node::Repeat(Repeat {
        min: repeat.min.saturating_sub(1),
        max: repeat.max.map(|max| max.saturating_sub(1)),
        ..repeat.clone()
    })
}

/// Whether it may match nothing.
pub(in crate::filter::python) fn nullable(node: &Node) -> bool {
    match node {
        Node::Set(_) => false,
        Node::Seq(nodes) => nodes.iter().all(nullable),
        Node::Alt(nodes) => nodes.iter().any(nullable),
        Node::Group(_, node) | Node::Atomic(node, _) => nullable(node),
        Node::Repeat(repeat) => repeat.min == 0 || nullable(&repeat.node),
        Node::If { yes, no, .. } => nullable(yes) || nullable(no),
        Node::Empty | Node::Anchor(_) | Node::Look { .. } | Node::Back { .. } | Node::Beyond(_) => {
            true
        }
    }
}

/// What may stand right before a place.
#[derive(Clone, Debug)]
pub(super) struct Left {
    /// One of these.
    pub(super) set: Set,
    /// Or nothing, for it is the beginning of the text.
    pub(super) start: bool,
}

impl Left {
    /// Where a search begins: anywhere.
    pub(super) fn anywhere() -> Self {
        Self {
            set: Set::any(),
            start: true,
        }
    }

    /// What stands before the place behind this node.
    pub(super) fn past(&self, node: &Node) -> Self {
        match node {
            Node::Set(set) => Self {
                set: set.clone(),
                start: false,
            },
            Node::Seq(nodes) => nodes
                .iter()
                .fold(self.clone(), |left, node| left.past(node)),
            Node::Alt(nodes) => {
                let ways = nodes.iter().map(|node| self.past(node));
                ways.reduce(|one, other| one.or(&other))
                    .unwrap_or_else(|| self.clone())
            }
            Node::Group(_, node) | Node::Atomic(node, _) => self.past(node),
            Node::Repeat(repeat) => {
                // Another round adds nothing: what it may leave as it was is in here already.
                let once = self.past(&repeat.node);
                if repeat.min == 0 {
                    self.or(&once)
                } else {
                    once
                }
            }
            Node::Anchor(Anchor::TextStart) => Self {
                set: Set::ranges([]),
                start: true,
            },
            Node::Empty | Node::Anchor(_) | Node::Look { .. } => self.clone(),
            Node::Back { .. } | Node::If { .. } | Node::Beyond(_) => Self::anywhere(),
        }
    }

    /// Either.
    pub(super) fn or(&self, other: &Self) -> Self {
        Self {
            set: self.set.or(&other.set),
            start: self.start || other.start,
        }
    }
}
