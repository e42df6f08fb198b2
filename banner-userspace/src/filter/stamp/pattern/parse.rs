//! The text of a pattern to its tree.

use super::{
    At, How, LEFT, Node, Parsed, RIGHT,
    chars::{Item, Kind, Set},
};

/// How deep groups may be nested.
const DEPTH: usize = 100;

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
struct Flags {
    any_case: bool,
    lines: bool,
    dot_all: bool,
    verbose: bool,
    ascii: bool,
}

struct Parser {
    text: Vec<char>,
    at: usize,
    groups: usize,
    /// Groups that have no end yet.
    open: Vec<usize>,
    names: Vec<(String, usize)>,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
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

    fn until(&mut self, end: char) -> Result<String, String> {
        let mut found = String::new();
        loop {
            match self.next() {
                Some(c) if c == end => return Ok(found),
                Some(c) => found.push(c),
                None => return Err(format!("missing {end}")),
            }
        }
    }

    fn either(&mut self, flags: &mut Flags, first: bool) -> Result<Node, String> {
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
    #[expect(clippy::type_complexity, reason = "least, and most or why it is wrong")]
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
            None | Some(Node::At(_)) => return Err("nothing to repeat".into()),
            Some(Node::Repeat { .. }) => return Err("multiple repeat".into()),
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

    /// What an opening parenthesis begins; `None`: nothing that takes part.
    fn group(&mut self, flags: &mut Flags, first: bool) -> Result<Option<Node>, String> {
        if !self.eat("?") {
            return self.capture(None, *flags).map(Some);
        }
        if self.eat("P<") {
            let name = self.until('>')?;
            check_name(&name)?;
            return self.capture(Some(name), *flags).map(Some);
        }
        if self.eat("P=") {
            let name = self.until(')')?;
            let group = self.named(&name)?;
            return Ok(Some(Node::Again(group, flags.any_case)));
        }
        if self.eat("#") {
            self.until(')')?;
            return Ok(None);
        }
        if self.eat(":") {
            // In brackets of its own, so that what is in it is not taken for a repeat.
            let node = self.inside(*flags)?;
            return Ok(Some(Node::Sequence(vec![node])));
        }
        if self.eat(">") {
            let node = self.inside(*flags)?;
            return Ok(Some(Node::Atomic(Box::new(node))));
        }
        for (mark, behind, negate) in [
            ("=", false, false),
            ("!", false, true),
            ("<=", true, false),
            ("<!", true, true),
        ] {
            if self.eat(mark) {
                let node = self.inside(*flags)?;
                let behind = match (behind, width(&node)) {
                    (false, _) => None,
                    (true, Some(width)) => Some(width),
                    (true, None) => return Err("look-behind requires fixed-width pattern".into()),
                };
                let node = Box::new(node);
                return Ok(Some(Node::Look {
                    behind,
                    negate,
                    node,
                }));
            }
        }
        if self.eat("(") {
            return self.when(*flags).map(Some);
        }
        self.flags(flags, first)
    }

    fn inside(&mut self, mut flags: Flags) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(format!("groups are nested more than {DEPTH} deep"));
        }
        let node = self.either(&mut flags, false)?;
        self.depth -= 1;
        if !self.eat(")") {
            return Err("missing ), unterminated subpattern".into());
        }
        Ok(node)
    }

    fn capture(&mut self, name: Option<String>, flags: Flags) -> Result<Node, String> {
        let group = self.groups;
        self.groups += 1;
        if self.groups > 100 {
            return Err("more than 99 groups".into());
        }
        if let Some(name) = name {
            if self.names.iter().any(|(known, _)| *known == name) {
                return Err(format!("redefinition of group name {name:?}"));
            }
            self.names.push((name, group));
        }
        self.open.push(group);
        let node = self.inside(flags)?;
        self.open.pop();
        Ok(Node::Group(group, Box::new(node)))
    }

    fn named(&self, name: &str) -> Result<usize, String> {
        let group = match self.names.iter().find(|(known, _)| known == name) {
            Some(&(_, group)) => group,
            None => return Err(format!("unknown group name {name:?}")),
        };
        self.closed(group)
    }

    fn closed(&self, group: usize) -> Result<usize, String> {
        if group == 0 || group >= self.groups {
            Err(format!("invalid group reference {group}"))
        } else if self.open.contains(&group) {
            Err("cannot refer to an open group".into())
        } else {
            Ok(group)
        }
    }

    fn when(&mut self, flags: Flags) -> Result<Node, String> {
        let name = self.until(')')?;
        let group = match name.parse::<usize>() {
            // A number may be that of a group to come.
            Ok(group) if (1..100).contains(&group) => group,
            Ok(_) => return Err("bad group number".into()),
            Err(_) => match self.names.iter().find(|(known, _)| *known == name) {
                Some(&(_, group)) => group,
                None => return Err(format!("unknown group name {name:?}")),
            },
        };
        let (yes, no) = match self.inside(flags)? {
            Node::Either(mut branches) if branches.len() == 2 => {
                let no = branches.pop().unwrap_or(Node::Empty);
                (branches.pop().unwrap_or(Node::Empty), no)
            }
            Node::Either(_) => return Err("conditional backref with more than two branches".into()),
            node => (node, Node::Empty),
        };
        Ok(Node::When(group, Box::new(yes), Box::new(no)))
    }

    /// `(?i)` and `(?i-s:…)`.
    fn flags(&mut self, flags: &mut Flags, first: bool) -> Result<Option<Node>, String> {
        let mut within = *flags;
        let mut on = true;
        loop {
            match self.next() {
                Some('i') => within.any_case = on,
                Some('m') => within.lines = on,
                Some('s') => within.dot_all = on,
                Some('x') => within.verbose = on,
                Some('a') if on => within.ascii = true,
                Some('u') if on => within.ascii = false,
                Some('-') if on => on = false,
                Some(':') => {
                    let node = self.inside(within)?;
                    return Ok(Some(Node::Sequence(vec![node])));
                }
                Some(')') if on && first => {
                    *flags = within;
                    return Ok(None);
                }
                Some(')') if on => {
                    return Err("global flags not at the start of the expression".into());
                }
                _ => return Err("unknown extension behind (?".into()),
            }
        }
    }

    fn escape(&mut self, flags: Flags) -> Result<Node, String> {
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
    fn set(&mut self, flags: Flags) -> Result<Set, String> {
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

fn check_name(name: &str) -> Result<(), String> {
    let mut chars = name.chars();
    let letter = |c: char| c == '_' || c.is_alphabetic();
    if chars.next().is_some_and(letter) && chars.all(|c| letter(c) || c.is_numeric()) {
        Ok(())
    } else {
        Err(format!("bad character in group name {name:?}"))
    }
}

/// How many characters a node takes, when that is always the same.
fn width(node: &Node) -> Option<usize> {
    match node {
        Node::Empty | Node::Look { .. } | Node::At(_) => Some(0),
        Node::One(_) => Some(1),
        Node::Sequence(nodes) => nodes.iter().map(width).sum(),
        Node::Either(nodes) => {
            let first = width(nodes.first()?)?;
            nodes
                .iter()
                .all(|node| width(node) == Some(first))
                .then_some(first)
        }
        Node::Group(_, node) | Node::Atomic(node) => width(node),
        Node::Repeat {
            node, least, most, ..
        } => {
            let width = width(node)?;
            if width == 0 {
                return Some(0);
            }
            (Some(*least) == *most).then(|| width.saturating_mul(*least as usize))
        }
        Node::Again(..) => None,
        Node::When(_, yes, no) => {
            let width_of_yes = width(yes)?;
            (width(no) == Some(width_of_yes)).then_some(width_of_yes)
        }
    }
}
