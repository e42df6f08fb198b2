//! What is remembered of a log: which forms of stamps it had, how often, and where.

use super::{
    pattern::{Scratch, is_alphanumeric},
    recall::Recall,
    zone::Local,
};
use crate::model::Wall;

/// How much later a form must have been met than another one to be preferred to it, however seldom
/// it was: 5 minutes.
const UNUSED_NS: i64 = 300_000_000_000;

/// What a [`super::Detector`] has learnt of one log. A new one knows nothing.
#[derive(Clone, Debug, Default)]
pub struct DetectorState {
    pub(super) order: Order,
    pub(super) scratch: Scratch,
    pub(super) local: Local,
    pub(super) recall: Recall,
}

impl DetectorState {
    /// Makes it one for this many templates.
    pub(super) fn fit(&mut self, templates: usize) {
        if self.order.slots.len() != templates {
            self.order = Order::new(templates);
            self.recall.forget();
        }
    }
}

/// Where a match stands: in characters, as Python counts, and in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) start_byte: usize,
    pub(super) end_byte: usize,
}

impl Place {
    pub(super) fn of(line: &str, (start_byte, end_byte): (usize, usize)) -> Self {
        let bytes = line.as_bytes();
        let count = |from: usize, to: usize| {
            if bytes[from..to].is_ascii() {
                to - from
            } else {
                line[from..to].chars().count()
            }
        };
        let start = count(0, start_byte);
        Self {
            start,
            end: start + count(start_byte, end_byte),
            start_byte,
            end_byte,
        }
    }
}

/// A template in the order in which templates are tried.
#[derive(Clone, Copy, Debug)]
struct Slot {
    number: usize,
    hits: u64,
    /// When it was met last, in ns; `None`: never.
    used: Option<i64>,
    /// Where in a line, in characters, it began last.
    distance: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    slots: Vec<Slot>,
    /// The place in the order of the one that was met last.
    pub(super) last: Option<usize>,
    /// The first that was never met.
    unused: usize,
    start: usize,
    end: usize,
    /// The character before the last stamp, its first and last one, and the one behind it.
    before: Option<char>,
    first: Option<char>,
    final_: Option<char>,
    behind: Option<char>,
}

impl Order {
    fn new(templates: usize) -> Self {
        let slot = |number| Slot {
            number,
            hits: 0,
            used: None,
            distance: 0x7fff_ffff,
        };
        Self {
            slots: (0..templates).map(slot).collect(),
            start: 1,
            ..Self::default()
        }
    }

    /// The number of the template in this place of the order.
    pub(super) fn number(&self, index: usize) -> usize {
        self.slots[index].number
    }

    pub(super) fn is_last_place(&self, place: Place) -> bool {
        (place.start, place.end) == (self.start, self.end)
    }

    /// Whether it stands further behind than before.
    pub(super) fn is_further(&self, index: usize, place: Place) -> bool {
        place.start > self.slots[index].distance || place.start > self.start
    }

    /// Where in `line` the stamp is, in bytes, if it is where it was in the last one: when what stands
    /// around it, or its ends, are as before.
    pub(super) fn at_last_place(&self, line: &str) -> Option<(usize, usize)> {
        let mark = |c: Option<char>| c.is_some_and(|c| !is_alphanumeric(c));
        let before = self.start.checked_sub(1).and_then(|at| char_at(line, at));
        let first = || mark(self.first) && char_at(line, self.start) == self.first;
        let last = || {
            let last = self.end.checked_sub(1).and_then(|at| char_at(line, at));
            mark(self.final_) && last == self.final_
        };
        if (before == self.before || first()) && (char_at(line, self.end) == self.behind || last())
        {
            let (start, end) = (byte_at(line, self.start), byte_at(line, self.end));
            (self.start <= self.end).then_some((start, end))
        } else {
            None
        }
    }

    /// Notes that the last line's stamp was met again, at the same place.
    pub(super) fn hit_again(&mut self, now: Wall) {
        let Some(index) = self.last else {
            return;
        };
        let slot = &mut self.slots[index];
        slot.hits += 1;
        slot.used = Some(now.0);
        if self.unused == index {
            self.unused += 1;
        }
    }

    /// Notes that the template in place `index` was met, and may change the order. `false`: fail2ban
    /// stumbles over such a match, because no character stands where it begins.
    pub(super) fn hit(
        &mut self,
        mut index: usize,
        line: &str,
        place: Place,
        now: Wall,
        weight: impl Fn(usize) -> f64,
    ) -> bool {
        let slot = &mut self.slots[index];
        slot.hits += 1;
        slot.used = Some(now.0);
        slot.distance = place.start;
        if self.unused == index {
            self.unused += 1;
        }
        let Some(first) = line[place.start_byte..].chars().next() else {
            return false;
        };
        (self.start, self.end) = (place.start, place.end);
        self.before = line[..place.start_byte].chars().next_back();
        self.first = Some(first);
        // Before the first character Python finds the last one.
        self.final_ = match place.end_byte {
            0 => line.chars().next_back(),
            end => line[..end].chars().next_back(),
        };
        self.behind = line[place.end_byte..].chars().next();
        if index > 0 && self.last != Some(index) {
            index = self.raise(index, weight);
        }
        self.last = Some(index);
        true
    }

    /// Moves a template up when it was met often enough; where it is then.
    fn raise(&mut self, index: usize, weight: impl Fn(usize) -> f64) -> usize {
        let slot = self.slots[index];
        let own = weighed(&slot, weight(slot.number));
        let passes = |other: &Slot| {
            let long_ago = match (slot.used, other.used) {
                (Some(used), Some(other)) => used.saturating_sub(UNUSED_NS) > other,
                _ => true,
            };
            own > weighed(other, weight(other.number)) || long_ago
        };
        // The first one that was never met, or half of the way.
        let mut to = if self.unused < index {
            self.unused
        } else {
            index / 2
        };
        if !passes(&self.slots[to]) {
            // One place.
            if to == index - 1 {
                return index;
            }
            to = index - 1;
            if !passes(&self.slots[to]) {
                return index;
            }
        }
        self.slots[to..=index].rotate_right(1);
        while self
            .slots
            .get(self.unused)
            .is_some_and(|slot| slot.hits > 0)
        {
            self.unused += 1;
        }
        to
    }
}

#[expect(clippy::cast_precision_loss, reason = "no log has 2^52 lines")]
fn weighed(slot: &Slot, weight: f64) -> f64 {
    slot.hits as f64 * weight / slot.distance.max(1) as f64
}

/// The byte at which character `at` begins, or the end.
fn byte_at(line: &str, at: usize) -> usize {
    match line.as_bytes().get(..at) {
        Some(begin) if begin.is_ascii() => at,
        None if line.is_ascii() => line.len(),
        _ => line
            .char_indices()
            .nth(at)
            .map_or(line.len(), |(byte, _)| byte),
    }
}

fn char_at(line: &str, at: usize) -> Option<char> {
    line[byte_at(line, at)..].chars().next()
}
