//! Counts: `*`, `+`, `?`, `{2,5}`.

use super::{Parser, Wrong, flags::Flags, literal, tokens::Token, unwrapped};
use crate::filter::python::ast::{Greed, Node, Repeat};

impl Parser<'_> {
    /// A count, or a brace that is none; it goes to the last of `nodes`.
    pub(super) fn repeat(
        &mut self,
        char: char,
        at: usize,
        flags: Flags,
        nodes: &mut Vec<Node>,
    ) -> Result<(), Wrong> {
        let (min, max) = match char {
            '*' => (0, None),
            '+' => (1, None),
            '?' => (0, Some(1)),
            _ => {
                let Some(counts) = self.braces(at)? else {
                    nodes.push(literal(char, flags));
                    return Ok(());
                };
                counts
            }
        };
        let wrong = |message: &str| Wrong {
            at,
            message: message.into(),
        };
        let node = match nodes.pop() {
            None | Some(Node::Anchor(_)) => return Err(wrong("nothing to repeat")),
            Some(Node::Repeat(_)) => return Err(wrong("multiple repeat")),
            Some(node) => node,
        };
        let greed = if self.tokens.take('?')? {
            Greed::Lazy
        } else if self.tokens.take('+')? {
            Greed::Possessive
        } else {
            Greed::Greedy
        };
        let node = Box::new(unwrapped(node));
        nodes.push(Node::Repeat(Repeat {
            min,
            max,
            greed,
            node,
            at,
        }));
        Ok(())
    }

    /// The counts in braces, if they are such.
    fn braces(&mut self, at: usize) -> Result<Option<(u32, Option<u32>)>, Wrong> {
        if self.tokens.next() == Some(Token::Char('}')) {
            return Ok(None);
        }
        let digit = |char: char| char.is_ascii_digit();
        let low = self.tokens.take_while(usize::MAX, digit)?;
        let high = if self.tokens.take(',')? {
            self.tokens.take_while(usize::MAX, digit)?
        } else {
            low.clone()
        };
        if !self.tokens.take('}')? {
            self.tokens.seek(at + 1)?;
            return Ok(None);
        }
        let number = |digits: &str| match digits {
            "" => Ok(None),
            _ => match digits.parse::<u32>() {
                Ok(number) if number < u32::MAX => Ok(Some(number)),
                _ => Err(Wrong {
                    at,
                    message: "the repetition number is too large".into(),
                }),
            },
        };
        let (min, max) = (number(&low)?.unwrap_or(0), number(&high)?);
        if max.is_some_and(|max| max < min) {
            return Err(Wrong {
                at,
                message: "min repeat greater than max repeat".into(),
            });
        }
        Ok(Some((min, max)))
    }
}
