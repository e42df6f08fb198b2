//! The text of a pattern to its tree.

use super::{
    At, How, LEFT, Node, Parsed, RIGHT,
    chars::{Item, Set},
};

/// Reads `text` as Python's `re.compile` does.
pub(super) fn parse(text: &str) -> Result<Parsed, String> {
    let mut parser = Parser {
        text: text.chars().collect(),
        at: 0,
        groups: 1,
        open: Vec::new(),
        names: Vec::new(),
        depth: 0,
    };
    let mut flags = Flags::default();
    let node = parser.either(&mut flags, true)?;
    if parser.at < parser.text.len() {
        return Err("unbalanced parenthesis".into());
    }
    Ok(Parsed {
        node,
        groups: parser.groups,
        names: parser.names,
    })
}

#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each letter")]
pub(super) struct Flags {
    pub(super) any_case: bool,
    pub(super) lines: bool,
    pub(super) dot_all: bool,
    pub(super) verbose: bool,
    pub(super) ascii: bool,
}

pub(super) struct Parser {
    pub(super) text: Vec<char>,
    pub(super) at: usize,
    pub(super) groups: usize,
    /// Groups that have no end yet.
    pub(super) open: Vec<usize>,
    pub(super) names: Vec<(String, usize)>,
    pub(super) depth: usize,
}

impl Parser {
    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    pub(super) fn eat(&mut self, text: &str) -> bool {
        let long = text.chars().count();
        let found = self.text[self.at..]
            .iter()
            .take(long)
            .copied()
            .eq(text.chars());
        if found {
            self.at += long;
        }
        found
    }

    pub(super) fn until(&mut self, end: char) -> Result<String, String> {
        let mut found = String::new();
        loop {
            match self.next() {
                Some(c) if c == end => return Ok(found),
                Some(c) => found.push(c),
                None => return Err(format!("missing {end}")),
            }
        }
    }

    pub(super) fn either(&mut self, flags: &mut Flags, first: bool) -> Result<Node, String> {
        let mut branches = vec![self.sequence(flags, first)?];
        while self.eat("|") {
            branches.push(self.sequence(flags, false)?);
        }
        Ok(if branches.len() == 1 {
            branches.remove(0)
        } else {
            Node::Either(branches)
        })
    }

    fn sequence(&mut self, flags: &mut Flags, first: bool) -> Result<Node, String> {
        let mut nodes: Vec<Node> = Vec::new();
        while let Some(c) = self.peek() {
            if c == '|' || c == ')' {
                break;
            }
            self.at += 1;
            if flags.verbose {
                if matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') {
                    continue;
                }
                if c == '#' {
                    while self.next().is_some_and(|c| c != '\n') {}
                    continue;
                }
            }
            match c {
                '*' | '+' | '?' | '{' => match self.repeat(c) {
                    Some((least, most)) => {
                        let node = self.repeated(nodes.pop(), least, most?)?;
                        nodes.push(node);
                    }
                    None => nodes.push(Node::One(Set::one(c, flags.any_case))),
                },
                '(' => {
                    if let Some(node) = self.group(flags, first && nodes.is_empty())? {
                        nodes.push(node);
                    }
                }
                c => {
                    let node = self.single(c, *flags)?;
                    nodes.push(node);
                }
            }
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.remove(0),
            _ => Node::Sequence(nodes),
        })
    }

    fn single(&mut self, c: char, flags: Flags) -> Result<Node, String> {
        Ok(match c {
            '.' if flags.dot_all => Node::One(Set::new(Vec::new(), true, false)),
            '.' => Node::One(Set::new(vec![Item::Range('\n', '\n')], true, false)),
            '^' if flags.lines => Node::At(At::LineStart),
            '^' => Node::At(At::Start),
            '$' if flags.lines => Node::At(At::LineEnd),
            '$' => Node::At(At::End),
            LEFT => Node::At(At::Left(flags.ascii)),
            RIGHT => Node::At(At::Right(flags.ascii)),
            '[' => Node::One(self.set(flags)?),
            '\\' => return self.escape(flags),
            c => Node::One(Set::one(c, flags.any_case)),
        })
    }

    /// What a quantifier says; `None`: it is none, but a literal brace.
    fn repeat(&mut self, c: char) -> Option<(u32, Result<Option<u32>, String>)> {
        match c {
            '*' => return Some((0, Ok(None))),
            '+' => return Some((1, Ok(None))),
            '?' => return Some((0, Ok(Some(1)))),
            _ => {}
        }
        let back = self.at;
        if self.peek() == Some('}') {
            return None;
        }
        let low = self.digits();
        let high = if self.eat(",") {
            self.digits()
        } else {
            low.clone()
        };
        if !self.eat("}") {
            self.at = back;
            return None;
        }
        let number = |text: &str| text.parse::<u32>().ok().filter(|&n| n < 10_000);
        let least = if low.is_empty() {
            Some(0)
        } else {
            number(&low)
        };
        let most = if high.is_empty() {
            Some(None)
        } else {
            number(&high).map(Some)
        };
        Some(match (least, most) {
            (Some(least), Some(most)) if most.is_none_or(|most| most >= least) => (least, Ok(most)),
            (Some(_), Some(_)) => (0, Err("min repeat greater than max repeat".into())),
            _ => (0, Err("the repeat count is too large".into())),
        })
    }

    fn digits(&mut self) -> String {
        let mut found = String::new();
        while let Some(c) = self.peek().filter(char::is_ascii_digit) {
            found.push(c);
            self.at += 1;
        }
        found
    }

    fn repeated(
        &mut self,
        node: Option<Node>,
        least: u32,
        most: Option<u32>,
    ) -> Result<Node, String> {
        match node {
            None | Some(Node::At(_)) => Err("nothing to repeat".into()),
            Some(Node::Repeat { .. }) => Err("multiple repeat".into()),
            Some(node) => {
                let how = if self.eat("?") {
                    How::Lazy
                } else if self.eat("+") {
                    How::Possessive
                } else {
                    How::Greedy
                };
                Ok(Node::Repeat {
                    node: Box::new(node),
                    least,
                    most,
                    how,
                })
            }
        }
    }
}
