//! What a look looks for, as a few words.

use super::context::{Words, nullable};
use crate::filter::python::{
    ast::{Anchor, Node},
    set::Set,
};

/// How many words a look-ahead may have, and how long they may be.
const MAX_WORDS: usize = 64;

/// The words that a look asks for.
pub(super) fn words(node: &Node, one_line: bool) -> Option<Words> {
    // Behind a word and at the end of a line, there is a character: the line break.
    let Node::Seq(nodes) = node else {
        return words_of(node);
    };
    let [before @ .., Node::Anchor(Anchor::Word(kind))] = nodes.as_slice() else {
        return words_of(node);
    };
    let behind = kind.set().not();
    let heads = all(&Node::seq(before.to_vec()))?;
    let ends_in_word = |word: &Vec<Set>| {
        let is_word = |set: &Set| set.is_within(&kind.set());
        word.last().is_some_and(is_word)
            && word.iter().all(|set| set.is_apart_from(&Set::one('\n')))
    };
    let known = one_line && heads.iter().all(ends_in_word);
    known.then(|| {
        heads
            .into_iter()
            .map(|word| [word, vec![behind.clone()]].concat())
            .collect()
    })
}

/// All that a node can match, if these are few words; what may follow them does not matter.
fn words_of(node: &Node) -> Option<Words> {
    let nodes = match node {
        Node::Seq(nodes) => nodes.as_slice(),
        node => std::slice::from_ref(node),
    };
    let needed = nodes
        .iter()
        .rposition(|node| !free(node))
        .map_or(0, |last| last + 1);
    let mut words: Words = vec![Vec::new()];
    for (n, node) in nodes[..needed].iter().enumerate() {
        let last = n + 1 == needed;
        let ends = match node {
            Node::Repeat(repeat) if last && repeat.min > 0 && !nullable(&repeat.node) => {
                let mut ends = vec![Vec::new()];
                for _ in 0..repeat.min {
                    ends = product(&ends, &all(&repeat.node)?)?;
                }
                ends
            }
            node => all(node)?,
        };
        words = product(&words, &ends)?;
    }
    Some(words)
}

/// Whether it matches wherever it stands.
fn free(node: &Node) -> bool {
    match node {
        Node::Empty => true,
        Node::Repeat(repeat) => repeat.min == 0,
        Node::Seq(nodes) => nodes.iter().all(free),
        _ => false,
    }
}

fn all(node: &Node) -> Option<Words> {
    Some(match node {
        Node::Empty => vec![Vec::new()],
        Node::Set(set) => vec![vec![set.clone()]],
        Node::Seq(nodes) => {
            let mut words = vec![Vec::new()];
            for node in nodes {
                words = product(&words, &all(node)?)?;
            }
            words
        }
        Node::Alt(nodes) => {
            let mut words = Vec::new();
            for node in nodes {
                words.extend(all(node)?);
            }
            words
        }
        Node::Repeat(repeat) => {
            let one = all(&repeat.node)?;
            let mut words = Vec::new();
            let mut rounds = vec![Vec::new()];
            for n in 0..=repeat.max.filter(|&max| max <= 8)? {
                if n >= repeat.min {
                    words.extend(rounds.clone());
                }
                rounds = product(&rounds, &one)?;
            }
            words
        }
        _ => return None,
    })
}

fn product(heads: &Words, tails: &Words) -> Option<Words> {
    let pairs = heads.iter().flat_map(|head| {
        tails
            .iter()
            .map(move |tail| [head.as_slice(), tail].concat())
    });
    let words: Words = pairs.collect();
    let few = words.len() <= MAX_WORDS && words.iter().all(|word| word.len() <= MAX_WORDS);
    few.then_some(words)
}
