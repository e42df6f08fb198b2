//! The tree of a pattern to a program.

use super::{
    At, How, Node, Parsed,
    chars::Set,
    edge::{Edge, edge},
    parse,
    shape::Shape,
};

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
    /// The first, and when that fails the second; each only when its guard lets it.
    Split(usize, usize, usize),
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

/// What must come next for a way to be worth trying.
#[derive(Clone, Copy, Debug)]
pub(super) struct Guard {
    /// These ASCII bytes, or any other.
    bytes: u128,
    /// Or the end.
    end: bool,
}

impl Guard {
    const OPEN: Self = Self {
        bytes: u128::MAX,
        end: true,
    };

    fn of<'n>(nodes: impl IntoIterator<Item = &'n Node>) -> Self {
        let mut first = Edge::default();
        let mut empty = false;
        for node in nodes {
            empty |= edge(node, true, &mut first);
        }
        if empty {
            Self::OPEN
        } else {
            Self {
                bytes: first.ascii,
                end: false,
            }
        }
    }

    pub(super) fn lets(self, next: Option<&u8>) -> bool {
        match next {
            Some(byte) => !byte.is_ascii() || self.bytes >> byte & 1 != 0,
            None => self.end,
        }
    }
}

/// A pattern that can be searched for.
#[derive(Clone, Debug)]
pub(in crate::filter::stamp) struct Program {
    pub(super) steps: Vec<Step>,
    pub(super) sets: Vec<Set>,
    /// Two for each group, then those that loops need.
    pub(super) slots: usize,
    pub(super) names: Vec<(String, usize)>,
    pub(super) guards: Vec<(Guard, Guard)>,
    pub(super) shape: Shape,
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
            guards: Vec::new(),
            groups,
            slots: 2 * groups,
        };
        compiler.push(Step::Save(0))?;
        compiler.node(&node)?;
        compiler.push(Step::Save(1))?;
        compiler.push(Step::Match)?;
        Ok(Self {
            steps: compiler.steps,
            sets: compiler.sets,
            slots: compiler.slots,
            names,
            guards: compiler.guards,
            shape: Shape::new(&node),
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
    guards: Vec<(Guard, Guard)>,
    groups: usize,
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

    fn guard(&mut self, first: Guard, second: Guard) -> usize {
        self.guards.push((first, second));
        self.guards.len() - 1
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
                if *group >= self.groups {
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
        for (index, node) in others.iter().enumerate() {
            let guard = self.guard(Guard::of([node]), Guard::of(&nodes[index + 1..]));
            let at = self.push(Step::Match)?;
            self.node(node)?;
            ends.push(self.push(Step::Match)?);
            self.steps[at] = Step::Split(at + 1, self.steps.len(), guard);
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
        // Nobody knows here what comes behind it.
        let guard = match how {
            How::Lazy => self.guard(Guard::OPEN, Guard::of([node])),
            _ => self.guard(Guard::of([node]), Guard::OPEN),
        };
        let split = |next, over| match how {
            How::Lazy => Step::Split(over, next, guard),
            _ => Step::Split(next, over, guard),
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
