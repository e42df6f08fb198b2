//! One entry of the journal, as `journalctl -o json` writes it. Pure.
//!
//! See "Journal JSON Format" of systemd: a value is a text, an array of numbers where it is no printable UTF-8,
//! an array of such where the field occurs several times, and null where it is too large (not with `--all`).

use serde_json::{Map, Value};

use crate::model::{Term, Wall};

/// What of an entry a line is made of; matches may want more.
pub(super) const FIELDS: [&str; 9] = [
    "MESSAGE",
    "_HOSTNAME",
    "SYSLOG_IDENTIFIER",
    "_COMM",
    "SYSLOG_PID",
    "_PID",
    "_SOURCE_REALTIME_TIMESTAMP",
    "_SOURCE_MONOTONIC_TIMESTAMP",
    "_TRANSPORT",
];

/// An entry of the journal.
#[derive(Debug)]
pub struct Entry(Map<String, Value>);

impl Entry {
    /// From one line of JSON; `None`: it is none.
    pub fn parse(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json).ok().map(Self)
    }

    /// Its place in the journal.
    pub fn cursor(&self) -> Option<&str> {
        self.0.get("__CURSOR")?.as_str()
    }

    /// When its sender wrote it, or else when the journal got it.
    pub fn at(&self) -> Option<Wall> {
        let time = |name| {
            let micros = self.number(name)?;
            micros.checked_mul(1000).map(Wall)
        };
        time("_SOURCE_REALTIME_TIMESTAMP").or_else(|| time("__REALTIME_TIMESTAMP"))
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_str()?.parse().ok()
    }

    /// The values of a field.
    fn values(&self, name: &str) -> Vec<Vec<u8>> {
        match self.0.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) if !items.iter().all(Value::is_number) => {
                items.iter().filter_map(bytes).collect()
            }
            Some(value) => bytes(value).into_iter().collect(),
        }
    }

    /// The first value of a field that has something in it.
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        let mut values = self.values(name).into_iter();
        values.find(|value| !value.is_empty())
    }

    /// As journald compares: one of the alternatives holds if every field in it has one of its values.
    pub(super) fn matches(&self, alternatives: &[Vec<Term>]) -> bool {
        alternatives.is_empty() || alternatives.iter().any(|terms| self.holds(terms))
    }

    fn holds(&self, terms: &[Term]) -> bool {
        terms.iter().all(|term| {
            let same = terms.iter().filter(|other| other.field == term.field);
            let values = self.values(&term.field);
            let mut wanted = same.map(|other| other.value.as_bytes());
            wanted.any(|wanted| values.iter().any(|value| value == wanted))
        })
    }

    /// The line that filters see, without a stamp: `HOST PROGRAM[PID]: MESSAGE`, as syslog daemons and
    /// fail2ban have it. What is not known is left out.
    pub fn line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        if let Some(host) = self.value("_HOSTNAME") {
            line.extend(host);
            line.push(b' ');
        }
        let program = self
            .value("SYSLOG_IDENTIFIER")
            .or_else(|| self.value("_COMM"));
        if let Some(program) = program {
            line.extend_from_slice(&program);
            let pid = self.value("SYSLOG_PID").or_else(|| self.value("_PID"));
            if let Some(pid) = &pid {
                line.push(b'[');
                line.extend_from_slice(pid);
                line.push(b']');
            }
            line.extend_from_slice(b": ");
            if program == b"kernel" && pid.is_none() {
                line.extend_from_slice(self.since_boot().as_bytes());
            }
        }
        let message = self.values("MESSAGE").join(&b' ');
        let end = message.iter().rposition(|byte| *byte != b'\n');
        line.extend_from_slice(&message[..end.map_or(0, |end| end + 1)]);
        line
    }

    /// As the kernel writes it before its messages: `[   12.345678] `.
    fn since_boot(&self) -> String {
        let micros = (self.number("_SOURCE_MONOTONIC_TIMESTAMP"))
            .or_else(|| self.number("__MONOTONIC_TIMESTAMP"))
            .unwrap_or_default();
        format!("[{:5}.{:06}] ", micros / 1_000_000, micros % 1_000_000)
    }
}

/// A text, or a text as an array of its bytes.
fn bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        Value::Array(items) => {
            let byte = |item: &Value| u8::try_from(item.as_u64()?).ok();
            items.iter().map(byte).collect()
        }
        _ => None,
    }
}

/// When the entry with this cursor was written, in µs since the Unix epoch: `t=` in hexadecimal
/// (`sd_journal_get_cursor` of systemd).
pub(super) fn time_of(cursor: &str) -> Option<u64> {
    let time = cursor.split(';').find_map(|part| part.strip_prefix("t="))?;
    u64::from_str_radix(time, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry(json: &str) -> Entry {
        Entry::parse(json.as_bytes()).expect("an entry")
    }

    #[test]
    fn a_line_is_as_a_syslog_daemon_writes_it() {
        for (json, expected) in [
            (
                r#"{"_HOSTNAME":"h","SYSLOG_IDENTIFIER":"sshd","_COMM":"x","_PID":"7","MESSAGE":"a b"}"#,
                "h sshd[7]: a b",
            ),
            (
                r#"{"_COMM":"sshd","SYSLOG_PID":"8","_PID":"7","MESSAGE":"a\n"}"#,
                "sshd[8]: a",
            ),
            (
                r#"{"SYSLOG_IDENTIFIER":"sshd","MESSAGE":"a\nb"}"#,
                "sshd: a\nb",
            ),
            (r#"{"MESSAGE":[104,252,10,105]}"#, "h\u{fffd}\ni"),
            (r#"{"MESSAGE":["a",[98],"c"]}"#, "a b c"),
            (r#"{"MESSAGE":null,"_COMM":"x"}"#, "x: "),
            (r#"{"_COMM":["x","y"],"MESSAGE":""}"#, "x: "),
            (
                r#"{"SYSLOG_IDENTIFIER":"kernel","__MONOTONIC_TIMESTAMP":"12345678","MESSAGE":"a"}"#,
                "kernel: [   12.345678] a",
            ),
            ("{}", ""),
        ] {
            let line = entry(json).line();
            assert_eq!(String::from_utf8_lossy(&line), expected, "{json}");
        }
    }

    #[test]
    fn time_and_place_are_found() {
        let both = entry(
            r#"{"__CURSOR":"s=1;t=2a","__REALTIME_TIMESTAMP":"2","_SOURCE_REALTIME_TIMESTAMP":"1"}"#,
        );
        assert_eq!(
            (both.at(), both.cursor()),
            (Some(Wall(1000)), Some("s=1;t=2a"))
        );
        assert_eq!(
            entry(r#"{"__REALTIME_TIMESTAMP":"2"}"#).at(),
            Some(Wall(2000))
        );
        assert_eq!(
            entry(r#"{"__REALTIME_TIMESTAMP":"99999999999999999999"}"#).at(),
            None
        );
        assert_eq!(time_of("s=1;i=2;b=3;m=4;t=2a;x=5"), Some(42));
        assert_eq!([time_of("s=1"), time_of("t=x"), time_of("")], [None; 3]);
    }

    #[test]
    fn matches_are_as_journalctl_has_them() {
        let terms = |text: &str| -> Vec<Vec<Term>> {
            let alternative = |text: &str| {
                text.split(' ')
                    .map(|term| term.parse().expect("a term"))
                    .collect()
            };
            text.split(" + ").map(alternative).collect()
        };
        let one = entry(r#"{"_COMM":"sshd","_UID":"0","TAG":["a",[98]]}"#);
        for (text, expected) in [
            ("_COMM=sshd", true),
            ("_COMM=ssh", false),
            ("_COMM=sshd _UID=1", false),
            ("_COMM=sshd _COMM=x _UID=0", true),
            ("_COMM=x + _UID=0", true),
            ("TAG=b", true),
            ("NONE=x", false),
        ] {
            assert_eq!(one.matches(&terms(text)), expected, "{text}");
        }
        assert!(one.matches(&[]));
    }

    proptest! {
        #[test]
        fn a_message_comes_out_whatever_its_bytes(message: Vec<u8>) {
            let json = serde_json::json!({ "MESSAGE": message }).to_string();
            let end = message.iter().rposition(|byte| *byte != b'\n').map_or(0, |end| end + 1);
            prop_assert_eq!(entry(&json).line(), &message[..end]);
        }

        #[test]
        fn no_json_is_too_bad(json: Vec<u8>) {
            if let Some(entry) = Entry::parse(&json) {
                let _ = (entry.line(), entry.at());
            }
        }
    }
}
