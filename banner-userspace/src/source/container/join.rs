//! Pieces of lines joined to lines. Pure.

use super::record::{Record, Stream};
use crate::model::Wall;

/// The lines of one file whose ends have not come yet.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    pending: [Option<Pending>; 2],
    /// Bytes of the file that came by.
    raw: u64,
}

#[derive(Debug)]
struct Pending {
    text: Vec<u8>,
    at: Option<Wall>,
    /// The line is longer than the limit.
    cut: bool,
    /// Where it begins, in bytes that came by; none: in a file before this one.
    start: Option<u64>,
}

/// A line that is whole, or as much of it as the limit allows.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Joined {
    pub(super) text: Vec<u8>,
    pub(super) at: Option<Wall>,
    pub(super) cut: bool,
}

impl Joiner {
    /// Whether a record of this stream can be given out as it is.
    pub(super) fn is_open(&self, stream: Stream) -> bool {
        self.pending[stream as usize].is_some()
    }

    /// Notes that so many bytes of the file came by without being part of a line that waits.
    pub(super) fn pass(&mut self, raw: u64) {
        self.raw += raw;
    }

    /// Adds a record that took `raw` bytes of the file. A line of more than `limit` bytes is cut.
    pub(super) fn add(&mut self, record: &Record<'_>, raw: u64, limit: usize) -> Option<Joined> {
        let start = self.raw;
        self.raw += raw;
        let slot = &mut self.pending[record.stream as usize];
        let pending = slot.get_or_insert_with(|| Pending {
            text: Vec::new(),
            at: record.at,
            cut: false,
            start: Some(start),
        });
        let room = limit - pending.text.len();
        pending.cut |= record.text.len() > room;
        let part = record.text.len().min(room);
        pending.text.extend_from_slice(&record.text[..part]);
        if record.partial {
            return None;
        }
        let Pending { text, at, cut, .. } = slot.take()?;
        Some(Joined { text, at, cut })
    }

    /// How many of the bytes that came by are to be read again, if the lines that wait are to be whole after
    /// a restart.
    pub(super) fn held(&self) -> u64 {
        let starts = self.pending.iter().flatten().filter_map(|one| one.start);
        starts.min().map_or(0, |start| self.raw - start)
    }

    /// The file was rotated: its last line goes on in the next one.
    pub(super) fn next_file(&mut self) {
        self.raw = 0;
        self.settle();
    }

    /// What waits is not to be read again.
    pub(super) fn settle(&mut self) {
        for pending in self.pending.iter_mut().flatten() {
            pending.start = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn piece(stream: Stream, partial: bool, text: &[u8], at: i64) -> Record<'_> {
        Record {
            at: Some(Wall(at)),
            stream,
            partial,
            text: Cow::Borrowed(text),
        }
    }

    #[test]
    fn pieces_are_joined_within_their_stream() {
        let mut joiner = Joiner::default();
        assert_eq!(
            joiner.add(&piece(Stream::Stdout, true, b"a", 1), 10, 9),
            None
        );
        assert_eq!(
            (
                joiner.is_open(Stream::Stdout),
                joiner.is_open(Stream::Stderr)
            ),
            (true, false)
        );
        let other = joiner.add(&piece(Stream::Stderr, false, b"x", 2), 10, 9);
        assert_eq!(other.map(|line| line.text), Some(b"x".to_vec()));
        assert_eq!(joiner.held(), 20);
        let line = joiner.add(&piece(Stream::Stdout, false, b"b", 3), 10, 9);
        let expected = Joined {
            text: b"ab".to_vec(),
            at: Some(Wall(1)),
            cut: false,
        };
        assert_eq!(line, Some(expected));
        assert_eq!(joiner.held(), 0);
    }

    #[test]
    fn a_line_that_began_before_the_rotation_is_not_read_again_from_the_next_file() {
        let mut joiner = Joiner::default();
        joiner.add(&piece(Stream::Stdout, true, b"a", 1), 10, 9);
        joiner.next_file();
        assert_eq!(joiner.held(), 0);
        let line = joiner.add(&piece(Stream::Stdout, false, b"b", 3), 10, 9);
        assert_eq!(line.map(|line| line.text), Some(b"ab".to_vec()));
    }

    proptest! {
        #[test]
        fn joining_gives_what_was_cut_up(
            lines in vec(vec(vec(any::<u8>(), 0..8), 1..5), 0..10),
            limit in 1_usize..20,
        ) {
            let mut joiner = Joiner::default();
            let mut joined = Vec::new();
            for pieces in &lines {
                for (n, text) in pieces.iter().enumerate() {
                    let partial = n + 1 < pieces.len();
                    joined.extend(joiner.add(&piece(Stream::Stdout, partial, text, 0), 1, limit));
                }
            }
            let expected: Vec<_> = lines.iter().map(|pieces| {
                let mut text = pieces.concat();
                let cut = text.len() > limit;
                text.truncate(limit);
                Joined { text, at: Some(Wall(0)), cut }
            }).collect();
            prop_assert_eq!(joined, expected);
            prop_assert_eq!(joiner.held(), 0);
        }
    }
}
