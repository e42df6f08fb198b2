//! From pieces of a file, as reads deliver them, to whole lines.

use memchr::{memchr, memrchr};

/// Above this a buffer that has become empty is given back: a thousand quiet files should not
/// each keep room for the longest line they ever had.
const KEEP: usize = 4096;

/// How the bytes that are given out end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Whole lines, as many as there were in one piece.
    Whole,
    /// The beginning of one line that is longer than the limit.
    Cut,
    /// The beginning of one line that will get no end: its file is gone or was truncated.
    Unfinished,
}

/// From pieces of a file to its lines: remembers the line that is not finished yet.
#[derive(Debug, Default)]
pub struct Lines {
    /// Its beginning, never more than the limit.
    held: Vec<u8>,
    /// Its beginning was given out as [`End::Cut`]; the rest is passed over.
    skipping: bool,
}

impl Lines {
    /// A reader that begins somewhere inside a line, the rest of which is passed over.
    pub(super) fn inside() -> Self {
        Self {
            held: Vec::new(),
            skipping: true,
        }
    }

    /// Whether the rest of an overlong line is being passed over.
    pub(super) fn is_skipping(&self) -> bool {
        self.skipping
    }

    /// Takes the next piece of the file and gives out every line that it completes, without their
    /// being copied unless they began in an earlier piece.
    ///
    /// Returns how far into `piece` everything is settled, given out or passed over; `None` when
    /// nothing was. `limit` is in bytes without the newline and at least 1.
    pub fn take(
        &mut self,
        piece: &[u8],
        limit: usize,
        give: &mut dyn FnMut(&[u8], End),
    ) -> Option<usize> {
        let mut at = 0;
        let mut settled = None;
        while at < piece.len() {
            if self.skipping {
                let Some(newline) = memchr(b'\n', &piece[at..]) else {
                    return settled;
                };
                self.skipping = false;
                at += newline + 1;
                settled = Some(at);
                continue;
            }
            if self.held.is_empty() {
                let end = at + whole(&piece[at..], limit);
                if end > at {
                    give(&piece[at..end], End::Whole);
                    at = end;
                    settled = Some(at);
                }
            }
            let rest = &piece[at..];
            let room = limit - self.held.len();
            if let Some(newline) = memchr(b'\n', &rest[..rest.len().min(room + 1)]) {
                self.held.extend_from_slice(&rest[..=newline]);
                self.give_held(End::Whole, give);
                at += newline + 1;
                settled = Some(at);
            } else if rest.len() > room {
                self.held.extend_from_slice(&rest[..room]);
                self.held.push(b'\n');
                self.give_held(End::Cut, give);
                self.skipping = true;
                at += room;
                settled = Some(at);
            } else {
                self.held.extend_from_slice(rest);
                break;
            }
        }
        settled
    }

    /// Ends the line that would wait for an end for ever, and forgets that there was one.
    pub fn finish(&mut self, give: &mut dyn FnMut(&[u8], End)) {
        self.skipping = false;
        if !self.held.is_empty() {
            self.held.push(b'\n');
            self.give_held(End::Unfinished, give);
        }
    }

    fn give_held(&mut self, end: End, give: &mut dyn FnMut(&[u8], End)) {
        give(&self.held, end);
        if self.held.capacity() > KEEP {
            self.held = Vec::new();
        } else {
            self.held.clear();
        }
    }
}

/// How many of the first bytes are whole lines, none of them longer than the limit.
///
/// It looks back from the furthest place where a newline may be, so its cost is about one short
/// search for each `limit` bytes, not one for each line.
fn whole(bytes: &[u8], limit: usize) -> usize {
    let mut end = 0;
    loop {
        let window = &bytes[end..bytes.len().min(end + limit + 1)];
        match memrchr(b'\n', window) {
            Some(newline) => end += newline + 1,
            None => return end,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What should come out: each line with how it ends.
    fn expected(bytes: &[u8], limit: usize) -> Vec<(Vec<u8>, End)> {
        let mut lines = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (text, end) = match line.strip_suffix(b"\n") {
                Some(text) => (text, End::Whole),
                None => (line, End::Unfinished),
            };
            let end = if text.len() > limit { End::Cut } else { end };
            let mut text = text[..text.len().min(limit)].to_vec();
            text.push(b'\n');
            lines.push((text, end));
        }
        lines
    }

    fn split(bytes: &[u8], end: End) -> impl Iterator<Item = (Vec<u8>, End)> {
        bytes
            .split_inclusive(|byte| *byte == b'\n')
            .map(move |line| (line.to_vec(), end))
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            pieces in vec(vec(prop_oneof![3 => Just(b'a'), 1 => Just(b'\n'), 1 => Just(0)], 0..40), 0..20),
            limit in 1_usize..30,
        ) {
            let all = pieces.concat();
            let mut lines = Lines::default();
            let mut given = Vec::new();
            let mut base = 0;
            let mut settled = 0;
            for piece in &pieces {
                let mut give = |bytes: &[u8], end| given.extend(split(bytes, end));
                if let Some(upto) = lines.take(piece, limit, &mut give) {
                    settled = base + upto;
                }
                base += piece.len();
                prop_assert!(lines.held.len() <= limit);
                if !lines.skipping {
                    prop_assert_eq!(settled, base - lines.held.len());
                }
            }
            lines.finish(&mut |bytes, end| given.extend(split(bytes, end)));
            prop_assert_eq!(given, expected(&all, limit));
        }
    }

    #[test]
    fn whole_lines_of_one_piece_are_given_out_together() {
        let mut lines = Lines::default();
        let mut given = Vec::new();
        lines.take(b"one\ntwo\nthree\nfo", 100, &mut |bytes, _| {
            given.push(bytes.to_vec());
        });
        assert_eq!(given, [b"one\ntwo\nthree\n"]);
    }

    #[test]
    fn an_overlong_line_is_given_out_before_it_ends() {
        let mut lines = Lines::default();
        let mut given = Vec::new();
        let mut give = |bytes: &[u8], end| given.push((bytes.to_vec(), end));
        assert_eq!(lines.take(b"12345", 5, &mut give), None);
        assert_eq!(lines.take(b"6", 5, &mut give), Some(0));
        for _ in 0..1000 {
            assert_eq!(lines.take(&[b'x'; 1000], 5, &mut give), None);
        }
        assert_eq!(lines.take(b"\nok\n", 5, &mut give), Some(4));
        assert_eq!(
            given,
            [
                (b"12345\n".to_vec(), End::Cut),
                (b"ok\n".to_vec(), End::Whole)
            ]
        );
    }

    #[test]
    fn the_room_of_a_long_line_is_given_back() {
        let mut lines = Lines::default();
        lines.take(&vec![b'x'; 100_000], 200_000, &mut |_, _| {});
        lines.take(b"\n", 200_000, &mut |_, _| {});
        assert_eq!(lines.held.capacity(), 0);
    }
}
