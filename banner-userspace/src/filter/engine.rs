//! A compiled filter, and what it says of a line.

use std::net::IpAddr;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{
    host,
    prefix::Prefix,
    spec::{Expect, FilterError, FilterSpec, Part, Prefixes, Sample},
};

/// What stands at the end of a line that was cut, so that no `$` matches there: the attacker, who
/// chooses the length of a user name, must not choose where a line seems to end.
const CUT_MARK: &[u8] = b" [cut]";

/// A filter, ready to be asked.
#[derive(Debug)]
pub struct Filter {
    prefix: Option<Prefix>,
    fail_set: RegexSet,
    fail: Vec<Regex>,
    ignore: RegexSet,
    loose: Vec<Loose>,
    pub(super) samples: Vec<Sample>,
}

/// A pattern that an attacker, who writes much of what is logged, could make match elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loose {
    /// Index of the pattern in `fail`.
    pub pattern: usize,
    /// What is wrong with it, in words.
    pub why: &'static str,
}

/// What a filter says of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'l> {
    /// Not a failure.
    Miss,
    /// It would be one, but for an ignore pattern.
    Ignored,
    /// A failure.
    Fail(Hit<'l>),
}

/// A failure, as far as the line alone tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit<'l> {
    /// Who failed.
    pub host: IpAddr,
    /// Index of the pattern in `fail`.
    pub pattern: usize,
    /// The text of the line's stamp, if it has one.
    pub stamp: Option<&'l [u8]>,
}

impl Filter {
    /// Compiles what a filter file says; all errors at once.
    pub fn compile(spec: &FilterSpec, prefixes: &Prefixes) -> Result<Self, Vec<FilterError>> {
        let mut errors = Vec::new();
        let mut keep = |part, result: Result<Regex, String>| {
            result
                .map_err(|message| errors.push(FilterError { part, message }))
                .ok()
        };
        let fail: Vec<Regex> = (spec.fail.iter().enumerate())
            .filter_map(|(n, text)| keep(Part::Fail(n), fail_pattern(text)))
            .collect();
        let ignore: Vec<Regex> = (spec.ignore.iter().enumerate())
            .filter_map(|(n, text)| keep(Part::Ignore(n), ignore_pattern(text)))
            .collect();
        if spec.fail.is_empty() {
            let message = "a filter needs at least one pattern under fail".into();
            errors.push(FilterError {
                part: Part::Fail(0),
                message,
            });
        }
        let prefix = Prefix::compile(spec, prefixes).unwrap_or_else(|error| {
            errors.push(error);
            None
        });
        let mut set = |part, patterns: &[Regex]| {
            set(patterns).unwrap_or_else(|why| {
                let message = format!("all patterns together: {why}");
                errors.push(FilterError { part, message });
                RegexSet::empty()
            })
        };
        let fail_set = set(Part::Fail(0), &fail);
        let ignore = set(Part::Ignore(0), &ignore);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            prefix,
            fail_set,
            fail,
            ignore,
            loose: loose(&spec.fail),
            samples: spec.samples.clone(),
        })
    }

    /// The patterns that match more than they should.
    pub fn loose(&self) -> &[Loose] {
        &self.loose
    }

    /// What this filter says of `line`, which is without its line break. `cut`: the line went on.
    pub fn judge<'l>(&self, line: &'l [u8], cut: bool) -> Verdict<'l> {
        let (stamp, message) = match &self.prefix {
            Some(prefix) => prefix.split(line),
            None => (None, line),
        };
        if cut {
            return self.judge_message(stamp, &[message, CUT_MARK].concat());
        }
        self.judge_message(stamp, message)
    }

    fn judge_message<'l>(&self, stamp: Option<&'l [u8]>, message: &[u8]) -> Verdict<'l> {
        for pattern in &self.fail_set.matches(message) {
            // A shape that is no address (999.0.0.1) is no failure of anybody.
            let host = (self.fail[pattern].captures(message))
                .and_then(|found| host::parse(found.name(host::GROUP)?.as_bytes()));
            if let Some(host) = host {
                if self.ignore.is_match(message) {
                    return Verdict::Ignored;
                }
                return Verdict::Fail(Hit {
                    host,
                    pattern,
                    stamp,
                });
            }
        }
        Verdict::Miss
    }

    /// What this filter says of a sample.
    pub(super) fn judge_sample(&self, sample: &Sample) -> Expect {
        match self.judge(sample.line.as_bytes(), false) {
            Verdict::Fail(hit) => Expect::Fail(hit.host),
            Verdict::Miss | Verdict::Ignored => Expect::Pass,
        }
    }
}

fn loose(fail: &[String]) -> Vec<Loose> {
    let why = |text: &str| {
        if !text.starts_with('^') {
            Some("does not begin with ^, so text in the middle of a message counts")
        } else if text.ends_with(host::TAG) {
            Some("ends with <HOST>, so 192.0.2.7.example counts as 192.0.2.7; end it with $")
        } else {
            None
        }
    };
    let patterns = fail.iter().enumerate();
    patterns
        .filter_map(|(pattern, text)| {
            Some(Loose {
                pattern,
                why: why(text)?,
            })
        })
        .collect()
}

fn fail_pattern(text: &str) -> Result<Regex, String> {
    match text.matches(host::TAG).count() {
        0 => return Err(format!("no {} in it, so nobody could be banned", host::TAG)),
        1 => {}
        n => {
            return Err(format!(
                "{} stands in it {n} times; one address is banned",
                host::TAG
            ));
        }
    }
    let expanded = text.replace(host::TAG, host::PATTERN);
    if expanded.matches("(?P<host>").count() + expanded.matches("(?<host>").count() > 1 {
        return Err(format!(
            "a group named host of its own; that name belongs to {}",
            host::TAG
        ));
    }
    compile(&expanded)
}

fn ignore_pattern(text: &str) -> Result<Regex, String> {
    compile(&text.replace(host::TAG, &host::PATTERN.replace("?P<host>", "?:")))
}

fn compile(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text)
        .unicode(false)
        .build()
        .map_err(|why| why.to_string())
}

fn set(patterns: &[Regex]) -> Result<RegexSet, regex::Error> {
    RegexSetBuilder::new(patterns.iter().map(Regex::as_str))
        .unicode(false)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(fail: &[&str], ignore: &[&str]) -> Filter {
        let own = |texts: &[&str]| texts.iter().map(|text| String::from(*text)).collect();
        let spec = FilterSpec {
            prefix: Some("syslog".into()),
            program: Some("sshd".into()),
            fail: own(fail),
            ignore: own(ignore),
            ..FilterSpec::default()
        };
        Filter::compile(&spec, &Prefixes::default()).unwrap()
    }

    fn host(verdict: Verdict<'_>) -> Option<String> {
        match verdict {
            Verdict::Fail(hit) => Some(hit.host.to_string()),
            Verdict::Miss | Verdict::Ignored => None,
        }
    }

    const FAILED: &str = r"^Failed password for (?:invalid user )?.* from <HOST> port \d+ ssh2$";

    #[test]
    fn the_first_pattern_that_names_an_address_decides() {
        let filter = filter(&[r"^no <HOST>$", FAILED, r"^Failed .* from <HOST> "], &[]);
        let line = b"Nov 20 10:00:00 h sshd[1]: Failed password for x from 192.0.2.7 port 1 ssh2";
        let Verdict::Fail(hit) = filter.judge(line, false) else {
            panic!("no failure")
        };
        assert_eq!(hit.host.to_string(), "192.0.2.7");
        assert_eq!(hit.pattern, 1);
        assert_eq!(hit.stamp, Some(&line[..15]));
    }

    #[test]
    fn an_ignore_pattern_wins() {
        let filter = filter(&[FAILED], &["for nagios from <HOST> "]);
        let line = |user: &str| format!("Failed password for {user} from 192.0.2.7 port 1 ssh2");
        assert_eq!(
            filter.judge(line("nagios").as_bytes(), false),
            Verdict::Ignored
        );
        assert_eq!(
            host(filter.judge(line("root").as_bytes(), false)),
            Some("192.0.2.7".into())
        );
    }

    #[test]
    fn a_user_name_that_imitates_a_line_bans_nobody_else() {
        let filter = filter(&[FAILED], &[]);
        for user in [
            "root from 203.0.113.9 port 22 ssh2",
            "Nov 20 10:00:00 h sshd[1]: Failed password for root from 203.0.113.9 port 22 ssh2",
            "x from 203.0.113.9 port 22 ssh2\tfrom 203.0.113.9 port 1 ssh",
            "\u{0}\u{1b}[2J from ::1 port 22 ssh2",
            "\u{fffd} from [203.0.113.9] port 22 ssh2",
        ] {
            let line = format!(
                "Nov 20 10:00:00 h sshd[1]: Failed password for invalid user {user} from 192.0.2.7 \
                 port 4242 ssh2"
            );
            assert_eq!(
                host(filter.judge(line.as_bytes(), false)),
                Some("192.0.2.7".into())
            );
        }
    }

    #[test]
    fn a_cut_line_has_no_end() {
        let filter = filter(
            &[FAILED, r"^Unable to negotiate with <HOST> port \d+: "],
            &[],
        );
        let cut = b"Failed password for x from 203.0.113.9 port 22 ssh2";
        assert_eq!(filter.judge(cut, true), Verdict::Miss);
        assert_ne!(filter.judge(cut, false), Verdict::Miss);
        let open = b"Unable to negotiate with 192.0.2.7 port 1: no matching ";
        assert_eq!(host(filter.judge(open, true)), Some("192.0.2.7".into()));
    }

    #[test]
    fn patterns_that_match_too_much_are_told_of() {
        let filter = filter(&["^a <HOST>$", "a <HOST>$", "^a <HOST>", "^<HOST> a"], &[]);
        let patterns: Vec<_> = filter.loose().iter().map(|loose| loose.pattern).collect();
        assert_eq!(patterns, [1, 2]);
    }

    #[test]
    fn bytes_need_not_be_text() {
        let filter = filter(&[FAILED], &[]);
        let line = b"Failed password for \xff\x00\xfe from 2001:db8::7 port 1 ssh2";
        assert_eq!(host(filter.judge(line, false)), Some("2001:db8::7".into()));
    }

    #[test]
    fn what_has_no_valid_address_is_no_failure() {
        let filter = filter(&[r"^from <HOST>$"], &[]);
        assert_eq!(filter.judge(b"from 999.0.2.7", false), Verdict::Miss);
        assert_eq!(
            host(filter.judge(b"from ::ffff:192.0.2.7", false)),
            Some("192.0.2.7".into())
        );
    }

    #[test]
    fn all_errors_of_a_filter_come_at_once() {
        let spec = FilterSpec {
            fail: vec![
                "^x$".into(),
                "<HOST> <HOST>".into(),
                "( <HOST>".into(),
                "^<HOST>".into(),
            ],
            ignore: vec!["[".into()],
            prefix: Some("none".into()),
            ..FilterSpec::default()
        };
        let errors = Filter::compile(&spec, &Prefixes::default()).unwrap_err();
        let parts: Vec<_> = errors.iter().map(|error| error.part).collect();
        assert_eq!(
            parts,
            [
                Part::Fail(0),
                Part::Fail(1),
                Part::Fail(2),
                Part::Ignore(0),
                Part::Prefix
            ]
        );
        let none = FilterSpec::default();
        assert!(Filter::compile(&none, &Prefixes::default()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_judged(line: Vec<u8>, cut: bool) {
            let _ = filter(&[FAILED, r"<HOST>"], &["x"]).judge(&line, cut);
        }
    }
}
