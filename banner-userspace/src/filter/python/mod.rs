//! Python's regular expressions, with fail2ban's tags, for the `regex` crate.
//!
//! [`translate`] gives a pattern that finds what Python's `re` (3.11, text patterns) finds, with
//! the same groups. Where it can be, the pattern is one for `regex`, which takes time linear in the
//! text; only what cannot be said without look-around, back-references or conditions is left to
//! `fancy-regex`, which backtracks, and is labelled.
//!
//! Known differences: characters that are newer than Python's tables (Unicode 14); `\N{…}` is
//! refused, and so are surrogates, which no UTF-8 has. Where the flags of a group at the beginning differ
//! from those of the whole about ASCII (`(?a:\W)`), its search looks for the first character by the
//! latter and misses what it would match; this does not.

mod ast;
mod fold;
mod parse;
mod print;
mod set;
mod tags;
#[cfg(test)]
mod tests;
mod unfold;

use ast::{Anchor, Greed, Node, WordKind};
use parse::Wrong;

/// What a compiled pattern may take of memory, in bytes.
pub const SIZE_LIMIT: usize = 10 << 20;

/// How many steps back the backtracking engine may take for one text.
pub const BACKTRACK_LIMIT: usize = 100_000;

/// How a pattern is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a question of its own"
)]
pub struct Options {
    /// `^` and `$` are those of lines, as fail2ban has it when it looks at several.
    pub multiline: bool,
    /// Every text that is searched ends in `\n` and has no other.
    pub one_line: bool,
    /// `<HOST>` takes names, too.
    pub use_dns: bool,
    /// Groups without a name are of no interest, and not captured.
    pub named_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            multiline: false,
            one_line: true,
            use_dns: true,
            named_only: false,
        }
    }
}

/// A pattern for an engine of this house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// In the syntax of that engine.
    pub pattern: String,
    /// Which.
    pub engine: Engine,
    /// The groups in Python's order, the whole match left out.
    pub groups: Vec<Group>,
    /// Capture groups of `pattern` that hold what stands behind the match and was only looked at:
    /// if one of them took part, the match and all its groups end where it begins, at the latest.
    pub beyond: Vec<usize>,
}

/// Where something begins and ends, in bytes.
pub type Span = (usize, usize);

impl Translated {
    /// The span of Python's whole match; `slot` gives those of the engine's capture groups.
    pub fn whole(&self, slot: impl Fn(usize) -> Option<Span>) -> Option<Span> {
        Some(self.cut(slot(0)?, &slot))
    }

    /// The span of a group, by its index in `groups`, if it took part.
    pub fn group(&self, index: usize, slot: impl Fn(usize) -> Option<Span>) -> Option<Span> {
        let span = (self.groups.get(index)?.slots.iter()).find_map(|&number| slot(number))?;
        Some(self.cut(span, &slot))
    }

    fn cut(&self, (start, end): Span, slot: &impl Fn(usize) -> Option<Span>) -> Span {
        let beyond = self.beyond.iter().find_map(|&number| slot(number));
        (start, beyond.map_or(end, |(beyond, _)| end.min(beyond)))
    }
}

/// A group of Python's pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Its name. The names of fail2ban's groups are those after its own renaming (`fid`, `fport`).
    pub name: Option<String>,
    /// The capture groups of the pattern that may hold it; it is what the first of them holds that
    /// took part. One, unless the pattern was unfolded to do without a condition. They have no
    /// names there.
    pub slots: Vec<usize>,
}

/// An engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// `regex`
    Linear,
    /// `fancy-regex`
    Backtracking {
        /// What needs it, and where: "look-behind at 17".
        why: String,
    },
}

/// Why a pattern is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at {at}: {message}")]
pub struct Refused {
    /// Where in the given text, in characters.
    pub at: usize,
    /// What is wrong, in Python's words where it would refuse it, too.
    pub message: String,
}

/// Translates a pattern.
pub fn translate(pattern: &str, options: Options) -> Result<Translated, Refused> {
    let expanded = tags::expand(pattern, options.use_dns);
    if expanded.text.iter().all(|char| char.is_whitespace()) {
        return Err(Refused {
            at: 0,
            message: "empty".into(),
        });
    }
    let expanded = tags::flags_of_groups(expanded);
    let from = |at: usize| expanded.from.get(at).copied().unwrap_or(0);
    let refused = |Wrong { at, message }| Refused {
        at: from(at),
        message,
    };
    let parsed = parse::parse(&expanded.text, options.multiline).map_err(refused)?;
    let node = unfold::simplified(parsed.node);
    let names = &parsed.groups;
    let wanted = |group: usize| !options.named_only || names[group].is_some();
    if let Some(at) = empty_rounds(&node, &wanted) {
        let message = "a group in a loop, a round of which can take nothing, is not supported";
        return Err(refused(Wrong {
            at,
            message: message.into(),
        }));
    }
    let unfolded = unfold::unfold(&node, options);
    let why = backtracks(&unfolded, options);
    // The backtracking engine needs no copies.
    let node = if why.is_some() { node } else { unfolded };
    let printed = print::print(&node, names.len(), why.is_some(), wanted, options);
    let groups = parsed.groups.into_iter().zip(printed.slots).skip(1);
    let groups = groups.map(|(name, slots)| Group { name, slots });
    Ok(Translated {
        pattern: printed.pattern,
        engine: match why {
            None => Engine::Linear,
            Some((what, at)) => Engine::Backtracking {
                why: match at {
                    Some(at) => format!("{what} at {}", from(at)),
                    None => what.into(),
                },
            },
        },
        groups: groups
            .filter(|group| !options.named_only || group.name.is_some())
            .collect(),
        beyond: printed.beyond,
    })
}

/// A loop, a round of which may take nothing, with a group in it: what the group holds then differs
/// from engine to engine.
fn empty_rounds(node: &Node, wanted: &impl Fn(usize) -> bool) -> Option<usize> {
    if let Node::Repeat(repeat) = node
        && repeat.max != Some(1)
        && repeat.greed != Greed::Lazy
        && unfold::nullable(&repeat.node)
        && (repeat.node).any(&mut |node| matches!(node, Node::Group(group, _) if wanted(*group)))
    {
        return Some(repeat.at);
    }
    let mut children = node.children().into_iter();
    children.find_map(|child| empty_rounds(child, wanted))
}

/// The first thing in it that only the backtracking engine can do, and where it stands.
fn backtracks(node: &Node, options: Options) -> Option<(&'static str, Option<usize>)> {
    let here = match node {
        Node::Back { at, .. } => Some(("back-reference", Some(*at))),
        Node::If { at, .. } => Some(("condition", Some(*at))),
        Node::Look {
            ahead: true, at, ..
        } => Some(("look-ahead", Some(*at))),
        Node::Look { at, .. } => Some(("look-behind", Some(*at))),
        Node::Atomic(_, at) => Some(("atomic group", Some(*at))),
        Node::Repeat(repeat) if repeat.greed == Greed::Possessive => {
            Some(("possessive count", Some(repeat.at)))
        }
        Node::Anchor(anchor) => match anchor {
            Anchor::TextEndOrBreak if !options.one_line => Some(("$ inside", None)),
            Anchor::Word(WordKind::Unicode) => Some((r"\b", None)),
            Anchor::NotWord(WordKind::Unicode | WordKind::Ascii) => Some((r"\B", None)),
            _ => None,
        },
        _ => None,
    };
    let mut children = node.children().into_iter();
    here.or_else(|| children.find_map(|child| backtracks(child, options)))
}
