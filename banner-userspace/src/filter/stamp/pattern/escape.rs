//! Escapes and sets in the text of a pattern.

use super::{
    At, Node,
    chars::{Item, Kind, Set},
    parse::{Flags, Parser},
};

impl Parser {
    pub(super) fn escape(&mut self, flags: Flags) -> Result<Node, String> {
        let c = self.next().ok_or("bad escape (end of pattern)")?;
        let kind = |kind, negate| {
            Node::One(Set::new(
                vec![Item::Kind(kind, negate, flags.ascii)],
                false,
                false,
            ))
        };
        Ok(match c {
            'A' => Node::At(At::Start),
            'Z' => Node::At(At::LastEnd),
            'b' => Node::At(At::Boundary(flags.ascii)),
            'B' => Node::At(At::NoBoundary(flags.ascii)),
            'd' => kind(Kind::Digit, false),
            'D' => kind(Kind::Digit, true),
            's' => kind(Kind::Space, false),
            'S' => kind(Kind::Space, true),
            'w' => kind(Kind::Word, false),
            'W' => kind(Kind::Word, true),
            '1'..='9' => {
                let mut digits = String::from(c);
                digits.extend(self.peek().filter(char::is_ascii_digit));
                self.at += digits.len() - 1;
                // Three octal digits are a character.
                let third = self.peek().filter(|c| ('0'..='7').contains(c));
                if let Some(third) = third
                    && c <= '3'
                    && digits.len() == 2
                    && digits.chars().all(|c| c <= '7')
                {
                    self.at += 1;
                    digits.push(third);
                    return number(&digits, 8).map(|c| Node::One(Set::one(c, flags.any_case)));
                }
                let group = digits.parse().map_err(|_| "bad group number")?;
                Node::Again(self.closed(group)?, flags.any_case)
            }
            c => Node::One(Set::one(self.character(c)?, flags.any_case)),
        })
    }

    /// The character that an escape stands for, in and out of sets.
    fn character(&mut self, c: char) -> Result<char, String> {
        Ok(match c {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => return self.hex(2),
            'u' => return self.hex(4),
            'U' => return self.hex(8),
            '0' => {
                let mut digits = String::from('0');
                while let Some(c) = self.peek().filter(|c| ('0'..='7').contains(c)) {
                    if digits.len() == 3 {
                        break;
                    }
                    digits.push(c);
                    self.at += 1;
                }
                return number(&digits, 8);
            }
            c if c.is_ascii_alphanumeric() => return Err(format!("bad escape \\{c}")),
            c => c,
        })
    }

    fn hex(&mut self, long: usize) -> Result<char, String> {
        let digits: String = self.text[self.at..].iter().take(long).collect();
        if digits.len() != long || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err("incomplete escape".into());
        }
        self.at += long;
        number(&digits, 16)
    }

    /// What follows an opening bracket.
    pub(super) fn set(&mut self, flags: Flags) -> Result<Set, String> {
        let negate = self.eat("^");
        let mut items = Vec::new();
        let begin = self.at;
        loop {
            let c = self.next().ok_or("unterminated character set")?;
            if c == ']' && self.at > begin + 1 {
                break;
            }
            let first = self.item(c, flags)?;
            if !self.eat("-") {
                items.push(first);
                continue;
            }
            let c = self.next().ok_or("unterminated character set")?;
            if c == ']' {
                items.extend([first, Item::Range('-', '-')]);
                break;
            }
            match (first, self.item(c, flags)?) {
                (Item::Range(first, _), Item::Range(last, _)) if first <= last => {
                    items.push(Item::Range(first, last));
                }
                _ => return Err("bad character range".into()),
            }
        }
        Ok(Set::new(items, negate, flags.any_case))
    }

    fn item(&mut self, c: char, flags: Flags) -> Result<Item, String> {
        if c != '\\' {
            return Ok(Item::Range(c, c));
        }
        let c = self.next().ok_or("unterminated character set")?;
        let kind = |kind, negate| Ok(Item::Kind(kind, negate, flags.ascii));
        match c {
            'd' => return kind(Kind::Digit, false),
            'D' => return kind(Kind::Digit, true),
            's' => return kind(Kind::Space, false),
            'S' => return kind(Kind::Space, true),
            'w' => return kind(Kind::Word, false),
            'W' => return kind(Kind::Word, true),
            _ => {}
        }
        let c = match c {
            'b' => '\x08',
            '1'..='7' => {
                let mut digits = String::from(c);
                while let Some(c) = self.peek().filter(|c| ('0'..='7').contains(c)) {
                    if digits.len() == 3 {
                        break;
                    }
                    digits.push(c);
                    self.at += 1;
                }
                number(&digits, 8)?
            }
            c => self.character(c)?,
        };
        Ok(Item::Range(c, c))
    }
}

fn number(digits: &str, radix: u32) -> Result<char, String> {
    u32::from_str_radix(digits, radix)
        .ok()
        .and_then(char::from_u32)
        .ok_or_else(|| format!("no character has the number {digits}"))
}
