//! Patterns against texts: by a table, and against Python itself.

use std::{
    env,
    io::{Seek as _, SeekFrom, Write as _},
    process::Command,
};

use serde_json::{Value, json};

use super::{LEFT, Program, RIGHT, Scratch};
use crate::filter::stamp::{
    known::{BEFORE_EPOCH, EPOCH},
    peer::Dice,
};

/// The groups of the first match from `start` on, the whole first.
fn find(program: &Program, text: &str, start: usize) -> Option<Vec<Option<(usize, usize)>>> {
    let mut scratch = Scratch::default();
    let found = program.search(text, start, &mut scratch);
    found.then(|| {
        (0..program.groups())
            .map(|group| scratch.group(group))
            .collect()
    })
}

/// What Python 3.11 says of them.
#[test]
fn patterns_mean_what_they_mean_to_python() {
    for (pattern, text, expected) in [
        ("a|ab", "ab", Some("a")),
        ("(?:a|ab)$", "ab", Some("ab")),
        ("a{,2}b", "aaab", Some("aab")),
        ("a{1,}?", "aaa", Some("a")),
        ("a{x}", "a{x}", Some("a{x}")),
        ("a{}", "a{}", Some("a{}")),
        ("(a)?(?(1)b|c)", "ab", Some("ab")),
        ("(a)?(?(1)b|c)", "c", Some("c")),
        (r"(?P<n>[-/])x(?P=n)", "/x-x/ -x-", Some("-x-")),
        (r"(?i)(a)\1", "aA", Some("aA")),
        (r"(?<=b)a", "aba", Some("a")),
        (r"(?<!^)a", "aba", Some("a")),
        (r"(?=(a))(?!ab)", "ab aa", Some("")),
        (r"(?>a*)a", "aaa", None),
        (r"a*+a", "aaa", None),
        (r"(?:a*)*b", "aab", Some("aab")),
        (r"[]a]+", "]a]", Some("]a]")),
        (r"[^]]+", "]ab]", Some("ab")),
        (r"[a\-c]+", "a-cb", Some("a-c")),
        (r"[\d-]+", "1-2", Some("1-2")),
        (r"\101\x42\u0043", "ABC", Some("ABC")),
        (r"a$", "a\n", Some("a")),
        (r"a\Z", "a\n", None),
        (r"^b", "a\nb", None),
        (r"(?m)^b$", "a\nb\nc", Some("b")),
        (r"a.c", "a\nc", None),
        (r"(?s)a.c", "a\nc", Some("a\nc")),
        (r"(?x) a b # c", "ab", Some("ab")),
        (r"(?i:A)b", "ab", Some("ab")),
        (r"(?i)sep", "ſEP", Some("ſEP")),
        (r"(?a)\d+", "٣4", Some("4")),
        (r"\d+", "٣4", Some("٣4")),
        (r"\bé\b", "e é", Some("é")),
        (r"\B", "", None),
    ] {
        let program = Program::new(pattern).unwrap();
        let found = find(&program, text, 0);
        let whole = found.map(|groups| groups[0].map(|(start, end)| &text[start..end]).unwrap());
        assert_eq!(whole, expected, "{pattern} in {text:?}");
    }
}

#[test]
fn what_python_refuses_is_refused() {
    for (pattern, why) in [
        ("(a", "missing )"),
        ("a)", "unbalanced parenthesis"),
        ("*a", "nothing to repeat"),
        ("^*", "nothing to repeat"),
        ("a**", "multiple repeat"),
        ("a{2,1}", "greater than max"),
        ("[a", "unterminated"),
        ("[b-a]", "bad character range"),
        (r"\q", "bad escape"),
        (r"\1", "invalid group reference"),
        (r"(\1)", "open group"),
        ("(?P<a>)(?P<a>)", "redefinition"),
        ("(?P<1>)", "bad character"),
        ("(?<=a+)", "fixed-width"),
        ("a(?i)", "not at the start"),
        ("(?(1)a|b|c)()", "two branches"),
        ("(?(2)a)()", "invalid group reference"),
        ("a{99999}", "too large"),
        ("(?:(?:a{999}){999}){999}", "too large"),
    ] {
        let error = Program::new(pattern).unwrap_err();
        assert!(error.contains(why), "{pattern}: {error}");
    }
    assert!(Program::new(&"(".repeat(10_000)).is_err());
}

/// What stands before the start is seen, what stands behind the end is not.
#[test]
fn a_search_has_a_beginning_and_an_end() {
    let program = Program::new(r"\b\d+\b").unwrap();
    assert_eq!(find(&program, "a12 34", 2), Some(vec![Some((4, 6))]));
    assert_eq!(find(&program, &"12345"[..3], 0), Some(vec![Some((0, 3))]));
    let bounded = Program::new(&format!("{LEFT}(-?a){RIGHT}")).unwrap();
    assert_eq!(find(&bounded, "xa ab -a", 0).unwrap()[1], Some((6, 8)));
}

/// Places that are passed over are places where no match begins.
#[test]
fn what_may_stand_before_a_match_is_no_guess() {
    let mut dice = Dice(7);
    let mut passed = 0;
    for _ in 0..20_000 {
        let mut wanted = pattern(&mut dice, 2);
        match dice.below(4) {
            0 => wanted = format!("{LEFT}{wanted}"),
            1 => wanted = format!("((?:^|(?<=^1)|(?<=\\ba:)){wanted})"),
            2 => wanted = format!("(?a){LEFT}(?:{wanted}){RIGHT}"),
            _ => {}
        }
        let Ok(program) = Program::new(&wanted) else {
            continue;
        };
        let letters = ["a", "1", ":", " ", "é", "K", "_", "11:1", "٣", "a:1", "\n"];
        let text: Vec<&str> = (0..dice.below(9)).map(|_| *dice.of(&letters)).collect();
        let text = text.concat();
        let mut scratch = Scratch::default();
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            if !program.shape.follows(&text, at) {
                passed += 1;
                let matches = program.matches_at(&text, at, &mut scratch);
                assert!(!matches, "{wanted:?} in {text:?} at {at}");
            }
        }
    }
    assert!(passed > 10_000, "{passed}");
}

/// In a run of digits no form of stamps is tried at each of them.
#[test]
fn most_places_in_a_run_are_passed_over() {
    let epoch = format!(r"({BEFORE_EPOCH}{EPOCH}){RIGHT}");
    for pattern in [format!(r"{LEFT}(\d{{2}}:\d{{2}}){RIGHT}"), epoch] {
        let program = Program::new(&pattern).unwrap();
        for digit in ["1", "٣"] {
            let text = digit.repeat(100);
            let places = text.char_indices().map(|(at, _)| at);
            let tried = places.filter(|at| program.shape.follows(&text, *at));
            assert_eq!(tried.collect::<Vec<_>>(), [0], "{pattern} in {digit}");
        }
    }
}

/// A pattern that explodes is given up.
#[test]
fn what_takes_too_long_is_no_match() {
    let program = Program::new("(?:a|a)*(?:a|a)*(?:a|a)*c").unwrap();
    let text = "a".repeat(1000);
    assert_eq!(find(&program, &text, 0), None);
}

const ATOMS: &[&str] = &[
    "a",
    "b",
    "1",
    ":",
    " ",
    "é",
    ".",
    r"\d",
    r"\w",
    r"\W",
    r"\s",
    r"[ab]",
    "[^a]",
    "[^:1]",
    "[0-9:]",
    "^",
    "$",
    r"\b",
    r"\B",
    "(?=a)",
    "(?!b)",
    "(?<=1)",
    "(?<!a)",
    r"(?<=\b)",
    r"\1",
    r"(?(1)a|b)",
    "k",
    "S",
    "(?i:s)",
    r"[é-ü]",
    r"\A",
    r"\Z",
    "ab",
    "1:1",
    r"\d\d",
];

/// A pattern at random.
fn pattern(dice: &mut Dice, depth: usize) -> String {
    let mut text = String::new();
    for _ in 0..=dice.below(4) {
        let part = match dice.below(8) {
            0 if depth > 0 => ["(", &pattern(dice, depth - 1), ")"].concat(),
            1 if depth > 0 => ["(?:", &pattern(dice, depth - 1), ")"].concat(),
            2 if depth > 0 => {
                let (one, other) = (pattern(dice, depth - 1), pattern(dice, depth - 1));
                ["(?:", &one, "|", &other, ")"].concat()
            }
            3 if depth > 0 => {
                let open = *dice.of(&["(?=", "(?!", "(?>"]);
                [open, &pattern(dice, depth - 1), ")"].concat()
            }
            _ => String::from(*dice.of(ATOMS)),
        };
        text.push_str(&part);
        if dice.below(3) == 0 {
            let repeats = [
                "*", "+", "?", "*?", "??", "{2}", "{1,2}", "{,2}", "{2,}", "?+", "*+",
            ];
            let often: &&str = dice.of(&repeats);
            text.push_str(often);
        }
    }
    text
}

#[test]
#[ignore = "needs python3, 3.11 or later"]
fn agrees_with_python() {
    let seed = env::var("BANNER_STAMP_SEED").map_or(1, |text| text.parse().unwrap());
    println!("BANNER_STAMP_SEED={seed}");
    let mut dice = Dice(seed);
    let mut cases = Vec::new();
    let mut file = tempfile::tempfile().unwrap();
    for _ in 0..60_000 {
        let mut wanted = pattern(&mut dice, 2);
        if dice.below(6) == 0 {
            wanted.insert_str(0, "(?i)");
        }
        let letters = [
            "a", "b", "1", "2", ":", " ", "é", "ſ", "K", "ı", "\n", "_", "ab", "11:1", "٣",
        ];
        let text: Vec<&str> = (0..dice.below(12)).map(|_| *dice.of(&letters)).collect();
        let text = text.concat();
        let (start, end) = (
            dice.below(3),
            text.chars().count() - dice.below(2).min(text.len()),
        );
        let case = json!({ "pattern": wanted, "text": text, "start": start, "end": end });
        writeln!(file, "{case}").unwrap();
        cases.push((wanted, text, start, end));
    }
    file.seek(SeekFrom::Start(0)).unwrap();
    let script = include_str!("peer.py");
    let out = Command::new("python3")
        .args(["-X", "utf8", "-c", script])
        .stdin(file)
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let answers = String::from_utf8(out.stdout).unwrap();
    let (mut different, mut found, mut total) = (0, 0, 0);
    for ((wanted, text, start, end), answer) in cases.iter().zip(answers.lines()) {
        let theirs: Value = serde_json::from_str(answer).unwrap();
        let byte = |at: usize| {
            text.char_indices()
                .nth(at)
                .map_or(text.len(), |(byte, _)| byte)
        };
        let (start, end) = (byte(*start), byte(*end));
        let ours = match Program::new(wanted) {
            Err(_) => json!("wrong"),
            Ok(_) if start > end => Value::Null,
            Ok(program) => match find(&program, &text[..end], start) {
                None => Value::Null,
                Some(groups) => groups
                    .iter()
                    .map(|group| group.map_or(json!([-1, -1]), |(start, end)| json!([start, end])))
                    .collect(),
            },
        };
        total += 1;
        found += usize::from(theirs.is_array());
        if ours != theirs {
            different += 1;
            if different < 20 {
                println!(
                    "{wanted:?} in {text:?} from {start} to {end}: Python {theirs}, we {ours}"
                );
            }
        }
    }
    println!("{total} patterns, {found} of them found, {different} found otherwise");
    assert!(total == 60_000 && found > 5_000);
    assert_eq!(different, 0);
}
