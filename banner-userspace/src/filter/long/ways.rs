//! What is known of the states of an automaton before there is a text: it spares most steps of a walk.

use regex_automata::{
    nfa::thompson::{NFA, State},
    util::primitives::StateID,
};

/// Says of a state that it is no joint.
pub(super) const NO_JOINT: usize = usize::MAX;

/// The numbers of the states to which several ways lead, and how many they are. Every loop has one.
pub(super) fn joints(nfa: &NFA) -> (Box<[usize]>, usize) {
    let mut ways = vec![0_usize; nfa.states().len()];
    let mut count = |to: StateID| ways[to.as_usize()] += 1;
    count(nfa.start_anchored());
    for state in nfa.states() {
        match state {
            State::ByteRange { trans } => count(trans.next),
            State::Sparse(sparse) => (sparse.transitions.iter()).for_each(|way| count(way.next)),
            State::Dense(dense) => dense.transitions.iter().copied().for_each(&mut count),
            State::Look { next, .. } | State::Capture { next, .. } => count(*next),
            State::Union { alternates } => alternates.iter().copied().for_each(&mut count),
            State::BinaryUnion { alt1, alt2 } => [*alt1, *alt2].into_iter().for_each(&mut count),
            State::Fail | State::Match { .. } => {}
        }
    }
    let mut found = 0;
    let numbers = ways.into_iter().map(|ways| {
        if ways < 2 {
            return NO_JOINT;
        }
        found += 1;
        found - 1
    });
    (numbers.collect(), found)
}

/// With what a way may go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct First {
    /// With anything, and it may end.
    any: bool,
    /// A bit for each byte.
    bytes: [u64; 4],
}

impl First {
    /// Whether it may go on with this byte, or at the end.
    pub(super) fn lets(&self, byte: Option<u8>) -> bool {
        self.any
            || byte.is_some_and(|byte| self.bytes[usize::from(byte / 64)] >> (byte % 64) & 1 == 1)
    }

    fn insert(&mut self, byte: u8) {
        self.bytes[usize::from(byte / 64)] |= 1 << (byte % 64);
    }

    fn add(&mut self, other: Self) {
        self.any |= other.any;
        for (own, other) in self.bytes.iter_mut().zip(other.bytes) {
            *own |= other;
        }
    }
}

/// With what a way may go on from each state.
pub(super) fn firsts(nfa: &NFA) -> Box<[First]> {
    let mut firsts = vec![First::default(); nfa.states().len()];
    let of = |firsts: &[First], state: &StateID| firsts[state.as_usize()];
    let mut changed = true;
    // Until nothing changes, because there are loops without bytes.
    while changed {
        changed = false;
        for (number, state) in nfa.states().iter().enumerate().rev() {
            let mut first = First::default();
            match state {
                State::ByteRange { trans } => {
                    (trans.start..=trans.end).for_each(|byte| first.insert(byte));
                }
                State::Sparse(sparse) => {
                    for trans in &sparse.transitions {
                        (trans.start..=trans.end).for_each(|byte| first.insert(byte));
                    }
                }
                State::Dense(dense) => (0..=u8::MAX)
                    .filter(|byte| dense.matches_byte(*byte).is_some())
                    .for_each(|byte| first.insert(byte)),
                State::Look { next, .. } | State::Capture { next, .. } => first = of(&firsts, next),
                State::Union { alternates } => {
                    (alternates.iter()).for_each(|way| first.add(of(&firsts, way)));
                }
                State::BinaryUnion { alt1, alt2 } => {
                    first = of(&firsts, alt1);
                    first.add(of(&firsts, alt2));
                }
                State::Fail => {}
                State::Match { .. } => first.any = true,
            }
            if firsts[number] != first {
                firsts[number] = first;
                changed = true;
            }
        }
    }
    firsts.into()
}
