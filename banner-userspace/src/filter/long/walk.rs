//! The ways through the first part of a pattern.

use std::cell::RefCell;

use regex_automata::{
    Input,
    nfa::thompson::{self, NFA, State, WhichCaptures},
    util::primitives::{NonMaxUsize, StateID},
};
use regex_syntax::hir::Hir;

use super::{
    TooLong,
    ways::{First, NO_JOINT, firsts, joints},
};
use crate::filter::groups::Slots;

/// How many steps may be taken through one text: about half a millisecond.
const STEPS: usize = 200_000;

/// The most room for one text, in words of 64 bits: a bit for each state that is a joint, in each place. It has
/// to be cleared for each text, which takes 30 µs a megabyte.
const ROOM: usize = 512 << 10;

thread_local! {
    /// The room of this thread: patterns take turns.
    static SCRATCH: RefCell<Scratch> = const {
        RefCell::new(Scratch {
            visited: Vec::new(),
            left: Vec::new(),
        })
    };
}

#[derive(Debug)]
struct Scratch {
    visited: Vec<u64>,
    left: Vec<Left>,
}

/// What is left to do, the next last.
#[derive(Debug)]
enum Left {
    /// Go on from here.
    Try(StateID, usize),
    /// Nothing behind this was the way: a group stands where it stood before.
    Restore(usize, Option<NonMaxUsize>),
}

/// Tries the ways through a pattern in the order in which the `regex` crate prefers them.
#[derive(Debug)]
pub(super) struct Walk {
    nfa: NFA,
    /// The number of each state to which several ways lead, or [`NO_JOINT`]. Who comes to another one twice in one
    /// place has come to one of these twice before, so only these are looked up: they are few, and what is
    /// noted of them stays in the cache.
    joints: Box<[usize]>,
    /// How many of these there are.
    count: usize,
    /// What may come next in each state.
    firsts: Box<[First]>,
}

/// Where a step leads.
enum Step {
    State(StateID, usize),
    Match,
}

impl Walk {
    pub(super) fn new(pattern: &Hir, unicode: bool) -> Option<Self> {
        let config = thompson::Config::new()
            .utf8(unicode)
            .which_captures(WhichCaptures::All);
        let nfa = thompson::Compiler::new()
            .configure(config)
            .build_from_hir(pattern)
            .ok()?;
        let (joints, count) = joints(&nfa);
        Some(Self {
            firsts: firsts(&nfa),
            nfa,
            joints,
            count,
        })
    }

    /// Finds the first way from the beginning of `input` that ends in a place that `ends` holds, and
    /// writes the groups on it; the whole match is that of `input`.
    pub(super) fn search(
        &self,
        input: &Input<'_>,
        ends: &impl Fn(usize) -> bool,
        slots: &mut Slots,
    ) -> Result<bool, TooLong> {
        let found = SCRATCH.with_borrow_mut(|scratch| self.walk(scratch, input, ends, slots))?;
        if let [start, end, ..] = &mut slots[..]
            && found
        {
            *start = NonMaxUsize::new(input.start());
            *end = NonMaxUsize::new(input.end());
        }
        Ok(found)
    }

    fn walk(
        &self,
        Scratch { visited, left }: &mut Scratch,
        input: &Input<'_>,
        ends: &impl Fn(usize) -> bool,
        slots: &mut Slots,
    ) -> Result<bool, TooLong> {
        let start = input.start();
        let words = (self.count * (input.end() - start + 1)).div_ceil(64);
        if words > ROOM {
            return Err(TooLong);
        }
        visited.clear();
        visited.resize(words, 0);
        left.clear();
        left.push(Left::Try(self.nfa.start_anchored(), start));
        let mut steps = 0;
        while let Some(next) = left.pop() {
            let (mut state, mut at) = match next {
                Left::Try(state, at) => (state, at),
                Left::Restore(slot, place) => {
                    slots[slot] = place;
                    continue;
                }
            };
            loop {
                let joint = self.joints[state.as_usize()];
                if joint != NO_JOINT {
                    let bit = (at - start) * self.count + joint;
                    let (word, mask) = (bit / 64, 1 << (bit % 64));
                    if visited[word] & mask != 0 {
                        break;
                    }
                    visited[word] |= mask;
                }
                steps += 1;
                if steps > STEPS {
                    return Err(TooLong);
                }
                match self.step(state, at, input, left, slots) {
                    Some(Step::State(next, place)) => (state, at) = (next, place),
                    Some(Step::Match) if ends(at) => return Ok(true),
                    Some(Step::Match) | None => break,
                }
            }
        }
        Ok(false)
    }

    /// Whether a way may go on from a state with this byte, or at the end.
    fn lets(&self, state: StateID, byte: Option<u8>) -> bool {
        self.firsts[state.as_usize()].lets(byte)
    }

    /// One step; none: the way ends here.
    fn step(
        &self,
        state: StateID,
        at: usize,
        input: &Input<'_>,
        left: &mut Vec<Left>,
        slots: &mut Slots,
    ) -> Option<Step> {
        let text = input.haystack();
        let byte = || (at < input.end()).then(|| text[at]);
        let next = match self.nfa.state(state) {
            State::ByteRange { trans } => {
                let matches = trans.matches_byte(byte()?);
                return matches.then_some(Step::State(trans.next, at + 1));
            }
            State::Sparse(sparse) => {
                return Some(Step::State(sparse.matches_byte(byte()?)?, at + 1));
            }
            State::Dense(dense) => {
                return Some(Step::State(dense.matches_byte(byte()?)?, at + 1));
            }
            State::Look { look, next } => {
                let matcher = self.nfa.look_matcher();
                matcher.matches(*look, text, at).then_some(*next)?
            }
            State::Union { alternates } => {
                let byte = byte();
                let mut first = None;
                for &way in alternates.iter().rev().filter(|way| self.lets(**way, byte)) {
                    let later = first.replace(way);
                    left.extend(later.map(|later| Left::Try(later, at)));
                }
                first?
            }
            State::BinaryUnion { alt1, alt2 } => {
                let byte = byte();
                match (self.lets(*alt1, byte), self.lets(*alt2, byte)) {
                    (true, true) => {
                        left.push(Left::Try(*alt2, at));
                        *alt1
                    }
                    (true, false) => *alt1,
                    (false, true) => *alt2,
                    (false, false) => return None,
                }
            }
            State::Capture { next, slot, .. } => {
                let slot = slot.as_usize();
                if let Some(place) = slots.get_mut(slot) {
                    left.push(Left::Restore(slot, *place));
                    *place = NonMaxUsize::new(at);
                }
                *next
            }
            State::Fail => return None,
            State::Match { .. } => return Some(Step::Match),
        };
        Some(Step::State(next, at))
    }
}
