//! One way to drop packets, over time.

use std::collections::HashSet;

use super::state::Repair;
use crate::{
    agent::again::Again,
    enforce::{Enforcer, build},
    model::{Entry, Mono, Way},
};

/// So many attempts in a row that put nothing into force are enough to give a way up.
const ATTEMPTS: u32 = 3;

/// One way, and how it does.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) way: Way,
    /// None for XDP, which the agent has.
    pub(super) enforcer: Option<Box<dyn Enforcer>>,
    /// What bans need is there, and so are the bans that belong into it.
    pub(super) open: bool,
    /// Something of it may be there, to be taken away when it is not used.
    pub(super) there: bool,
    /// Why it cannot be used, or not for all.
    pub(super) why_not: Option<String>,
    /// When it is tried again.
    pub(super) again: Option<Again>,
    /// Attempts in a row that put nothing into force.
    failures: u32,
    /// Bans that the way before it has no room for.
    pub(super) spilled: HashSet<Entry>,
    pub(super) repair: Repair,
    /// Somebody has taken it away with `banner detach`: it stays away.
    pub(super) released: bool,
}

impl Each {
    pub(super) fn new(way: Way, jails: &[String]) -> Self {
        Self {
            enforcer: build(&way, jails),
            way,
            open: false,
            there: false,
            why_not: None,
            again: None,
            failures: 0,
            spilled: HashSet::new(),
            repair: Repair::default(),
            released: false,
        }
    }

    pub(super) fn is_xdp(&self) -> bool {
        self.way == Way::Xdp
    }

    pub(super) fn name(&self) -> &str {
        self.way.name()
    }

    /// An attempt put something into force, or all that there was.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// An attempt put nothing into force; whether it is to be given up now.
    pub(super) fn failed(&mut self, why: &str, now: Mono) -> bool {
        self.failures += 1;
        if self.failures < ATTEMPTS {
            return false;
        }
        self.give_up(why.to_owned(), now);
        true
    }

    /// It cannot be used; it is tried again later.
    pub(super) fn give_up(&mut self, why: String, now: Mono) {
        self.failures = 0;
        self.why_not = Some(why);
        self.again = Some(Again::after(self.again, now));
    }

    /// It can be used.
    pub(super) fn works(&mut self) {
        self.failures = 0;
        self.why_not = None;
        self.again = None;
    }

    /// Whether it is time to try it.
    pub(super) fn is_due(&self, now: Mono) -> bool {
        self.again.is_none_or(|again| again.is_due(now))
    }
}
