//! Classes and case against Python, character by character.

use super::peer::Python;
use crate::filter::python::{Options, translate};

/// For each pattern the characters that only one of the two takes. What is newer than Python's
/// tables is left out.
fn compare(patterns: &[&str]) {
    let Some(mut python) = Python::start() else {
        return;
    };
    let known = python.characters(r"(?s:.)");
    assert!(known.len() > 80_000, "{}", known.len());
    for pattern in patterns {
        let translated = translate(pattern, Options::default()).unwrap();
        let regex = regex::Regex::new(&format!("^(?:{})", translated.pattern)).unwrap();
        let theirs = python.characters(pattern);
        let is = |char: &char| regex.is_match(char.encode_utf8(&mut [0; 4]));
        let other = |char: &&char| is(char) != theirs.binary_search(char).is_ok();
        let others: Vec<&char> = known.iter().filter(other).collect();
        assert!(others.is_empty(), "{pattern}: {others:?}");
    }
}

#[test]
fn classes_are_those_of_python() {
    compare(&[
        r"\s", r"\S", r"[^\s]", r"\d", r"\D", r"\w", r"\W", r"(?a)\w", r"(?a)\d", r"(?a)\s",
        r"(?a)\W", r"[\w.^-]", r"[^\w']", r"[\S\n]", r"[\W\d]", "[]-]", "[^]]", ".", "(?s).",
    ]);
}

#[test]
fn case_is_that_of_python() {
    let patterns = [
        "a",
        "k",
        "K",
        "\u{212a}",
        "s",
        "ſ",
        "ẞ",
        "ß",
        "i",
        "I",
        "ı",
        "İ",
        "µ",
        "μ",
        "Μ",
        "ς",
        "Σ",
        "σ",
        "θ",
        "ϴ",
        "ﬅ",
        "ﬆ",
        "ΐ",
        "\u{1fd3}",
        "\u{345}",
        "ι",
        "ǅ",
        "ǆ",
        "Ⅷ",
        "ꙋ",
        "𐐀",
        "[a-z]",
        "[A-Z]",
        "[^k]",
        "[à-þ]",
        "[Α-Ω]",
        "[^α-ω]",
        "[\u{100}-\u{24f}]",
        "[_-\u{ff}]",
        "[ιs]",
        "(?a:k)",
        "(?a:[a-z])",
        "(?-i:k)",
        "[^\u{130}]",
        "[𐐀-𐐧]",
        r"[\wſ]",
        r"[^\Wk]",
        r"[\ws]",
        r"\w",
    ];
    let patterns = patterns.map(|pattern| format!("(?i){pattern}"));
    compare(&patterns.each_ref().map(String::as_str));
}
