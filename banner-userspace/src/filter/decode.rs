//! Bytes to text, in the encoding that a filter names.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// How bytes become text. What cannot be read becomes U+FFFD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoder {
    /// UTF-8.
    Utf8,
    /// Bytes above 127 mean nothing.
    Ascii,
    /// Each byte is the code point of its number.
    Latin1,
    /// One of the encodings of the web.
    Other(&'static Encoding),
}

impl Decoder {
    /// By its label. `auto` is UTF-8.
    pub(super) fn named(label: &str) -> Result<Self, String> {
        let plain: String = label.to_ascii_lowercase().replace('_', "-");
        match plain.as_str() {
            "auto" | "utf-8" | "utf8" | "u8" => return Ok(Self::Utf8),
            "ascii" | "us-ascii" | "646" => return Ok(Self::Ascii),
            "latin1" | "latin-1" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" => {
                return Ok(Self::Latin1);
            }
            _ => {}
        }
        // Python's names for what the web has under others.
        let plain = match plain.strip_prefix("cp") {
            Some(page) if page.starts_with("125") => format!("windows-{page}"),
            Some("932") => "shift_jis".into(),
            Some("949") => "euc-kr".into(),
            Some("936") => "gbk".into(),
            Some("950") => "big5".into(),
            _ => plain,
        };
        let known =
            Encoding::for_label(plain.as_bytes()).or_else(|| Encoding::for_label(label.as_bytes()));
        let Some(encoding) = known else {
            return Err(format!(
                "no encoding is named {label:?}; give a label such as utf-8, latin1 or koi8-r"
            ));
        };
        if !encoding.is_ascii_compatible() {
            return Err(format!(
                "{} is not read: its line breaks have two bytes",
                encoding.name()
            ));
        }
        Ok(Self::Other(encoding))
    }

    pub(super) fn text<'l>(&self, bytes: &'l [u8]) -> Cow<'l, str> {
        match self {
            Self::Utf8 => String::from_utf8_lossy(bytes),
            Self::Ascii => match str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => {
                    let read = |&byte: &u8| {
                        if byte.is_ascii() {
                            char::from(byte)
                        } else {
                            char::REPLACEMENT_CHARACTER
                        }
                    };
                    Cow::Owned(bytes.iter().map(read).collect())
                }
            },
            Self::Latin1 => match str::from_utf8(bytes) {
                Ok(text) if text.is_ascii() => Cow::Borrowed(text),
                _ => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
            },
            Self::Other(encoding) => encoding.decode_without_bom_handling(bytes).0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_in_the_encoding_of_that_label() {
        for (label, bytes, text) in [
            ("auto", &b"\xc3\xbc \xff"[..], "ü \u{fffd}"),
            ("UTF-8", b"\xed\xa0\x80", "\u{fffd}\u{fffd}\u{fffd}"),
            ("utf_8", b"\xef\xbb\xbfx", "\u{feff}x"),
            ("ascii", b"a\xc3\xbc", "a\u{fffd}\u{fffd}"),
            ("latin_1", b"\xfc\x85", "ü\u{85}"),
            ("cp1252", b"\x80", "€"),
            ("koi8-r", b"\xc1", "а"),
        ] {
            let read = Decoder::named(label).unwrap().text(bytes).into_owned();
            assert_eq!(read, text, "{label}");
        }
        for label in ["utf-16le", "klingon"] {
            assert!(Decoder::named(label).is_err(), "{label}");
        }
    }
}
