//! Patterns that take time linear in the text, compiled.

use regex_automata::{
    meta::{BuildError, Config, Regex},
    nfa::thompson::WhichCaptures,
};
use regex_syntax::hir::Hir;

use super::ascii::ascii;

/// How much an automaton may hold of what it has learned, in bytes. Several patterns for text with all of
/// Unicode's characters in their classes take so much that with `regex`'s own 2 MB there is no automaton
/// at all, and its slowest engine does it all, at a microsecond for each byte of each line.
const ROOM: usize = 16 << 20;

/// One pattern or several, each twice where they are for text: once more for texts of ASCII, which most
/// are. There it is many times smaller, and so is what its automaton has to learn. It also can tell where
/// words end, which it cannot in other texts.
#[derive(Clone, Debug)]
pub(super) struct Linear {
    ascii: Option<Regex>,
    any: Regex,
}

impl Linear {
    /// Compiles patterns that are for text (`unicode`) or for bytes.
    pub(super) fn new(
        patterns: &[&Hir],
        unicode: bool,
        config: &Config,
    ) -> Result<Self, Box<BuildError>> {
        let build = |config: Config, patterns: &[&Hir]| {
            Regex::builder()
                .configure(config)
                .build_many_from_hir(patterns)
                .map_err(Box::new)
        };
        let small = || {
            let patterns: Vec<Hir> = patterns.iter().map(|pattern| ascii(pattern)).collect();
            let patterns: Vec<&Hir> = patterns.iter().collect();
            build(config.clone(), &patterns)
        };
        Ok(Self {
            ascii: unicode.then(small).transpose()?,
            any: build(config.clone().hybrid_cache_capacity(ROOM), patterns)?,
        })
    }

    /// For whether they match, and which; no groups.
    pub(super) fn without_groups(config: Config) -> Config {
        config.which_captures(WhichCaptures::Implicit)
    }

    /// For any text.
    pub(super) fn any(&self) -> &Regex {
        &self.any
    }

    /// What to search in `text` with.
    pub(super) fn of(&self, text: &[u8]) -> &Regex {
        match &self.ascii {
            Some(regex) if text.is_ascii() => regex,
            _ => &self.any,
        }
    }
}
