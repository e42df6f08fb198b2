//! The characters of a pattern one by one; a backslash and what follows it are one.

use super::Wrong;

/// A character, or an escaped one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A character.
    Char(char),
    /// A backslash and this.
    Escaped(char),
}

pub(super) struct Tokens<'t> {
    text: &'t [char],
    /// Where the next token begins.
    at: usize,
    next: Option<Token>,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t [char]) -> Result<Self, Wrong> {
        let mut tokens = Self {
            text,
            at: 0,
            next: None,
        };
        tokens.seek(0)?;
        Ok(tokens)
    }

    /// The next token, which stays.
    pub(super) fn next(&self) -> Option<Token> {
        self.next
    }

    /// Where the next token begins.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Past the next token, which is returned.
    pub(super) fn advance(&mut self) -> Result<Option<Token>, Wrong> {
        let token = self.next;
        let length = match token {
            None => 0,
            Some(Token::Char(_)) => 1,
            Some(Token::Escaped(_)) => 2,
        };
        self.seek(self.at + length)?;
        Ok(token)
    }

    /// Past the next token if it is this.
    pub(super) fn take(&mut self, char: char) -> Result<bool, Wrong> {
        let is = self.next == Some(Token::Char(char));
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    /// Up to `most` tokens that are characters of that kind.
    pub(super) fn take_while(
        &mut self,
        most: usize,
        kind: impl Fn(char) -> bool,
    ) -> Result<String, Wrong> {
        let mut out = String::new();
        for _ in 0..most {
            match self.next {
                Some(Token::Char(char)) if kind(char) => out.push(char),
                _ => break,
            }
            self.advance()?;
        }
        Ok(out)
    }

    /// What stands before `end`, and past that.
    pub(super) fn until(&mut self, end: char, what: &str) -> Result<String, Wrong> {
        let mut out = String::new();
        loop {
            let Some(token) = self.advance()? else {
                if out.is_empty() {
                    return Err(self.wrong(&format!("missing {what}"), 0));
                }
                let message = format!("missing {end}, unterminated name");
                return Err(self.wrong(&message, out.chars().count()));
            };
            match token {
                Token::Char(char) if char == end && out.is_empty() => {
                    return Err(self.wrong(&format!("missing {what}"), 1));
                }
                Token::Char(char) if char == end => return Ok(out),
                Token::Char(char) => out.push(char),
                Token::Escaped(char) => out.extend(['\\', char]),
            }
        }
    }

    /// Goes to this place.
    pub(super) fn seek(&mut self, at: usize) -> Result<(), Wrong> {
        self.at = at;
        self.next = match (self.text.get(at), self.text.get(at + 1)) {
            (None, _) => None,
            (Some('\\'), Some(&char)) => Some(Token::Escaped(char)),
            (Some('\\'), None) => {
                self.at = self.text.len();
                return Err(Wrong {
                    at: self.text.len() - 1,
                    message: "bad escape (end of pattern)".into(),
                });
            }
            (Some(&char), _) => Some(Token::Char(char)),
        };
        Ok(())
    }

    /// What stands from here to the next token.
    pub(super) fn text(&self, from: usize) -> String {
        self.text[from..self.at].iter().collect()
    }

    /// An error so many characters before the next token.
    pub(super) fn wrong(&self, message: &str, back: usize) -> Wrong {
        Wrong {
            at: self.at.saturating_sub(back),
            message: message.into(),
        }
    }
}
