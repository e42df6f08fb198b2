//! Messages out of a connection (RFC 6587): each with its length before it, or with a line break behind it.

use memchr::memchr2;

/// The longest length that is believed, in digits.
const DIGITS: usize = 7;

/// The message of a connection that is not complete yet.
#[derive(Debug, Default)]
pub struct Frames {
    held: Vec<u8>,
    /// It is longer than the limit; the rest is passed over.
    over: bool,
    part: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Begin,
    /// Digits that may be a length.
    Length,
    /// So many more bytes belong to the message.
    Counted(usize),
    /// It ends with a line break or NUL.
    Line,
}

impl Frames {
    /// Takes the next bytes of the connection and gives out every message that they complete, and whether
    /// it was cut at `limit` bytes.
    pub fn take(&mut self, mut piece: &[u8], limit: usize, give: &mut dyn FnMut(&[u8], bool)) {
        while let Some(&first) = piece.first() {
            match self.part {
                Part::Begin if b"\n\0\r".contains(&first) => piece = &piece[1..],
                Part::Begin if (b'1'..=b'9').contains(&first) => self.part = Part::Length,
                Part::Length if first.is_ascii_digit() && self.held.len() < DIGITS => {
                    self.held.push(first);
                    piece = &piece[1..];
                }
                Part::Length if first == b' ' => {
                    let length = self
                        .held
                        .iter()
                        .fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
                    self.held.clear();
                    self.part = Part::Counted(length);
                    piece = &piece[1..];
                }
                Part::Begin | Part::Length => self.part = Part::Line,
                Part::Counted(left) => {
                    let (own, rest) = piece.split_at(left.min(piece.len()));
                    self.hold(own, limit);
                    self.part = Part::Counted(left - own.len());
                    if left == own.len() {
                        self.give(give);
                    }
                    piece = rest;
                }
                Part::Line => {
                    let end = memchr2(b'\n', 0, piece);
                    self.hold(&piece[..end.unwrap_or(piece.len())], limit);
                    if end.is_some() {
                        self.give(give);
                    }
                    piece = end.map_or(&[], |end| &piece[end + 1..]);
                }
            }
        }
    }

    /// The connection has ended: what it began is given out as cut.
    pub fn finish(&mut self, give: &mut dyn FnMut(&[u8], bool)) {
        if !self.held.is_empty() {
            self.over = true;
            self.give(give);
        }
    }

    fn hold(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.held.len()).min(bytes.len());
        self.held.extend_from_slice(&bytes[..room]);
        self.over |= room < bytes.len();
    }

    fn give(&mut self, give: &mut dyn FnMut(&[u8], bool)) {
        give(&self.held, self.over);
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]], limit: usize) -> Vec<(String, bool)> {
        let mut frames = Frames::default();
        let mut found = Vec::new();
        let mut give =
            |bytes: &[u8], cut| found.push((String::from_utf8_lossy(bytes).into_owned(), cut));
        for piece in pieces {
            frames.take(piece, limit, &mut give);
        }
        frames.finish(&mut give);
        found
    }

    #[test]
    fn both_ways_to_end_a_message_are_known() {
        for (text, expected) in [
            (
                "3 abc5 d\ne f<1>x\n",
                &[("abc", false), ("d\ne f", false), ("<1>x", false)][..],
            ),
            (
                "a\r\nb\0\n\nc",
                &[("a\r", false), ("b", false), ("c", true)],
            ),
            ("2026-11-20 x\n", &[("2026-11-20 x", false)]),
            ("12345678 x\n", &[("12345678 x", false)]),
            (
                "20 abcdefghijklmnopqrstz\n",
                &[("abcdefghijkl", true), ("z", false)],
            ),
            ("9 abc", &[("abc", true)]),
            ("9", &[("9", true)]),
        ] {
            let expected = expected
                .iter()
                .map(|(text, cut)| ((*text).to_owned(), *cut));
            let expected: Vec<_> = expected.collect();
            assert_eq!(read(&[text.as_bytes()], 12), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            messages in vec(("[a-z\n ]{1,12}", any::<bool>()), 0..8),
            size in 1_usize..9,
        ) {
            let mut bytes = Vec::new();
            let mut expected = Vec::new();
            for (text, counted) in messages {
                let text = if counted { text } else { text.replace('\n', "x") };
                let frame = if counted { format!("{} {text}", text.len()) } else { format!("{text}\n") };
                bytes.extend(frame.into_bytes());
                expected.push((text, false));
            }
            let pieces: Vec<_> = bytes.chunks(size).collect();
            prop_assert_eq!(read(&pieces, 100), expected);
        }

        #[test]
        fn nothing_is_held_beyond_the_limit(bytes: Vec<u8>, limit in 8_usize..20) {
            let mut frames = Frames::default();
            for piece in bytes.chunks(3) {
                frames.take(piece, limit, &mut |_, _| {});
                prop_assert!(frames.held.len() <= limit);
            }
        }
    }
}
