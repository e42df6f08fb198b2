//! Inline flags: `(?i)` for the whole pattern, `(?i-s:…)` for a part of it.

use super::{Parser, Wrong, tokens::Token};

/// What is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are Python's flags, each its own"
)]
pub(super) struct Flags {
    /// `a`: classes are those of ASCII.
    pub(super) ascii: bool,
    /// `u`: they are not, said in so many words.
    pub(super) unicode: bool,
    /// `i`
    pub(super) ignore_case: bool,
    /// `m`
    pub(super) multiline: bool,
    /// `s`
    pub(super) dot_all: bool,
    /// `x`
    pub(super) verbose: bool,
}

impl Flags {
    /// These with others switched on and off.
    pub(super) fn with(self, on: Self, off: Self) -> Self {
        let kind = on.ascii || on.unicode;
        Self {
            ascii: if kind { on.ascii } else { self.ascii },
            unicode: if kind { on.unicode } else { self.unicode },
            ignore_case: (self.ignore_case || on.ignore_case) && !off.ignore_case,
            multiline: (self.multiline || on.multiline) && !off.multiline,
            dot_all: (self.dot_all || on.dot_all) && !off.dot_all,
            verbose: (self.verbose || on.verbose) && !off.verbose,
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            ascii: self.ascii || other.ascii,
            unicode: self.unicode || other.unicode,
            ignore_case: self.ignore_case || other.ignore_case,
            multiline: self.multiline || other.multiline,
            dot_all: self.dot_all || other.dot_all,
            verbose: self.verbose || other.verbose,
        }
    }

    fn any(self) -> bool {
        self != Self::default()
    }

    fn and(self, other: Self) -> Self {
        Self {
            ascii: self.ascii && other.ascii,
            unicode: self.unicode && other.unicode,
            ignore_case: self.ignore_case && other.ignore_case,
            multiline: self.multiline && other.multiline,
            dot_all: self.dot_all && other.dot_all,
            verbose: self.verbose && other.verbose,
        }
    }

    /// `a` and `u` cannot both be.
    pub(super) fn check_type(self, at: usize) -> Result<(), Wrong> {
        if self.ascii && self.unicode {
            let message = "ASCII and UNICODE flags are incompatible".into();
            return Err(Wrong { at, message });
        }
        Ok(())
    }

    fn named(char: char) -> Option<Self> {
        let none = Self::default();
        Some(match char {
            'a' => Self {
                ascii: true,
                ..none
            },
            'u' => Self {
                unicode: true,
                ..none
            },
            'i' => Self {
                ignore_case: true,
                ..none
            },
            'm' => Self {
                multiline: true,
                ..none
            },
            's' => Self {
                dot_all: true,
                ..none
            },
            'x' => Self {
                verbose: true,
                ..none
            },
            _ => return None,
        })
    }
}

impl Parser<'_> {
    /// Flags, the first character of which was just read. None: they are for the whole pattern,
    /// and were set.
    pub(super) fn inline_flags(&mut self, first: char) -> Result<Option<(Flags, Flags)>, Wrong> {
        let mut on = Flags::default();
        let mut char = first;
        if char != '-' {
            loop {
                let flag = self.flag(char)?;
                on = on.or(flag);
                if on.ascii && on.unicode {
                    let message = "bad inline flags: flags 'a', 'u' and 'L' are incompatible";
                    return Err(self.tokens.wrong(message, 0));
                }
                char = self.flag_char("missing -, : or )", ")-:")?;
                if ")-:".contains(char) {
                    break;
                }
            }
        }
        if char == ')' {
            self.flags = self.flags.or(on);
            return Ok(None);
        }
        let mut off = Flags::default();
        if char == '-' {
            char = self.flag_char("missing flag", "")?;
            while char != ':' {
                let flag = self.flag(char)?;
                if flag.ascii || flag.unicode {
                    let message = "bad inline flags: cannot turn off flags 'a', 'u' and 'L'";
                    return Err(self.tokens.wrong(message, 0));
                }
                off = off.or(flag);
                char = self.flag_char("missing :", ":")?;
            }
        }
        if on.and(off).any() {
            let message = "bad inline flags: flag turned on and off";
            return Err(self.tokens.wrong(message, 1));
        }
        Ok(Some((on, off)))
    }

    fn flag(&self, char: char) -> Result<Flags, Wrong> {
        Flags::named(char).ok_or_else(|| {
            let message = match char {
                'L' => "bad inline flags: cannot use 'L' flag with a str pattern",
                _ => "the flag t, which Python drops, is not supported",
            };
            self.tokens.wrong(message, 0)
        })
    }

    /// The next character, if it is a flag or one of `others`.
    fn flag_char(&mut self, missing: &str, others: &str) -> Result<char, Wrong> {
        match self.tokens.advance()? {
            None => Err(self.tokens.wrong(missing, 0)),
            Some(Token::Char(char)) if is_flag(char) || others.contains(char) => Ok(char),
            Some(Token::Char(char)) if char.is_alphabetic() => {
                Err(self.tokens.wrong("unknown flag", 1))
            }
            Some(Token::Char(_)) => Err(self.tokens.wrong(missing, 1)),
            Some(Token::Escaped(_)) => Err(self.tokens.wrong(missing, 2)),
        }
    }
}

/// Whether it is the letter of a flag.
pub(super) fn is_flag(char: char) -> bool {
    "iLmsxatu".contains(char)
}
