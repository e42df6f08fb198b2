//! Nodes to the syntax of `regex` and `fancy-regex`.

use super::{
    Options,
    ast::{Anchor, Case, Greed, Node, Repeat, WordKind},
    set::Set,
};

/// A printed pattern.
#[derive(Debug, Default)]
pub(super) struct Printed {
    /// The pattern.
    pub(super) pattern: String,
    /// For each group of Python's the capture groups that hold it.
    pub(super) slots: Vec<Vec<usize>>,
    /// Capture groups that hold what was only looked at.
    pub(super) beyond: Vec<usize>,
}

/// Prints `node`, in which there are groups with numbers below `groups`, for `fancy-regex` or for
/// `regex`. `wanted`: which groups must be captured, even if the pattern itself does not need it.
pub(super) fn print(
    node: &Node,
    groups: usize,
    fancy: bool,
    wanted: impl Fn(usize) -> bool,
    options: Options,
) -> Printed {
    let mut captured: Vec<bool> = (0..groups).map(wanted).collect();
    node.any(&mut |node| {
        if let Node::Back { group, .. } | Node::If { group, .. } = node {
            captured[*group] = true;
        }
        false
    });
    let mut printer = Printer {
        out: Printed {
            slots: vec![Vec::new(); groups],
            ..Printed::default()
        },
        captured,
        last: 0,
        fancy,
        one_line: options.one_line,
    };
    printer.alternatives(node);
    printer.out
}

struct Printer {
    out: Printed,
    captured: Vec<bool>,
    /// Number of the last capture group that was printed.
    last: usize,
    fancy: bool,
    one_line: bool,
}

impl Printer {
    fn push(&mut self, text: &str) {
        self.out.pattern.push_str(text);
    }

    /// Where an alternation needs no parentheses.
    fn alternatives(&mut self, node: &Node) {
        if let Node::Alt(nodes) = node {
            for (n, node) in nodes.iter().enumerate() {
                if n > 0 {
                    self.push("|");
                }
                self.alternatives_in(node);
            }
        } else {
            self.node(node);
        }
    }

    fn alternatives_in(&mut self, node: &Node) {
        match node {
            Node::Alt(_) => self.wrapped(node),
            _ => self.node(node),
        }
    }

    fn wrapped(&mut self, node: &Node) {
        self.push("(?:");
        self.alternatives(node);
        self.push(")");
    }

    /// Where nodes follow each other.
    fn node(&mut self, node: &Node) {
        match node {
            Node::Empty => {}
            Node::Set(set) => set.print(&mut self.out.pattern),
            Node::Seq(nodes) => nodes.iter().for_each(|node| self.node(node)),
            Node::Alt(_) => self.wrapped(node),
            Node::Group(number, node) => self.group(*number, node),
            Node::Repeat(repeat) => self.repeat(repeat),
            Node::Anchor(anchor) => self.anchor(*anchor),
            Node::Back { group, case, .. } => {
                // What follows may be a digit.
                let flag = if *case == Case::Exact { "" } else { "i" };
                match self.out.slots[*group].last() {
                    Some(slot) => self.push(&format!(r"(?{flag}:\{slot})")),
                    // It cannot have taken part.
                    None => Set::ranges([]).print(&mut self.out.pattern),
                }
            }
            Node::If { group, yes, no, .. } => match self.out.slots[*group].last() {
                Some(slot) => {
                    self.push(&format!("(?({slot})"));
                    self.alternatives_in(yes);
                    self.push("|");
                    self.alternatives_in(no);
                    self.push(")");
                }
                None => self.wrapped(no),
            },
            Node::Beyond(node) => {
                self.last += 1;
                self.out.beyond.push(self.last);
                self.push("(");
                self.alternatives(node);
                self.push(")");
            }
            Node::Look {
                ahead,
                negative,
                node,
                ..
            } => {
                self.push(match (ahead, negative) {
                    (true, false) => "(?=",
                    (true, true) => "(?!",
                    (false, false) => "(?<=",
                    (false, true) => "(?<!",
                });
                // fancy-regex comes back for the other ways of what it looked for, unless that is
                // told to have one way only, which it has.
                let ways = !negative && node.any(&mut |node| self.is_stepped(node));
                self.push(if ways { "(?>" } else { "" });
                self.alternatives(node);
                self.push(if ways { "))" } else { ")" });
            }
            Node::Atomic(node, _) => {
                self.push("(?>");
                self.alternatives(node);
                self.push(")");
            }
        }
    }

    /// Whether the backtracking engine takes this step by step, rather than asking the linear one.
    fn is_stepped(&self, node: &Node) -> bool {
        match node {
            Node::Back { .. } | Node::If { .. } | Node::Look { .. } | Node::Atomic(..) => true,
            Node::Repeat(repeat) => repeat.greed == Greed::Possessive,
            Node::Anchor(Anchor::Word(kind) | Anchor::NotWord(kind)) => {
                self.fancy && *kind != WordKind::Rust
            }
            Node::Anchor(Anchor::TextEndOrBreak) => !self.one_line,
            _ => false,
        }
    }

    fn group(&mut self, number: usize, node: &Node) {
        if !self.captured[number] {
            return self.wrapped(node);
        }
        self.last += 1;
        let slot = self.last;
        self.push("(");
        self.alternatives(node);
        self.push(")");
        self.out.slots[number].push(slot);
    }

    fn repeat(&mut self, repeat: &Repeat) {
        if repeat.max == Some(0) {
            return;
        }
        match &*repeat.node {
            node @ Node::Set(_) => self.node(node),
            node @ Node::Group(number, _) if self.captured[*number] => self.node(node),
            node => self.wrapped(node),
        }
        match (repeat.min, repeat.max) {
            (0, Some(1)) => self.push("?"),
            (0, None) => self.push("*"),
            (1, None) => self.push("+"),
            (min, Some(max)) if min == max => self.push(&format!("{{{min}}}")),
            (min, Some(max)) => self.push(&format!("{{{min},{max}}}")),
            (min, None) => self.push(&format!("{{{min},}}")),
        }
        match repeat.greed {
            Greed::Greedy => {}
            Greed::Lazy => self.push("?"),
            Greed::Possessive => self.push("+"),
        }
    }

    fn anchor(&mut self, anchor: Anchor) {
        match anchor {
            Anchor::TextStart => self.push(r"\A"),
            Anchor::LineStart => self.push("(?m:^)"),
            Anchor::TextEndOrBreak if self.one_line => self.push("(?m:$)"),
            Anchor::TextEndOrBreak => self.push(r"(?=\n?\z)"),
            Anchor::LineEnd => self.push("(?m:$)"),
            Anchor::TextEnd => self.push(r"\z"),
            Anchor::Word(kind) => self.word(kind, false),
            Anchor::NotWord(kind) => self.word(kind, true),
        }
    }

    fn word(&mut self, kind: WordKind, not: bool) {
        if !self.fancy || kind == WordKind::Rust {
            return self.push(match (kind, not) {
                (WordKind::Ascii, false) => r"(?-u:\b)",
                (WordKind::Ascii, true) => r"(?-u:\B)",
                (_, false) => r"\b",
                (_, true) => r"\B",
            });
        }
        let mut text = String::new();
        kind.set().print(&mut text);
        self.push(&if not {
            // An empty text has no place of either kind.
            format!(r"(?:(?<={text})(?={text})|(?<!{text})(?!{text}|\A\z))")
        } else {
            format!("(?:(?<={text})(?!{text})|(?<!{text})(?={text}))")
        });
    }
}
