//! Everything in parentheses.

use super::{
    Parser, Wrong,
    flags::{Flags, is_flag},
    names,
    tokens::Token,
};
use crate::filter::python::ast::Node;

impl Parser<'_> {
    /// A group, the parenthesis of which stands at `at`. None: it was a comment or flags.
    /// `start`: flags for the whole pattern may stand here.
    pub(super) fn group(
        &mut self,
        at: usize,
        flags: Flags,
        start: bool,
    ) -> Result<Option<Node>, Wrong> {
        if !self.tokens.take('?')? {
            return self.capture(None, at, flags).map(Some);
        }
        let token = self.token()?;
        let Token::Char(char) = token else {
            return Err(self.unknown("", token));
        };
        Ok(Some(match char {
            'P' if self.tokens.take('<')? => {
                let name = self.tokens.until('>', "group name")?;
                self.check_name(&name)?;
                self.capture(Some(name), at, flags)?
            }
            'P' if self.tokens.take('=')? => {
                let name = self.tokens.until(')', "group name")?;
                self.check_name(&name)?;
                let group = self.named(&name)?;
                self.back_reference(group, at, flags)?
            }
            'P' => {
                let token = self.token()?;
                return Err(self.unknown("P", token));
            }
            ':' => self.plain(at, flags)?,
            '#' => {
                self.comment(at)?;
                return Ok(None);
            }
            '=' | '!' => self.look(true, char == '!', at, flags)?,
            '<' => match self.token()? {
                Token::Char(char @ ('=' | '!')) => self.look(false, char == '!', at, flags)?,
                token => return Err(self.unknown("<", token)),
            },
            '(' => self.condition(at, flags)?,
            '>' => {
                let node = self.inner(at, flags)?;
                Node::Atomic(Box::new(node), at)
            }
            _ if is_flag(char) || char == '-' => match self.inline_flags(char)? {
                Some((on, off)) => self.plain(at, flags.with(on, off))?,
                None if start => return Ok(None),
                None => {
                    let message = "global flags not at the start of the expression".into();
                    return Err(Wrong { at, message });
                }
            },
            _ => return Err(self.unknown("", token)),
        }))
    }

    fn token(&mut self) -> Result<Token, Wrong> {
        match self.tokens.advance()? {
            Some(token) => Ok(token),
            None => Err(self.tokens.wrong("unexpected end of pattern", 0)),
        }
    }

    fn unknown(&self, before: &str, token: Token) -> Wrong {
        let (text, length) = match token {
            Token::Char(char) => (char.to_string(), 1),
            Token::Escaped(char) => (format!("\\{char}"), 2),
        };
        let back = length + 1 + before.len();
        (self.tokens).wrong(&format!("unknown extension ?{before}{text}"), back)
    }

    /// What is in the group, and past its end.
    fn inner(&mut self, at: usize, flags: Flags) -> Result<Node, Wrong> {
        let node = self.alternatives(flags)?;
        self.close(at)?;
        Ok(node)
    }

    fn close(&mut self, at: usize) -> Result<(), Wrong> {
        if self.tokens.take(')')? {
            return Ok(());
        }
        Err(Wrong {
            at,
            message: "missing ), unterminated subpattern".into(),
        })
    }

    /// A group without a number. It stays a node of its own, for a count may follow.
    fn plain(&mut self, at: usize, flags: Flags) -> Result<Node, Wrong> {
        Ok(match self.inner(at, flags)? {
            node @ (Node::Set(_) | Node::Alt(_) | Node::Group(..)) => node,
            node => Node::Alt(vec![node]),
        })
    }

    fn capture(&mut self, name: Option<String>, at: usize, flags: Flags) -> Result<Node, Wrong> {
        let number = self.groups.len();
        if let Some(name) = &name
            && let Some(earlier) = self.names.insert(name.clone(), number)
        {
            let message = format!(
                "redefinition of group name '{name}' as group {number}; was group {earlier}"
            );
            return Err(self.tokens.wrong(&message, name.chars().count() + 1));
        }
        self.groups.push(name);
        self.widths.push(None);
        let node = self.inner(at, flags)?;
        self.widths[number] = Some(node.width(&self.widths));
        Ok(Node::Group(number, Box::new(node)))
    }

    fn comment(&mut self, at: usize) -> Result<(), Wrong> {
        loop {
            match self.tokens.advance()? {
                Some(Token::Char(')')) => return Ok(()),
                Some(_) => {}
                None => {
                    let message = "missing ), unterminated comment".into();
                    return Err(Wrong { at, message });
                }
            }
        }
    }

    fn look(
        &mut self,
        ahead: bool,
        negative: bool,
        at: usize,
        flags: Flags,
    ) -> Result<Node, Wrong> {
        let outer = self.behind;
        if !ahead && outer.is_none() {
            self.behind = Some(self.groups.len());
        }
        let node = self.inner(at, flags)?;
        self.behind = outer;
        let (low, high) = node.width(&self.widths);
        if !ahead && low != high {
            let message = "look-behind requires fixed-width pattern".into();
            return Err(Wrong { at, message });
        }
        Ok(Node::Look {
            ahead,
            negative,
            node: Box::new(node),
            at,
        })
    }

    fn condition(&mut self, at: usize, flags: Flags) -> Result<Node, Wrong> {
        let name = self.tokens.until(')', "group name")?;
        let back = name.chars().count() + 1;
        let group = if names::is_identifier(&name) {
            self.named(&name)?
        } else {
            let number = names::number(&name).ok_or_else(|| {
                let message = format!("bad character in group name '{name}'");
                self.tokens.wrong(&message, back)
            })?;
            if number == 0 {
                return Err(self.tokens.wrong("bad group number", back));
            }
            self.conditions.push((number, self.tokens.at() - back));
            number
        };
        self.check_behind(group, at)?;
        self.depth += 1;
        let yes = self.sequence(flags, false)?;
        let mut no = Node::Empty;
        if self.tokens.take('|')? {
            no = self.sequence(flags, false)?;
            if self.tokens.next() == Some(Token::Char('|')) {
                let message = "conditional backref with more than two branches";
                return Err(self.tokens.wrong(message, 0));
            }
        }
        self.depth -= 1;
        self.close(at)?;
        Ok(Node::If {
            group,
            yes: Box::new(yes),
            no: Box::new(no),
            at,
        })
    }

    fn check_name(&self, name: &str) -> Result<(), Wrong> {
        if names::is_identifier(name) {
            return Ok(());
        }
        let message = format!("bad character in group name '{name}'");
        Err(self.tokens.wrong(&message, name.chars().count() + 1))
    }

    fn named(&self, name: &str) -> Result<usize, Wrong> {
        self.names.get(name).copied().ok_or_else(|| {
            let message = format!("unknown group name '{name}'");
            self.tokens.wrong(&message, name.chars().count() + 1)
        })
    }
}
