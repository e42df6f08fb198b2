//! A mail as RFC 5322 and MIME want it.

use std::fmt::Write as _;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use jiff::{Timestamp, fmt::rfc2822, tz::TimeZone};

use super::target::Address;
use crate::model::Wall;

/// The longest line, without its end, that RFC 2045 allows for quoted-printable.
const QUOTED: usize = 76;

/// What a mail is made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Draft<'a> {
    pub(super) from: &'a Address,
    pub(super) to: &'a [Address],
    pub(super) subject: &'a str,
    pub(super) body: &'a str,
    pub(super) at: Wall,
    pub(super) zone: &'a TimeZone,
    /// No other mail of this machine has the same.
    pub(super) id: &'a str,
}

/// The mail, with CRLF at the end of each line; ASCII.
pub(super) fn message(draft: Draft<'_>) -> String {
    let Draft {
        from, to, subject, ..
    } = draft;
    let host = from
        .as_str()
        .rsplit_once('@')
        .map_or("localhost", |(_, host)| host);
    let to: Vec<_> = to.iter().map(Address::as_str).collect();
    let mut text = format!(
        "From: banner <{}>\r\nTo: {}\r\nSubject: {}\r\n",
        from.as_str(),
        to.join(",\r\n "),
        header(subject)
    );
    if let Ok(at) = Timestamp::from_nanosecond(i128::from(draft.at.0))
        && let Ok(date) = rfc2822::to_string(&at.to_zoned(draft.zone.clone()))
    {
        let _ = write!(text, "Date: {date}\r\n");
    }
    let _ = write!(
        text,
        "Message-ID: <{}@{}>\r\n\
         Auto-Submitted: auto-generated\r\n\
         X-Mailer: banner {}\r\n\
         MIME-Version: 1.0\r\n\
         Content-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: quoted-printable\r\n\r\n",
        draft.id,
        host.trim_matches(['[', ']']),
        env!("CARGO_PKG_VERSION"),
    );
    quoted_printable(draft.body, &mut text);
    text
}

/// A text as the value of a header: what is not plain ASCII, or looks as if it were encoded
/// already, in encoded words (RFC 2047).
fn header(text: &str) -> String {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic();
    if text.chars().all(plain) && !text.contains("=?") && text.len() <= 900 {
        return text.trim().to_owned();
    }
    // 45 bytes are 60 characters of Base64, and an encoded word has at most 75.
    let mut words = vec![String::new()];
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if let Some(word) = words.last_mut()
            && word.len() + c.len_utf8() <= 45
        {
            word.push(c);
        } else {
            words.push(c.to_string());
        }
    }
    let words: Vec<_> = words
        .iter()
        .map(|word| format!("=?utf-8?B?{}?=", STANDARD.encode(word)))
        .collect();
    words.join("\r\n ")
}

/// RFC 2045, section 6.7. Lines of the text end with LF.
fn quoted_printable(body: &str, text: &mut String) {
    for line in body.lines() {
        let mut width = 0;
        let mut left = line.chars().count();
        for c in line.chars() {
            left -= 1;
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).as_bytes();
            // Of spaces at the end of a line, and of `From ` and dots at its beginning, mail
            // programs take care in their own ways.
            let is_literal = |width: usize| match c {
                '=' => false,
                ' ' => left > 0,
                'F' | '.' => width > 0,
                c => c.is_ascii_graphic(),
            };
            let length = |width| {
                if is_literal(width) {
                    1
                } else {
                    3 * bytes.len()
                }
            };
            // One place for the `=` of a soft break.
            if width + length(width) > QUOTED - 1 {
                text.push_str("=\r\n");
                width = 0;
            }
            if is_literal(width) {
                text.push(c);
            } else {
                for byte in bytes {
                    let _ = write!(text, "={byte:02X}");
                }
            }
            width += length(width);
        }
        text.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use std::str;

    use proptest::prelude::*;

    use super::super::event::samples::NOON;
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn mail(subject: &str, body: &str) -> String {
        message(Draft {
            from: &address("banner@www1.example.org"),
            to: &[address("root@example.org"), address("ops@example.org")],
            subject,
            body,
            at: NOON,
            zone: &TimeZone::UTC,
            id: "1.2",
        })
    }

    #[test]
    fn a_mail_is_what_the_standards_want() {
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            mail("[banner] x", "one\n\nFrom two\n.\n"),
            format!(
                "From: banner <banner@www1.example.org>\r\n\
                 To: root@example.org,\r\n ops@example.org\r\n\
                 Subject: [banner] x\r\n\
                 Date: Fri, 20 Nov 2026 12:00:00 +0000\r\n\
                 Message-ID: <1.2@www1.example.org>\r\n\
                 Auto-Submitted: auto-generated\r\n\
                 X-Mailer: banner {version}\r\n\
                 MIME-Version: 1.0\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\
                 \r\n\
                 one\r\n\r\n=46rom two\r\n=2E\r\n"
            )
        );
    }

    #[test]
    fn subjects_that_are_not_plain_are_encoded() {
        assert_eq!(header("a b"), "a b");
        assert_eq!(header("ü"), "=?utf-8?B?w7w=?=");
        // Else the reader's mail program would decode what an attacker wrote.
        assert_eq!(
            header("=?utf-8?B?w7w=?="),
            "=?utf-8?B?PT91dGYtOD9CP3c3dz0/PQ==?="
        );
    }

    /// What a reader makes of quoted-printable.
    fn unquoted(text: &str) -> String {
        let text = text.replace("=\r\n", "").replace("\r\n", "\n");
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, behind @ ..] = rest {
            rest = behind;
            if *first == b'=' {
                let hex = str::from_utf8(&behind[..2]).unwrap();
                bytes.push(u8::from_str_radix(hex, 16).unwrap());
                rest = &behind[2..];
            } else {
                bytes.push(*first);
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    proptest! {
        #[test]
        fn a_body_survives_and_its_lines_are_short(
            lines in prop::collection::vec("[^\r\n]{0,200}|[.F= ]{0,90}|[ü=]{70,80}", 0..5),
        ) {
            let body: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
            let mut text = String::new();
            quoted_printable(&body, &mut text);
            prop_assert_eq!(unquoted(&text), body);
            for line in text.split("\r\n") {
                prop_assert!(line.len() <= QUOTED && line.is_ascii(), "{}", line);
                prop_assert!(!line.contains(char::is_control) && !line.ends_with(' '));
                prop_assert!(!line.starts_with(['.', 'F']), "{}", line);
            }
        }

        /// A subject is one header, whatever stands in it.
        #[test]
        fn no_header_is_injected(
            subject in ".*|[\\x00-\\xff]*|(\r\n)?(Bcc: x)?(\r\n\r\n)?.{0,300}",
            body in "(\r\n)?(Bcc: x)?(\r\n\r\n)?.*",
        ) {
            let mail = mail(&subject, &body);
            prop_assert!(mail.is_ascii());
            let (head, _) = mail.split_once("\r\n\r\n").unwrap();
            let head = head.replace("\r\n ", " ");
            let names: Vec<_> = head
                .split("\r\n")
                .map(|line| line.split_once(':').map(|(name, _)| name.to_owned()))
                .collect();
            let expected = [
                "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Mailer",
                "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
            ];
            let expected: Vec<_> = expected.iter().map(|name| Some((*name).to_owned())).collect();
            prop_assert_eq!(names, expected);
            prop_assert!(!head.replace("\r\n", "").contains(char::is_control));
        }
    }
}
