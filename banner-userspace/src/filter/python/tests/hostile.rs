//! Patterns from nowhere: no panic, no hang, no heap of memory.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{differential::Compiled, random::Random};
use crate::filter::python::{Options, translate};

/// Translates and compiles whatever these bytes are; the entry of a fuzzer. True if it is a
/// pattern that an engine takes.
pub(super) fn fuzz(data: &[u8]) -> bool {
    let (first, text) = data.split_first().unwrap_or((&0, &[]));
    let options = Options {
        multiline: first & 1 == 1,
        one_line: first & 2 == 2,
        use_dns: first & 4 == 4,
        named_only: first & 8 == 8,
    };
    let text = String::from_utf8_lossy(text);
    let Ok(translated) = translate(&text, options) else {
        return false;
    };
    // Too large is an answer.
    Compiled::new(&translated).is_ok()
}

fn timed(pattern: &str) {
    let start = Instant::now();
    fuzz(&[&[0b1010], pattern.as_bytes()].concat());
    // Optimised it is far less; the limit is for a build that is not, on a machine that is busy.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{pattern}: {:?}",
        start.elapsed()
    );
}

#[test]
fn patterns_that_want_much_are_refused_or_done_in_time() {
    let nested = |open: &str, close: &str, n: usize| open.repeat(n) + "a" + &close.repeat(n);
    let conditions: Vec<String> = (1..=30).map(|n| format!("(?({n})a|b)")).collect();
    let conditions = conditions.concat();
    for pattern in [
        nested("(", ")", 5000),
        nested("(?:", ")*", 90),
        nested("(?=", ")", 90),
        nested("(?!", ")b", 60),
        nested("(?:", "){9}", 60),
        nested("[", "]", 5000),
        nested("(a)?(?(1)", "|b)", 40),
        "(?!aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa)a*a*a*a*a*a*a*a*a*a*b".into(),
        "(?:(?!aaaaaaaaaaaaaaaaaaaaaaab).)*$".into(),
        "(?!a|aa|aaa|ab|abb|aab)".repeat(20) + "(?:a|b)*(?:a|ab)*$",
        "(x)?".repeat(30) + &conditions,
        r"\w{1000}{2}".into(),
        r"(?:\w{1000}){1000}".into(),
        r"(?i)[\x00-\U0010ffff]".repeat(50),
        r"(?:\b.)*".repeat(50),
        "<HOST>".repeat(2),
        "<SKIPLINES>".repeat(500),
        "a|".repeat(30_000),
        "(?#".repeat(20_000),
        "a{4294967294}".into(),
        "(".repeat(60_000),
    ] {
        timed(&pattern);
    }
}

proptest! {
    #[test]
    fn any_text_is_taken_or_refused(text in any::<String>()) {
        fuzz(text.as_bytes());
    }

    #[test]
    fn any_text_of_pattern_signs_is_taken_or_refused(
        text in r"([ab1 .^$|(\[{)\]}*+?,:=!<>PR\\-]|\(\?[:=!<>P#(aimsx-]|<HOST>|</?F-A>|\\[wdsbBAZ1]){0,40}"
    ) {
        timed(&text);
    }

    #[test]
    fn bitten_patterns_are_taken_or_refused(seed: u64, bite in 0usize..80, sign in 0usize..12) {
        let mut random = Random::new(seed);
        let mut chars: Vec<char> = random.pattern(false).chars().collect();
        let at = bite % (chars.len() + 1);
        chars.insert(at, r"()[]{}*?|\<^".chars().nth(sign).unwrap());
        timed(&chars.into_iter().collect::<String>());
    }
}
