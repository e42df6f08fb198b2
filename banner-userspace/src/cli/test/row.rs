//! One line's verdict as a JSON object.

use serde::Serialize;
use serde_json::{Map, Number, Value, json};

use crate::{
    filter::{Fields, Hit, Key, Verdict},
    model::Wall,
};

/// The verdict on one line, as `--json` has it.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    line: u64,
    verdict: &'static str,
    pattern: Option<usize>,
    host: Option<String>,
    id: Option<String>,
    time: Option<Number>,
    fields: Map<String, Value>,
}

/// Groups that are told as host or id, or whose text is part of another's.
const TOLD: [&str; 7] = ["host", "ip4", "ip6", "dns", "fid", "cidr", "content"];

impl Row {
    pub(super) fn new(line: u64, verdict: &Verdict) -> Self {
        let none = |verdict| Self {
            line,
            verdict,
            pattern: None,
            host: None,
            id: None,
            time: None,
            fields: Map::new(),
        };
        match verdict {
            Verdict::Miss => none("miss"),
            Verdict::Ignored => none("ignored"),
            Verdict::Fail(hit) => Self {
                pattern: Some(hit.pattern),
                host: host(hit),
                id: id(hit),
                time: hit.at.and_then(seconds),
                fields: hit.fields.as_deref().map(fields).unwrap_or_default(),
                ..none("fail")
            },
        }
    }
}

fn host(hit: &Hit) -> Option<String> {
    match &hit.key {
        Key::Id(_) => hit.address.map(|address| address.to_string()),
        host => Some(host.to_string()),
    }
}

fn id(hit: &Hit) -> Option<String> {
    match &hit.key {
        Key::Id(id) => Some(id.to_string()),
        host => {
            // An address that was given as an id, while the line names another one.
            let other = (hit.address).filter(|address| *host != Key::Address(*address));
            other.map(|_| host.to_string())
        }
    }
}

/// Seconds since 1970, with a fraction where there is one.
fn seconds(at: Wall) -> Option<Number> {
    const SECOND: i64 = 1_000_000_000;
    if at.0 % SECOND == 0 {
        return Some((at.0 / SECOND).into());
    }
    // Read from text: that is the number nearest to what is meant.
    let sign = if at.0 < 0 { "-" } else { "" };
    let (whole, part) = (
        at.0.unsigned_abs() / 1_000_000_000,
        at.0.unsigned_abs() % 1_000_000_000,
    );
    Number::from_f64(format!("{sign}{whole}.{part:09}").parse().ok()?)
}

fn fields(fields: &Fields) -> Map<String, Value> {
    let told = |name: &str| TOLD.contains(&name) || name.starts_with("skiplines");
    (fields.iter())
        .filter(|(name, _)| !told(name))
        .map(|(name, value)| (name.to_owned(), json!(value.to_string())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::Stamp;

    fn text(verdict: &Verdict) -> String {
        serde_json::to_string(&Row::new(7, verdict)).unwrap()
    }

    fn hit(key: Key, address: Option<&str>, at: Option<i64>) -> Verdict {
        Verdict::Fail(Hit {
            pattern: 2,
            key,
            address: address.map(|address| address.parse().unwrap()),
            at: at.map(Wall),
            stamp: Stamp::Missing,
            fields: None,
        })
    }

    #[test]
    fn every_line_has_an_object_with_the_same_names() {
        let nothing = r#""pattern":null,"host":null,"id":null,"time":null,"fields":{}}"#;
        assert_eq!(
            text(&Verdict::Miss),
            format!(r#"{{"line":7,"verdict":"miss",{nothing}"#)
        );
        let ignored = format!(r#"{{"line":7,"verdict":"ignored",{nothing}"#);
        assert_eq!(text(&Verdict::Ignored), ignored);
    }

    #[test]
    fn host_and_id_are_told_apart() {
        let address = Key::Address("192.0.2.7".parse().unwrap());
        for (verdict, host, id) in [
            (
                hit(address.clone(), Some("192.0.2.7"), None),
                r#""192.0.2.7""#,
                "null",
            ),
            (
                hit(Key::Name("a.example".into()), None, None),
                r#""a.example""#,
                "null",
            ),
            (hit(Key::Id("box".into()), None, None), "null", r#""box""#),
            (
                hit(Key::Id("box".into()), Some("::1"), None),
                r#""::1""#,
                r#""box""#,
            ),
        ] {
            let expected = format!(r#""pattern":2,"host":{host},"id":{id},"time":null"#);
            assert!(text(&verdict).contains(&expected), "{}", text(&verdict));
        }
    }

    #[test]
    fn times_are_seconds() {
        let time = |at| {
            let verdict = hit(Key::Id("x".into()), None, Some(at));
            serde_json::to_value(Row::new(1, &verdict)).unwrap()["time"].to_string()
        };
        assert_eq!(time(1_124_013_600_000_000_000), "1124013600");
        assert_eq!(time(1_124_013_600_250_000_000), "1124013600.25");
        assert_eq!(time(-1_500_000_000), "-1.5");
        assert_eq!(time(0), "0");
    }
}
