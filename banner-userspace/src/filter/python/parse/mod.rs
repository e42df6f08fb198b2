//! Python's syntax of regular expressions (3.11, text patterns) to [`Node`]s.

mod class;
mod escape;
mod flags;
mod group;
mod names;
mod repeat;
mod tokens;

use std::collections::HashMap;

use self::{
    flags::Flags,
    tokens::{Token, Tokens},
};
use super::{
    ast::{Anchor, Case, Node, WordKind},
    fold,
    set::Set,
};

/// How deep groups may nest.
const MAX_DEPTH: usize = 100;
/// How many characters a pattern may have, its tags being expanded.
const MAX_LENGTH: usize = 64 * 1024;

/// What is wrong with a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    /// Where, in characters.
    pub(super) at: usize,
    /// What, in Python's words where it says the same.
    pub(super) message: String,
}

/// A pattern that was understood.
#[derive(Debug)]
pub(super) struct Parsed {
    /// What it says.
    pub(super) node: Node,
    /// The names of its groups by number; the first is the whole match.
    pub(super) groups: Vec<Option<String>>,
}

/// Understands a pattern. `multiline` is the flag of that name from outside.
pub(super) fn parse(text: &[char], multiline: bool) -> Result<Parsed, Wrong> {
    if text.len() > MAX_LENGTH {
        let message = format!("longer than {MAX_LENGTH} characters");
        return Err(Wrong { at: 0, message });
    }
    let mut parser = Parser {
        tokens: Tokens::new(text)?,
        flags: Flags {
            multiline,
            ..Flags::default()
        },
        groups: vec![None],
        widths: vec![None],
        names: HashMap::new(),
        behind: None,
        conditions: Vec::new(),
        depth: 0,
    };
    let flags = parser.flags;
    let node = parser.alternatives(flags)?;
    if parser.tokens.next().is_some() {
        return Err(parser.tokens.wrong("unbalanced parenthesis", 0));
    }
    if let Some(&(group, at)) = (parser.conditions.iter()).find(|on| on.0 >= parser.groups.len()) {
        let message = format!("invalid group reference {group}");
        return Err(Wrong { at, message });
    }
    parser.flags.check_type(parser.tokens.at())?;
    Ok(Parsed {
        node,
        groups: parser.groups,
    })
}

struct Parser<'t> {
    tokens: Tokens<'t>,
    /// Those of the whole pattern.
    flags: Flags,
    /// Names of the groups opened so far.
    groups: Vec<Option<String>>,
    /// Widths of the groups closed so far.
    widths: Vec<Option<(u64, u64)>>,
    names: HashMap<String, usize>,
    /// Inside a look-behind: how many groups there were before it.
    behind: Option<usize>,
    /// Groups by number that conditions ask for, and where.
    conditions: Vec<(usize, usize)>,
    depth: usize,
}

impl Parser<'_> {
    fn alternatives(&mut self, mut flags: Flags) -> Result<Node, Wrong> {
        let outermost = self.depth == 0;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.tokens.wrong("groups nest too deep", 0));
        }
        let mut all = Vec::new();
        loop {
            all.push(self.sequence(flags, outermost && all.is_empty())?);
            if !self.tokens.take('|')? {
                break;
            }
            if outermost {
                flags = self.flags;
            }
        }
        self.depth -= 1;
        Ok(match all.len() {
            1 => all.remove(0),
            _ => Node::Alt(all),
        })
    }

    /// `first`: flags for the whole pattern may stand here.
    fn sequence(&mut self, mut flags: Flags, first: bool) -> Result<Node, Wrong> {
        let mut nodes = Vec::new();
        loop {
            let at = self.tokens.at();
            let Some(token) = self.tokens.next() else {
                break;
            };
            if matches!(token, Token::Char('|' | ')')) {
                break;
            }
            self.tokens.advance()?;
            if flags.verbose && self.skipped(token)? {
                continue;
            }
            match token {
                Token::Escaped(char) => nodes.push(self.escape(char, at, flags)?),
                Token::Char('[') => nodes.push(self.class(at, flags)?),
                Token::Char(char @ ('*' | '+' | '?' | '{')) => {
                    self.repeat(char, at, flags, &mut nodes)?;
                }
                Token::Char('.') if flags.dot_all => nodes.push(Node::Set(Set::any())),
                Token::Char('.') => nodes.push(Node::Set(Set::dot())),
                Token::Char('^') if flags.multiline => nodes.push(Node::Anchor(Anchor::LineStart)),
                Token::Char('^') => nodes.push(Node::Anchor(Anchor::TextStart)),
                Token::Char('$') if flags.multiline => nodes.push(Node::Anchor(Anchor::LineEnd)),
                Token::Char('$') => nodes.push(Node::Anchor(Anchor::TextEndOrBreak)),
                Token::Char('(') => {
                    let start = first && nodes.is_empty();
                    if let Some(node) = self.group(at, flags, start)? {
                        nodes.push(node);
                    } else if start {
                        flags = self.flags;
                    }
                }
                Token::Char(char) => nodes.push(literal(char, flags)),
            }
        }
        // Kept one by one until here: a count belongs to the last of them.
        Ok(Node::seq(nodes.into_iter().map(unwrapped).collect()))
    }

    /// Whether this is space or a comment of a verbose pattern; it is past it then.
    fn skipped(&mut self, token: Token) -> Result<bool, Wrong> {
        match token {
            Token::Char(' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') => Ok(true),
            Token::Char('#') => {
                while let Some(token) = self.tokens.next() {
                    self.tokens.advance()?;
                    if token == Token::Char('\n') {
                        break;
                    }
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// Without the mark of a group that has no number.
fn unwrapped(node: Node) -> Node {
    match node {
        Node::Alt(mut nodes) if nodes.len() == 1 => nodes.remove(0),
        other => other,
    }
}

/// A character that means itself.
fn literal(char: char, flags: Flags) -> Node {
    Node::Set(fold::fold(&Set::one(char), flags.case()))
}

impl Flags {
    fn case(self) -> Case {
        match (self.ignore_case, self.ascii) {
            (false, _) => Case::Exact,
            (true, true) => Case::Ascii,
            (true, false) => Case::Unicode,
        }
    }

    fn word(self) -> WordKind {
        if self.ascii {
            WordKind::Ascii
        } else {
            WordKind::Unicode
        }
    }
}
