//! Connections with messages of syslog: any bytes, in pieces of any size.
//!
//! A byte says where messages are cut, another one how the bytes come in pieces.

use banner_userspace::source::frame::Frames;

use crate::budget;

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let [limit, pieces, bytes @ ..] = data else {
        return;
    };
    let limit = usize::from(*limit) + 8;
    let name = || format!("{:?}", String::from_utf8_lossy(bytes));
    let whole = budget::within(budget::LINE, &name, || read(bytes, bytes.len(), limit));
    let length: usize = whole.iter().map(|(message, _)| message.len()).sum();
    assert!(length <= bytes.len(), "{whole:?} of {}", name());
    for (message, cut) in &whole {
        assert!(message.len() <= limit, "{message:?} of {}", name());
        assert!(!message.is_empty() || *cut, "an empty one of {}", name());
    }
    let size = usize::from(*pieces) + 1;
    assert_eq!(read(bytes, size, limit), whole, "in pieces of {size}");
    // Whatever came before, a message with its length before it comes out as it is.
    let counted = [format!("{} ", bytes.len()).as_bytes(), bytes].concat();
    let alone = read(&counted, size, usize::MAX);
    if !bytes.is_empty() {
        assert_eq!(alone, [(bytes.to_vec(), false)], "of {}", name());
    }
}

/// The messages of a connection, and whether they were cut.
fn read(bytes: &[u8], size: usize, limit: usize) -> Vec<(Vec<u8>, bool)> {
    let mut messages = Vec::new();
    let mut give = |message: &[u8], cut: bool| messages.push((message.to_vec(), cut));
    let mut frames = Frames::default();
    for piece in bytes.chunks(size.max(1)) {
        frames.take(piece, limit, &mut give);
    }
    frames.finish(&mut give);
    messages
}
