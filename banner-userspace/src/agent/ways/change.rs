//! Changes go to the ways in use, and what finds no place there to the next.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tracing::{error, warn};

use super::{Around, Ways, enforcer};
use crate::{
    decide::{Decision, Outcome},
    enforce::Failed,
    model::{Change, Entry},
};

impl Ways {
    /// Puts changes into force; those that are not, and whether a way was given up over it.
    pub(in crate::agent) fn apply(
        &mut self,
        out: &Outcome,
        around: &mut Around<'_>,
    ) -> (Vec<Failed>, bool) {
        let entries = self.entries(out);
        let mut failed: BTreeMap<Entry, Failed> = BTreeMap::new();
        let mut given_up = false;
        for way in self.in_use() {
            let changes: Vec<Change> = if self.chains.len() == 1 {
                out.changes.clone()
            } else {
                let wanted = |entry| self.wanted(way, &self.used, entry, around.decider);
                entries.iter().copied().map(wanted).collect()
            };
            let (refused, up) = self.apply_to(way, &changes, around);
            given_up |= up;
            for failure in refused {
                let entry = failure.change.entry();
                let chain = self.chain_of_change(&failure.change);
                // What one that does not see all packets has not, the last one has.
                if self.used[chain].last() == Some(&way)
                    || matches!(failure.change, Change::Clear { .. })
                {
                    failed.insert(entry, failure);
                }
            }
        }
        self.nobody(out, &mut failed);
        self.spill(out, &entries, &mut failed, around);
        (failed.into_values().collect(), given_up)
    }

    /// Where nothing works, nothing is in force.
    fn nobody(&self, out: &Outcome, failed: &mut BTreeMap<Entry, Failed>) {
        for change in &out.changes {
            if self.used[self.chain_of_change(change)].is_empty()
                && matches!(change, Change::Set(_))
            {
                let why = "no way to drop packets works".to_owned();
                let change = *change;
                failed.insert(change.entry(), Failed { change, why });
            }
        }
    }

    /// The entries that changes and decisions are about: where jails have ways of their own, the end
    /// of a ban that another outweighs matters, too.
    fn entries(&self, out: &Outcome) -> BTreeSet<Entry> {
        if self.chains.len() == 1 {
            return BTreeSet::new();
        }
        let decided = out.decisions.iter().filter_map(|decision| match decision {
            Decision::Over(ban) | Decision::Lifted(ban) | Decision::Displaced(ban) => {
                Some(ban.entry())
            }
            _ => None,
        });
        out.changes
            .iter()
            .map(Change::entry)
            .chain(decided)
            .collect()
    }

    /// Tells one way; what it refuses, and whether it was given up over it.
    pub(super) fn apply_to(
        &mut self,
        way: usize,
        changes: &[Change],
        around: &mut Around<'_>,
    ) -> (Vec<Failed>, bool) {
        let each = &mut self.each[way];
        if changes.is_empty() || each.released {
            return (Vec::new(), false);
        }
        each.repair.touch(changes);
        let known = each.repair.glance.take();
        let Some(enforcer) = enforcer(each, around.xdp) else {
            return (Vec::new(), false);
        };
        // So that what others have done before is not taken for the agent's work.
        let others = known.is_some() && enforcer.glance() != known;
        let failed = enforcer
            .apply(changes, around.now)
            .err()
            .unwrap_or_default();
        let glance = enforcer.glance();
        each.repair.glance = glance;
        if others {
            each.repair.hurry(around.now.mono);
            self.plan_repair();
        }
        let each = &mut self.each[way];
        if failed.len() < changes.len() {
            each.succeeded();
            return (failed, false);
        }
        let why = failed
            .first()
            .map_or_else(String::new, |failed| failed.why.clone());
        let was_open = each.why_not.is_none();
        let given_up = each.failed(&why, around.now.mono) && was_open;
        if given_up {
            error!("{}: given up, {why}", each.name());
        }
        (failed, given_up)
    }

    /// What a way has taken, and another has only because it did not before, leaves that.
    pub(super) fn unspill(
        &mut self,
        way: usize,
        told: impl Iterator<Item = Entry>,
        refused: &HashSet<Entry>,
        around: &mut Around<'_>,
    ) {
        let taken: Vec<Entry> = told.filter(|entry| !refused.contains(entry)).collect();
        for other in (0..self.each.len()).filter(|other| *other != way) {
            let spilled = &mut self.each[other].spilled;
            let back = taken.iter().filter(|entry| spilled.remove(*entry));
            let back: Vec<Change> = back.map(|entry| Change::from(*entry)).collect();
            if !self.in_use().contains(&other) {
                self.apply_to(other, &back, around);
            }
        }
    }

    /// Bans that the way in use refuses go to the next one; what is in force in the way in use again
    /// leaves that.
    fn spill(
        &mut self,
        out: &Outcome,
        entries: &BTreeSet<Entry>,
        failed: &mut BTreeMap<Entry, Failed>,
        around: &mut Around<'_>,
    ) {
        let told = out
            .changes
            .iter()
            .map(Change::entry)
            .chain(entries.iter().copied());
        let told: Vec<Entry> = told.filter(|entry| !failed.contains_key(entry)).collect();
        for way in 0..self.each.len() {
            let spilled = &mut self.each[way].spilled;
            if spilled.is_empty() {
                continue;
            }
            let back: Vec<Change> = told
                .iter()
                .filter(|entry| spilled.remove(*entry))
                .map(|entry| Change::from(*entry))
                .collect();
            let in_use = self.in_use().contains(&way);
            if !in_use {
                self.apply_to(way, &back, around);
            }
        }
        for chain in 0..self.chains.len() {
            let Some(&main) = self.used[chain].last() else {
                continue;
            };
            let at = self.chains[chain].iter().position(|way| *way == main);
            let next = self.chains[chain][at.map_or(0, |at| at + 1)..].to_vec();
            for way in next {
                let changes: Vec<Change> = failed
                    .values()
                    .map(|failed| failed.change)
                    .filter(|change| {
                        matches!(change, Change::Set(_)) && self.chain_of_change(change) == chain
                    })
                    .collect();
                if changes.is_empty() || !self.ready(way, around) {
                    continue;
                }
                let (refused, _) = self.apply_to(way, &changes, around);
                let refused: BTreeSet<Entry> =
                    refused.iter().map(|failed| failed.change.entry()).collect();
                let mut count = 0;
                for change in changes {
                    let entry = change.entry();
                    if !refused.contains(&entry) {
                        failed.remove(&entry);
                        count += usize::from(self.each[way].spilled.insert(entry));
                    }
                }
                if count > 0 {
                    let (name, main) = (self.each[way].name(), self.each[main].name());
                    warn!("{count} bans that {main} did not take are in {name}");
                }
            }
        }
    }
}
