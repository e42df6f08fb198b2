//! One component of a path with `*`, `?` and `[...]` in it, matched as a shell matches it: POSIX
//! XCU 2.13, "Pattern Matching Notation", with `^` as another spelling of `!`.

/// A pattern for one name in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Glob {
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// This unit and no other.
    Unit(u32),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `[...]`
    Set { negated: bool, items: Vec<Item> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Range(u32, u32),
    /// Index into [`CLASSES`].
    Class(usize),
}

/// `[:name:]`, ASCII only: which locale a log's writer had is not known.
type Class = fn(&u8) -> bool;

const CLASSES: [(&str, Class); 12] = [
    ("alnum", u8::is_ascii_alphanumeric),
    ("alpha", u8::is_ascii_alphabetic),
    ("blank", |b| matches!(b, b' ' | b'\t')),
    ("cntrl", u8::is_ascii_control),
    ("digit", u8::is_ascii_digit),
    ("graph", u8::is_ascii_graphic),
    ("lower", u8::is_ascii_lowercase),
    ("print", |b| matches!(b, b' '..=b'~')),
    ("punct", u8::is_ascii_punctuation),
    ("space", |b| matches!(b, b' ' | b'\t'..=b'\r')),
    ("upper", u8::is_ascii_uppercase),
    ("xdigit", u8::is_ascii_hexdigit),
];

/// What [`parse`] makes of a component.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// Nothing special in it; escapes are resolved.
    Literal(String),
    /// It has to be matched.
    Glob(Glob),
}

/// Reads one component. Whatever is not a complete special form stands for itself, as in a shell.
pub(super) fn parse(component: &str) -> Parsed {
    let chars: Vec<char> = component.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        match c {
            '*' => {
                if tokens.last() != Some(&Token::Star) {
                    tokens.push(Token::Star);
                }
            }
            '?' => tokens.push(Token::Any),
            '[' => match set(&chars[at..]) {
                Some((set, length)) => {
                    tokens.push(set);
                    at += length;
                }
                None => tokens.push(Token::Unit('['.into())),
            },
            '\\' if at < chars.len() => {
                tokens.push(Token::Unit(chars[at].into()));
                at += 1;
            }
            _ => tokens.push(Token::Unit(c.into())),
        }
    }
    let literal: Option<String> = tokens
        .iter()
        .map(|token| match token {
            Token::Unit(unit) => char::from_u32(*unit),
            _ => None,
        })
        .collect();
    literal.map_or(Parsed::Glob(Glob { tokens }), Parsed::Literal)
}

/// A bracket expression after its `[`, and how many characters it took with its `]`.
fn set(chars: &[char]) -> Option<(Token, usize)> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let first = usize::from(negated);
    let mut at = first;
    let mut items = Vec::new();
    loop {
        let c = *chars.get(at)?;
        if c == ']' && at > first {
            return Some((Token::Set { negated, items }, at + 1));
        }
        if let Some((class, taken)) = class(&chars[at..]) {
            items.push(Item::Class(class));
            at += taken;
            continue;
        }
        let (low, taken) = one(&chars[at..])?;
        at += taken;
        // A `-` that is last in the set is itself.
        let ranged = chars.get(at) == Some(&'-') && chars.get(at + 1).is_some_and(|c| *c != ']');
        let high = if ranged {
            let (high, taken) = one(&chars[at + 1..])?;
            at += 1 + taken;
            high
        } else {
            low
        };
        items.push(Item::Range(low, high));
    }
}

/// One end of a range: a character, escaped or not.
fn one(chars: &[char]) -> Option<(u32, usize)> {
    match chars {
        ['\\', c, ..] => Some(((*c).into(), 2)),
        [c, ..] => Some(((*c).into(), 1)),
        [] => None,
    }
}

/// A `[:name:]`, as an index into [`CLASSES`], and how many characters it took.
fn class(chars: &[char]) -> Option<(usize, usize)> {
    let rest = chars.strip_prefix(&['[', ':'])?;
    let length = rest.iter().position(|c| *c == ':')?;
    if rest.get(length + 1) != Some(&']') {
        return None;
    }
    let name: String = rest[..length].iter().collect();
    let class = CLASSES.iter().position(|(known, _)| *known == name)?;
    Some((class, length + 4))
}

impl Glob {
    /// Whether a name in a folder matches. A name that begins with a dot only matches a pattern
    /// that begins with a dot written out.
    pub(super) fn matches(&self, name: &[u8]) -> bool {
        if name.first() == Some(&b'.') && self.tokens.first() != Some(&Token::Unit('.'.into())) {
            return false;
        }
        let name = units(name);
        let (mut token, mut unit) = (0, 0);
        // Where the last star stands, and the first unit that it has not yet swallowed. An earlier
        // star never has to be tried again, so the cost is at most tokens times units.
        let mut star = None;
        loop {
            match self.tokens.get(token) {
                Some(Token::Star) => {
                    star = Some((token, unit));
                    token += 1;
                    continue;
                }
                Some(one) if name.get(unit).is_some_and(|u| one.takes(*u)) => {
                    token += 1;
                    unit += 1;
                    continue;
                }
                None if unit == name.len() => return true,
                _ => {}
            }
            match star {
                Some((at, swallowed)) if swallowed < name.len() => {
                    star = Some((at, swallowed + 1));
                    token = at + 1;
                    unit = swallowed + 1;
                }
                _ => return false,
            }
        }
    }
}

impl Token {
    fn takes(&self, unit: u32) -> bool {
        match self {
            Self::Unit(own) => *own == unit,
            Self::Any => true,
            Self::Star => false,
            Self::Set { negated, items } => {
                let within = items.iter().any(|item| match item {
                    Item::Range(low, high) => (*low..=*high).contains(&unit),
                    Item::Class(class) => {
                        u8::try_from(unit).is_ok_and(|byte| CLASSES[*class].1(&byte))
                    }
                });
                within != *negated
            }
        }
    }
}

/// The characters of a name; a byte that is not UTF-8 is a unit of its own beyond all characters.
fn units(name: &[u8]) -> Vec<u32> {
    let mut units = Vec::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        units.extend(chunk.valid().chars().map(u32::from));
        units.extend(
            chunk
                .invalid()
                .iter()
                .map(|byte| 0x11_0000 + u32::from(*byte)),
        );
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &[u8]) -> bool {
        match parse(pattern) {
            Parsed::Literal(literal) => literal.as_bytes() == name,
            Parsed::Glob(glob) => glob.matches(name),
        }
    }

    #[test]
    fn bytes_that_are_not_utf8_count_as_one_unit_each() {
        for (pattern, name, expected) in [
            ("?", &b"\xff"[..], true),
            ("??", b"\xff\xfe", true),
            ("?", "é".as_bytes(), true),
            ("??", "é".as_bytes(), false),
            ("[é]x", "éx".as_bytes(), true),
            ("[a-z]", b"\xff", false),
            ("[!a-z]", b"\xff", true),
            ("*.log", b"\xff\xfe.log", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name:?}");
        }
    }

    #[test]
    fn a_caret_negates_like_an_exclamation_mark() {
        assert!(!matches("[^ab]", b"a"));
        assert!(matches("[^ab]", b"c"));
        assert!(matches("[a^]", b"^"));
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "*a".repeat(64) + "b";
        assert!(!matches(&pattern, &[b'a'; 255]));
    }

    #[test]
    fn escapes_make_a_literal() {
        assert_eq!(parse(r"a\*\[b"), Parsed::Literal("a*[b".to_owned()));
        assert_eq!(parse("a["), Parsed::Literal("a[".to_owned()));
        assert_eq!(
            parse("trailing\\"),
            Parsed::Literal("trailing\\".to_owned())
        );
    }
}
