//! What stands behind a backslash.

use super::{Parser, Wrong, flags::Flags, literal, tokens::Token};
use crate::filter::python::{
    ast::{Anchor, Node},
    set::Set,
};

/// An escape that is one character, or a class of them.
pub(super) enum Escape {
    /// This character.
    Char(char),
    /// One of these.
    Class(Set),
}

impl Parser<'_> {
    /// An escape outside brackets; `at` is where its backslash stands.
    pub(super) fn escape(&mut self, char: char, at: usize, flags: Flags) -> Result<Node, Wrong> {
        let anchor = match char {
            'A' => Some(Anchor::TextStart),
            'Z' => Some(Anchor::TextEnd),
            'b' => Some(Anchor::Word(flags.word())),
            'B' => Some(Anchor::NotWord(flags.word())),
            _ => None,
        };
        if let Some(anchor) = anchor {
            return Ok(Node::Anchor(anchor));
        }
        if char.is_ascii_digit() && char != '0' {
            return self.number(char, at, flags);
        }
        Ok(match self.plain_escape(char, at, flags)? {
            Escape::Char(char) => literal(char, flags),
            Escape::Class(set) => Node::Set(set),
        })
    }

    /// An escape that means the same in brackets and outside.
    pub(super) fn plain_escape(
        &mut self,
        char: char,
        at: usize,
        flags: Flags,
    ) -> Result<Escape, Wrong> {
        if let Some(set) = class_of(char, flags) {
            return Ok(Escape::Class(set));
        }
        Ok(Escape::Char(match char {
            'a' => '\x07',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            'x' => self.hex(char, 2, at)?,
            'u' => self.hex(char, 4, at)?,
            'U' => self.hex(char, 8, at)?,
            'N' => {
                let message = r"characters by name (\N{…}) are not supported: write \uXXXX";
                return Err(Wrong {
                    at,
                    message: message.into(),
                });
            }
            '0'..='7' => {
                let digits = self
                    .tokens
                    .take_while(2, |char| ('0'..='7').contains(&char))?;
                Self::octal(&format!("{char}{digits}"), at)?
            }
            _ if char.is_ascii_alphanumeric() => return Err(self.bad_escape(at)),
            _ => char,
        }))
    }

    fn hex(&mut self, kind: char, length: usize, at: usize) -> Result<char, Wrong> {
        let digits = self
            .tokens
            .take_while(length, |char| char.is_ascii_hexdigit())?;
        if digits.len() < length {
            return Err(Wrong {
                at,
                message: format!("incomplete escape \\{kind}{digits}"),
            });
        }
        let code = u32::from_str_radix(&digits, 16).ok();
        code.and_then(char::from_u32).ok_or_else(|| match code {
            Some(0xd800..=0xdfff) => Wrong {
                at,
                message: format!("\\{kind}{digits} is half a character, which no text has"),
            },
            _ => Wrong {
                at,
                message: format!("bad escape \\{kind}{digits}"),
            },
        })
    }

    fn octal(digits: &str, at: usize) -> Result<char, Wrong> {
        let code = u32::from_str_radix(digits, 8)
            .ok()
            .filter(|&code| code <= 0o377);
        code.and_then(char::from_u32).ok_or_else(|| Wrong {
            at,
            message: format!("octal escape value \\{digits} outside of range 0-0o377"),
        })
    }

    /// `\1`, which is a group, or `\123`, which is a character.
    fn number(&mut self, first: char, at: usize, flags: Flags) -> Result<Node, Wrong> {
        let is_octal = |char: char| ('0'..='7').contains(&char);
        let mut digits = String::from(first);
        if let Some(Token::Char(second)) = self.tokens.next()
            && second.is_ascii_digit()
        {
            self.tokens.advance()?;
            digits.push(second);
            if let Some(Token::Char(third)) = self.tokens.next()
                && is_octal(first)
                && is_octal(second)
                && is_octal(third)
            {
                self.tokens.advance()?;
                digits.push(third);
                return Ok(literal(Self::octal(&digits, at)?, flags));
            }
        }
        let group: usize = digits.parse().unwrap_or(usize::MAX);
        if group >= self.groups.len() {
            return Err(Wrong {
                at: at + 1,
                message: format!("invalid group reference {digits}"),
            });
        }
        self.back_reference(group, at, flags)
    }

    /// What that group holds, once more.
    pub(super) fn back_reference(
        &mut self,
        group: usize,
        at: usize,
        flags: Flags,
    ) -> Result<Node, Wrong> {
        if self.widths[group].is_none() {
            return Err(Wrong {
                at,
                message: "cannot refer to an open group".into(),
            });
        }
        self.check_behind(group, at)?;
        let case = flags.case();
        Ok(Node::Back { group, case, at })
    }

    /// In a look-behind, groups of its own cannot be meant.
    pub(super) fn check_behind(&self, group: usize, at: usize) -> Result<(), Wrong> {
        let message = match self.behind {
            Some(_) if self.widths.get(group).is_none_or(Option::is_none) => {
                "cannot refer to an open group"
            }
            Some(before) if group >= before => {
                "cannot refer to group defined in the same lookbehind subpattern"
            }
            _ => return Ok(()),
        };
        Err(Wrong {
            at,
            message: message.into(),
        })
    }

    pub(super) fn bad_escape(&self, at: usize) -> Wrong {
        let text = self.tokens.text(at);
        Wrong {
            at,
            message: format!("bad escape {text}"),
        }
    }
}

fn class_of(char: char, flags: Flags) -> Option<Set> {
    let set = match (char.to_ascii_lowercase(), flags.ascii) {
        ('d', false) => Set::digit(),
        ('d', true) => Set::ranges([('0', '9')]),
        ('s', false) => Set::space(),
        ('s', true) => Set::ranges([('\t', '\r'), (' ', ' ')]),
        ('w', false) => Set::word(),
        ('w', true) => Set::ranges([('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => return None,
    };
    Some(if char.is_ascii_uppercase() {
        set.not()
    } else {
        set
    })
}
