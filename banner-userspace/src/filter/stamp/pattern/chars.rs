//! Characters and sets of them, with Python's idea of digits, words and blanks.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

/// What a class such as `\d` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Digit,
    Space,
    Word,
}

/// A part of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Range(char, char),
    /// The class; whether it is what is not in it; whether it is ASCII alone.
    Kind(Kind, bool, bool),
}

/// A set of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// A bit for each ASCII character.
    ascii: u128,
    /// Of the others.
    items: Vec<Item>,
    negate: bool,
    any_case: bool,
    /// Whether the others are all in it, or all not, if that is so.
    others: Option<bool>,
}

impl Set {
    pub(super) fn new(mut items: Vec<Item>, negate: bool, any_case: bool) -> Self {
        if any_case {
            items = items.into_iter().flat_map(folded).collect();
        }
        let mut set = Self {
            ascii: 0,
            items,
            negate,
            any_case,
            others: None,
        };
        if set.named() == [false; 2] {
            set.others = Some(negate);
        }
        for byte in 0..128_u8 {
            if set.has_slow(char::from(byte)) {
                set.ascii |= 1 << byte;
            }
        }
        set
    }

    pub(super) fn one(c: char, any_case: bool) -> Self {
        // A sign is the same in any case.
        let any_case = any_case && c.is_alphabetic();
        Self::new(vec![Item::Range(c, c)], false, any_case)
    }

    /// The only character in it, when that is ASCII and the case counts.
    pub(super) fn only(&self) -> Option<u8> {
        match self.items[..] {
            [Item::Range(first, last)] if first == last && !self.negate && !self.any_case => {
                u8::try_from(first).ok().filter(u8::is_ascii)
            }
            _ => None,
        }
    }

    /// A bit for each ASCII character in it.
    pub(super) fn ascii(&self) -> u128 {
        self.ascii
    }

    /// Whether there may be digits in it that are not ASCII, and other characters that are not.
    pub(super) fn others(&self) -> [bool; 2] {
        if self.negate {
            return [true; 2];
        }
        self.named()
    }

    /// The same of what stands in it, negated or not.
    fn named(&self) -> [bool; 2] {
        let mut others = [false; 2];
        for item in &self.items {
            let [digits, rest] = match *item {
                Item::Range(first, last) if first == last && !last.is_ascii() => {
                    [is_digit(last), !is_digit(last)]
                }
                Item::Range(_, last) if !last.is_ascii() => [true; 2],
                // İ and the sign for Kelvin are the same as these in lower case.
                Item::Range(first, last) => {
                    let same = |c| (first..=last).contains(&c);
                    [false, self.any_case && (same('i') || same('k'))]
                }
                Item::Kind(kind, false, true) => [false, self.any_case && kind == Kind::Word],
                Item::Kind(Kind::Digit, false, false) => [true, false],
                Item::Kind(..) => [true; 2],
            };
            others = [others[0] || digits, others[1] || rest];
        }
        others
    }

    pub(super) fn has_ascii(&self, byte: u8) -> bool {
        self.ascii >> byte & 1 != 0
    }

    pub(super) fn has(&self, c: char) -> bool {
        if c.is_ascii() {
            self.has_ascii(c as u8)
        } else {
            self.others.unwrap_or_else(|| self.has_slow(c))
        }
    }

    fn has_slow(&self, c: char) -> bool {
        let c = if self.any_case { lower(c) } else { c };
        let inside = self.items.iter().any(|item| match *item {
            Item::Range(first, last) => (first..=last).contains(&c),
            Item::Kind(kind, negate, ascii) => kind.has(c, ascii) != negate,
        });
        inside != self.negate
    }
}

impl Kind {
    fn has(self, c: char, ascii: bool) -> bool {
        if ascii && !c.is_ascii() {
            return false;
        }
        match self {
            Self::Digit => is_digit(c),
            Self::Space => is_space(c),
            Self::Word => is_word(c),
        }
    }
}

/// The lower case of a character: one character, as Python's `re` compares them.
pub(super) fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// What a part of a set comes to where case does not count: compared with lower case.
fn folded(item: Item) -> Vec<Item> {
    let Item::Range(first, last) = item else {
        return vec![item];
    };
    // No pattern for stamps has long ranges of letters beyond these.
    if last as u32 - first as u32 > 0x400 {
        let mut items = folded(Item::Range(first, '\u{2ff}'.min(last)));
        items.push(item);
        return items;
    }
    let mut items = Vec::new();
    for c in first..=last {
        let low = lower(c);
        items.push(Item::Range(low, low));
        // Letters that are one in upper case.
        let twin = match low {
            'i' => 'ı',
            'ı' => 'i',
            's' => 'ſ',
            'ſ' => 's',
            'µ' => 'μ',
            'μ' => 'µ',
            _ => continue,
        };
        items.push(Item::Range(twin, twin));
    }
    items
}

/// A decimal digit of any script.
pub(crate) fn is_digit(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_digit();
    }
    match DIGITS_OF_MOST.get(c as usize / 64) {
        Some(word) => word >> (c as usize % 64) & 1 == 1,
        None => find(&DIGITS, c).is_some(),
    }
}

/// The value of a decimal digit of any script.
pub(crate) fn digit(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    // Digits come in tens, from zero on.
    let (first, _) = find(&DIGITS, c)?;
    Some((c as u32 - first as u32) % 10)
}

pub(crate) fn is_space(c: char) -> bool {
    matches!(c, '\x1c'..='\x1f') || c.is_whitespace()
}

pub(crate) fn is_alphanumeric(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        find(&LETTERS_AND_NUMBERS, c).is_some()
    }
}

pub(super) fn is_word(c: char) -> bool {
    c == '_' || is_alphanumeric(c)
}

static DIGITS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| ranges(r"\p{Nd}"));
/// A bit for each character of the first plane: lines may be full of digits of other scripts, and each is
/// asked about often.
static DIGITS_OF_MOST: LazyLock<Box<[u64]>> = LazyLock::new(|| {
    let mut bits = vec![0; 0x1_0000 / 64];
    for c in DIGITS.iter().flat_map(|(first, last)| *first..=*last) {
        if let Some(word) = bits.get_mut(c as usize / 64) {
            *word |= 1 << (c as usize % 64);
        }
    }
    bits.into()
});
static LETTERS_AND_NUMBERS: LazyLock<Vec<(char, char)>> = LazyLock::new(|| ranges(r"[\p{L}\p{N}]"));

/// The ranges of a class, in order. Empty when `class` is none, which a test rules out.
fn ranges(class: &str) -> Vec<(char, char)> {
    match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
        Ok(HirKind::Class(Class::Unicode(class))) => class
            .iter()
            .map(|range| (range.start(), range.end()))
            .collect(),
        _ => Vec::new(),
    }
}

fn find(ranges: &[(char, char)], c: char) -> Option<(char, char)> {
    let behind = ranges.partition_point(|&(first, _)| first <= c);
    let range = *ranges.get(behind.checked_sub(1)?)?;
    (c <= range.1).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_says_holds_for_every_character() {
        let range = |first, last| Item::Range(first, last);
        for items in [
            vec![range('0', '9')],
            vec![range('s', 's')],
            vec![range('A', 'Z')],
            vec![range('a', 'h')],
            vec![range('é', 'é'), Item::Kind(Kind::Digit, false, true)],
            vec![Item::Kind(Kind::Digit, false, false)],
            vec![Item::Kind(Kind::Digit, true, true)],
            vec![Item::Kind(Kind::Space, false, false)],
            vec![Item::Kind(Kind::Word, false, true), range('-', '-')],
        ] {
            for (negate, any_case) in [(false, false), (false, true), (true, false)] {
                let set = Set::new(items.clone(), negate, any_case);
                let [digits, rest] = set.others();
                for c in '\u{80}'..=char::MAX {
                    assert_eq!(set.has(c), set.has_slow(c), "{c:?} in {set:?}");
                    let said = if is_digit(c) { digits } else { rest };
                    assert!(said || !set.has(c), "{c:?} is in {set:?}");
                }
            }
        }
        let digits = Set::new(vec![Item::Kind(Kind::Digit, false, false)], false, true);
        assert_eq!(digits.others(), [true, false]);
        assert_eq!(Set::one('a', true).others(), [false, false]);
        assert_eq!(Set::one('s', true).others(), [false, true]);
    }

    #[test]
    fn every_digit_is_one() {
        for c in '\0'..=char::MAX {
            assert_eq!(is_digit(c), find(&DIGITS, c).is_some(), "{c:?}");
        }
    }

    #[test]
    fn digits_of_all_scripts_have_their_value() {
        for (c, value) in [
            ('0', 0),
            ('9', 9),
            ('٠', 0),
            ('٣', 3),
            ('９', 9),
            ('𝟗', 9),
            ('𝟘', 0),
        ] {
            assert!(is_digit(c), "{c}");
            assert_eq!(digit(c), Some(value), "{c}");
        }
        for c in ['a', '²', '½', 'Ⅷ'] {
            assert!(!is_digit(c), "{c}");
            assert_eq!(digit(c), None, "{c}");
        }
        assert!(
            DIGITS
                .iter()
                .all(|&(first, last)| (last as u32 - first as u32 + 1).is_multiple_of(10))
        );
    }

    /// What Python says of them.
    #[test]
    fn words_and_blanks_are_those_of_python() {
        for (c, word, space) in [
            ('a', true, false),
            ('_', true, false),
            ('ä', true, false),
            ('²', true, false),
            ('½', true, false),
            ('中', true, false),
            ('\u{301}', false, false),
            ('\u{200d}', false, false),
            ('‿', false, false),
            ('Ⓐ', false, false),
            ('\x1c', false, true),
            ('\u{85}', false, true),
            ('\u{a0}', false, true),
            ('\u{2028}', false, true),
            ('\u{200b}', false, false),
            ('\u{feff}', false, false),
        ] {
            assert_eq!(is_word(c), word, "{c:?}");
            assert_eq!(is_space(c), space, "{c:?}");
        }
    }

    #[test]
    fn where_case_does_not_count_letters_that_are_one_in_upper_case_do_not_differ() {
        let i = Set::one('i', true);
        assert!(['i', 'I', 'ı', 'İ'].into_iter().all(|c| i.has(c)));
        let s = Set::one('S', true);
        assert!(['s', 'S', 'ſ'].into_iter().all(|c| s.has(c)));
        let k = Set::new(vec![Item::Range('A', 'Z')], false, true);
        assert!(
            ['k', 'K', '\u{212a}', 'ſ', 'ı']
                .into_iter()
                .all(|c| k.has(c))
        );
        assert!(!Set::one('i', false).has('I'));
        assert_eq!(Set::one('i', false).only(), Some(b'i'));
        assert_eq!(i.only(), None);
    }
}
