//! Where the second part of a pattern matches.

use std::{
    cell::RefCell,
    sync::{Mutex, PoisonError},
};

use regex_automata::{
    Anchored, Input, MatchKind,
    hybrid::dfa::{Cache, DFA},
    nfa::thompson::{self, WhichCaptures},
};
use regex_syntax::hir::Hir;

use super::TooLong;

/// How much an automaton may hold of what it has learned, in bytes. When there is no more room it gives
/// up: a text is then such that each of its bytes is a new case, which costs a microsecond each.
const ROOM: usize = 512 << 10;

thread_local! {
    /// The places that were found last.
    static PLACES: RefCell<Places> = const { RefCell::new(Places(Vec::new())) };
}

/// A set of places in a text.
#[derive(Debug)]
pub(super) struct Places(Vec<u64>);

impl Places {
    pub(super) fn contains(&self, at: usize) -> bool {
        (self.0.get(at / 64)).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn insert(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }
}

/// Finds the places from which a pattern matches up to the end of a text.
#[derive(Debug)]
pub(super) struct Ends {
    automaton: DFA,
    cache: Mutex<Cache>,
}

impl Ends {
    pub(super) fn new(pattern: &Hir, unicode: bool) -> Option<Self> {
        let config = thompson::Config::new()
            .reverse(true)
            .utf8(unicode)
            .which_captures(WhichCaptures::None);
        let nfa = thompson::Compiler::new()
            .configure(config)
            .build_from_hir(pattern)
            .ok()?;
        let config = DFA::config()
            .match_kind(MatchKind::All)
            .unicode_word_boundary(true)
            .cache_capacity(ROOM)
            .skip_cache_capacity_check(true)
            .minimum_cache_clear_count(Some(0));
        let automaton = DFA::builder().configure(config).build_from_nfa(nfa).ok()?;
        Some(Self {
            cache: Mutex::new(automaton.create_cache()),
            automaton,
        })
    }

    /// Calls `then` with the places of `input` from which the pattern matches up to its end.
    pub(super) fn with<T>(
        &self,
        input: &Input<'_>,
        then: impl FnOnce(&Places) -> T,
    ) -> Result<T, TooLong> {
        PLACES.with_borrow_mut(|places| {
            places.0.clear();
            places.0.resize(input.end() / 64 + 1, 0);
            self.find(input, places)?;
            Ok(then(places))
        })
    }

    fn find(&self, input: &Input<'_>, places: &mut Places) -> Result<(), TooLong> {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (automaton, cache) = (&self.automaton, &mut *cache);
        let text = input.haystack();
        let anchored = input.clone().anchored(Anchored::Yes);
        let mut state = automaton
            .start_state_reverse(cache, &anchored)
            .map_err(|_| TooLong)?;
        // A match is told one byte later.
        for at in (input.start()..input.end()).rev() {
            state = automaton
                .next_state(cache, state, text[at])
                .map_err(|_| TooLong)?;
            if state.is_tagged() {
                if state.is_match() {
                    places.insert(at + 1);
                } else if state.is_dead() {
                    return Ok(());
                } else if state.is_quit() {
                    return Err(TooLong);
                }
            }
        }
        let before = input.start().checked_sub(1).map(|at| text[at]);
        let state = match before {
            Some(byte) => automaton.next_state(cache, state, byte),
            None => automaton.next_eoi_state(cache, state),
        };
        let state = state.map_err(|_| TooLong)?;
        if state.is_match() {
            places.insert(input.start());
        }
        if state.is_quit() {
            Err(TooLong)
        } else {
            Ok(())
        }
    }
}
