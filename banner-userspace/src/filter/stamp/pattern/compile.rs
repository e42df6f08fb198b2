//! The tree of a pattern to a program.

use super::{At, How, Node, Parsed, chars::Set, parse};

/// How many steps a program may have.
const STEPS: usize = 20_000;

/// A step of a program. Numbers are steps to go on with.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Byte(u8),
    Set(usize),
    /// As many characters of a set as there are, no less and no more than these; then fewer.
    Run {
        set: usize,
        least: u32,
        most: u32,
    },
    /// The first, and when that fails the second.
    Split(usize, usize),
    Jump(usize),
    /// Notes the position in this slot.
    Save(usize),
    /// Fails over to this step when the position is the one in the slot: a turn that takes nothing is
    /// the last.
    Turned(usize, usize),
    At(At),
    /// What is ahead or behind, up to [`Step::Done`], without taking it.
    Look {
        behind: Option<usize>,
        negate: bool,
        next: usize,
    },
    /// What comes up to [`Step::Done`], never looked at again. Then this step.
    Atomic(usize),
    Done,
    Again(usize, bool),
    /// Goes to the step when the group took no part.
    When(usize, usize),
    Match,
}

/// A pattern that can be searched for.
#[derive(Clone, Debug)]
pub(in crate::filter::stamp) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) sets: Vec<Set>,
    /// Two for each group, then those that loops need.
    pub(super) slots: usize,
    pub(super) names: Vec<(String, usize)>,
    /// The bytes that a match can begin with; empty ones begin with anything.
    pub(super) begins: Box<[bool; 256]>,
    pub(super) anchored: bool,
    groups: usize,
    behind: usize,
}

impl Program {
    /// Compiles the text of a pattern in Python's notation.
    pub(in crate::filter::stamp) fn new(text: &str) -> Result<Self, String> {
        let Parsed {
            node,
            groups,
            names,
        } = parse::parse(text)?;
        let mut compiler = Compiler {
            steps: Vec::new(),
            sets: Vec::new(),
            slots: 2 * groups,
        };
        compiler.push(Step::Save(0))?;
        compiler.node(&node)?;
        compiler.push(Step::Save(1))?;
        compiler.push(Step::Match)?;
        let mut begins = Box::new([false; 256]);
        if first(&node, &mut begins) {
            begins.fill(true);
        }
        Ok(Self {
            steps: compiler.steps,
            sets: compiler.sets,
            slots: compiler.slots,
            names,
            begins,
            anchored: anchored(&node),
            groups,
            behind: behind(&node),
        })
    }

    /// The named groups, in the order in which they stand in the pattern, and their numbers.
    pub(in crate::filter::stamp) fn names(&self) -> &[(String, usize)] {
        &self.names
    }

    /// It matches at the start of the line or not at all.
    pub(in crate::filter::stamp) fn anchored(&self) -> bool {
        self.anchored
    }

    /// How many characters before a match may decide on it.
    pub(in crate::filter::stamp) fn behind(&self) -> usize {
        self.behind
    }

    /// How many groups there are, the whole counted.
    pub(in crate::filter::stamp) fn groups(&self) -> usize {
        self.groups
    }
}

struct Compiler {
    steps: Vec<Step>,
    sets: Vec<Set>,
    slots: usize,
}

impl Compiler {
    fn push(&mut self, step: Step) -> Result<usize, String> {
        if self.steps.len() >= STEPS {
            return Err("the pattern is too large".into());
        }
        self.steps.push(step);
        Ok(self.steps.len() - 1)
    }

    fn set(&mut self, set: &Set) -> usize {
        let known = self.sets.iter().position(|known| known == set);
        known.unwrap_or_else(|| {
            self.sets.push(set.clone());
            self.sets.len() - 1
        })
    }

    fn node(&mut self, node: &Node) -> Result<(), String> {
        match node {
            Node::Empty => {}
            Node::One(set) => {
                let step = match set.only() {
                    Some(byte) => Step::Byte(byte),
                    None => Step::Set(self.set(set)),
                };
                self.push(step)?;
            }
            Node::Sequence(nodes) => {
                for node in nodes {
                    self.node(node)?;
                }
            }
            Node::Either(nodes) => self.either(nodes)?,
            Node::Group(group, node) => {
                self.push(Step::Save(2 * group))?;
                self.node(node)?;
                self.push(Step::Save(2 * group + 1))?;
            }
            Node::Repeat {
                node,
                least,
                most,
                how,
            } => self.repeat(node, *least, *most, *how)?,
            Node::Look {
                behind,
                negate,
                node,
            } => {
                let at = self.push(Step::Match)?;
                self.node(node)?;
                self.push(Step::Done)?;
                self.steps[at] = Step::Look {
                    behind: *behind,
                    negate: *negate,
                    next: self.steps.len(),
                };
            }
            Node::Again(group, any_case) => {
                self.push(Step::Again(*group, *any_case))?;
            }
            Node::When(group, yes, no) => {
                if 2 * group + 1 >= self.slots {
                    return Err(format!("invalid group reference {group}"));
                }
                let at = self.push(Step::Match)?;
                self.node(yes)?;
                let over = self.push(Step::Match)?;
                self.steps[at] = Step::When(*group, self.steps.len());
                self.node(no)?;
                self.steps[over] = Step::Jump(self.steps.len());
            }
            Node::Atomic(node) => self.atomic(|this| this.node(node))?,
            Node::At(at) => {
                self.push(Step::At(*at))?;
            }
        }
        Ok(())
    }

    fn atomic(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        let at = self.push(Step::Match)?;
        inside(self)?;
        self.push(Step::Done)?;
        self.steps[at] = Step::Atomic(self.steps.len());
        Ok(())
    }

    fn either(&mut self, nodes: &[Node]) -> Result<(), String> {
        let Some((last, others)) = nodes.split_last() else {
            return Ok(());
        };
        let mut ends = Vec::new();
        for node in others {
            let at = self.push(Step::Match)?;
            self.node(node)?;
            ends.push(self.push(Step::Match)?);
            self.steps[at] = Step::Split(at + 1, self.steps.len());
        }
        self.node(last)?;
        for end in ends {
            self.steps[end] = Step::Jump(self.steps.len());
        }
        Ok(())
    }

    fn repeat(
        &mut self,
        node: &Node,
        least: u32,
        most: Option<u32>,
        how: How,
    ) -> Result<(), String> {
        if how == How::Possessive {
            return self.atomic(|this| this.repeat(node, least, most, How::Greedy));
        }
        if let (Node::One(set), How::Greedy) = (node, how) {
            let set = self.set(set);
            let most = most.unwrap_or(u32::MAX);
            self.push(Step::Run { set, least, most })?;
            return Ok(());
        }
        for _ in 0..least {
            self.node(node)?;
        }
        let split = |next, over| match how {
            How::Lazy => Step::Split(over, next),
            _ => Step::Split(next, over),
        };
        let Some(most) = most else {
            let slot = self.slots;
            self.slots += 1;
            let at = self.push(Step::Match)?;
            self.push(Step::Save(slot))?;
            self.node(node)?;
            let turned = self.push(Step::Match)?;
            self.push(Step::Jump(at))?;
            let over = self.steps.len();
            self.steps[at] = split(at + 1, over);
            self.steps[turned] = Step::Turned(slot, over);
            return Ok(());
        };
        let mut splits = Vec::new();
        for _ in least..most {
            splits.push(self.push(Step::Match)?);
            self.node(node)?;
        }
        for at in splits {
            self.steps[at] = split(at + 1, self.steps.len());
        }
        Ok(())
    }
}

/// Adds the bytes that a match of `node` can begin with; whether it can be empty.
fn first(node: &Node, begins: &mut [bool; 256]) -> bool {
    match node {
        Node::Empty | Node::Look { .. } | Node::At(_) => true,
        Node::One(set) => {
            for byte in 0..128 {
                begins[usize::from(byte)] |= set.has_ascii(byte);
            }
            begins[128..].fill(true);
            false
        }
        Node::Sequence(nodes) => nodes.iter().all(|node| first(node, begins)),
        Node::Either(nodes) => nodes
            .iter()
            .fold(false, |empty, node| first(node, begins) | empty),
        Node::Group(_, node) | Node::Atomic(node) => first(node, begins),
        Node::Repeat { node, least, .. } => first(node, begins) || *least == 0,
        Node::Again(..) => {
            begins.fill(true);
            true
        }
        Node::When(_, yes, no) => first(yes, begins) | first(no, begins),
    }
}

fn behind(node: &Node) -> usize {
    match node {
        Node::Empty | Node::One(_) | Node::Again(..) => 0,
        Node::At(_) => 1,
        Node::Sequence(nodes) | Node::Either(nodes) => nodes.iter().map(behind).max().unwrap_or(0),
        Node::Group(_, node) | Node::Atomic(node) | Node::Repeat { node, .. } => behind(node),
        Node::Look {
            behind: back, node, ..
        } => back.unwrap_or(0) + behind(node),
        Node::When(_, yes, no) => behind(yes).max(behind(no)),
    }
}

fn anchored(node: &Node) -> bool {
    match node {
        Node::At(At::Start) => true,
        Node::Sequence(nodes) => {
            let skipped = |node: &&Node| matches!(node, Node::Empty);
            nodes
                .iter()
                .find(|node| !skipped(node))
                .is_some_and(anchored)
        }
        Node::Either(nodes) => nodes.iter().all(anchored),
        Node::Group(_, node) | Node::Atomic(node) => anchored(node),
        _ => false,
    }
}
