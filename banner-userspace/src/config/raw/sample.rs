//! Samples: lines and what a filter must say of them.

use jiff::Timestamp;

use super::super::address::Network;
use super::super::report::Report;
use super::super::section::Fields;
use super::super::sections;
use super::super::settings;
use super::super::shape::{Flag, Shape, Text, refuse, unexpected};
use super::super::yaml::{Kind, Node};
use super::pattern::When;
use crate::filter::{Expect, Key, Sample};
use crate::model::{Wall, is_host};

/// An item of `samples`, with the parameters for which it holds.
#[derive(Clone, Debug)]
pub(crate) struct RawSample {
    pub(crate) sample: Sample,
    pub(crate) when: When,
}

/// An item of `samples`.
pub(crate) struct SampleOf;

impl Shape for SampleOf {
    type Value = RawSample;

    fn noun(&self) -> String {
        "a sample: { line: '…', fail: ADDRESS } or { line: '…', pass: true }".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawSample> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            unexpected(self, node, path, report);
            return None;
        }
        let fields = Fields::read(&sections::SAMPLE_SECTION, node, node.spot, path, report)?;
        let lines = if fields.has(&settings::SAMPLE_LINES) {
            let lines = fields.get(&settings::SAMPLE_LINES, report);
            if fields.has(&settings::SAMPLE_LINE) {
                report.error(node.spot, path, "has both line and lines; keep one");
            }
            lines.map(|lines| lines.value.into_iter().map(|line| line.value).collect())
        } else {
            let line = fields.require(&settings::SAMPLE_LINE, report);
            line.map(|line| vec![line.value])
        };
        let fail = fields.get(&settings::SAMPLE_FAIL, report);
        let pass = fields.get(&settings::SAMPLE_PASS, report);
        let user = fields.get(&settings::SAMPLE_USER, report);
        let time = fields.get(&settings::SAMPLE_TIME, report);
        let now = fields.get(&settings::SAMPLE_NOW, report);
        let when = fields.get(&settings::WHEN, report);
        let given = (
            fields.has(&settings::SAMPLE_FAIL),
            fields.has(&settings::SAMPLE_PASS),
        );
        match given {
            (true, true) => report.error(node.spot, path, "has both fail and pass; keep one"),
            (false, false) => report.error(node.spot, path, "needs fail: ADDRESS or pass: true"),
            _ => {}
        }
        let expect = match (fail, pass) {
            (Some(key), None) => Expect::Fail(key.value),
            (None, Some(_)) => Expect::Pass,
            _ => return None,
        };
        Some(RawSample {
            sample: Sample {
                lines: lines?,
                expect,
                user: user.map(|user| user.value),
                time: time.map(|time| time.value),
                now: now.map(|now| now.value),
            },
            when: when.map_or_else(When::new, |when| when.value),
        })
    }
}

/// Whom a sample is a failure of.
pub(crate) struct KeyOf;

impl Shape for KeyOf {
    type Value = Key;

    fn noun(&self) -> String {
        "an address, a prefix, { name: DNS-NAME } or { id: TEXT }".to_owned()
    }

    fn examples(&self) -> &'static str {
        "192.0.2.7 or \"2001:db8::7\""
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Key> {
        if let Kind::Mapping(entries) = &node.kind
            && let [(key, value)] = entries.as_slice()
            && let Kind::Text(text) = &value.kind
        {
            match key.text.as_str() {
                "id" => return Some(Key::Id(text.as_str().into())),
                "name" => return Some(Key::Name(text.as_str().into())),
                _ => {}
            }
        }
        let network = Network::read_as(self, node, path, report)?;
        Some(if is_host(network) {
            Key::Address(network.addr())
        } else {
            Key::Prefix(network)
        })
    }
}

/// A point in time.
pub(crate) struct TimeOf;

impl Shape for TimeOf {
    type Value = Wall;

    fn noun(&self) -> String {
        "a time with its zone".to_owned()
    }

    fn examples(&self) -> &'static str {
        "'2026-11-20T10:00:00Z'"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Wall> {
        let text = Text("a time with its zone").read(node, path, report)?;
        let time: Option<Timestamp> = text.parse().ok();
        let nanos = time.and_then(|time| i64::try_from(time.as_nanosecond()).ok());
        if nanos.is_none() {
            unexpected(self, node, path, report);
        }
        nanos.map(Wall)
    }
}

/// The word true, where false would say nothing.
pub(crate) struct True;

impl Shape for True {
    type Value = ();

    fn noun(&self) -> String {
        "true".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<()> {
        if Flag.read(node, path, report)? {
            return Some(());
        }
        refuse(
            self,
            node,
            path,
            report,
            "for a failure write fail: ADDRESS",
        );
        None
    }
}
