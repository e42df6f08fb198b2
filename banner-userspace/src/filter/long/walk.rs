//! The ways through the first part of a pattern.

use std::cell::RefCell;

use regex_automata::{
    Input,
    nfa::thompson::{self, NFA, WhichCaptures},
    util::primitives::NonMaxUsize,
};
use regex_syntax::hir::Hir;

use super::{
    TooLong,
    ops::{Op, Ops, Run},
    ways::NO_JOINT,
};
use crate::filter::groups::Slots;

/// How many steps may be taken through one text: about half a millisecond.
const STEPS: usize = 200_000;

/// How many bytes of a run take as long as a step.
const RUN: usize = 4;

/// The most room for one text, in words of 64 bits: a bit for each place and each state that is a joint. It has
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

/// The longest character, in bytes.
const WIDEST: usize = 4;

/// How a loop goes round.
enum Round {
    /// It is at its beginning again, here.
    To(usize),
    /// Its body does not match.
    Never,
    /// There are several ways, or a condition.
    Unknown,
}

/// What is left to do, the next last.
#[derive(Debug)]
enum Left {
    /// Go on from here.
    Try(usize, usize),
    /// Nothing behind this was the way: a group stands where it stood before.
    Restore(usize, Option<NonMaxUsize>),
}

/// Which states were met where.
struct Visited<'v> {
    bits: &'v mut [u64],
    /// Of one state, in words.
    width: usize,
}

impl Visited<'_> {
    /// Notes that a way has come to a joint in this place; whether it is the first.
    fn is_new(&mut self, joint: usize, place: usize) -> bool {
        let Some(word) = self.bits.get_mut(joint * self.width + place / 64) else {
            return false;
        };
        let mask = 1 << (place % 64);
        let new = *word & mask == 0;
        *word |= mask;
        new
    }
}

/// Tries the ways through a pattern in the order in which the `regex` crate prefers them.
#[derive(Debug)]
pub(super) struct Walk {
    /// Says whether a look at a boundary holds.
    nfa: NFA,
    ops: Ops,
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
        let ops = Ops::new(&nfa);
        Some(Self { nfa, ops })
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
        let (start, text) = (input.start(), &input.haystack()[..input.end()]);
        let width = (text.len() - start + 1).div_ceil(64);
        let words = self.ops.joints * width;
        if words > ROOM {
            return Err(TooLong);
        }
        visited.clear();
        visited.resize(words, 0);
        let mut visited = Visited {
            bits: visited,
            width,
        };
        left.clear();
        left.push(Left::Try(self.nfa.start_anchored().as_usize(), start));
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
                let node = &self.ops.nodes[state];
                if node.joint != NO_JOINT && !visited.is_new(node.joint, at - start) {
                    break;
                }
                steps += 1;
                if steps > STEPS {
                    return Err(TooLong);
                }
                let byte = text.get(at).copied();
                match &node.op {
                    Op::Bytes { set, next } => {
                        if !byte.is_some_and(|byte| set.has(byte)) {
                            break;
                        }
                        (state, at) = (*next, at + 1);
                    }
                    Op::Ranges(ranges) => {
                        let Some(next) = byte.and_then(|byte| ranges.of(byte)) else {
                            break;
                        };
                        (state, at) = (next, at + 1);
                    }
                    Op::Look(look, next) => {
                        if !(self.nfa.look_matcher()).matches(*look, input.haystack(), at) {
                            break;
                        }
                        state = *next;
                    }
                    Op::Either(ways) => {
                        let mut ways = ways.iter().filter(|way| self.ops.lets(**way, byte));
                        let Some(first) = ways.next() else { break };
                        let later = left.len();
                        left.extend(ways.map(|way| Left::Try(*way, at)));
                        left[later..].reverse();
                        state = *first;
                    }
                    Op::Two(first, second) => {
                        match (self.ops.lets(*first, byte), self.ops.lets(*second, byte)) {
                            (true, true) => {
                                left.push(Left::Try(*second, at));
                                state = *first;
                            }
                            (true, false) => state = *first,
                            (false, true) => state = *second,
                            (false, false) => break,
                        }
                    }
                    Op::Run(run) => {
                        let begin = at;
                        let way =
                            self.run(run, node.joint, text, start, &mut at, &mut visited, left);
                        steps += (at - begin) / RUN;
                        let Some(way) = way else { break };
                        state = way;
                    }
                    Op::Save(slot, next) => {
                        if let Some(place) = slots.get_mut(*slot) {
                            left.push(Left::Restore(*slot, *place));
                            *place = NonMaxUsize::new(at);
                        }
                        state = *next;
                    }
                    Op::Match if ends(at) => return Ok(true),
                    Op::Match | Op::Fail => break,
                }
            }
        }
        Ok(false)
    }

    /// Goes round a loop that takes a byte each time, as long as it does; the way on from there, if any.
    #[expect(clippy::too_many_arguments, reason = "the whole state of a walk")]
    fn run(
        &self,
        run: &Run,
        joint: usize,
        text: &[u8],
        start: usize,
        at: &mut usize,
        visited: &mut Visited<'_>,
        left: &mut Vec<Left>,
    ) -> Option<usize> {
        let exit = self.ops.first(run.exit);
        loop {
            let byte = text.get(*at).copied();
            let out = exit.lets(byte);
            let round = match byte {
                Some(byte) if run.round.has(byte) => Round::To(*at + 1),
                _ if !self.ops.lets(run.body, byte) => Round::Never,
                _ => self.round(run, text, *at),
            };
            let to = match round {
                Round::To(to) => to,
                Round::Never => return out.then_some(run.exit),
                Round::Unknown if !out => return Some(run.body),
                Round::Unknown => {
                    let (first, later) = if run.greedy {
                        (run.body, run.exit)
                    } else {
                        (run.exit, run.body)
                    };
                    left.push(Left::Try(later, *at));
                    return Some(first);
                }
            };
            if out && run.greedy {
                left.push(Left::Try(run.exit, *at));
            } else if out {
                left.push(Left::Try(run.body, *at));
                return Some(run.exit);
            }
            *at = to;
            if !visited.is_new(joint, *at - start) {
                return None;
            }
        }
    }

    /// Where a loop comes round that takes a character of several bytes.
    fn round(&self, run: &Run, text: &[u8], mut at: usize) -> Round {
        let mut state = run.body;
        for _ in 0..WIDEST {
            let byte = text.get(at).copied();
            let next = match &self.ops.nodes[state].op {
                Op::Bytes { set, next } => byte.filter(|byte| set.has(*byte)).map(|_| *next),
                Op::Ranges(ranges) => byte.and_then(|byte| ranges.of(byte)),
                _ => return Round::Unknown,
            };
            let Some(next) = next else {
                return Round::Never;
            };
            (state, at) = (next, at + 1);
            if state == run.start {
                return Round::To(at);
            }
        }
        Round::Unknown
    }
}
