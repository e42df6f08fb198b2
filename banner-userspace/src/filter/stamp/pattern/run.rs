//! Searching for a pattern.

use super::{
    At,
    chars::{is_word, lower},
    compile::{Program, Step},
};

/// No position.
const NONE: usize = usize::MAX;

/// How many steps a search may take, and how many more for each byte of the line: what a pattern
/// that explodes takes at most. Such a line counts as one without a match.
const BUDGET: usize = 50_000;
const BUDGET_PER_BYTE: usize = 16;

/// What a search needs room for, and what it has found.
#[derive(Clone, Debug, Default)]
pub(in crate::filter::stamp) struct Scratch {
    slots: Vec<usize>,
    /// Of an earlier search.
    kept: Vec<usize>,
    frames: Vec<Frame>,
    /// One behind the last byte that the outcome depends on.
    seen: usize,
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    /// Go on at this step and position.
    Branch(usize, usize),
    /// The slot had this position.
    Restore(usize, usize),
    /// Go on at this step, one character before the second position, down to the first.
    Fewer(usize, usize, usize),
}

impl Scratch {
    /// Where the group is that a search has found; `None`: it took no part.
    pub(in crate::filter::stamp) fn group(&self, group: usize) -> Option<(usize, usize)> {
        let start = *self.slots.get(2 * group)?;
        let end = *self.slots.get(2 * group + 1)?;
        (start != NONE && end != NONE).then_some((start, end))
    }

    /// Keeps what was found beyond the next search.
    pub(in crate::filter::stamp) fn keep(&mut self) {
        self.kept.clone_from(&self.slots);
    }

    /// Brings back what was kept.
    pub(in crate::filter::stamp) fn recall(&mut self) {
        std::mem::swap(&mut self.kept, &mut self.slots);
    }

    /// One behind the last byte that the outcome of the last search depends on, when it was a
    /// match at the position where it began; the end of the text counts as a byte.
    pub(in crate::filter::stamp) fn seen(&self) -> usize {
        self.seen
    }
}

impl Program {
    /// Searches `text` from `start` on, as if it ended where it ends; what stands before `start` can
    /// be looked back at. Whether there is a match: `scratch` has it then.
    pub(in crate::filter::stamp) fn search(
        &self,
        text: &str,
        start: usize,
        scratch: &mut Scratch,
    ) -> bool {
        let mut machine = Machine {
            program: self,
            text,
            bytes: text.as_bytes(),
            scratch,
            budget: BUDGET.saturating_add(text.len().saturating_mul(BUDGET_PER_BYTE)),
        };
        machine.scratch.seen = 0;
        if self.anchored {
            return start == 0 && self.shape.fits(text) && machine.at(0);
        }
        for (from, to) in self.shape.spans(text.as_bytes(), start) {
            for at in from..to {
                if !self.shape.may_begin(text, at) {
                    continue;
                }
                if machine.at(at) {
                    return true;
                }
                if machine.budget == 0 {
                    return false;
                }
            }
        }
        false
    }
}

#[cfg(test)]
impl Program {
    /// Whether a match begins in this place.
    pub(super) fn matches_at(&self, text: &str, at: usize, scratch: &mut Scratch) -> bool {
        let mut machine = Machine {
            program: self,
            text,
            bytes: text.as_bytes(),
            scratch,
            budget: BUDGET,
        };
        machine.at(at)
    }
}

struct Machine<'s> {
    program: &'s Program,
    text: &'s str,
    bytes: &'s [u8],
    scratch: &'s mut Scratch,
    budget: usize,
}

impl Machine<'_> {
    fn at(&mut self, start: usize) -> bool {
        self.scratch.slots.clear();
        self.scratch.slots.resize(self.program.slots, NONE);
        self.scratch.frames.clear();
        self.run(0, start).is_some()
    }

    /// Runs from `step` on up to the end of the program or of this part of it.
    fn run(&mut self, mut step: usize, mut at: usize) -> Option<usize> {
        let base = self.scratch.frames.len();
        loop {
            if self.budget == 0 {
                return None;
            }
            self.budget -= 1;
            // What decides is never behind this; conditions look one character further.
            let next = match self.program.steps[step] {
                Step::Byte(byte) => (self.bytes.get(at) == Some(&byte)).then(|| {
                    at += 1;
                    step + 1
                }),
                Step::Set(set) => self.one(set, at).map(|behind| {
                    at = behind;
                    step + 1
                }),
                Step::Run { set, least, most } => self.many(set, least, most, step, &mut at),
                Step::Split(first, second, guard) => {
                    let next = self.bytes.get(at);
                    let (one, other) = self.program.guards[guard];
                    if !one.lets(next) {
                        self.saw(at + 1);
                        Some(second)
                    } else if other.lets(next) {
                        self.scratch.frames.push(Frame::Branch(second, at));
                        Some(first)
                    } else {
                        self.saw(at + 1);
                        Some(first)
                    }
                }
                Step::Jump(step) => Some(step),
                Step::Save(slot) => {
                    let old = std::mem::replace(&mut self.scratch.slots[slot], at);
                    self.scratch.frames.push(Frame::Restore(slot, old));
                    Some(step + 1)
                }
                Step::Turned(slot, over) => Some(if self.scratch.slots[slot] == at {
                    over
                } else {
                    step + 1
                }),
                Step::At(condition) => self.holds(condition, at).then_some(step + 1),
                Step::Look {
                    behind,
                    negate,
                    next,
                } => self.look(step + 1, at, behind, negate).then_some(next),
                Step::Atomic(next) => self.apart(step + 1, at).map(|behind| {
                    at = behind;
                    next
                }),
                Step::Done | Step::Match => {
                    self.saw(at);
                    return Some(at);
                }
                Step::Again(group, any_case) => self.again(group, any_case, at).map(|behind| {
                    at = behind;
                    step + 1
                }),
                Step::When(group, no) => Some(match self.scratch.group(group) {
                    Some(_) => step + 1,
                    None => no,
                }),
            };
            if let Some(next) = next {
                step = next;
            } else {
                self.saw(at + 1);
                (step, at) = self.back(base)?;
            }
        }
    }

    fn saw(&mut self, behind: usize) {
        if self.scratch.seen < behind {
            self.scratch.seen = behind;
        }
    }

    /// Takes back what was done since the last choice.
    fn back(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.scratch.frames.len() > base {
            match self.scratch.frames.pop()? {
                Frame::Branch(step, at) => return Some((step, at)),
                Frame::Restore(slot, old) => self.scratch.slots[slot] = old,
                Frame::Fewer(step, least, most) => {
                    let mut at = most - 1;
                    while !self.text.is_char_boundary(at) {
                        at -= 1;
                    }
                    if at > least {
                        self.scratch.frames.push(Frame::Fewer(step, least, at));
                    }
                    return Some((step, at));
                }
            }
        }
        None
    }

    /// The end of the character at `at` when it is of the set.
    fn one(&self, set: usize, at: usize) -> Option<usize> {
        let set = &self.program.sets[set];
        let byte = *self.bytes.get(at)?;
        if byte.is_ascii() {
            return set.has_ascii(byte).then_some(at + 1);
        }
        let c = self.text[at..].chars().next()?;
        set.has(c).then(|| at + c.len_utf8())
    }

    fn many(
        &mut self,
        set: usize,
        least: u32,
        most: u32,
        step: usize,
        at: &mut usize,
    ) -> Option<usize> {
        let (mut count, mut end, mut fewest) = (0, *at, *at);
        while count < most {
            let Some(next) = self.one(set, end) else {
                self.saw(end + 1);
                break;
            };
            end = next;
            count += 1;
            if count <= least {
                fewest = end;
            }
        }
        self.budget = self.budget.saturating_sub(count as usize / 8);
        *at = end;
        if count < least {
            return None;
        }
        // What takes none of the characters of the set does not match where one of them stands.
        let sure = matches!(self.program.steps[step + 1],
            Step::Byte(byte) if !self.program.sets[set].has_ascii(byte));
        if end > fewest && !sure {
            self.scratch
                .frames
                .push(Frame::Fewer(step + 1, fewest, end));
        }
        Some(step + 1)
    }

    fn look(&mut self, step: usize, at: usize, behind: Option<usize>, negate: bool) -> bool {
        let mut start = at;
        for _ in 0..behind.unwrap_or(0) {
            match self.before(start) {
                Some(c) => start -= c.len_utf8(),
                None => return negate,
            }
        }
        let frames = self.scratch.frames.len();
        let found = self.apart(step, start).is_some();
        if found && negate {
            // Groups set in what must not be there are not set.
            while self.scratch.frames.len() > frames {
                if let Some(Frame::Restore(slot, old)) = self.scratch.frames.pop() {
                    self.scratch.slots[slot] = old;
                }
            }
        }
        found != negate
    }

    /// Runs a part of the program whose choices are final: of what it did there remains how to take
    /// back its groups.
    fn apart(&mut self, step: usize, at: usize) -> Option<usize> {
        let base = self.scratch.frames.len();
        let end = self.run(step, at)?;
        let mut kept = base;
        for index in base..self.scratch.frames.len() {
            if let Frame::Restore(..) = self.scratch.frames[index] {
                self.scratch.frames[kept] = self.scratch.frames[index];
                kept += 1;
            }
        }
        self.scratch.frames.truncate(kept);
        Some(end)
    }

    fn again(&mut self, group: usize, any_case: bool, at: usize) -> Option<usize> {
        let (start, end) = self.scratch.group(group)?;
        let wanted = self.text.get(start..end)?;
        if !any_case {
            self.saw(at + wanted.len());
            return self.bytes[at..]
                .starts_with(wanted.as_bytes())
                .then(|| at + wanted.len());
        }
        let mut rest = self.text[at..].chars();
        for c in wanted.chars() {
            if lower(rest.next()?) != lower(c) {
                return None;
            }
        }
        Some(self.text.len() - rest.as_str().len())
    }

    fn before(&self, at: usize) -> Option<char> {
        self.text[..at].chars().next_back()
    }

    fn words(&self, at: usize, ascii: bool) -> (bool, bool) {
        let word = |c: char| {
            if ascii {
                c.is_ascii_alphanumeric() || c == '_'
            } else {
                is_word(c)
            }
        };
        let left = match at.checked_sub(1).map(|at| self.bytes[at]) {
            None => false,
            Some(byte) if byte.is_ascii() => word(char::from(byte)),
            Some(_) => self.before(at).is_some_and(word),
        };
        let right = match self.bytes.get(at) {
            None => false,
            Some(&byte) if byte.is_ascii() => word(char::from(byte)),
            Some(_) => self.text[at..].chars().next().is_some_and(word),
        };
        (left, right)
    }

    fn holds(&mut self, condition: At, at: usize) -> bool {
        self.saw(at + 1);
        let end = self.bytes.len();
        match condition {
            At::Start => at == 0,
            At::LineStart => at == 0 || self.bytes[at - 1] == b'\n',
            At::End => {
                self.saw(at + 2);
                at == end || (at + 1 == end && self.bytes[at] == b'\n')
            }
            At::LineEnd => at == end || self.bytes[at] == b'\n',
            At::LastEnd => at == end,
            At::Boundary(ascii) => {
                let (left, right) = self.words(at, ascii);
                left != right
            }
            At::NoBoundary(ascii) => {
                let (left, right) = self.words(at, ascii);
                // Python: not in an empty text.
                left == right && end > 0
            }
            At::Left(ascii) => {
                let (left, right) = self.words(at, ascii);
                at == 0 || if at == end { left } else { !(left && right) }
            }
            At::Right(ascii) => {
                let (left, right) = self.words(at, ascii);
                !(left && right)
            }
        }
    }
}
