//! One line of a file that a container runtime writes: a piece of what the container wrote. Pure.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;

use crate::model::Wall;

/// What one line of the file says.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When the runtime read it.
    pub at: Option<Wall>,
    /// From which stream of the container.
    pub stream: Stream,
    /// The line goes on in the next record of the stream.
    pub partial: bool,
    /// What the container wrote, without a line break at its end.
    pub text: Cow<'a, [u8]>,
}

/// A stream of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"stdout" => Some(Self::Stdout),
            b"stderr" => Some(Self::Stderr),
            _ => None,
        }
    }
}

/// A line of Docker's `json-file`, as `daemon/logger/jsonfilelog` of Moby writes it.
#[derive(Deserialize)]
struct Json<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Cow<'a, str>,
    #[serde(borrow, default)]
    time: Cow<'a, str>,
}

/// Reads one line, without its line break, in either form: that of the CRI (Kubernetes' "CRI log format",
/// `STAMP STREAM FLAGS TEXT`) or Docker's JSON, which begins with a brace. `None`: it is neither.
pub fn record(line: &[u8]) -> Option<Record<'_>> {
    if line.first() == Some(&b'{') {
        return json(line);
    }
    let mut words = line.splitn(4, |byte| *byte == b' ');
    let stamp = words.next()?;
    let stream = Stream::named(words.next()?)?;
    let flags = words.next()?;
    // Nothing behind the flags is an empty line.
    let text = words.next().unwrap_or_default();
    let mut flags = flags.split(|byte| *byte == b':');
    let partial = match flags.next()? {
        b"P" => true,
        b"F" => false,
        _ => return None,
    };
    Some(Record {
        at: Some(time(stamp)?),
        stream,
        partial,
        text: Cow::Borrowed(text),
    })
}

fn json(line: &[u8]) -> Option<Record<'_>> {
    let Json { log, stream, time } = serde_json::from_slice(line).ok()?;
    let mut text = match log {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    };
    let partial = text.last() != Some(&b'\n');
    if !partial {
        match &mut text {
            Cow::Borrowed(text) => *text = &text[..text.len() - 1],
            Cow::Owned(text) => text.truncate(text.len() - 1),
        }
    }
    Some(Record {
        at: self::time(time.as_bytes()),
        stream: Stream::named(stream.as_bytes()).unwrap_or(Stream::Stdout),
        partial,
        text,
    })
}

/// A time of RFC 3339.
fn time(text: &[u8]) -> Option<Wall> {
    let time: Timestamp = std::str::from_utf8(text).ok()?.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(Wall)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: i64 = 1_795_176_000_000_000_001; // 2026-11-20T12:00:00.000000001Z

    fn said(at: Option<i64>, stream: Stream, partial: bool, text: &str) -> Record<'_> {
        Record {
            at: at.map(Wall),
            stream,
            partial,
            text: Cow::Borrowed(text.as_bytes()),
        }
    }

    #[test]
    fn lines_of_the_cri() {
        let utc = "2026-11-20T12:00:00.000000001Z";
        for (line, expected) in [
            (
                "stdout F a b  c ",
                Some(said(Some(AT), Stream::Stdout, false, "a b  c ")),
            ),
            (
                "stderr P a",
                Some(said(Some(AT), Stream::Stderr, true, "a")),
            ),
            (
                "stdout P:x:y a",
                Some(said(Some(AT), Stream::Stdout, true, "a")),
            ),
            ("stdout F ", Some(said(Some(AT), Stream::Stdout, false, ""))),
            ("stdout F", Some(said(Some(AT), Stream::Stdout, false, ""))),
            ("stdout X a", None),
            ("stdin F a", None),
            ("stdout", None),
            ("", None),
        ] {
            assert_eq!(
                record(format!("{utc} {line}").as_bytes()),
                expected,
                "{line}"
            );
        }
        let zoned = b"2026-11-20T13:00:00.000000001+01:00 stdout F \xff";
        let zoned = record(zoned).expect("a record");
        assert_eq!((zoned.at, &*zoned.text), (Some(Wall(AT)), &b"\xff"[..]));
        assert_eq!(record(b"yesterday stdout F a"), None);
    }

    #[test]
    fn lines_of_docker() {
        let utc = r#""time":"2026-11-20T12:00:00.000000001Z""#;
        for (line, expected) in [
            (
                r#"{"log":"a\n","stream":"stderr",TIME}"#,
                Some(said(Some(AT), Stream::Stderr, false, "a")),
            ),
            (
                r#"{"log":"a","stream":"stdout",TIME}"#,
                Some(said(Some(AT), Stream::Stdout, true, "a")),
            ),
            (
                r#"{"log":"\u003ca\"\u00fc\r\n","stream":"stdout","attrs":{"tag":"x"},TIME}"#,
                Some(said(Some(AT), Stream::Stdout, false, "<a\"ü\r")),
            ),
            (
                r#"{"log":"\n"}"#,
                Some(said(None, Stream::Stdout, false, "")),
            ),
            (
                r#"{"log":"a\n","time":"x"}"#,
                Some(said(None, Stream::Stdout, false, "a")),
            ),
            (r#"{"stream":"stdout",TIME}"#, None),
            (r#"{"log":"a\n"#, None),
            (r#"{"log":1}"#, None),
        ] {
            let line = line.replace("TIME", utc);
            assert_eq!(record(line.as_bytes()), expected, "{line}");
        }
    }

    proptest! {
        #[test]
        fn whatever_a_container_writes_comes_out_again(text in "[^\n]{0,40}", err: bool, partial: bool) {
            let stream = if err { "stderr" } else { "stdout" };
            let flag = if partial { "P" } else { "F" };
            let cri = format!("2026-11-20T12:00:00.000000001Z {stream} {flag} {text}");
            let end = if partial { "" } else { "\n" };
            let docker = serde_json::json!({
                "log": format!("{text}{end}"), "stream": stream, "time": "2026-11-20T12:00:00.000000001Z",
            }).to_string();
            let expected = Some(said(Some(AT), if err { Stream::Stderr } else { Stream::Stdout }, partial, &text));
            prop_assert_eq!(record(cri.as_bytes()), expected);
            let read = record(docker.as_bytes()).expect("a record");
            prop_assert_eq!(&*read.text, text.as_bytes());
            prop_assert_eq!((read.partial, read.at), (partial, Some(Wall(AT))));
        }

        #[test]
        fn no_bytes_are_too_bad(line: Vec<u8>) {
            let braced = [b"{", &line[..]].concat();
            let _ = (record(&line), record(&braced));
        }
    }
}
