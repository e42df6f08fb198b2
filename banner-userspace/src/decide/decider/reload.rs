//! Other rules than before.

use super::{Decider, Decision, Outcome, Rules};
use crate::model::{Ban, JailId};

impl Decider {
    /// Decides by these rules from now on, by [`JailId`]; a jail that is there no more keeps its place, so
    /// that its bans keep its name.
    ///
    /// Bans that are in force stay as long as they were given for and for the ports that they were
    /// given for, also those of jails that are there no more. But what a jail ignores now is banned by
    /// it no more, and a jail that only observes now drops nothing any more; one that did observe drops
    /// those whom it would have dropped.
    pub fn reload(&mut self, rules: Vec<Rules>, history: usize, out: &mut Outcome) {
        self.history.resize(history);
        let changed: Vec<bool> = (rules.iter().zip(&self.rules))
            .map(|(new, old)| new.mode != old.mode || new.ignore != old.ignore)
            .collect();
        self.jails = rules
            .iter()
            .map(|rules| self.history.jail(&rules.jail))
            .collect();
        self.rules = rules;
        if !changed.contains(&true) {
            return;
        }
        let of_changed = |jail: JailId| changed.get(usize::from(jail.0)) == Some(&true);
        let bans = self.bans.from(super::Cursor::default());
        let mut entries: Vec<_> = bans
            .filter(|(ban, _)| ban.jail.is_some_and(of_changed))
            .map(|(ban, _)| ban.entry())
            .collect();
        entries.sort_unstable();
        entries.dedup();
        for entry in entries {
            let before = self.bans.outweighing_on(entry);
            for ban in self.bans.take(entry) {
                let rules = (ban.jail).and_then(|jail| self.rules.get(usize::from(jail.0)));
                let mode = rules.map_or(ban.mode, |rules| rules.mode);
                if rules.is_some_and(|rules| rules.ignore.overlaps(ban.net)) {
                    out.decisions.push(Decision::Lifted(ban));
                } else if self.bans.put(&Ban { mode, ..ban }).is_err() {
                    // It was there before, so there is room for it.
                    out.decisions.push(Decision::Displaced(ban));
                }
            }
            if self.bans.outweighing_on(entry) != before {
                out.changes.push(self.change_for(entry));
            }
        }
    }
}
