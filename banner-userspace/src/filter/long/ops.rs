//! What a walk does in each state of an automaton, laid out so that a step is short.

use regex_automata::{
    nfa::thompson::{NFA, State},
    util::{look::Look, primitives::StateID},
};

use super::ways::{First, NO_JOINT, firsts, joints};

/// What there is to do in each state.
#[derive(Debug)]
pub(super) struct Ops {
    pub(super) nodes: Box<[Node]>,
    /// How many states are joints: to these several ways lead. Who comes to another one twice in one place has come to one
    /// of these twice before, so only these are looked up: they are few, and what is noted of them stays
    /// in the cache.
    pub(super) joints: usize,
    /// What may come next in each state.
    firsts: Box<[First]>,
}

/// A state.
#[derive(Debug)]
pub(super) struct Node {
    /// Its number among the joints, or [`NO_JOINT`].
    pub(super) joint: usize,
    pub(super) op: Op,
}

/// What is done in a state. Numbers are states.
#[derive(Debug)]
pub(super) enum Op {
    /// Takes one of these bytes.
    Bytes {
        set: Box<Bytes>,
        next: usize,
    },
    /// Takes a byte that says where to go on.
    Ranges(Ranges),
    Look(Look, usize),
    /// These in order.
    Either(Box<[usize]>),
    Two(usize, usize),
    Run(Box<Run>),
    /// Notes the place in a slot.
    Save(usize, usize),
    Fail,
    Match,
}

/// A loop that mostly takes one byte each time.
#[derive(Debug)]
pub(super) struct Run {
    /// The bytes with which it comes round.
    pub(super) round: Bytes,
    /// Where it begins and comes back to.
    pub(super) start: usize,
    pub(super) body: usize,
    pub(super) exit: usize,
    /// The body is tried first.
    pub(super) greedy: bool,
}

/// A set of bytes.
#[derive(Debug, Default)]
pub(super) struct Bytes([u64; 4]);

impl Bytes {
    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte / 64)] >> (byte % 64) & 1 == 1
    }

    fn insert(&mut self, byte: u8) {
        self.0[usize::from(byte / 64)] |= 1 << (byte % 64);
    }
}

/// Bytes, and where each leads.
#[derive(Debug)]
pub(super) struct Ranges {
    /// Of each byte one more than the place of its state below; 0: it is not taken. A table: to search a list of
    /// ranges takes longer than all the rest of a step.
    places: Box<[u16; 256]>,
    states: Vec<usize>,
}

impl Ranges {
    fn new(ranges: &[(u8, u8, usize)]) -> Self {
        let mut all = Self {
            places: Box::new([0; 256]),
            states: Vec::new(),
        };
        for (first, last, next) in ranges {
            let known = all.states.iter().position(|state| state == next);
            let place = known.unwrap_or_else(|| {
                all.states.push(*next);
                all.states.len() - 1
            });
            let place = u16::try_from(place + 1).unwrap_or_default();
            all.places[usize::from(*first)..=usize::from(*last)].fill(place);
        }
        all
    }

    pub(super) fn of(&self, byte: u8) -> Option<usize> {
        let place = usize::from(self.places[usize::from(byte)]).checked_sub(1)?;
        self.states.get(place).copied()
    }
}

impl Ops {
    pub(super) fn new(nfa: &NFA) -> Self {
        let (numbers, joints) = joints(nfa);
        let nodes = (nfa.states().iter().zip(&numbers))
            .enumerate()
            .map(|(state, (_, joint))| Node {
                joint: *joint,
                op: op(nfa, state, *joint),
            });
        Self {
            nodes: nodes.collect(),
            joints,
            firsts: firsts(nfa),
        }
    }

    /// What may come next in a state.
    pub(super) fn first(&self, state: usize) -> &First {
        &self.firsts[state]
    }

    /// Whether a way may go on from a state with this byte, or at the end.
    pub(super) fn lets(&self, state: usize, byte: Option<u8>) -> bool {
        self.firsts[state].lets(byte)
    }
}

fn op(nfa: &NFA, state: usize, joint: usize) -> Op {
    let numbers = |ways: &[StateID]| ways.iter().map(StateID::as_usize).collect();
    match &nfa.states()[state] {
        State::ByteRange { .. } | State::Sparse(_) | State::Dense(_) => {
            taking(&ranges(&nfa.states()[state]))
        }
        State::Look { look, next } => Op::Look(*look, next.as_usize()),
        State::Union { alternates } => Op::Either(numbers(alternates)),
        State::BinaryUnion { alt1, alt2 } => {
            let (first, second) = (alt1.as_usize(), alt2.as_usize());
            let run = |body, exit, greedy| {
                let round = round(&nfa.states()[body], state)?;
                Some(Op::Run(Box::new(Run {
                    round,
                    start: state,
                    body,
                    exit,
                    greedy,
                })))
            };
            // Without being noted it would not end.
            if joint == NO_JOINT {
                return Op::Two(first, second);
            }
            run(first, second, true)
                .or_else(|| run(second, first, false))
                .unwrap_or(Op::Two(first, second))
        }
        State::Capture { next, slot, .. } => Op::Save(slot.as_usize(), next.as_usize()),
        State::Fail => Op::Fail,
        State::Match { .. } => Op::Match,
    }
}

/// The bytes that a state takes, in order, and where they lead; none where it takes none.
fn ranges(state: &State) -> Vec<(u8, u8, usize)> {
    match state {
        State::ByteRange { trans } => vec![(trans.start, trans.end, trans.next.as_usize())],
        State::Sparse(sparse) => (sparse.transitions.iter())
            .map(|trans| (trans.start, trans.end, trans.next.as_usize()))
            .collect(),
        State::Dense(dense) => (0..=u8::MAX)
            .filter_map(|byte| Some((byte, byte, dense.matches_byte(byte)?.as_usize())))
            .collect(),
        State::Look { .. }
        | State::Union { .. }
        | State::BinaryUnion { .. }
        | State::Capture { .. }
        | State::Fail
        | State::Match { .. } => Vec::new(),
    }
}

fn taking(ranges: &[(u8, u8, usize)]) -> Op {
    let Some((_, _, next)) = ranges.first().copied() else {
        return Op::Fail;
    };
    if ranges.iter().any(|(_, _, other)| *other != next) {
        return Op::Ranges(Ranges::new(ranges));
    }
    let mut set = Bytes::default();
    for (first, last, _) in ranges {
        (*first..=*last).for_each(|byte| set.insert(byte));
    }
    Op::Bytes {
        set: Box::new(set),
        next,
    }
}

/// The bytes with which a state leads to this one; none: with no byte.
fn round(body: &State, to: usize) -> Option<Bytes> {
    let mut round = None;
    for (first, last, _) in ranges(body).into_iter().filter(|(.., next)| *next == to) {
        let set = round.get_or_insert_with(Bytes::default);
        (first..=last).for_each(|byte| set.insert(byte));
    }
    round
}
