//! Entries of the journal: any bytes as one, and any bytes as a message in one.

use banner_userspace::source::entry::Entry;

use crate::budget;

/// What `[   12.345678] ` and the marks around the other fields may add to a line, in bytes.
const MARKS: usize = 64;

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    for json in data.split(|byte| *byte == b'\n') {
        let name = || format!("{:?}", String::from_utf8_lossy(json));
        let found = budget::within(budget::LINE, &name, || {
            let entry = Entry::parse(json)?;
            let line = entry.line();
            let _ = (entry.at(), entry.cursor().map(str::len));
            Some(line)
        });
        if let Some(line) = found {
            assert!(line.len() <= json.len() + MARKS, "{line:?} of {}", name());
        }
    }
    let end = data.iter().rposition(|byte| *byte != b'\n');
    let message = &data[..end.map_or(0, |end| end + 1)];
    let expect = |message: serde_json::Value, text: &[u8]| {
        let json = serde_json::json!({
            "MESSAGE": message, "_HOSTNAME": "h", "SYSLOG_IDENTIFIER": "p", "_PID": "7",
        });
        let json = json.to_string();
        let entry = Entry::parse(json.as_bytes()).unwrap_or_else(|| panic!("not read: {json}"));
        assert_eq!(entry.line(), [b"h p[7]: ", text].concat(), "{json}");
    };
    // As journalctl writes what is not printable, and what is.
    expect(data.into(), message);
    if let Ok(text) = str::from_utf8(data) {
        expect(text.into(), message);
    }
}
