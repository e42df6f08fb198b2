//! Messages of syslog: any bytes as one, and any bytes as the text of one.

use banner_userspace::source::message::message;

use crate::budget;

/// What ends a message and is not part of it.
const ENDS: &[u8] = b"\n\r\0";

/// The byte order mark that may stand before the text (RFC 5424, 6.4).
const MARK: &[u8] = b"\xef\xbb\xbf";

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let name = || format!("{:?}", String::from_utf8_lossy(data));
    let found = budget::within(budget::LINE, &name, || message(data));
    assert!(found.line.len() <= data.len(), "{found:?} of {}", name());
    assert!(found.at.is_none() || !found.timeless, "{found:?}");
    let end = data.iter().rposition(|byte| !ENDS.contains(byte));
    let text = &data[..end.map_or(0, |end| end + 1)];
    for (head, line) in [
        ("<38>1 2026-11-20T12:00:00Z h p 7 - - ", "h p[7]: "),
        ("<38>1 - - p - ID [a@1 b=\"\\\"]\"][c] ", "p: "),
    ] {
        let found = message(&[head.as_bytes(), data].concat());
        let text = text.strip_prefix(MARK).unwrap_or(text);
        assert_eq!(
            found.line,
            [line.as_bytes(), text].concat(),
            "{head}{}",
            name()
        );
        assert_eq!(found.timeless, head.contains("1 - -"));
    }
    // What is not of RFC 5424 is a line as it stands.
    let found = message(&[b"<38>Nov 20 12:00:00 h ", data].concat());
    let line = [b"Nov 20 12:00:00 h ", text].concat();
    assert_eq!(found.line, line, "{}", name());
    assert_eq!((found.at, found.timeless), (None, false));
}
