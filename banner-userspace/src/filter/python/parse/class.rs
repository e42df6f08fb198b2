//! Sets in brackets.

use super::{Parser, Wrong, escape::Escape, flags::Flags, tokens::Token};
use crate::filter::python::{ast::Node, fold, set::Set};

impl Parser<'_> {
    /// A set; its opening bracket stands at `at`.
    pub(super) fn class(&mut self, at: usize, flags: Flags) -> Result<Node, Wrong> {
        let negated = self.tokens.take('^')?;
        let mut ranges = Vec::new();
        let mut classes = Set::ranges([]);
        let mut first = true;
        loop {
            let start = self.tokens.at();
            let token = self.class_token(at)?;
            if token == Token::Char(']') && !first {
                break;
            }
            first = false;
            let low = self.class_item(token, start, flags)?;
            if !self.tokens.take('-')? {
                match low {
                    Escape::Char(char) => ranges.push((char, char)),
                    Escape::Class(set) => classes = classes.or(&set),
                }
                continue;
            }
            let that = self.tokens.at();
            let token = self.class_token(at)?;
            if token == Token::Char(']') {
                match low {
                    Escape::Char(char) => ranges.push((char, char)),
                    Escape::Class(set) => classes = classes.or(&set),
                }
                ranges.push(('-', '-'));
                break;
            }
            match (low, self.class_item(token, that, flags)?) {
                (Escape::Char(low), Escape::Char(high)) if low <= high => ranges.push((low, high)),
                _ => {
                    let message = format!("bad character range {}", self.tokens.text(start));
                    return Err(Wrong { at: start, message });
                }
            }
        }
        let set = fold::fold(&Set::ranges(ranges), flags.case()).or(&classes);
        Ok(Node::Set(if negated { set.not() } else { set }))
    }

    fn class_token(&mut self, opened: usize) -> Result<Token, Wrong> {
        self.tokens.advance()?.ok_or_else(|| Wrong {
            at: opened,
            message: "unterminated character set".into(),
        })
    }

    fn class_item(&mut self, token: Token, at: usize, flags: Flags) -> Result<Escape, Wrong> {
        match token {
            Token::Char(char) => Ok(Escape::Char(char)),
            Token::Escaped('b') => Ok(Escape::Char('\x08')),
            Token::Escaped('8' | '9') => Err(self.bad_escape(at)),
            Token::Escaped(char) => self.plain_escape(char, at, flags),
        }
    }
}
