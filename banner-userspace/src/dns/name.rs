//! Names that may be looked up.

use std::fmt;

/// A DNS name, in small letters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Box<str>);

impl Name {
    /// A text from a log as a name; none where it cannot be one. The C library takes other texts, too, and
    /// reads `0x7f.1` and `3221226050` as addresses that nobody wrote.
    pub fn of(text: &str) -> Option<Self> {
        let text = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
                && !label.starts_with('-')
        };
        let last = text.rsplit('.').next()?;
        let is_name = text.len() <= 253 && text.split('.').all(is_label) && !is_number(last);
        is_name.then(|| Self(text.to_ascii_lowercase().into()))
    }
}

/// Whether a name that ends so is read as an address (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    let digits = label.bytes().all(|byte| byte.is_ascii_digit());
    let hex = label.strip_prefix("0x").or(label.strip_prefix("0X"));
    digits || hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_looked_up_is_a_name() {
        for (text, name) in [
            ("host.example", Some("host.example")),
            ("HOST.Example.", Some("host.example")),
            ("localhost", Some("localhost")),
            ("a_b-c.9.example", Some("a_b-c.9.example")),
            ("192-0-2-7.dsl.example", Some("192-0-2-7.dsl.example")),
            ("0xyz.example.0xg", Some("0xyz.example.0xg")),
            ("", None),
            (".", None),
            ("a..b", None),
            ("-a.example", None),
            ("a b", None),
            ("a/b", None),
            ("ä.example", None),
            ("999.0.2.7", None),
            ("192.0.2", None),
            ("3221226050", None),
            ("0x7f.1", None),
            ("1.0x7F", None),
            ("0x", None),
            ("::1", None),
            ("fe80::1%eth0", None),
        ] {
            assert_eq!(Name::of(text).as_ref().map(AsRef::as_ref), name, "{text}");
        }
        assert!(Name::of(&format!("{}.example", "a".repeat(63))).is_some());
        assert!(Name::of(&format!("{}.example", "a".repeat(64))).is_none());
        assert!(Name::of(&vec!["abc"; 64].join(".")).is_none());
    }
}
