//! Upper and lower case, by Python's rules: two characters are the same under `(?i)` if their
//! simple lower case is, or if that differs only because one upper case has two lower ones
//! (`s` and `ſ`, `i` and `ı`, `µ` and `μ`).

use std::{collections::BTreeMap, sync::LazyLock};

use super::{ast::Case, set::Set};

/// What is known of case.
struct Tables {
    /// Characters that are not their own lower case, and that.
    lower: BTreeMap<char, char>,
    /// Characters that have another case.
    cased: Set,
    /// Lower case letters that share their upper case with others, and those.
    kin: BTreeMap<char, Vec<char>>,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let mut lower = BTreeMap::new();
    let mut by_upper: BTreeMap<String, Vec<char>> = BTreeMap::new();
    let mut cased = Vec::new();
    for char in '\0'..=char::MAX {
        let low = simple_lower(char);
        if low != char {
            lower.insert(char, low);
        }
        let upper: String = char.to_uppercase().collect();
        if low != char || !upper.starts_with(char) {
            cased.push((char, char));
            let kin = by_upper.entry(upper).or_default();
            if !kin.contains(&low) {
                kin.push(low);
            }
        }
    }
    let mut kin = BTreeMap::new();
    for group in by_upper.into_values().filter(|group| group.len() > 1) {
        for &char in &group {
            let others = group.iter().copied().filter(|&other| other != char);
            kin.insert(char, others.collect());
        }
    }
    Tables {
        lower,
        cased: Set::ranges(cased),
        kin,
    }
});

/// The first of a lower case that takes several characters (`İ`) is the simple one.
fn simple_lower(char: char) -> char {
    char.to_lowercase().next().unwrap_or(char)
}

/// All characters that are the same as one of `set`, if case does not count.
pub(super) fn fold(set: &Set, case: Case) -> Set {
    match case {
        Case::Exact => set.clone(),
        Case::Ascii => {
            let shift = |from: char, to: char, offset: i32| {
                let part = set.and(&Set::ranges([(from, to)]));
                let moved = |char: char| {
                    let code = u32::from(char).wrapping_add_signed(offset);
                    char::from_u32(code).unwrap_or(char)
                };
                Set::ranges(part.iter().map(|(low, high)| (moved(low), moved(high))))
            };
            set.or(&shift('A', 'Z', 32)).or(&shift('a', 'z', -32))
        }
        Case::Unicode => fold_unicode(set),
    }
}

fn fold_unicode(set: &Set) -> Set {
    let tables = &*TABLES;
    let cased = set.and(&tables.cased);
    if cased.is_empty() {
        return set.clone();
    }
    let mut low = Vec::new();
    for char in cased.iter().flat_map(|(low, high)| low..=high) {
        let lower = tables.lower.get(&char).copied().unwrap_or(char);
        low.push((lower, lower));
        let kin = tables.kin.get(&lower).into_iter().flatten();
        low.extend(kin.map(|&kin| (kin, kin)));
    }
    let low = Set::ranges(low);
    let same = |(&char, lower): (&char, &char)| {
        let lower = Set::one(*lower);
        lower.is_within(&low).then_some((char, char))
    };
    let upper = Set::ranges(tables.lower.iter().filter_map(same));
    // What is its own lower case is in the set only if it is among these, too.
    let moved = tables.lower.keys().map(|&char| (char, char));
    set.without(&Set::ranges(moved)).or(&low).or(&upper)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        let set = Set::ranges(text.chars().map(|char| (char, char)));
        let folded = fold(&set, Case::Unicode);
        folded.iter().flat_map(|(low, high)| low..=high).collect()
    }

    #[test]
    fn forms_of_one_letter_are_the_same() {
        for (text, all) in [
            ("a", "Aa"),
            ("s", "Ssſ"),
            ("ſ", "Ssſ"),
            ("k", "Kk\u{212a}"),
            ("i", "Iiİı"),
            ("µ", "µΜμ"),
            ("ß", "ßẞ"),
            ("ς", "Σςσ"),
            ("ﬅ", "ﬅﬆ"),
            ("1", "1"),
        ] {
            assert_eq!(folded(text), all, "{text}");
        }
    }
}
