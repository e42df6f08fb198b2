//! The groups of a pattern found from the end of a text.
//!
//! Much of what is logged has free text in the middle and what decides behind it:
//! `^Failed password for .* from <HOST> port \d+ ssh2$`. Of all places where the part behind the
//! last `.*` fits, a greedy `.*` takes the last one. So in a text that is known to match, that part
//! can be looked for from the end, and the rest needs no look at all.

use std::net::IpAddr;

use memchr::memmem::FinderRev;
use regex_automata::{
    Anchored, Input,
    nfa::thompson::{
        self, WhichCaptures,
        backtrack::{self, BoundedBacktracker},
    },
};
use regex_syntax::hir::{Class, ClassBytesRange, Hir, HirKind, Look};

use super::plain::{self, Plain};
use crate::filter::groups::Slots;

/// In how many places it is tried before it is left to the whole pattern: a text can be made of
/// beginnings of tails.
const TRIES: usize = 8;

/// What stands behind the last `.*` of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Tail {
    /// What it begins with.
    begins: FinderRev<'static>,
    /// Finds the address alone, where that is all that is wanted.
    plain: Option<Plain>,
    engine: BoundedBacktracker,
    slots: usize,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// An address, all that is wanted.
    Host(IpAddr),
    /// The groups, in the slots.
    Groups,
}

/// What searching needs of memory, for each pattern.
#[derive(Debug, Default)]
pub(super) struct Tails(Vec<Option<Cache>>);

/// The same for one tail.
#[derive(Debug)]
pub(super) struct Cache {
    plain: Option<plain::Cache>,
    engine: backtrack::Cache,
}

impl Tails {
    pub(super) fn of(&mut self, pattern: usize, tail: &Tail) -> &mut Cache {
        if self.0.len() <= pattern {
            self.0.resize_with(pattern + 1, || None);
        }
        self.0[pattern].get_or_insert_with(|| Cache {
            plain: tail.plain.as_ref().map(Plain::create_cache),
            engine: tail.engine.create_cache(),
        })
    }
}

impl Tail {
    /// The tail of a pattern for one line, if it has one with all groups that are `wanted` in it.
    pub(super) fn new(pattern: &Hir, wanted: &[usize]) -> Option<Self> {
        let HirKind::Concat(parts) = pattern.kind() else {
            return None;
        };
        let ends = matches!(parts.last()?.kind(), HirKind::Look(Look::End));
        let anything = parts.iter().rposition(is_anything)?;
        let tail = &parts[anything + 1..];
        let HirKind::Literal(begins) = tail.first()?.kind() else {
            return None;
        };
        let mut groups = Vec::new();
        for part in tail {
            find_groups(part, &mut groups);
        }
        if !ends || !wanted.iter().all(|group| groups.contains(group)) {
            return None;
        }
        let nfa = thompson::Compiler::new()
            .configure(
                thompson::Config::new()
                    .utf8(false)
                    .which_captures(WhichCaptures::All),
            )
            .build_from_hir(&Hir::concat(tail.to_vec()))
            .ok()?;
        let engine = BoundedBacktracker::new_from_nfa(nfa).ok()?;
        Some(Self {
            plain: Plain::new(&tail[1..], wanted),
            begins: FinderRev::new(&begins.0).into_owned(),
            slots: engine.get_nfa().group_info().slot_len(),
            engine,
        })
    }

    /// Looks for it from the end of a text that the pattern is known to match.
    pub(super) fn search(
        &self,
        text: &[u8],
        slots: &mut Slots,
        cache: &mut Cache,
    ) -> Option<Found> {
        let mut end = text.len();
        for _ in 0..TRIES {
            let start = self.begins.rfind(&text[..end])?;
            let behind = start + self.begins.needle().len();
            if let (Some(plain), Some(cache)) = (&self.plain, &mut cache.plain)
                && let Some(host) = plain.at(text, behind, cache)
            {
                return Some(Found::Host(host));
            }
            slots.clear();
            slots.resize(self.slots, None);
            let input = Input::new(text).range(start..).anchored(Anchored::Yes);
            match (self.engine).try_search_slots(&mut cache.engine, &input, slots) {
                Ok(Some(_)) => return Some(Found::Groups),
                Ok(None) => {}
                Err(_) => return None,
            }
            end = behind - 1;
        }
        None
    }
}

/// Whether a part is `.*`, in a group or not.
fn is_anything(part: &Hir) -> bool {
    match part.kind() {
        HirKind::Capture(capture) => is_anything(&capture.sub),
        HirKind::Repetition(repetition) => {
            (repetition.min, repetition.max, repetition.greedy) == (0, None, true)
                && matches!(repetition.sub.kind(), HirKind::Class(class) if is_dot(class))
        }
        _ => false,
    }
}

/// Whether a class is every byte but the line break, which no line has.
fn is_dot(class: &Class) -> bool {
    let dot = [
        ClassBytesRange::new(0, b'\n' - 1),
        ClassBytesRange::new(b'\n' + 1, 255),
    ];
    matches!(class, Class::Bytes(class) if class.ranges() == dot)
}

fn find_groups(part: &Hir, groups: &mut Vec<usize>) {
    match part.kind() {
        HirKind::Capture(capture) => {
            groups.extend(usize::try_from(capture.index).ok());
            find_groups(&capture.sub, groups);
        }
        HirKind::Repetition(repetition) => find_groups(&repetition.sub, groups),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            for part in parts {
                find_groups(part, groups);
            }
        }
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {}
    }
}
