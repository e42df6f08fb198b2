//! Lines of a log, one after the other, in bounded memory.

use std::io::{self, BufRead};

use memchr::memchr;

/// What becomes of lines.
pub(super) trait Sink {
    /// A line. `cut`: it went on.
    fn line(&mut self, line: &[u8], cut: bool);

    /// The next line may be long in coming.
    fn wait(&mut self) {}
}

/// Splits what `input` gives into lines as the agent does: without the line break, and without a
/// carriage return before it. Of a line longer than `limit` bytes only so many are given, with the
/// word that it went on. What stands behind the last line break is a line, too.
pub(super) fn each(input: &mut dyn BufRead, limit: usize, sink: &mut dyn Sink) -> io::Result<()> {
    let mut held = Vec::new();
    // Of a line that is too long, so much is known; the rest is passed over.
    let mut over = false;
    loop {
        sink.wait();
        let piece = match input.fill_buf() {
            Ok(piece) => piece,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if piece.is_empty() {
            if !held.is_empty() {
                sink.line(&held, over);
            }
            return Ok(());
        }
        let length = piece.len();
        let mut rest = piece;
        while let Some(end) = memchr(b'\n', rest) {
            let line = &rest[..end];
            rest = &rest[end + 1..];
            // Not copied: most lines lie in one piece.
            if held.is_empty() && line.len() <= limit {
                sink.line(without_return(line), false);
                continue;
            }
            over |= hold(&mut held, line, limit);
            let line = if over { &held } else { without_return(&held) };
            sink.line(line, over);
            held.clear();
            over = false;
        }
        over |= hold(&mut held, rest, limit);
        input.consume(length);
    }
}

/// Keeps what fits of a part of a line; whether some did not.
fn hold(held: &mut Vec<u8>, part: &[u8], limit: usize) -> bool {
    let room = limit - held.len();
    held.extend_from_slice(&part[..part.len().min(room)]);
    part.len() > room
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use proptest::{collection::vec, prelude::*};

    use super::*;

    impl Sink for Vec<(Vec<u8>, bool)> {
        fn line(&mut self, line: &[u8], cut: bool) {
            self.push((line.to_vec(), cut));
        }
    }

    fn lines(text: &[u8], limit: usize, piece: usize) -> Vec<(Vec<u8>, bool)> {
        let mut lines = Vec::new();
        let mut input = BufReader::with_capacity(piece, text);
        each(&mut input, limit, &mut lines).unwrap();
        lines
    }

    #[test]
    fn lines_come_without_their_ends() {
        for piece in [1, 2, 3, 100] {
            assert_eq!(
                lines(b"a\r\n\nbcd\r\r\nef\rg", 10, piece),
                [
                    (b"a".to_vec(), false),
                    (b"".to_vec(), false),
                    (b"bcd\r".to_vec(), false),
                    (b"ef\rg".to_vec(), false)
                ]
            );
        }
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_is_whole() {
        for piece in [1, 4, 100] {
            assert_eq!(
                lines(b"123456789\n12345\n\n123456", 5, piece),
                [
                    (b"12345".to_vec(), true),
                    (b"12345".to_vec(), false),
                    (b"".to_vec(), false),
                    (b"12345".to_vec(), true)
                ]
            );
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            text in vec(prop_oneof![4 => Just(b'a'), 1 => Just(b'\n'), 1 => Just(b'\r')], 0..60),
            limit in 1_usize..12,
            piece in 1_usize..9,
        ) {
            prop_assert_eq!(lines(&text, limit, piece), lines(&text, limit, 1000));
        }
    }
}
