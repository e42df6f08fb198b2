//! A text must not begin with certain words: that is pushed into what follows, character by
//! character, until it says nothing more.

use std::cell::Cell;

use super::{
    MAX_NODES,
    context::{Next, Words, again, nullable},
};
use crate::filter::python::{
    ast::{Greed, Node, Repeat},
    set::Set,
};

/// How much work the looks of a pattern may be, in nodes looked at.
pub(super) const WORK: usize = 300_000;
/// How many steps one look may take.
const STEPS: usize = 400;

/// Pushes.
pub(super) struct Push<'w> {
    /// How much work is left.
    work: &'w Cell<usize>,
    /// How many steps are left.
    steps: usize,
    /// Groups may be copied: it is no loop, and nothing refers back to them.
    copy: bool,
}

impl<'w> Push<'w> {
    pub(super) fn new(copy: bool, work: &'w Cell<usize>) -> Self {
        Self {
            work,
            steps: STEPS,
            copy,
        }
    }

    /// `nodes`, where they do not begin with one of `words`; `then` is what follows them. None: it
    /// cannot be said.
    pub(super) fn not(
        &mut self,
        words: &Words,
        nodes: &[Node],
        then: Option<&Next<'_>>,
    ) -> Option<Node> {
        self.steps = self.steps.checked_sub(1)?;
        let size = 1 + nodes.iter().map(Node::size).sum::<usize>();
        self.work.set(self.work.get().checked_sub(size)?);
        let here = Next { nodes, then };
        if words.iter().any(Vec::is_empty) {
            return Some(never());
        }
        let words: Words = words
            .iter()
            .filter(|word| here.may_be(word))
            .cloned()
            .collect();
        if words.is_empty() {
            return Some(Node::seq(nodes.to_vec()));
        }
        let Some((first, rest)) = nodes.split_first() else {
            if words.iter().any(|word| here.must_be(word)) {
                return Some(never());
            }
            return here
                .is_end()
                .then(|| Node::Beyond(Box::new(not_at_end(&words))));
        };
        let after = Next { nodes: rest, then };
        match first {
            Node::Empty => self.not(&words, rest, then),
            Node::Set(set) => self.set(&words, set, rest, then),
            Node::Seq(inner) => self.not(&words, &[inner, rest].concat(), then),
            Node::Anchor(_) => {
                let rest = self.not(&words, rest, then)?;
                Some(Node::seq(vec![first.clone(), rest]))
            }
            Node::Group(number, inner) => {
                let inner = self.not(&words, std::slice::from_ref(inner), Some(&after))?;
                Some(with(Node::Group(*number, Box::new(inner)), rest))
            }
            Node::Alt(ways) => {
                let mut out = Vec::new();
                for way in ways {
                    let way = self.not(&words, std::slice::from_ref(way), Some(&after))?;
                    if way != never() {
                        out.push(way);
                    }
                }
                Some(with(any_of(out), rest))
            }
            Node::Repeat(repeat) => Some(with(self.repeat(&words, repeat, &after)?, rest)),
            Node::Back { .. }
            | Node::If { .. }
            | Node::Look { .. }
            | Node::Atomic(..)
            | Node::Beyond(_) => None,
        }
    }

    fn set(
        &mut self,
        words: &Words,
        set: &Set,
        rest: &[Node],
        then: Option<&Next<'_>>,
    ) -> Option<Node> {
        let mut parts = vec![set.clone()];
        for word in words {
            let split = |part: &Set| [part.and(&word[0]), part.without(&word[0])];
            parts = parts.iter().flat_map(split).collect();
            parts.retain(|part| !part.is_empty());
        }
        let mut ways: Vec<(Set, Node)> = Vec::new();
        for part in parts {
            let left = words.iter().filter(|word| part.is_within(&word[0]));
            let left: Words = left.map(|word| word[1..].to_vec()).collect();
            let way = match left.as_slice() {
                [] => Node::seq(rest.to_vec()),
                _ => self.not(&left, rest, then)?,
            };
            match ways.iter_mut().find(|(_, same)| *same == way) {
                _ if way == never() => {}
                Some((set, _)) => *set = set.or(&part),
                None => ways.push((part, way)),
            }
        }
        let copied = ways.len() > 1 && rest.iter().any(has_groups);
        if copied && !self.copy || ways.iter().map(|(_, way)| way.size()).sum::<usize>() > MAX_NODES
        {
            return None;
        }
        let ways = ways
            .into_iter()
            .map(|(set, way)| Node::seq(vec![Node::Set(set), way]));
        Some(any_of(ways.collect()))
    }

    fn repeat(&mut self, words: &Words, repeat: &Repeat, after: &Next<'_>) -> Option<Node> {
        let possessive = repeat.greed == Greed::Possessive;
        if possessive || nullable(&repeat.node) || has_groups(&repeat.node) {
            return None;
        }
        if repeat.max == Some(0) {
            return self.not(words, &[], Some(after));
        }
        let round = [(*repeat.node).clone(), again(repeat)];
        let take = self.not(words, &round, Some(after))?;
        if repeat.min > 0 {
            return Some(take);
        }
        let skip = self.not(words, &[], Some(after))?;
        Some(match (take == never(), skip == never()) {
            (_, true) => take,
            (true, false) => skip,
            (false, false) => any_of(match repeat.greed {
                Greed::Lazy => vec![skip, take],
                _ => vec![take, skip],
            }),
        })
    }
}

fn has_groups(node: &Node) -> bool {
    node.any(&mut |node| matches!(node, Node::Group(..)))
}

fn with(node: Node, rest: &[Node]) -> Node {
    if node == never() {
        return node;
    }
    let mut nodes = vec![node];
    nodes.extend_from_slice(rest);
    Node::seq(nodes)
}

fn any_of(mut ways: Vec<Node>) -> Node {
    match ways.len() {
        0 => never(),
        1 => ways.remove(0),
        _ => Node::Alt(ways),
    }
}

/// What never matches.
pub(super) fn never() -> Node {
    Node::Set(Set::ranges([]))
}

/// At the end of a pattern, what stands there may be taken, if it is not counted in: the end of
/// the text, or a character that no word begins with, or one that one does and then not that.
fn not_at_end(words: &Words) -> Node {
    if words.iter().any(Vec::is_empty) {
        return never();
    }
    if words.is_empty() {
        return Node::Empty;
    }
    let mut ways = vec![Node::Anchor(crate::filter::python::ast::Anchor::TextEnd)];
    let mut parts = vec![Set::any()];
    for word in words {
        let split = |part: &Set| [part.and(&word[0]), part.without(&word[0])];
        parts = parts.iter().flat_map(split).collect();
        parts.retain(|part| !part.is_empty());
    }
    for part in parts {
        let left = words.iter().filter(|word| part.is_within(&word[0]));
        let left = not_at_end(&left.map(|word| word[1..].to_vec()).collect());
        if left != never() {
            ways.push(Node::seq(vec![Node::Set(part), left]));
        }
    }
    any_of(ways)
}
