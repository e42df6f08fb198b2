//! The named parts of a pattern, and what a match has put into them.

use std::{ops::Range, sync::Arc};

use regex_automata::util::primitives::NonMaxUsize;

use super::fields::{Fields, Value};

/// Where the groups of the last match stand. Two places for each group, that of the whole match
/// first.
pub(super) type Slots = Vec<Option<NonMaxUsize>>;

/// The span of a group of the last match.
pub(super) fn span(slots: &Slots, group: usize) -> Option<Range<usize>> {
    let start = slots.get(group * 2).copied().flatten()?.get();
    let end = slots.get(group * 2 + 1).copied().flatten()?.get();
    Some(start..end)
}

/// The named groups of a pattern.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    pub(super) count: usize,
    /// Each name with the groups that may hold it: the first that took part does.
    names: Vec<(Box<[usize]>, Arc<str>)>,
    /// Groups behind the match that were only looked at: it ends where one of them begins.
    beyond: Box<[usize]>,
    /// `alt_user_1` is `user` where that has no value.
    alternatives: Vec<(Arc<str>, Arc<str>)>,
    /// `tuple_user_1`, `tuple_user_2` together are `user`.
    tuples: Vec<(Arc<str>, Arc<str>)>,
}

impl Groups {
    /// Those of a pattern that names them itself.
    pub(super) fn named<'n>(names: impl Iterator<Item = Option<&'n str>>) -> Self {
        let all: Vec<Option<&str>> = names.collect();
        let count = all.len();
        let known = all.into_iter().enumerate();
        let known = known.filter_map(|(index, name)| Some(([index].into(), name?.into())));
        Self::new(count, known.collect(), Box::default())
    }

    pub(super) fn new(
        count: usize,
        names: Vec<(Box<[usize]>, Arc<str>)>,
        beyond: Box<[usize]>,
    ) -> Self {
        let mut alternatives = Vec::new();
        let mut tuples = Vec::new();
        for (_, name) in names.iter().filter(|(_, name)| name.len() > 4) {
            if let Some(of) = name.strip_prefix(ALTERNATIVE) {
                alternatives.push((Arc::clone(name), of_several(of)));
            } else if let Some(of) = name.strip_prefix(TUPLE) {
                tuples.push((Arc::clone(name), of_several(of)));
            }
        }
        alternatives.sort();
        tuples.sort();
        Self {
            count,
            names,
            beyond,
            alternatives,
            tuples,
        }
    }

    /// The index of a named group, of which there is one.
    pub(super) fn index(&self, name: &str) -> Option<usize> {
        let (index, _) = self.names.iter().find(|(_, known)| **known == *name)?;
        index.first().copied()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = (usize, &Arc<str>)> {
        (self.names.iter()).filter_map(|(index, name)| Some((*index.first()?, name)))
    }

    /// Every group that may hold something named, with the name.
    pub(super) fn holders(&self) -> impl Iterator<Item = (usize, &str)> {
        (self.names.iter())
            .flat_map(|(indexes, name)| indexes.iter().map(move |index| (*index, &**name)))
    }

    /// Whether a name is known.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|(_, known)| **known == *name)
    }

    /// Where the last match stands.
    pub(super) fn whole(&self, slots: &Slots) -> Range<usize> {
        let mut whole = span(slots, 0).unwrap_or_default();
        if let Some(looked) = self.beyond.iter().find_map(|group| span(slots, *group)) {
            whole.end = looked.start;
        }
        whole
    }

    /// Every named group of the last match, those that took no part included.
    pub(super) fn fields(&self, text: &[u8], slots: &Slots) -> Fields {
        let mut fields = Fields::default();
        for (indexes, name) in &self.names {
            let found = indexes.iter().find_map(|index| span(slots, *index));
            let part = found.and_then(|span| text.get(span));
            let value = part.map(|part| Value::Text(String::from_utf8_lossy(part).into_owned()));
            fields.set(name, value);
        }
        for (from, to) in &self.alternatives {
            if let Some(value) = fields.get(from).filter(|value| value.says_something())
                && !fields.has(to)
            {
                let value = value.clone();
                fields.set(to, Some(value));
            }
        }
        for (from, to) in &self.tuples {
            let part = fields.text(from).map(str::to_owned);
            let mut parts = match fields.get(to) {
                Some(Value::Tuple(parts)) => parts.clone(),
                Some(Value::Text(text)) => vec![Some(text.clone())],
                Some(Value::Users(_)) | None => vec![None],
            };
            parts.push(part);
            fields.set(to, Some(Value::Tuple(parts)));
        }
        fields
    }
}

const ALTERNATIVE: &str = "alt_";
const TUPLE: &str = "tuple_";

/// `user_1` and `user` are of `user`. Names with a meaning are those that the tags have.
fn of_several(name: &str) -> Arc<str> {
    let base = match name.rsplit_once('_') {
        Some((base, number))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            base
        }
        _ => name,
    };
    match base.to_lowercase().as_str() {
        "id" => "fid".into(),
        "port" => "fport".into(),
        other => other.into(),
    }
}
