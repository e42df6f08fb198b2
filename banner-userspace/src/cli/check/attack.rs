//! Lines that an attacker could have logged to make somebody else look guilty.
//!
//! Much of a log is written by those who are logged: user names, addresses of pages, names of
//! hosts. A sample shows where a pattern takes such text. Put there, a text that looks like a
//! failure of another address must not be counted for that address.

use std::net::IpAddr;

use jiff::tz::TimeZone;

use crate::{
    filter::{Filter, FilterState, Key, Verdict},
    model::Wall,
};

/// Who is made to look guilty; from the blocks for documentation (RFC 5737, RFC 3849).
const VICTIMS: [&str; 2] = ["203.0.113.99", "2001:db8::bad"];

/// A text that stands for what an attacker writes.
const WORD: &str = "x7q";

/// What stands in no name of a host, an account or a program, but in what people write.
const MARKS: [char; 14] = [
    '[', ']', '(', ')', '<', '>', '{', '}', '"', '\'', '=', ':', ';', ',',
];

/// The longest sample, in words, that is tried: the time grows with their cube.
const WORDS: usize = 60;

/// A line that fools a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Attack {
    /// Index of the pattern in `fail` that is fooled.
    pub(in crate::cli) pattern: usize,
    /// The line.
    pub(in crate::cli) line: String,
    /// Whom the filter takes for the attacker.
    pub(in crate::cli) victim: IpAddr,
}

/// For each pattern that can be fooled, the shortest line that was found.
pub(in crate::cli) fn attacks(filter: &Filter, now: Wall) -> Vec<Attack> {
    let mut found: Vec<Option<Attack>> = vec![None; filter.spec().fail.len()];
    for example in filter.examples(now) {
        let judge = |line: &str| {
            let mut state = FilterState::new(filter, &TimeZone::UTC);
            match filter.judge_in(&mut state, example.with(line.as_bytes()), now) {
                Verdict::Fail(hit) => Some((hit.pattern, hit.key)),
                Verdict::Miss | Verdict::Ignored => None,
            }
        };
        let line = &example.line;
        let message = filter.message_at(line.as_bytes());
        let fails = |line: &str| judge(line).is_some();
        for forged in forgeries(line, message, &example.host.to_string(), &fails) {
            let Some((pattern, Key::Address(victim))) = judge(&forged) else {
                continue;
            };
            let is_victim = VICTIMS.iter().any(|text| text.parse() == Ok(victim));
            let best = &mut found[pattern];
            let shorter = best
                .as_ref()
                .is_none_or(|best| forged.len() < best.line.len());
            if is_victim && shorter {
                *best = Some(Attack {
                    pattern,
                    line: forged,
                    victim,
                });
            }
        }
    }
    found.into_iter().flatten().collect()
}

/// Lines like `line`, a failure of `host`, with a failure of somebody else where its message, which
/// begins at `message`, has free text.
fn forgeries(line: &str, message: usize, host: &str, fails: &dyn Fn(&str) -> bool) -> Vec<String> {
    let Some(victim) = VICTIMS
        .iter()
        .find(|victim| victim.contains(':') == host.contains(':'))
    else {
        return Vec::new();
    };
    let words: Vec<&str> = line.split(' ').collect();
    // What stands in a prefix is the host's and the program's to write.
    let first = line
        .get(..message)
        .map_or(0, |prefix| prefix.matches(' ').count());
    if words.len() > WORDS {
        return Vec::new();
    }
    let with = |at: usize, text: &str| {
        let mut words = words.clone();
        words[at] = text;
        words.join(" ")
    };
    // A word that may be any word is somebody's to choose, with the marks that are taken there. Where
    // none is, the program writes only names: there is no room for a sentence.
    let free = (first..words.len())
        .filter(|at| !words[*at].contains(host) && fails(&with(*at, WORD)))
        .map(|at| {
            let taken = |mark: &char| fails(&with(at, &format!("{WORD}{mark}{WORD}")));
            let marks: Vec<char> = MARKS.into_iter().filter(taken).collect();
            (at, marks)
        })
        .filter(|(_, marks)| !marks.is_empty());
    let mut forged = Vec::new();
    for (at, marks) in free {
        for start in 0..words.len() {
            for end in start + 1..=words.len() {
                let part = words[start..end].join(" ");
                let fits = |c| !MARKS.contains(&c) || marks.contains(&c);
                // An address of IPv6 brings its colons.
                if part.contains(host) && part.replace(host, "").chars().all(fits) {
                    let guilty = part.replace(host, victim);
                    forged.push(with(at, &guilty));
                    forged.push(with(at, &format!("{WORD} {guilty}")));
                }
            }
        }
    }
    forged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Expect, FilterSpec, Prefixes, Sample};

    const LINE: &str =
        "Nov 20 10:00:00 h sshd[1]: Failed password for root from 192.0.2.7 port 22 ssh2";

    fn attacks(fail: &str) -> Vec<Attack> {
        let host = "192.0.2.7".parse().unwrap();
        let spec = FilterSpec {
            prefix: Some("syslog".into()),
            program: Some("sshd".into()),
            fail: vec![fail.into()],
            samples: vec![Sample::new(LINE, Expect::Fail(Key::Address(host)))],
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        super::attacks(&filter, Wall::from_secs(1_790_000_000))
    }

    #[test]
    fn a_pattern_without_an_end_is_fooled_by_a_user_name() {
        let found = attacks(r"^Failed password for .*? from <HOST>");
        let [attack] = &*found else {
            panic!("{found:?}")
        };
        assert_eq!(attack.victim.to_string(), "203.0.113.99");
        assert!(
            attack.line.ends_with(" from 192.0.2.7 port 22 ssh2"),
            "{}",
            attack.line
        );
        assert!(attack.line.contains("from 203.0.113.99"), "{}", attack.line);
    }

    #[test]
    fn a_pattern_without_a_beginning_is_fooled_too() {
        assert_ne!(attacks(r"for \S+ from <HOST> port \d+ ssh2"), []);
    }

    /// The name of the host may be any word, but it is not the client's to choose.
    #[test]
    fn a_prefix_is_not_free_text() {
        assert_eq!(
            attacks(r"^Failed password for root from <HOST>(?: .*)?$"),
            []
        );
    }

    /// A word of any kind has room for a sentence, whatever the pattern says of blanks.
    #[test]
    fn a_name_is_no_free_text_and_a_word_is() {
        assert_eq!(attacks(r"^Failed password for [\w.-]+ from <HOST>"), []);
        assert_ne!(attacks(r"^Failed password for [^\s\[]+ from <HOST>"), []);
    }

    #[test]
    fn a_filter_without_samples_is_tried_with_lines_made_of_its_patterns() {
        let spec = FilterSpec {
            dialect: crate::filter::Dialect::Fail2ban,
            fail: vec![r"^bad \S+ from <HOST>(?: |$)".into()],
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        let found = super::attacks(&filter, Wall::from_secs(1_790_000_000));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].victim.to_string(), "203.0.113.99");
    }

    #[test]
    fn a_pattern_with_both_is_not() {
        assert_eq!(
            attacks(r"^Failed password for .* from <HOST> port \d+ ssh2$"),
            []
        );
        assert_eq!(
            attacks(r"^Failed password for \S+ from <HOST> port \d+ ssh2$"),
            []
        );
    }

    #[test]
    fn nobody_chooses_what_stands_before_the_content_of_a_prefilter() {
        let prefilter = r"^\s*\S+ sshd: <F-CONTENT>.+</F-CONTENT>$";
        let spec = |fail: &str, prefilter: Option<&str>| FilterSpec {
            dialect: crate::filter::Dialect::Fail2ban,
            prefilter: prefilter.map(str::to_owned),
            fail: vec![fail.to_owned()],
            ..FilterSpec::default()
        };
        for (fail, prefilter, fooled) in [
            (r"^\S+ sshd: refused <HOST>", None, true),
            (r"^refused <HOST>$", Some(prefilter), false),
            (r"^refused \S+ by <HOST>$", Some(prefilter), false),
            (r"^refused \S+ by <HOST>", Some(prefilter), true),
            (r"^refused .*? by <HOST>", Some(prefilter), true),
        ] {
            let spec = spec(fail, prefilter);
            let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
            let found = super::attacks(&filter, Wall::from_secs(1_790_000_000));
            assert_eq!(!found.is_empty(), fooled, "{fail}: {found:?}");
        }
    }
}
