//! One message of syslog, as the line that a syslog daemon would have written. Pure.

use jiff::Timestamp;

use crate::model::Wall;

/// The line of a message.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    /// Without a priority. Of RFC 5424 it is `HOST PROGRAM[PID]: MESSAGE`; else it is as it came, with the
    /// stamp in it.
    pub line: Vec<u8>,
    /// When the sender wrote it, where RFC 5424 tells.
    pub at: Option<Wall>,
    /// It is of RFC 5424, and the sender had no clock.
    pub timeless: bool,
}

/// Reads a message of RFC 5424 or RFC 3164; what is neither is a line as it stands.
pub fn message(bytes: &[u8]) -> Message {
    let end = bytes.iter().rposition(|byte| !b"\n\r\0".contains(byte));
    let bytes = &bytes[..end.map_or(0, |end| end + 1)];
    let text = without_priority(bytes);
    text.strip_prefix(b"1 ")
        .and_then(rfc5424)
        .unwrap_or_else(|| Message {
            line: text.to_vec(),
            at: None,
            timeless: false,
        })
}

/// The message behind `<PRI>`, which has one to three digits.
fn without_priority(bytes: &[u8]) -> &[u8] {
    let behind = || {
        let rest = bytes.strip_prefix(b"<")?;
        let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
        let digits = (1..=3).contains(&end) && rest[..end].iter().all(u8::is_ascii_digit);
        digits.then(|| &rest[end + 1..])
    };
    behind().unwrap_or(bytes)
}

/// The word before the next space, and what is behind it.
fn word(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == b' ')?;
    (end > 0).then(|| (&bytes[..end], &bytes[end + 1..]))
}

/// `TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA [MSG]`, with `-` for what there is not.
fn rfc5424(bytes: &[u8]) -> Option<Message> {
    let (stamp, rest) = word(bytes)?;
    let (host, rest) = word(rest)?;
    let (program, rest) = word(rest)?;
    let (process, rest) = word(rest)?;
    let (_id, rest) = word(rest)?;
    let rest = behind_data(rest)?;
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let at = if stamp == b"-" {
        None
    } else {
        Some(time(stamp)?)
    };
    let mut line = Vec::with_capacity(bytes.len());
    let is_there = |word: &[u8]| word != b"-";
    if is_there(program) {
        if is_there(host) {
            line.extend_from_slice(host);
            line.push(b' ');
        }
        line.extend_from_slice(program);
        if is_there(process) {
            line.push(b'[');
            line.extend_from_slice(process);
            line.push(b']');
        }
        line.extend_from_slice(b": ");
    }
    line.extend_from_slice(text);
    Some(Message {
        line,
        timeless: at.is_none(),
        at,
    })
}

/// What stands behind the structured data: `-`, or elements in brackets whose values are in quotes.
fn behind_data(bytes: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = bytes.strip_prefix(b"-") {
        return (rest.is_empty() || rest[0] == b' ').then_some(rest);
    }
    let (mut at, mut quoted) = (0, false);
    if bytes.first() != Some(&b'[') {
        return None;
    }
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b']' if !quoted && bytes.get(at + 1) != Some(&b'[') => {
                let rest = &bytes[at + 1..];
                return (rest.is_empty() || rest[0] == b' ').then_some(rest);
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn time(text: &[u8]) -> Option<Wall> {
    let time: Timestamp = std::str::from_utf8(text).ok()?.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(Wall)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn messages_become_lines() {
        let noon = Some(Wall::from_secs(1_795_176_000));
        for (text, line, at) in [
            (
                "<38>Nov 20 12:00:00 h sshd[7]: a\n",
                "Nov 20 12:00:00 h sshd[7]: a",
                None,
            ),
            ("<38>sshd[7]: a\0", "sshd[7]: a", None),
            ("sshd: a", "sshd: a", None),
            ("<1000>x", "<1000>x", None),
            ("<>x", "<>x", None),
            (
                "<38>1 2026-11-20T12:00:00Z h sshd 7 - - a b",
                "h sshd[7]: a b",
                noon,
            ),
            (
                "<38>1 2026-11-20T13:00:00+01:00 - sshd - x - \u{feff}a",
                "sshd: a",
                noon,
            ),
            ("<38>1 - h sshd - - - a", "h sshd: a", None),
            ("<38>1 - - - - - - a", "a", None),
            ("<38>1 - h sshd - - -", "h sshd: ", None),
            (
                r#"<38>1 - h sshd - - [a b="\"]x" c="]"][d] m"#,
                "h sshd: m",
                None,
            ),
            (
                r#"<38>1 - h sshd - - [a b="x"#,
                r#"1 - h sshd - - [a b="x"#,
                None,
            ),
            (
                "<38>1 yesterday h sshd - - - a",
                "1 yesterday h sshd - - - a",
                None,
            ),
            ("", "", None),
        ] {
            let found = message(text.as_bytes());
            assert_eq!(
                (String::from_utf8_lossy(&found.line).as_ref(), found.at),
                (line, at),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_bad(bytes: Vec<u8>, head in "<1>1 (- ){0,6}\\[?") {
            let _ = (message(&bytes), message(&[head.as_bytes(), &bytes].concat()));
        }
    }
}
