//! `(?:(?!word).)*`: any text in which a word does not begin. An automaton that knows how much of
//! the word was just seen reads it, and its states are solved for one expression.

use super::{ahead::never, context::Next};
use crate::filter::python::{
    ast::{Greed, Node, Repeat},
    set::Set,
};

/// Words longer than this would make large patterns.
const MAX_WORD: usize = 24;

/// The loop over `set`, where no round begins where `word` does, in front of `next`. None: it
/// cannot be said.
pub(super) fn tempered(word: &[Set], set: &Set, repeat: &Repeat, next: &Next<'_>) -> Option<Node> {
    let fits = repeat.min == 0 && repeat.max.is_none() && repeat.greed != Greed::Possessive;
    if !fits || word.is_empty() || word.len() > MAX_WORD {
        return None;
    }
    // The automaton needs to tell characters apart: two places take the same ones, or no common.
    let same = |a: &Set, b: &Set| a == b || a.is_apart_from(b);
    if !word.iter().all(|a| word.iter().all(|b| same(a, b))) {
        return None;
    }
    let states = (0..word.len()).map(|seen| State::new(word, set, seen, next));
    let mut states: Vec<State> = states.collect::<Option<_>>()?;
    // From the last state on, each is put into the ones before it.
    while let Some(state) = states.pop() {
        let last = states.len();
        let again = match state.to[last].as_slice() {
            [] => Node::Empty,
            ways => Node::Repeat(Repeat {
                node: Box::new(one_of(ways)),
                ..repeat.clone()
            }),
        };
        let exit = (state.exit).map(|exit| Node::seq(vec![again.clone(), exit]));
        if last == 0 {
            return Some(exit.unwrap_or_else(never));
        }
        for lower in &mut states {
            let ways = std::mem::take(&mut lower.to[last]);
            if ways.is_empty() {
                continue;
            }
            let way = Node::seq(vec![one_of(&ways), again.clone()]);
            for (target, onward) in state.to[..last].iter().enumerate() {
                if !onward.is_empty() {
                    lower.to[target].push(Node::seq(vec![way.clone(), one_of(onward)]));
                }
            }
            if let Some(exit) = &exit {
                let far = Node::seq(vec![one_of(&ways), exit.clone()]);
                lower.exit = Some(match (lower.exit.take(), repeat.greed) {
                    (None, _) => far,
                    (Some(near), Greed::Lazy) => Node::Alt(vec![near, far]),
                    (Some(near), _) => Node::Alt(vec![far, near]),
                });
            }
        }
    }
    None
}

fn one_of(ways: &[Node]) -> Node {
    match ways {
        [one] => one.clone(),
        _ => Node::Alt(ways.to_vec()),
    }
}

/// So much of the word stands right before.
struct State {
    /// For each state the ways to it.
    to: Vec<Vec<Node>>,
    /// How the loop may end from here; none: it may not.
    exit: Option<Node>,
}

impl State {
    fn new(word: &[Set], set: &Set, seen: usize, next: &Next<'_>) -> Option<Self> {
        let mut to = vec![Vec::new(); word.len()];
        let mut others = set.clone();
        for (n, letter) in word.iter().enumerate() {
            others = others.without(letter);
            let taken = set.and(letter);
            if taken.is_empty() || word[..n].contains(letter) {
                continue;
            }
            let text: Vec<&Set> = word[..seen].iter().chain([letter]).collect();
            let longest = (0..=text.len()).rev().find(|&length| {
                let end = &text[text.len() - length..];
                end.iter().zip(word).all(|(a, b)| *a == b)
            })?;
            // The whole word was read: that is what must not be.
            if longest < word.len() {
                to[longest].push(Node::Set(taken));
            }
        }
        if !others.is_empty() {
            to[0].push(Node::Set(others));
        }
        // The loop must not end where what follows would complete a word that began in it.
        let begun = (1..=seen).filter(|&length| word[seen - length..seen] == word[..length]);
        let mut exit = Some(Node::Empty);
        for length in begun {
            let missing = &word[length..];
            if next.must_be(missing) {
                exit = None;
            } else if next.may_be(missing) {
                return None;
            }
        }
        Some(Self { to, exit })
    }
}
