//! Look-ahead and word boundaries, where what follows can say the same.

use std::cell::Cell;

use super::{
    ahead::{Push, WORK, never},
    context::{Left, Next, Words},
    tempered::tempered,
    words::words,
};
use crate::filter::python::{
    Options,
    ast::{Anchor, Greed, Node, Repeat, WordKind},
    set::Set,
};

/// Without the looks that could be said otherwise. `copy`: groups may be copied.
pub(super) fn resolve(node: &Node, options: Options, copy: bool) -> Node {
    let looks = Looks {
        one_line: options.one_line,
        work: Cell::new(WORK),
    };
    looks.node(node, &Left::anywhere(), None, copy)
}

struct Looks {
    one_line: bool,
    work: Cell<usize>,
}

impl Looks {
    fn node(&self, node: &Node, left: &Left, then: Option<&Next<'_>>, copy: bool) -> Node {
        match node {
            Node::Seq(nodes) => self.sequence(nodes, left, then, copy),
            Node::Alt(nodes) => {
                let ways = nodes.iter().map(|node| self.node(node, left, then, copy));
                Node::Alt(ways.collect())
            }
            Node::Group(number, inner) => {
                Node::Group(*number, Box::new(self.node(inner, left, then, copy)))
            }
            Node::Repeat(repeat) => self.repeat(repeat, left, then, copy),
            Node::Anchor(Anchor::Word(kind)) => self.boundary(*kind, false, left, &[], then, copy),
            Node::Anchor(Anchor::NotWord(kind)) => {
                self.boundary(*kind, true, left, &[], then, copy)
            }
            Node::Anchor(Anchor::TextEndOrBreak) => self.end(&[], then),
            Node::Look { .. } => self.look(node, &[], then, copy),
            other => other.clone(),
        }
    }

    fn sequence(&self, nodes: &[Node], left: &Left, then: Option<&Next<'_>>, copy: bool) -> Node {
        let mut done: Vec<Node> = Vec::new();
        let mut skip = false;
        for (n, node) in nodes.iter().enumerate().rev() {
            if std::mem::take(&mut skip) {
                continue;
            }
            let before = &nodes[..n];
            let left_here = || {
                before
                    .iter()
                    .fold(left.clone(), |left, node| left.past(node))
            };
            let (kind, not) = match node {
                Node::Anchor(Anchor::Word(kind)) => (*kind, false),
                Node::Anchor(Anchor::NotWord(kind)) => (*kind, true),
                Node::Anchor(Anchor::TextEndOrBreak) => {
                    done = vec![self.end(&done, then)];
                    continue;
                }
                Node::Look { .. } => {
                    done = vec![self.look(node, &done, then, copy)];
                    continue;
                }
                _ => {
                    let next = Next { nodes: &done, then };
                    let node = self.node(node, &left_here(), Some(&next), copy);
                    done.insert(0, node);
                    continue;
                }
            };
            if let Some(loops) = Self::loop_before(before, left, kind, not, &done, then) {
                done.insert(0, loops);
                skip = true;
                continue;
            }
            done = vec![self.boundary(kind, not, &left_here(), &done, then, copy)];
        }
        Node::seq(done)
    }

    /// A loop of single characters in front of a boundary behind which a word begins: what it takes
    /// last is of no word.
    fn loop_before(
        nodes: &[Node],
        left: &Left,
        kind: WordKind,
        not: bool,
        done: &[Node],
        then: Option<&Next<'_>>,
    ) -> Option<Node> {
        let word = kind.set();
        let (Node::Repeat(repeat), before) = nodes.split_last()? else {
            return None;
        };
        let Node::Set(set) = &*repeat.node else {
            return None;
        };
        let left = before
            .iter()
            .fold(left.clone(), |left, node| left.past(node));
        let here = Next { nodes: done, then };
        let known = left.set.is_apart_from(&word) && here.must_be(std::slice::from_ref(&word));
        let endless = repeat.min == 0 && repeat.max.is_none() && repeat.greed != Greed::Possessive;
        if not || !known || !endless {
            return None;
        }
        let last = Node::Set(set.without(&word));
        Some(Node::Repeat(Repeat {
            max: Some(1),
            node: Box::new(Node::seq(vec![Node::Repeat(repeat.clone()), last])),
            ..repeat.clone()
        }))
    }

    fn repeat(&self, repeat: &Repeat, left: &Left, then: Option<&Next<'_>>, copy: bool) -> Node {
        let here = Next { nodes: &[], then };
        if let Node::Seq(nodes) = &*repeat.node
            && let [
                Node::Look {
                    ahead: true,
                    negative: true,
                    node,
                    ..
                },
                Node::Set(set),
            ] = nodes.as_slice()
            && let Some([word]) = words(node, self.one_line).as_deref()
            && word.len() > 1
            && let Some(node) = tempered(word, set, repeat, &here)
        {
            return node;
        }
        // Behind a round there may be another, or not: which round it is, is not known here.
        let round = [Node::Repeat(Repeat {
            min: 0,
            ..repeat.clone()
        })];
        let looped = repeat.max != Some(1);
        let next = Next {
            nodes: if looped { &round } else { &[] },
            then: Some(&here),
        };
        let left = if looped {
            left.or(&left.past(&repeat.node))
        } else {
            left.clone()
        };
        Node::Repeat(Repeat {
            node: Box::new(self.node(&repeat.node, &left, Some(&next), copy && !looped)),
            ..repeat.clone()
        })
    }

    /// A look in front of `nodes`.
    fn look(&self, look: &Node, nodes: &[Node], then: Option<&Next<'_>>, copy: bool) -> Node {
        let as_it_is = || Node::seq([std::slice::from_ref(look), nodes].concat());
        let Node::Look {
            ahead: true,
            negative,
            node,
            ..
        } = look
        else {
            return as_it_is();
        };
        let here = Next { nodes, then };
        let plain = !node.any(&mut |node| {
            matches!(
                node,
                Node::Group(..) | Node::Look { .. } | Node::If { .. } | Node::Back { .. }
            )
        });
        if plain && !negative && here.is_end() && !is_hard(node) {
            return Node::Beyond(node.clone());
        }
        // What a negative look captures is forgotten.
        let Some(words) = words(node, self.one_line).filter(|_| plain || *negative) else {
            return as_it_is();
        };
        let said = if *negative {
            Push::new(copy, &self.work).not(&words, nodes, then)
        } else {
            self.must(&words, nodes, then, copy)
        };
        said.unwrap_or_else(as_it_is)
    }

    /// `nodes`, where they begin with one of `words`.
    fn must(
        &self,
        words: &Words,
        nodes: &[Node],
        then: Option<&Next<'_>>,
        copy: bool,
    ) -> Option<Node> {
        let here = Next { nodes, then };
        if words.iter().any(|word| here.must_be(word)) {
            return Some(Node::seq(nodes.to_vec()));
        }
        if !words.iter().any(|word| here.may_be(word)) {
            return Some(never());
        }
        // One character: the same as not another, if there is one.
        let mut set = Set::ranges([]);
        for word in words {
            let [only] = word.as_slice() else { return None };
            set = set.or(only);
        }
        if here.is_end() {
            return Some(Node::Beyond(Box::new(Node::Set(set))));
        }
        if !here.takes() {
            return None;
        }
        Push::new(copy, &self.work).not(&vec![vec![set.not()]], nodes, then)
    }

    /// `$` that is not the end of a line: in front of `nodes`.
    fn end(&self, nodes: &[Node], then: Option<&Next<'_>>) -> Node {
        let anchor = Node::Anchor(Anchor::TextEndOrBreak);
        let here = Next { nodes, then };
        if self.one_line || !here.is_end() {
            return Node::seq([&[anchor], nodes].concat());
        }
        let line_break = Node::seq(vec![
            Node::Set(Set::one('\n')),
            Node::Anchor(Anchor::TextEnd),
        ]);
        Node::Beyond(Box::new(Node::Alt(vec![
            Node::Anchor(Anchor::TextEnd),
            line_break,
        ])))
    }

    /// A word boundary in front of `nodes`, behind `left`.
    fn boundary(
        &self,
        kind: WordKind,
        not: bool,
        left: &Left,
        nodes: &[Node],
        then: Option<&Next<'_>>,
        copy: bool,
    ) -> Node {
        let printed = |kind| {
            Node::Anchor(if not {
                Anchor::NotWord(kind)
            } else {
                Anchor::Word(kind)
            })
        };
        let word = kind.set();
        let after_word = left.set.is_within(&word) && !left.start;
        let after_none = left.set.is_apart_from(&word);
        let plainly = match (after_word, after_none) {
            (true, _) if left.set.is_empty() => None,
            (true, _) if not => self.must(&vec![vec![word]], nodes, then, copy),
            (true, _) => Push::new(copy, &self.work).not(&vec![vec![word]], nodes, then),
            // An empty text has no place of either kind.
            (_, true) if not && left.start => None,
            (_, true) if not => Push::new(copy, &self.work).not(&vec![vec![word]], nodes, then),
            (_, true) => self.must(&vec![vec![word]], nodes, then, copy),
            _ => None,
        };
        if let Some(plainly) = plainly {
            return plainly;
        }
        // Where both sides are characters of which all have the same opinion, so has `regex`.
        let doubtful = Set::doubtful();
        let here = Next { nodes, then };
        let agreed =
            !here.may_be(std::slice::from_ref(&doubtful)) && left.set.is_apart_from(&doubtful);
        let kind = match kind {
            WordKind::Unicode if agreed && (!not || here.takes() || !left.start) => WordKind::Rust,
            kind => kind,
        };
        Node::seq([&[printed(kind)], nodes].concat())
    }
}

/// Whether a part of it is for the backtracking engine only.
fn is_hard(node: &Node) -> bool {
    node.any(&mut |node| match node {
        Node::Atomic(..) | Node::Anchor(_) => true,
        Node::Repeat(repeat) => repeat.greed == Greed::Possessive,
        _ => false,
    })
}
