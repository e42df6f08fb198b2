//! What fail2ban and banner say of a line, and whether it is the same.

use std::{fmt, net::IpAddr};

use serde::Deserialize;
use serde_json::{Map, Value};

/// A verdict's name; both sides have these three.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(super) enum Verdict {
    /// A failure.
    Fail,
    /// It would be one, but for an ignore pattern.
    Ignored,
    /// None.
    Miss,
}

/// What fail2ban says.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Expected {
    pub(super) verdict: Verdict,
    #[serde(default)]
    pub(super) pattern: Option<usize>,
    /// What would be banned: an address, a name, or an id.
    #[serde(default)]
    identity: Option<String>,
    /// The address, where the identity is something else.
    #[serde(default)]
    address: Option<String>,
    /// Seconds since 1970.
    #[serde(default)]
    time: Option<f64>,
    #[serde(default)]
    user: Option<String>,
    /// The exception that it ran into, which its daemon logs before it goes on.
    #[serde(default)]
    pub(super) error: Option<String>,
    /// It took so long that nobody waited for it: there is nothing to compare with.
    #[serde(default)]
    pub(super) slow: bool,
}

/// What banner says.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Found {
    pub(super) line: usize,
    verdict: Verdict,
    pattern: Option<usize>,
    host: Option<String>,
    id: Option<String>,
    time: Option<f64>,
    #[serde(default)]
    fields: Map<String, Value>,
}

/// banner counts ns in 64 bits, which ends in 2262 and begins in 1677. What lies beyond is at the
/// end, for both.
const LAST: f64 = 9_223_372_036.854;

/// Times are numbers with a fraction, and what is between two of them is rounding.
const ROUNDING: f64 = 1e-5;

impl Expected {
    /// What is not the same, in words; nothing where all is.
    pub(super) fn differences(&self, found: &Found) -> Vec<&'static str> {
        let mut wrong = Vec::new();
        if self.verdict != found.verdict {
            return vec!["verdict"];
        }
        if self.verdict != Verdict::Fail {
            return wrong;
        }
        let identity = found.id.as_ref().or(found.host.as_ref());
        if self.identity.as_deref().map(canonical) != identity.map(|text| canonical(text)) {
            wrong.push("identity");
        }
        let host = found.host.as_deref().map(canonical);
        if self.address.is_some() && self.address.as_deref().map(canonical) != host {
            wrong.push("address");
        }
        let end = |time: f64| time.clamp(-LAST, LAST);
        let same_time = match (self.time, found.time) {
            (Some(one), Some(other)) => (end(one) - end(other)).abs() < ROUNDING,
            (one, other) => one.is_none() && other.is_none(),
        };
        if !same_time {
            wrong.push("time");
        }
        if self.user.as_deref() != found.user() {
            wrong.push("user");
        }
        if self.pattern != found.pattern {
            wrong.push("pattern");
        }
        wrong
    }
}

/// An address may be written in several ways. fail2ban leaves the text of some as it is when it
/// does not look up names, and takes them for the address when it does.
fn canonical(text: &str) -> String {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match inner.unwrap_or(text).parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => text.to_owned(),
    }
}

impl Found {
    /// Whether its time stands for one beyond what banner can tell.
    pub(super) fn is_at_the_end(&self) -> bool {
        self.time.is_some_and(|time| time.abs() >= LAST)
    }

    fn user(&self) -> Option<&str> {
        self.fields.get("user")?.as_str()
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(error) = &self.error {
            write!(f, "exception {error}, so ")?;
        }
        let identity = (self.identity.as_deref(), self.address.as_deref());
        show(
            f,
            self.verdict,
            self.pattern,
            identity,
            self.time,
            self.user.as_deref(),
        )
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let identity = match (&self.id, &self.host) {
            (Some(id), host) => (Some(&**id), host.as_deref()),
            (None, host) => (host.as_deref(), None),
        };
        show(
            f,
            self.verdict,
            self.pattern,
            identity,
            self.time,
            self.user(),
        )
    }
}

fn show(
    f: &mut fmt::Formatter<'_>,
    verdict: Verdict,
    pattern: Option<usize>,
    (identity, address): (Option<&str>, Option<&str>),
    time: Option<f64>,
    user: Option<&str>,
) -> fmt::Result {
    let name = match verdict {
        Verdict::Fail => "fail",
        Verdict::Ignored => return f.write_str("ignored"),
        Verdict::Miss => return f.write_str("miss"),
    };
    f.write_str(name)?;
    if let Some(pattern) = pattern {
        write!(f, " by pattern {pattern}")?;
    }
    write!(f, " of {:?}", identity.unwrap_or("nobody"))?;
    if let Some(address) = address {
        write!(f, " at {address:?}")?;
    }
    match time {
        Some(time) => write!(f, ", time {time}")?,
        None => f.write_str(", no time")?,
    }
    match user {
        Some(user) => write!(f, ", user {user:?}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences(expected: &str, found: &str) -> Vec<&'static str> {
        let expected: Expected = serde_json::from_str(expected).unwrap();
        expected.differences(&serde_json::from_str(found).unwrap())
    }

    const EXPECTED: &str = r#"{"verdict":"fail","pattern":1,"identity":"192.0.2.7","address":null,
        "time":12.5,"user":"root"}"#;

    #[test]
    fn the_same_is_the_same() {
        let found = r#"{"line":1,"verdict":"fail","pattern":1,"host":"192.0.2.7","id":null,
            "time":12.500000001,"fields":{"user":"root","port":"22"}}"#;
        assert!(differences(EXPECTED, found).is_empty());
    }

    #[test]
    fn each_field_counts() {
        let found = r#"{"line":1,"verdict":"fail","pattern":0,"host":"192.0.2.8","id":null,
            "time":null,"fields":{"user":"toor"}}"#;
        assert_eq!(
            differences(EXPECTED, found),
            ["identity", "time", "user", "pattern"]
        );
        let miss = r#"{"line":1,"verdict":"miss","pattern":null,"host":null,"id":null,"time":null,
            "fields":{}}"#;
        assert_eq!(differences(EXPECTED, miss), ["verdict"]);
        assert_eq!(differences(r#"{"verdict":"ignored"}"#, miss), ["verdict"]);
        assert!(differences(r#"{"verdict":"miss"}"#, miss).is_empty());
    }

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let answers = |expected: &str, found: &str| {
            differences(
                &format!(
                    r#"{{"verdict":"fail","pattern":0,"identity":"{expected}","time":13877288694}}"#
                ),
                &format!(
                    r#"{{"line":1,"verdict":"fail","pattern":0,"host":"{found}","id":null,
                    "time":9223372036.854776,"fields":{{}}}}"#
                ),
            )
        };
        assert!(answers("::255.255.0.25", "::ffff:19").is_empty());
        assert!(answers("[2001:DB8::7]", "2001:db8::7").is_empty());
        assert_eq!(answers("192.0.2.7", "192.0.2.8"), ["identity"]);
        assert_eq!(answers("a.example", "A.example"), ["identity"]);
    }

    #[test]
    fn an_id_stands_before_the_address() {
        let expected = r#"{"verdict":"fail","pattern":0,"identity":"session 1","address":"192.0.2.7",
            "time":1,"user":null}"#;
        let found = |host: &str, id: &str| {
            format!(
                r#"{{"line":1,"verdict":"fail","pattern":0,"host":{host},"id":{id},"time":1,
                "fields":{{}}}}"#
            )
        };
        let same = found("\"192.0.2.7\"", "\"session 1\"");
        assert!(differences(expected, &same).is_empty());
        let other = found("\"192.0.2.8\"", "null");
        assert_eq!(differences(expected, &other), ["identity", "address"]);
    }
}
