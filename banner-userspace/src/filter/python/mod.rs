//! Python's regular expressions, with fail2ban's tags, for the `regex` crate.
//!
//! [`translate`] gives a pattern that finds what Python's `re` (3.11, text patterns) finds, with
//! the same groups. Where it can be, the pattern is one for `regex`, which takes time linear in the
//! text; only what cannot be said without look-around, back-references or conditions is left to
//! `fancy-regex`, which backtracks, and is labelled.
//!
//! Known differences: characters that are newer than Python's tables (Unicode 14); `\N{…}` is
//! refused, and so are surrogates, which no UTF-8 has.

mod ast;
mod fold;
mod parse;
mod print;
mod set;
mod tags;
#[cfg(test)]
mod tests;

use ast::Node;
use parse::Wrong;

/// What a compiled pattern may take of memory, in bytes.
pub const SIZE_LIMIT: usize = 10 << 20;

/// How many steps back the backtracking engine may take for one text.
pub const BACKTRACK_LIMIT: usize = 100_000;

/// How a pattern is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// if one of them took part, the match ends where it begins.
    pub beyond: Vec<usize>,
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
    let why = backtracks(&parsed.node, options);
    let printed = print::print(
        &parsed.node,
        parsed.groups.len(),
        why.is_some(),
        |group| !options.named_only || parsed.groups[group].is_some(),
        options,
    );
    let groups = parsed.groups.into_iter().zip(printed.slots).skip(1);
    let groups = groups.map(|(name, slots)| Group { name, slots });
    Ok(Translated {
        pattern: printed.pattern,
        engine: match why {
            None => Engine::Linear,
            Some((what, at)) => Engine::Backtracking {
                why: format!("{what} at {}", from(at)),
            },
        },
        groups: groups
            .filter(|group| !options.named_only || group.name.is_some())
            .collect(),
        beyond: printed.beyond,
    })
}

/// The first thing in it that only the backtracking engine can do, and where it stands.
fn backtracks(node: &Node, options: Options) -> Option<(&'static str, usize)> {
    let here = match node {
        Node::Back { at, .. } => Some(("back-reference", *at)),
        Node::If { at, .. } => Some(("condition", *at)),
        Node::Look {
            ahead: true, at, ..
        } => Some(("look-ahead", *at)),
        Node::Look { at, .. } => Some(("look-behind", *at)),
        Node::Atomic(_, at) => Some(("atomic group", *at)),
        Node::Repeat(repeat) if repeat.greed == ast::Greed::Possessive => {
            Some(("possessive count", repeat.at))
        }
        Node::Anchor(ast::Anchor::TextEndOrBreak) if !options.one_line => Some(("$", 0)),
        _ => None,
    };
    let mut children = node.children().into_iter();
    here.or_else(|| children.find_map(|child| backtracks(child, options)))
}
