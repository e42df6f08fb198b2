//! Groups, conditions and flags in the text of a pattern.

use super::{
    Node,
    parse::{Flags, Parser},
};

/// How deep groups may be nested.
const DEPTH: usize = 100;

impl Parser {
    /// What an opening parenthesis begins; `None`: nothing that takes part.
    pub(super) fn group(&mut self, flags: &mut Flags, first: bool) -> Result<Option<Node>, String> {
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
        match self.names.iter().find(|(known, _)| known == name) {
            Some(&(_, group)) => self.closed(group),
            None => Err(format!("unknown group name {name:?}")),
        }
    }

    pub(super) fn closed(&self, group: usize) -> Result<usize, String> {
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
