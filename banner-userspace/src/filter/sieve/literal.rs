//! Literals that a match must contain: at least one of a set.

use fancy_regex::Expr;
use regex_syntax::hir::{Class, Hir, HirKind};

/// Literals, of which every match has at least one; none is contained in another.
pub(in crate::filter) type Required = Vec<Vec<u8>>;

/// More than that are not kept as exact texts.
const MOST: usize = 64;

/// Longer literals say no more.
const LONGEST: usize = 24;

/// A shorter one stands in most lines.
const SHORTEST: usize = 3;

/// Where a literal may not be in one piece in the line, though it is in what patterns see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filter) enum Pieces {
    /// Nowhere.
    Whole,
    /// At characters that are not ASCII: they have other bytes there.
    Ascii,
    /// There, and where a stamp may have been cut out: between two characters that are not of words.
    Cut,
}

/// What is known of a part of a pattern.
struct Known {
    /// All that it can be, if that is little.
    exact: Option<Vec<Vec<u8>>>,
    /// What it must contain.
    best: Option<Required>,
}

impl Known {
    fn nothing() -> Self {
        Self {
            exact: None,
            best: None,
        }
    }

    fn exactly(text: Vec<u8>) -> Self {
        Self {
            exact: Some(vec![text]),
            best: None,
        }
    }
}

/// What a match of a pattern must contain; `None`: nothing that is worth looking for.
pub(in crate::filter) fn required(pattern: &Pattern<'_>, pieces: Pieces) -> Option<Required> {
    let known = match pattern {
        Pattern::Linear(hir) => of_hir(hir, pieces),
        Pattern::Backtracking(expr) => of_expr(expr, pieces),
    };
    better(known.best, known.exact.and_then(|set| usable(set, pieces)))
}

/// A pattern, as its engine reads it.
pub(in crate::filter) enum Pattern<'p> {
    /// For `regex`.
    Linear(&'p Hir),
    /// For `fancy-regex`.
    Backtracking(&'p Expr),
}

fn of_hir(hir: &Hir, pieces: Pieces) -> Known {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Known::exactly(Vec::new()),
        HirKind::Literal(literal) => Known::exactly(literal.0.to_vec()),
        HirKind::Class(class) => Known {
            exact: members(class),
            best: None,
        },
        HirKind::Capture(capture) => of_hir(&capture.sub, pieces),
        HirKind::Repetition(repetition) => {
            let times = (repetition.min, repetition.max);
            repeated(of_hir(&repetition.sub, pieces), times, pieces)
        }
        HirKind::Concat(parts) => sequence(parts.iter().map(|part| of_hir(part, pieces)), pieces),
        HirKind::Alternation(parts) => {
            choice(parts.iter().map(|part| of_hir(part, pieces)), pieces)
        }
    }
}

fn of_expr(expr: &Expr, pieces: Pieces) -> Known {
    match expr {
        // What is only looked at stands somewhere else, or not at all.
        Expr::Empty | Expr::Assertion(_) | Expr::LookAround(..) => Known::exactly(Vec::new()),
        Expr::Literal { val, casei } if !casei || !val.chars().any(char::is_alphabetic) => {
            Known::exactly(val.clone().into_bytes())
        }
        Expr::LiteralBytes { bytes } => Known::exactly(bytes.clone()),
        Expr::Group(inner) => of_expr(inner, pieces),
        Expr::AtomicGroup(inner) => of_expr(inner, pieces),
        Expr::Concat(parts) => sequence(parts.iter().map(|part| of_expr(part, pieces)), pieces),
        Expr::Alt(parts) => choice(parts.iter().map(|part| of_expr(part, pieces)), pieces),
        Expr::Repeat { child, lo, hi, .. } => {
            let bound = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            repeated(
                of_expr(child, pieces),
                (bound(*lo), Some(bound(*hi))),
                pieces,
            )
        }
        _ => Known::nothing(),
    }
}

/// The members of a small class, as bytes.
fn members(class: &Class) -> Option<Vec<Vec<u8>>> {
    let mut members = Vec::new();
    match class {
        Class::Unicode(class) => {
            for range in class.iter() {
                if range.len() + members.len() > 4 {
                    return None;
                }
                let all = range.start()..=range.end();
                members.extend(all.map(|c| c.to_string().into_bytes()));
            }
        }
        Class::Bytes(class) => {
            for range in class.iter() {
                if range.len() + members.len() > 4 {
                    return None;
                }
                members.extend((range.start()..=range.end()).map(|byte| vec![byte]));
            }
        }
    }
    (!members.is_empty()).then_some(members)
}

fn repeated(sub: Known, (min, max): (u32, Option<u32>), pieces: Pieces) -> Known {
    match (min, max, sub.exact) {
        (1, Some(1), exact) => Known {
            exact,
            best: sub.best,
        },
        (0, Some(1), Some(mut exact)) if exact.len() < 8 => {
            exact.push(Vec::new());
            Known {
                exact: Some(exact),
                best: None,
            }
        }
        (0, _, _) => Known::nothing(),
        (_, _, exact) => Known {
            best: better(sub.best, exact.and_then(|set| usable(set, pieces))),
            exact: None,
        },
    }
}

fn choice(parts: impl Iterator<Item = Known>, pieces: Pieces) -> Known {
    let parts: Vec<Known> = parts.collect();
    let exact: Option<Vec<Vec<u8>>> = parts
        .iter()
        .map(|part| part.exact.clone())
        .collect::<Option<Vec<_>>>()
        .map(|sets| sets.concat())
        .filter(|set| set.len() <= MOST);
    if exact.is_some() {
        return Known { exact, best: None };
    }
    let sets: Option<Vec<Required>> = parts
        .into_iter()
        .map(|part| better(part.best, part.exact.and_then(|set| usable(set, pieces))))
        .collect();
    Known {
        exact: None,
        best: sets.map(|sets| sets.concat()),
    }
}

fn sequence(parts: impl Iterator<Item = Known>, pieces: Pieces) -> Known {
    let mut best = None;
    let mut run = vec![Vec::new()];
    let mut whole = true;
    for part in parts {
        match part.exact {
            Some(set) if set.len() * run.len() <= MOST => {
                run = run
                    .iter()
                    .flat_map(|before| {
                        set.iter()
                            .map(move |behind| [before.as_slice(), behind].concat())
                    })
                    .collect();
            }
            Some(set) => {
                best = better(best, usable(std::mem::replace(&mut run, set), pieces));
                whole = false;
            }
            None => {
                let before = std::mem::replace(&mut run, vec![Vec::new()]);
                best = better(best, usable(before, pieces));
                best = better(best, part.best);
                whole = false;
            }
        }
    }
    if whole {
        return Known {
            exact: Some(run),
            best: None,
        };
    }
    Known {
        exact: None,
        best: better(best, usable(run, pieces)),
    }
}

/// The piece of each text that is looked for; `None` when one of them has none.
fn usable(set: Vec<Vec<u8>>, pieces: Pieces) -> Option<Required> {
    let mut usable: Required = Vec::new();
    for text in set {
        let piece = longest_piece(&text, pieces);
        if piece.len() < SHORTEST {
            return None;
        }
        usable.push(piece[..piece.len().min(LONGEST)].to_vec());
    }
    Some(minimal(usable))
}

/// Without those that contain another.
fn minimal(mut set: Required) -> Required {
    set.sort_by_key(Vec::len);
    let mut kept: Required = Vec::new();
    for text in set {
        let has = |part: &Vec<u8>| memchr::memmem::find(&text, part).is_some();
        if !kept.iter().any(has) {
            kept.push(text);
        }
    }
    kept
}

fn longest_piece(text: &[u8], pieces: Pieces) -> &[u8] {
    if pieces == Pieces::Whole {
        return text
            .split(|&byte| byte == b'\n')
            .max_by_key(|piece| piece.len())
            .unwrap_or_default();
    }
    let of_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut best: &[u8] = &[];
    let mut start = 0;
    for (at, &byte) in text.iter().enumerate() {
        let previous = at.checked_sub(1).and_then(|before| text.get(before));
        let cut = pieces == Pieces::Cut
            && previous.is_some_and(|&previous| !of_word(previous) && !of_word(byte));
        if cut {
            start = at;
        }
        if !byte.is_ascii() || byte == b'\n' {
            start = at + 1;
            continue;
        }
        if at + 1 - start > best.len() {
            best = &text[start..=at];
        }
    }
    best
}

/// The set that fewer lines have.
pub(in crate::filter) fn better(
    one: Option<Required>,
    other: Option<Required>,
) -> Option<Required> {
    match (one, other) {
        (Some(one), Some(other)) => Some(if worth(&other) > worth(&one) {
            other
        } else {
            one
        }),
        (one, other) => one.or(other),
    }
}

/// Words that stand in every log, in lines that are no failures.
const COMMON: &str = "a address and at by client closed connect connection for from has host id in \
                      info is message no not of on pid port remote server session status the to \
                      user with";

/// A long literal is worth more than a short one, but for words that are common; many literals are
/// worth a little less.
fn worth(set: &Required) -> usize {
    let rarity = |text: &Vec<u8>| rarity(text);
    let least = set.iter().map(rarity).min().unwrap_or(0);
    let many = usize::try_from(set.len().ilog2()).unwrap_or(0);
    least.saturating_sub(many)
}

/// How rare a literal is among lines: bytes of rare words count twice, common words and what stands
/// between words once each.
fn rarity(text: &[u8]) -> usize {
    text.chunk_by(|one, other| one.is_ascii_alphabetic() == other.is_ascii_alphabetic())
        .map(|run| {
            let word = run[0].is_ascii_alphabetic();
            if run == b" " {
                0
            } else if word && is_common(run) {
                1
            } else {
                run.len() * 2
            }
        })
        .sum()
}

fn is_common(word: &[u8]) -> bool {
    COMMON.split(' ').any(|known| known.as_bytes() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, pieces: Pieces) -> Option<Vec<String>> {
        let hir = regex_syntax::parse(pattern).unwrap();
        let set = required(&Pattern::Linear(&hir), pieces)?;
        let mut texts: Vec<String> = set
            .into_iter()
            .map(|text| String::from_utf8(text).unwrap())
            .collect();
        texts.sort();
        Some(texts)
    }

    #[test]
    fn the_best_literals_of_a_pattern_are_found() {
        for (pattern, expected) in [
            (
                "^Failed password for .* from",
                Some(&["Failed password for "][..]),
            ),
            ("^(?:error: )?PAM: .* for .*", Some(&["PAM: "])),
            ("^PAM: .* from port", Some(&["PAM: "])),
            ("^PAM: .* fromage", Some(&[" fromage"])),
            ("(?:abc|defg) x", Some(&["abc x", "defg x"])),
            ("(?:abc|d+)", None),
            ("[ab]cd", Some(&["acd", "bcd"])),
            ("(?:abc)+", Some(&["abc"])),
            ("(?:abc)*", None),
            ("(?i)ab.*", None),
            (
                "(?i)err",
                Some(&["ERR", "ERr", "ErR", "Err", "eRR", "eRr", "erR", "err"]),
            ),
            (r"a\d{3}b", None),
        ] {
            let expected = expected.map(|set| set.iter().map(|text| String::from(*text)).collect());
            assert_eq!(found(pattern, Pieces::Whole), expected, "{pattern}");
        }
    }

    #[test]
    fn a_literal_is_not_looked_for_across_a_stamp() {
        for (pattern, expected) in [
            (r"\[\] bad \[x", Some(" bad ")),
            ("ab: cdef", Some(" cdef")),
            ("abä cdef", Some(" cdef")),
            (r"a: \[b", None),
        ] {
            let found = found(pattern, Pieces::Cut).map(|set| set.concat());
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
    }
}
