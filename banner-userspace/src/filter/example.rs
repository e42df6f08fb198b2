//! Lines that a filter takes for failures: its samples, or what its patterns are made of.

use std::net::IpAddr;

use jiff::tz::TimeZone;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::{Expect, Filter, FilterState, Key, Line, Verdict, engine::Judge, matcher::Matcher};
use crate::model::Wall;

/// Who fails in a line that was made of a pattern; from a block for documentation (RFC 5737).
const HOST: &str = "192.0.2.7";

/// The groups that hold an address.
const ADDRESSES: [&str; 2] = ["host", "ip4"];

/// What a class of characters is filled with, if that is in it.
const FILLINGS: [char; 12] = ['x', '1', ' ', '/', '-', '.', 'A', '"', '[', ':', '=', '<'];

/// A line that is a failure by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// The line.
    pub line: String,
    /// Who fails in it.
    pub host: IpAddr,
    /// Index of the pattern in `fail`.
    pub pattern: usize,
    /// When it was written, where it has no stamp: nothing is cut out of it then.
    pub at: Option<Wall>,
}

impl Example {
    /// It, with another text.
    pub fn with<'l>(&self, bytes: &'l [u8]) -> Line<'l> {
        Line {
            bytes,
            cut: false,
            at: self.at,
        }
    }
}

impl Filter {
    /// Lines that are failures of an address by themselves, at time `now`: those of the samples, and
    /// where there are no samples a line for each pattern, made of the pattern.
    pub fn examples(&self, now: Wall) -> Vec<Example> {
        if self.spec.samples.is_empty() {
            return self.made(now);
        }
        let mut found = Vec::new();
        for sample in &self.spec.samples {
            let (Expect::Fail(Key::Address(host)), [line]) = (&sample.expect, &*sample.lines)
            else {
                continue;
            };
            let example = Example {
                line: line.clone(),
                host: *host,
                pattern: 0,
                at: None,
            };
            found.extend(self.confirmed(example, now));
        }
        found
    }

    fn made(&self, now: Wall) -> Vec<Example> {
        let (fail, prefilter): (Vec<&Matcher>, Option<&Matcher>) = match &self.judge {
            Judge::Native(native) => (
                native.fail.iter().map(|pattern| &pattern.matcher).collect(),
                native.prefilter.as_ref().map(|pattern| &pattern.matcher),
            ),
            Judge::Fail2ban(judge) => (judge.fail.iter().collect(), judge.prefilter.as_ref()),
        };
        let host = HOST.parse().unwrap_or_else(|_| unreachable!("an address"));
        let made = fail.iter().filter_map(|matcher| {
            let mut ways = [false, true].into_iter();
            ways.find_map(|whole| {
                let message = written(matcher, whole, None)?;
                let line = match prefilter {
                    Some(prefilter) => written(prefilter, whole, Some(message.trim_end()))?,
                    None => message,
                };
                let example = Example {
                    line: line.trim_end_matches('\n').to_owned(),
                    host,
                    pattern: 0,
                    at: Some(now),
                };
                self.confirmed(example, now)
            })
        });
        made.collect()
    }

    /// The example, if that is what it is, with its pattern.
    fn confirmed(&self, mut example: Example, now: Wall) -> Option<Example> {
        let mut state = FilterState::new(self, &TimeZone::UTC);
        match self.judge_in(&mut state, example.with(example.line.as_bytes()), now) {
            Verdict::Fail(hit) if hit.key == Key::Address(example.host) => {
                example.pattern = hit.pattern;
                Some(example)
            }
            _ => None,
        }
    }
}

/// A text that a pattern matches, if nothing in it looks around; `whole`: with all that may be missing.
fn written(matcher: &Matcher, whole: bool, content: Option<&str>) -> Option<String> {
    let groups: Vec<(usize, &str)> = matcher.groups().holders().collect();
    let mut text = String::new();
    let given = |index: u32| {
        let named = |(number, _): &&(usize, &str)| usize::try_from(index) == Ok(*number);
        let (_, name) = groups.iter().find(named)?;
        match *name {
            name if ADDRESSES.contains(&name) => Some(HOST),
            "content" => content,
            _ => None,
        }
    };
    write(matcher.hir()?, whole, &given, &mut text)?;
    Some(text)
}

fn write<'g>(
    hir: &Hir,
    whole: bool,
    given: &impl Fn(u32) -> Option<&'g str>,
    text: &mut String,
) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(str::from_utf8(&literal.0).ok()?),
        HirKind::Class(class) => text.push(filling(class)?),
        HirKind::Repetition(repetition) => {
            let optional = repetition.min == 0 && whole && repetition.max != Some(0);
            for _ in 0..repetition.min.max(u32::from(optional)) {
                write(&repetition.sub, whole, given, text)?;
            }
        }
        HirKind::Capture(capture) => match given(capture.index) {
            Some(given) => text.push_str(given),
            None => write(&capture.sub, whole, given, text)?,
        },
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, whole, given, text)?;
            }
        }
        HirKind::Alternation(parts) => {
            let before = text.len();
            parts.iter().find_map(|part| {
                text.truncate(before);
                write(part, whole, given, text)
            })?;
        }
    }
    Some(())
}

fn filling(class: &Class) -> Option<char> {
    let holds = |c: &char| match class {
        Class::Unicode(class) => {
            (class.ranges().iter()).any(|range| (range.start()..=range.end()).contains(c))
        }
        Class::Bytes(class) => (class.ranges().iter()).any(|range| {
            u8::try_from(*c).is_ok_and(|byte| (range.start()..=range.end()).contains(&byte))
        }),
    };
    if let Some(filling) = FILLINGS.iter().find(|c| holds(c)) {
        return Some(*filling);
    }
    match class {
        Class::Unicode(class) => Some(class.ranges().first()?.start()),
        Class::Bytes(class) => {
            let first = class.ranges().first()?.start();
            first.is_ascii().then_some(char::from(first))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Dialect, FilterSpec, Prefixes};

    const NOW: Wall = Wall::from_secs(1_795_176_000);

    fn examples(dialect: Dialect, prefilter: Option<&str>, fail: &[&str]) -> Vec<String> {
        let spec = FilterSpec {
            dialect,
            prefilter: prefilter.map(Into::into),
            fail: fail.iter().map(|text| (*text).to_owned()).collect(),
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        let examples = filter.examples(NOW);
        examples.into_iter().map(|example| example.line).collect()
    }

    #[test]
    fn a_filter_without_samples_has_a_line_for_each_pattern() {
        let lines = examples(
            Dialect::Fail2ban,
            Some(r"^sshd\[\d+\]: <F-CONTENT>.+</F-CONTENT>$"),
            &[
                r"^(?:error: )?bad (?:user|\S+) <F-USER>.*</F-USER> from <HOST>(?: port \d+)?$",
                r"^[\w-]{3}\s+<ADDR>: [^x]$",
            ],
        );
        assert_eq!(
            lines,
            [
                "sshd[1]: bad user  from 192.0.2.7",
                "sshd[1]: xxx 192.0.2.7: 1"
            ]
        );
        assert_eq!(
            examples(Dialect::Banner, None, &[r"^no <HOST>$"]),
            ["no 192.0.2.7"]
        );
    }

    #[test]
    fn what_looks_around_makes_no_line() {
        assert_eq!(
            examples(Dialect::Banner, None, &[r"^(?!x)(\w)\1 <HOST>$"]),
            [""; 0]
        );
    }
}
