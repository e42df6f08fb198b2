//! What is in force is compared with what should be, and put right.
//!
//! A thread of its own finds out what is in force; the comparison is made in slices, between which logs
//! are read. What the agent itself changes meanwhile is left out of it.

use std::{collections::HashSet, time::Duration};

use tracing::{error, info, warn};

use super::{
    Around, Ways, enforcer,
    lasts::{TOLERANCE, is_put_off, lasts},
    state::{Answer, Comparison},
};
use crate::{
    agent::clock,
    decide::Cursor,
    enforce::{EnforceError, Noticed, left},
    model::{Change, Entry, Mode, Mono, Until, Way},
};

/// How many bans are compared, or put back, at once.
const SLICE: usize = 20_000;

/// By how much an end is put off before it is worth a word to the store.
const NEWS: Duration = Duration::from_secs(10);

/// How often an answer that the agent's own work came between is asked for again.
const DOUBTS: u32 = 3;

/// How many times as long as an inquiry took nobody but time has another one made.
const REST: u32 = 2;

/// How long others may go on changing before it is looked at.
const SETTLE: Duration = Duration::from_millis(50);

/// When what was put right is looked at again: what others do while it is put right, no glance tells from
/// the agent's own work.
const AGAIN: Duration = Duration::from_millis(500);

impl Ways {
    /// Somebody has done something to tables of nftables.
    pub(in crate::agent) fn noticed(&mut self, noticed: Noticed, now: Mono) {
        for each in &mut self.each {
            let is_meant = match each.way {
                Way::Nftables(_) => noticed.table,
                Way::Iptables(_) => noticed.filter,
                _ => false,
            };
            if is_meant && each.open {
                each.repair.hurry(now.after(SETTLE));
            }
        }
        self.plan_repair();
    }

    /// The port of the socket by which bans go into nftables.
    pub(in crate::agent) fn nftables_port(&self) -> Option<u32> {
        let mut all = self.each.iter().filter_map(|each| each.enforcer.as_ref());
        all.find_map(|enforcer| enforcer.port())
    }

    /// Bans of XDP are looked at from now on, too.
    pub(in crate::agent) fn begin_repair(&mut self, now: Mono) {
        for each in &mut self.each {
            if each.open {
                each.repair.plan(now.after(Duration::from_secs(30)));
            }
        }
        self.plan_repair();
    }

    pub(super) fn plan_repair(&mut self) {
        let next = self.each.iter().filter_map(|each| {
            let busy = each.repair.comparison.as_ref().map(|_| Mono(0));
            busy.or(each.repair.at.filter(|_| !each.repair.asked))
        });
        self.plan(next.min());
    }

    /// Does what is due: asks, compares a slice, puts a slice right. Whether a way does not work any
    /// more.
    pub(in crate::agent) fn repair(&mut self, around: &mut Around<'_>) -> bool {
        let now = around.now.mono;
        let mut broken = false;
        for way in 0..self.each.len() {
            if self.each[way].repair.comparison.is_some() {
                self.compare(way, around);
            } else if self.each[way].repair.at.is_some_and(|at| at <= now)
                && !self.each[way].repair.asked
            {
                broken |= self.ask(way, around);
            }
        }
        self.plan_repair();
        broken
    }

    fn ask(&mut self, way: usize, around: &mut Around<'_>) -> bool {
        let each = &mut self.each[way];
        each.repair.at = None;
        if !each.open || each.released {
            return false;
        }
        let is_listed = left::is_listed(&self.state_dir, &each.way);
        if !each.is_xdp() && (!each.repair.listed || is_listed.is_none()) {
            // Not because somebody has taken it away: it could not be written down.
            each.repair.listed = left::add(&self.state_dir, &each.way).is_ok();
        } else if !each.is_xdp() && is_listed == Some(false) {
            info!("{}: taken away by banner detach, and left so", each.name());
            each.released = true;
            each.why_not = Some("taken away by banner detach; start the agent again".into());
            return true;
        }
        if around
            .xdp
            .as_ref()
            .is_some_and(|xdp| each.is_xdp() && xdp.is_unpinned())
        {
            return false;
        }
        let Some(enforcer) = enforcer(each, around.xdp) else {
            return false;
        };
        let (inquiry, patience) = (enforcer.inquire(), enforcer.patience());
        each.repair.plan(around.now.mono.after(patience));
        each.repair.asked = true;
        each.repair.touched.clear();
        let (answers, asked) = (self.answers.clone(), around.now.mono);
        tokio::task::spawn_blocking(move || {
            let found = inquiry();
            let took = clock::now().mono.since(asked);
            let _ = answers.send(Answer {
                way,
                asked,
                took,
                found,
            });
        });
        false
    }

    /// Takes an answer. Whether a way does not work any more.
    pub(in crate::agent) fn answered(&mut self, answer: Answer, around: &mut Around<'_>) -> bool {
        let Answer {
            way,
            asked,
            took,
            found,
        } = answer;
        let each = &mut self.each[way];
        each.repair.asked = false;
        each.repair.not_before = around.now.mono.after(took * REST);
        let name = each.way.name().to_owned();
        if !each.open || each.released {
            return false;
        }
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                let gone = each.failed(&error.to_string(), around.now.mono)
                    || matches!(error, EnforceError::Foreign { .. });
                error!("{name}: cannot find out what is in force: {error}");
                if gone {
                    each.give_up(error.to_string(), around.now.mono);
                }
                self.plan_repair();
                return gone;
            }
        };
        if let Some(broken) = &found.broken {
            // It may be the agent's own work that came between.
            if !each.repair.touched.is_empty() && each.repair.doubts < DOUBTS {
                each.repair.doubts += 1;
                each.repair.plan(around.now.mono);
                self.plan_repair();
                return false;
            }
            each.repair.doubts = 0;
            each.repair.rebuilt += 1;
            let Some(enforcer) = enforcer(each, around.xdp) else {
                return false;
            };
            let opened = enforcer.open();
            let glance = enforcer.glance();
            each.repair.glance = glance;
            if let Err(error) = opened {
                error!("{name}: {broken}, and cannot be put back: {error}");
                each.give_up(error.to_string(), around.now.mono);
                self.plan_repair();
                return true;
            }
            warn!("{name}: {broken}; it is put back");
            each.repair.hurry(around.now.mono.after(AGAIN));
        }
        each.repair.comparison = Some(Comparison {
            asked,
            seen: vec![false; found.held.len()],
            held: found.held,
            at: Cursor::default(),
            missing: 0,
            failed: 0,
            strange: found.strange,
            changes: Vec::new(),
            compared: false,
        });
        self.compare(way, around);
        self.plan_repair();
        false
    }

    /// Compares a slice, or puts a slice right.
    fn compare(&mut self, way: usize, around: &mut Around<'_>) {
        let Some(mut comparison) = self.each[way].repair.comparison.take() else {
            return;
        };
        if !comparison.compared {
            self.look_for_missing(way, &mut comparison, around);
        }
        if comparison.compared {
            let slice = comparison.changes.len().saturating_sub(SLICE);
            let mut now = comparison.changes.split_off(slice);
            // What was changed meanwhile is as it should be.
            let touched = &self.each[way].repair.touched;
            now.retain(|change| !touched.contains(&change.entry()));
            let (failed, _) = self.apply_to(way, &now, around);
            comparison.failed += failed.len();
            let refused: HashSet<Entry> =
                failed.iter().map(|failed| failed.change.entry()).collect();
            self.unspill(way, now.iter().map(Change::entry), &refused, around);
            if let Some(failed) = failed.first().filter(|_| comparison.missing > 0) {
                error!("{}: cannot be put right: {failed}", self.each[way].name());
            }
            if comparison.changes.is_empty() {
                self.conclude(way, &comparison, around.now.mono);
                return;
            }
        }
        self.each[way].repair.comparison = Some(comparison);
    }

    fn look_for_missing(&mut self, way: usize, comparison: &mut Comparison, around: &Around<'_>) {
        let mut any = false;
        for (ban, behind) in around.decider.bans_from(comparison.at).take(SLICE) {
            comparison.at = behind;
            any = true;
            let entry = ban.entry();
            let place = comparison
                .held
                .binary_search_by_key(&entry, |held| held.entry);
            if let Ok(place) = place {
                comparison.seen[place] = true;
            }
            if self.each[way].repair.touched.contains(&entry) {
                continue;
            }
            let Change::Set(wanted) = self.should_be(way, entry, around) else {
                if let Ok(place) = place {
                    comparison.seen[place] = false;
                }
                continue;
            };
            let left = match wanted.until {
                Until::Forever => None,
                Until::At(end) => Some(end.since(comparison.asked)),
            };
            if let (Ok(place), Some(end)) = (place, left) {
                let later = comparison.held[place]
                    .left
                    .filter(|held| *held > end + NEWS);
                let end = later.map(|held| Until::At(comparison.asked.after(held)));
                let renews = ban.quiet.is_some() && self.each[way].is_xdp();
                self.renewed
                    .extend(end.filter(|_| renews).map(|end| (ban, end)));
            }
            // The kernel ends it without us.
            if left.is_some_and(|left| left < TOLERANCE) {
                continue;
            }
            let is_right = place.is_ok_and(|place| {
                let held = comparison.held[place].left;
                let quiet = wanted.quiet.filter(|_| self.each[way].is_xdp());
                !self.has_ends(way)
                    || lasts(held, left, self.longest(way))
                    || quiet.is_some_and(|quiet| is_put_off(held, left, quiet))
            });
            if !is_right {
                comparison.changes.push(Change::Set(wanted));
            }
        }
        if any {
            return;
        }
        comparison.compared = true;
        // Several jails may have banned one.
        comparison.changes.sort_unstable_by_key(Change::entry);
        comparison.changes.dedup_by_key(|change| change.entry());
        // What another has instead was not taken away by anybody.
        let spilled = |change: &&Change| {
            let entry = change.entry();
            let mut others = self.each.iter().enumerate();
            others.any(|(other, each)| other != way && each.spilled.contains(&entry))
        };
        comparison.missing = comparison
            .changes
            .iter()
            .filter(|change| !spilled(change))
            .count();
        let held = std::mem::take(&mut comparison.held);
        for (held, seen) in held.into_iter().zip(&comparison.seen) {
            let entry = held.entry;
            if *seen || self.each[way].repair.touched.contains(&entry) {
                continue;
            }
            if held.left.is_some_and(|left| left < TOLERANCE) {
                continue;
            }
            if matches!(self.should_be(way, entry, around), Change::Clear { .. }) {
                comparison.strange += 1;
                comparison.changes.push(entry.into());
            }
        }
    }

    fn has_ends(&self, way: usize) -> bool {
        let enforcer = self.each[way].enforcer.as_ref();
        enforcer.is_none_or(|enforcer| enforcer.has_ends())
    }

    fn longest(&self, way: usize) -> Option<Duration> {
        self.each[way].enforcer.as_ref()?.longest()
    }

    /// What a way has to have of an entry.
    pub(super) fn should_be(&self, way: usize, entry: Entry, around: &Around<'_>) -> Change {
        let each = &self.each[way];
        let wanted = if self.used.iter().any(|used| used.contains(&way)) {
            self.wanted(way, &self.used, entry, around.decider)
        } else if each.spilled.contains(&entry) {
            around.decider.change_for(entry)
        } else {
            entry.into()
        };
        match wanted {
            // Ways other than XDP count nothing, so that there is nothing to observe.
            Change::Set(ban) if ban.mode == Mode::Observe && !each.is_xdp() => entry.into(),
            wanted => wanted,
        }
    }

    fn conclude(&mut self, way: usize, comparison: &Comparison, now: Mono) {
        let each = &mut self.each[way];
        let missing = comparison.missing.saturating_sub(comparison.failed);
        let strange = comparison.strange;
        each.repair.restored += missing as u64;
        each.repair.strange += strange as u64;
        if missing > 0 || strange > 0 {
            each.repair.hurry(now.after(AGAIN));
        }
        let name = each.way.name();
        if missing > 0 {
            warn!("{name}: {missing} bans were missing or changed, and are put back");
        }
        if strange > 0 {
            warn!(
                "{name}: {strange} bans that banner had not made are taken away; banner ban makes \
                 bans that stay"
            );
        }
        each.repair.touched.clear();
    }
}
