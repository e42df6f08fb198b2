//! What Python finds is what our engines find in what we make of its patterns.

use super::{
    peer::{Answer, Outcome, Python, Spans},
    random::Random,
};
use crate::filter::python::{BACKTRACK_LIMIT, Engine, Options, SIZE_LIMIT, Translated, translate};

/// How many random patterns, if it is set.
const CASES: &str = "BANNER_PYTHON_CASES";
/// Where random patterns begin, if it is set.
const SEED: &str = "BANNER_PYTHON_SEED";

/// A translated pattern, compiled.
pub(super) enum Compiled {
    Linear(regex::bytes::Regex),
    Backtracking(fancy_regex::Regex),
}

impl Compiled {
    pub(super) fn new(translated: &Translated) -> Result<Self, String> {
        match translated.engine {
            Engine::Linear => regex::bytes::RegexBuilder::new(&translated.pattern)
                .size_limit(SIZE_LIMIT)
                .build()
                .map(Self::Linear)
                .map_err(|why| why.to_string()),
            Engine::Backtracking { .. } => fancy_regex::RegexBuilder::new(&translated.pattern)
                .delegate_size_limit(SIZE_LIMIT)
                .backtrack_limit(BACKTRACK_LIMIT)
                .build()
                .map(Self::Backtracking)
                .map_err(|why| why.to_string()),
        }
    }

    /// What it finds, as Python would tell it.
    pub(super) fn search(&self, translated: &Translated, text: &str) -> Outcome {
        let slots: Option<Spans> = match self {
            Self::Linear(regex) => regex.captures(text.as_bytes()).map(|found| {
                let spans = found
                    .iter()
                    .map(|found| Some((found?.start(), found?.end())));
                spans.collect()
            }),
            Self::Backtracking(regex) => match regex.captures(text) {
                // The limit of steps was reached.
                Err(_) => return Outcome::Slow,
                Ok(found) => found.map(|found| {
                    let spans = found
                        .iter()
                        .map(|found| Some((found?.start(), found?.end())));
                    spans.collect()
                }),
            },
        };
        let Some(slots) = slots else {
            return Outcome::Nothing;
        };
        let slot = |number: usize| slots[number];
        let groups = (0..translated.groups.len()).map(|n| translated.group(n, slot));
        let whole = std::iter::once(translated.whole(slot));
        Outcome::Match(whole.chain(groups).collect())
    }
}

/// Compares one pattern; tells what differs.
pub(super) fn compare(
    python: &mut Python,
    pattern: &str,
    options: Options,
    texts: &[String],
    tally: &mut Tally,
) -> Result<(), String> {
    let answer = python.search(pattern, options.multiline, texts);
    let translated = translate(pattern, options);
    let (found, names, translated) = match (answer, translated) {
        (Answer::Refused(_), Err(_)) => {
            tally.refused_by_both += 1;
            return Ok(());
        }
        (Answer::Refused(why), Ok(ours)) => {
            return Err(format!("Python refuses it ({why}), we do not: {ours:?}"));
        }
        (Answer::Found(..), Err(why)) => {
            tally.refused.push(format!("{pattern:?}: {why}"));
            return Ok(());
        }
        (Answer::Found(found, names), Ok(ours)) => (found, names, ours),
    };
    let compiled = Compiled::new(&translated)
        .map_err(|why| format!("does not compile: {why}\n{translated:?}"))?;
    match translated.engine {
        Engine::Linear => tally.linear += 1,
        Engine::Backtracking { .. } => tally.backtracking += 1,
    }
    let ours: Vec<Option<String>> = translated
        .groups
        .iter()
        .map(|group| group.name.clone())
        .collect();
    if ours != names {
        return Err(format!("names {ours:?}, Python {names:?}"));
    }
    for (text, found) in texts.iter().zip(found) {
        let ours = compiled.search(&translated, text);
        if found == Outcome::Slow || ours == Outcome::Slow {
            tally.slow += 1;
            continue;
        }
        tally.texts += 1;
        tally.found += usize::from(found != Outcome::Nothing);
        if found != ours {
            return Err(format!(
                "in {text:?}: {ours:?}, Python {found:?}\n{translated:?}"
            ));
        }
    }
    Ok(())
}

/// What was compared.
#[derive(Debug, Default)]
pub(super) struct Tally {
    linear: usize,
    backtracking: usize,
    refused_by_both: usize,
    pub(super) refused: Vec<String>,
    texts: usize,
    found: usize,
    slow: usize,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}

fn random_patterns(plain: bool, cases: u64) {
    let Some(mut python) = Python::start() else {
        return;
    };
    let first = setting(SEED, 1);
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    let cases = setting(CASES, cases);
    for seed in first..first + cases {
        let mut random = Random::new(seed);
        let pattern = random.pattern(plain);
        let one_line = !random.once_in(3);
        let options = Options {
            multiline: random.once_in(4),
            one_line,
            ..Options::default()
        };
        let texts: Vec<String> = (0..12)
            .map(|_| {
                let text = random.text();
                if one_line {
                    text.replace('\n', "") + "\n"
                } else {
                    text
                }
            })
            .collect();
        if let Err(why) = compare(&mut python, &pattern, options, &texts, &mut tally) {
            wrong.push(format!("seed {seed}, {pattern:?}, {options:?}: {why}"));
        }
    }
    let (bad, all) = (wrong.len(), tally.linear + tally.backtracking);
    eprintln!(
        "{all} patterns compared ({} linear), {} texts ({} found, {} too slow), \
         {} refused by both, {} by us only",
        tally.linear,
        tally.texts,
        tally.found,
        tally.slow,
        tally.refused_by_both,
        tally.refused.len()
    );
    for refused in tally.refused.iter().take(5) {
        eprintln!("refused: {refused}");
    }
    wrong.sort_by_key(String::len);
    let shown = wrong
        .iter()
        .take(12)
        .cloned()
        .collect::<Vec<_>>()
        .join("\n\n");
    assert!(wrong.is_empty(), "{bad} of {cases} differ:\n{shown}");
    assert!(tally.found > tally.texts / 20, "hardly anything was found");
}

/// What random patterns have shown once.
#[test]
fn patterns_that_found_something_else_once_find_what_python_finds() {
    let Some(mut python) = Python::start() else {
        return;
    };
    let mut tally = Tally::default();
    // fancy-regex comes back into a look-around that has matched, if it takes it step by step.
    for (pattern, text) in [
        (r"(?=\B(x*)|).(?(1)z|abab)", "'abab"),
        (r"(?=(?!a)()|).(?(1)z|abab)", "'abab"),
        (r"(?=(.)\1|()).(?(2)abab|q)", "''abab"),
        (r"(?=(.)\1|()).(?(2)'abab|q)", "''abab"),
        (r"(?<=(?!b)(.)|.).(?(1)q|abab)", "''abab"),
        (r"(?<=(?!b)(.)|.).(?(1)abab|q)", "''abab"),
        (r"(?:(?=((?!q)c)*|b*d|(K)))*(?(2)[^x]|(?!))", "K'from"),
        (r"(?=(a+)$|a)a(?(1)a|b)", "aaab"),
        // Not compared: what it searches for is not what it matches.
        (r"(?a:\Wa)", "ßa"),
    ] {
        let texts = [text.to_owned()];
        if let Err(why) = compare(&mut python, pattern, Options::default(), &texts, &mut tally) {
            panic!("{pattern}: {why}");
        }
    }
    assert_eq!((tally.texts, tally.slow), (8, 1));
}

#[test]
fn plain_patterns_find_what_python_finds() {
    random_patterns(true, 3000);
}

#[test]
fn all_patterns_find_what_python_finds() {
    random_patterns(false, 3000);
}
