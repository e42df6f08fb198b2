//! What follows a decision once it is in force, in this order: it is counted and said, kept, and told to
//! those who asked to be told. Nothing here waits, so that nothing here delays the next ban.

use std::collections::HashSet;

use super::{
    report::{self, Names},
    run::Running,
};
use crate::{
    decide::Decision,
    model::{Entry, Now},
};

impl Running {
    /// Takes note of what was decided. `failed`: what could not be put into force yet.
    pub(super) fn after(&mut self, decisions: &[Decision], failed: &HashSet<Entry>, now: Now) {
        for decision in decisions {
            match decision {
                Decision::Spared { jail, .. } => self.spared[usize::from(jail.0)] += 1,
                Decision::Ban {
                    ban, again: false, ..
                } => {
                    let jail = ban.jail.map(|jail| usize::from(jail.0));
                    if let Some(begun) = jail.and_then(|jail| self.begun.get_mut(jail)) {
                        *begun += 1;
                    }
                }
                Decision::Displaced(_) | Decision::Refused(_) => self.displaced += 1,
                _ => {}
            }
        }
        self.reasons.note(decisions, now);
        report::decisions(decisions, failed, self.agent.names(), now.mono);
        let agent = &mut self.agent;
        let names = Names {
            jails: &agent.config.jails,
            ports: &agent.ports,
        };
        agent.keeper.note(decisions, &agent.decider, names, now);
        let teller = &self.agent.teller;
        teller.decisions(decisions, failed, self.agent.names(), now);
        let ends = decisions.iter().any(|decision| {
            use Decision::{Displaced, Lifted, Over};
            matches!(decision, Over(_) | Lifted(_) | Displaced(_))
        });
        if ends {
            self.release_forced(now);
        }
    }
}
