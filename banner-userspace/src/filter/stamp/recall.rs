//! The last stamp again: most lines bear the stamp of the line before, at the same place.

use super::order::Place;
use crate::model::Wall;

/// What must be as in the last line for the same stamp to be found, and what it means.
#[derive(Clone, Debug, Default)]
pub(super) struct Recall {
    stamped: Option<Stamped>,
    /// The bytes that decided, all of them ASCII, and where they begin.
    from: usize,
    text: Vec<u8>,
    /// The line ended behind them.
    ended: bool,
    /// When it was read.
    second: i64,
}

/// A stamp that was found and read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamped {
    pub(super) template: usize,
    /// What is cut out.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) at: Wall,
    /// Whether it is another time in another second.
    pub(super) relative: bool,
}

impl Recall {
    pub(super) fn forget(&mut self) {
        self.stamped = None;
    }

    /// The stamp of the last line, if `line` has it too, and the time would be the same.
    pub(super) fn of(&self, line: &str, now: Wall) -> Option<Stamped> {
        let stamped = self.stamped?;
        let (before, text) = line.as_bytes().split_at_checked(self.from)?;
        let same = text.starts_with(&self.text)
            && (!self.ended || text.len() == self.text.len())
            && (!stamped.relative || self.second == now.as_secs())
            && before.is_ascii();
        same.then_some(stamped)
    }

    /// Remembers a stamp of `line`: what is between `from` and `to` decided. Where that is beyond the
    /// end, so did the end.
    pub(super) fn keep(
        &mut self,
        line: &str,
        (from, to): (usize, usize),
        stamped: Stamped,
        now: Wall,
    ) {
        let bytes = line.as_bytes();
        let text = &bytes[from..to.min(bytes.len())];
        if text.is_ascii() && bytes[..from].is_ascii() {
            self.stamped = Some(stamped);
            self.from = from;
            self.text.clear();
            self.text.extend_from_slice(text);
            self.ended = to > bytes.len();
            self.second = now.as_secs();
        }
    }
}

/// What decides on a match that stays where it is: from `behind` bytes before it up to one byte
/// behind it.
pub(super) fn around(place: Place, behind: usize) -> (usize, usize) {
    let from = place.start_byte.saturating_sub(behind.max(1));
    (from, place.end_byte + 1)
}
