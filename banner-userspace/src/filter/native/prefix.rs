//! Shared prefixes: what stands before the message in a log of some kind.

use std::{ops::Range, sync::Arc};

use regex::bytes::RegexBuilder;
use regex_automata::Input;

use super::tags::STAMP_TAG;
use crate::filter::{
    groups::{Slots, span},
    matcher::{Matcher, Syntax},
    spec::{FilterError, FilterSpec, Part, Prefixes},
};

/// Name of the capture group of the stamp: the tag may stand in several branches.
pub(super) const STAMP_GROUP: &str = "stamp";

const PROGRAM_TAG: &str = "<PROGRAM>";

/// A compiled prefix.
#[derive(Clone, Debug)]
pub(in crate::filter) struct Prefix {
    matcher: Matcher,
    /// As it was compiled: what is the same splits every line in the same way.
    text: Arc<str>,
    /// The groups of the stamp.
    stamps: Vec<usize>,
}

/// Where the stamp of the last line stood. Most lines have the stamp of the line before in the same
/// place, and to find a place takes longer than to look whether it is still the same.
#[derive(Debug, Default)]
pub(in crate::filter) struct Remembered {
    /// The beginning of the line, up to one byte behind the stamp.
    head: Vec<u8>,
    stamp: Range<usize>,
    slots: Slots,
}

/// What one line was split into by a prefix that several filters have.
#[derive(Debug, Default)]
pub(in crate::filter) struct Split {
    remembered: Remembered,
    /// The number of the line, from 1 on.
    line: u64,
    stamp: Option<Range<usize>>,
    message: usize,
}

impl Prefix {
    /// Whether another prefix splits every line in the same way.
    pub(in crate::filter) fn is_like(&self, other: &Self) -> bool {
        self.text == other.text
    }

    /// The same as [`split`](Self::split) for several filters: the first that asks about the line of
    /// this number has it split.
    pub(in crate::filter) fn split_once<'l>(
        &self,
        line: &'l [u8],
        split: &mut Split,
        number: u64,
    ) -> (Option<&'l [u8]>, &'l [u8]) {
        if split.line != number {
            let (stamp, message) = self.split(line, &mut split.remembered);
            split.line = number;
            split.message = line.len() - message.len();
            split.stamp = stamp.map(|stamp| {
                let start = stamp.as_ptr().addr() - line.as_ptr().addr();
                start..start + stamp.len()
            });
        }
        let stamp = (split.stamp.clone()).and_then(|stamp| line.get(stamp));
        (stamp, line.get(split.message..).unwrap_or_default())
    }

    /// Compiles the prefix that `spec` names, with `stamp` for its stamps; `None` when it names none.
    pub(in crate::filter) fn compile(
        spec: &FilterSpec,
        prefixes: &Prefixes,
        stamp: &str,
    ) -> Result<Option<Self>, FilterError> {
        let error = |part, message| FilterError { part, message };
        let Some(name) = &spec.prefix else {
            return match &spec.program {
                Some(_) => Err(error(
                    Part::Program,
                    "program without a prefix: name the prefix that has the program in it".into(),
                )),
                None => Ok(None),
            };
        };
        let Some(text) = prefixes.0.get(name) else {
            let known: Vec<_> = prefixes.0.keys().map(String::as_str).collect();
            let message = format!(
                "no prefix is named {name:?}; there are: {}",
                known.join(", ")
            );
            return Err(error(Part::Prefix, message));
        };
        let Some(text) = text.strip_prefix('^') else {
            let message = format!(
                "prefix {name:?} does not begin with ^: without it a prefix inside the message, \
                 which the attacker writes, would count"
            );
            return Err(error(Part::Prefix, message));
        };
        let program = spec.program.as_deref().unwrap_or(r"[^\s:\[\]]+");
        if let Err(why) = RegexBuilder::new(program).unicode(false).build() {
            return Err(error(Part::Program, why.to_string()));
        }
        let mut stamps = 0;
        // Grouped, so that the anchor holds for every branch.
        let mut expanded = String::from("^(?:");
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once(STAMP_TAG) {
            expanded.push_str(before);
            expanded.extend(["(?P<", STAMP_GROUP, &stamps.to_string(), ">", stamp, ")"]);
            stamps += 1;
            rest = behind;
        }
        expanded.extend([rest, ")"]);
        let expanded = expanded.replace(PROGRAM_TAG, program);
        let matcher = Matcher::native(&expanded, Syntax::default())
            .map_err(|why| error(Part::Prefix, why))?;
        let stamps = (0..stamps)
            .filter_map(|n| matcher.groups().index(&format!("{STAMP_GROUP}{n}")))
            .collect();
        Ok(Some(Self {
            matcher,
            text: expanded.into(),
            stamps,
        }))
    }

    /// Whether it says where a stamp stands.
    pub(in crate::filter) fn has_stamp(&self) -> bool {
        !self.stamps.is_empty()
    }

    /// Splits a line into its stamp, where it has one, and its message. A line without the prefix
    /// is all message: programs that log to a file of their own write no prefix.
    pub(super) fn split<'l>(
        &self,
        line: &'l [u8],
        remembered: &mut Remembered,
    ) -> (Option<&'l [u8]>, &'l [u8]) {
        let Some(end) = self.matcher.end(line) else {
            return (None, line);
        };
        let message = &line[end..];
        if self.stamps.is_empty() {
            return (None, message);
        }
        if !remembered.head.is_empty() && line[..end].starts_with(&remembered.head) {
            return (line.get(remembered.stamp.clone()), message);
        }
        let input = Input::new(line).range(..end);
        // Where it gives up, the line has no stamp that could be read: it is of now.
        let _ = self.matcher.search_input(&input, &mut remembered.slots);
        let slots = &remembered.slots;
        let stamp = (self.stamps.iter()).find_map(|group| span(slots, *group));
        remembered.head.clear();
        let Some(stamp) = stamp else {
            return (None, message);
        };
        if stamp.end < end {
            remembered.head.extend_from_slice(&line[..=stamp.end]);
            remembered.stamp = stamp.clone();
        }
        (line.get(stamp), message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::stamp;

    fn syslog(program: &str) -> Prefix {
        let spec = FilterSpec {
            prefix: Some("syslog".into()),
            program: Some(program.into()),
            ..FilterSpec::default()
        };
        Prefix::compile(&spec, &Prefixes::default(), stamp::PATTERN)
            .unwrap()
            .unwrap()
    }

    #[test]
    fn syslog_prefixes_of_all_kinds_are_taken_off() {
        let prefix = syslog("sshd(?:-session)?");
        for (line, stamp) in [
            (
                "Nov 20 10:00:00 host sshd[123]: hello",
                Some("Nov 20 10:00:00"),
            ),
            (
                "Nov  2 10:00:00 host sshd[123]: hello",
                Some("Nov  2 10:00:00"),
            ),
            ("Nov 20 10:00:00 sshd[123]: hello", Some("Nov 20 10:00:00")),
            ("Nov 20 10:00:00 host sshd: hello", Some("Nov 20 10:00:00")),
            (
                "<38>Nov 20 10:00:00 host sshd-session[123]: hello",
                Some("Nov 20 10:00:00"),
            ),
            (
                "2026-11-20T10:00:00+01:00 host sshd[1]: hello",
                Some("2026-11-20T10:00:00+01:00"),
            ),
            (
                "2026-11-20T10:00:00.123456Z host sshd[1]: hello",
                Some("2026-11-20T10:00:00.123456Z"),
            ),
            (
                "2026-11-20 10:00:00 host sshd[1]: hello",
                Some("2026-11-20 10:00:00"),
            ),
            (
                "<86>1 2026-11-20T10:00:00Z host sshd 123 - - hello",
                Some("2026-11-20T10:00:00Z"),
            ),
            (
                "1 2026-11-20T10:00:00Z host sshd 123 ID [a b=\"c]\\\"\"][d] hello",
                Some("2026-11-20T10:00:00Z"),
            ),
            ("<86>1 - - sshd - - - hello", None),
            (
                "1 2026-11-20T10:00:00Z host sshd 123 - -  hello",
                Some("2026-11-20T10:00:00Z"),
            ),
            (
                "Nov 20 10:00:00.123456 host sshd[1]: hello",
                Some("Nov 20 10:00:00.123456"),
            ),
            (
                "Nov 20 10:00:00 host auth.info sshd[1]: hello",
                Some("Nov 20 10:00:00"),
            ),
            (
                "Nov 20 10:00:00 host sshd[1]: [ID 800047 auth.info] hello",
                Some("Nov 20 10:00:00"),
            ),
            (
                "Nov 20 10:00:00 host /usr/sbin/sshd[1]: hello",
                Some("Nov 20 10:00:00"),
            ),
            ("host sshd[1]: hello", None),
            ("sshd[1]: hello", None),
            ("sshd: hello", None),
            ("hello", None),
        ] {
            let (found, message) = prefix.split(line.as_bytes(), &mut Remembered::default());
            assert_eq!(message, b"hello", "{line}");
            assert_eq!(found, stamp.map(str::as_bytes), "{line}");
        }
    }

    #[test]
    fn another_programs_prefix_and_one_inside_the_message_stay() {
        let prefix = syslog("sshd");
        for line in [
            "Nov 20 10:00:00 host postfix/smtpd[123]: hello",
            "Nov 20 10:00:00 host xsshd[123]: hello",
            "Nov 20 10:00:00 host su: Nov 20 10:00:00 host sshd[1]: hello",
            "Nov 20 10:00:00 host sshd[x]: hello",
            "Nov 20 10:00:00 app[1]: sshd[1]: hello",
            "app: sshd[1]: hello",
            "Nov 20 10:00:00 host app: /sshd[1]: hello",
            "Nov 20 10:00:00 host app/sshd[1]: hello",
        ] {
            assert_eq!(
                prefix.split(line.as_bytes(), &mut Remembered::default()),
                (None, line.as_bytes()),
                "{line}"
            );
        }
    }

    #[test]
    fn the_anchor_of_a_prefix_holds_for_all_its_branches() {
        let mut prefixes = Prefixes::default();
        prefixes.0.insert("two".into(), "^a: |b: ".into());
        let spec = FilterSpec {
            prefix: Some("two".into()),
            ..FilterSpec::default()
        };
        let prefix = Prefix::compile(&spec, &prefixes, stamp::PATTERN)
            .unwrap()
            .unwrap();
        assert_eq!(
            prefix.split(b"b: hello", &mut Remembered::default()).1,
            b"hello"
        );
        assert_eq!(
            prefix.split(b"x b: hello", &mut Remembered::default()).1,
            b"x b: hello"
        );
    }

    #[test]
    fn errors_name_the_part() {
        let spec = |prefix: Option<&str>, program: Option<&str>| FilterSpec {
            prefix: prefix.map(Into::into),
            program: program.map(Into::into),
            ..FilterSpec::default()
        };
        let mut prefixes = Prefixes::default();
        prefixes.0.insert("loose".into(), "x: ".into());
        for (spec, part, message) in [
            (
                spec(Some("sylog"), None),
                Part::Prefix,
                "no prefix is named \"sylog\"; there are: apache-error, ",
            ),
            (
                spec(Some("loose"), None),
                Part::Prefix,
                "does not begin with ^",
            ),
            (
                spec(Some("syslog"), Some("(")),
                Part::Program,
                "unclosed group",
            ),
            (spec(None, Some("x")), Part::Program, "without a prefix"),
        ] {
            let error = Prefix::compile(&spec, &prefixes, stamp::PATTERN).unwrap_err();
            assert_eq!(error.part, part);
            assert!(error.message.contains(message), "{}", error.message);
        }
    }
}
