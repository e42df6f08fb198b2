//! Lines of files that container runtimes write: any bytes as one, and any text in both forms.

use banner_userspace::source::record::{Record, Stream, record};

use crate::budget;

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        let name = || format!("{:?}", String::from_utf8_lossy(line));
        let found = budget::within(budget::LINE, &name, || record(line));
        if let Some(found) = found {
            assert!(found.text.len() <= line.len(), "{found:?} of {}", name());
            if line.first() != Some(&b'{') {
                assert!(line.ends_with(&found.text), "{found:?} of {}", name());
            }
        }
        in_both_forms(line);
    }
}

/// A text comes out of both forms as it went in.
fn in_both_forms(text: &[u8]) {
    let expect = |line: &[u8], text: &[u8], partial| {
        let name = String::from_utf8_lossy(line).into_owned();
        let Some(Record {
            at: Some(_),
            stream: Stream::Stderr,
            partial: found,
            text: said,
        }) = record(line)
        else {
            panic!("not read: {name:?}");
        };
        assert_eq!((&*said, found), (text, partial), "{name:?}");
    };
    for (flag, partial) in [("F", false), ("P", true), ("P:x", true)] {
        let head = format!("2026-11-20T12:00:00.000000001Z stderr {flag} ");
        expect(&[head.as_bytes(), text].concat(), text, partial);
    }
    let text = String::from_utf8_lossy(text);
    for (end, partial) in [("\n", false), ("", true)] {
        let log = format!("{text}{end}");
        let json = serde_json::json!({
            "log": log, "stream": "stderr", "time": "2026-11-20T12:00:00.5Z",
        });
        expect(json.to_string().as_bytes(), text.as_bytes(), partial);
    }
}
