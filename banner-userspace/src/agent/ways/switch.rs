//! Which ways are in use.

use tracing::{error, info, warn};

use super::{Around, Ways, enforcer};
use crate::{
    agent::again::Again,
    enforce::left,
    model::{Ban, Change, Entry, PortSets, Way},
};

impl Ways {
    /// Takes the best ways that work. One that comes into use has all bans before another goes out of
    /// use. `xdp_problem`: why XDP does not see all packets.
    pub(in crate::agent) fn rearrange(
        &mut self,
        around: &mut Around<'_>,
        xdp_problem: Option<&str>,
    ) {
        // As often as a way that was filled turns out not to take bans, the next one is tried.
        for _ in 0..=self.each.len() {
            let used = self.best(around, xdp_problem);
            if self.fill(&used, around) {
                self.settle(used, around);
                break;
            }
        }
        let again = self
            .each
            .iter()
            .filter(|each| each.why_not.is_some() && !each.released);
        let again = again.filter_map(|each| each.again).map(Again::at);
        self.plan(again.min());
    }

    /// For each list the ways to use.
    fn best(&mut self, around: &mut Around<'_>, xdp_problem: Option<&str>) -> Vec<Vec<usize>> {
        let mut all = Vec::new();
        for chain in self.chains.clone() {
            let mut used = Vec::new();
            for way in chain {
                if self.each[way].is_xdp() {
                    if around.xdp.is_some() {
                        used.push(way);
                        if self.xdp_works(way, around, xdp_problem) {
                            break;
                        }
                    }
                } else if self.ready(way, around) {
                    used.push(way);
                    break;
                }
            }
            all.push(used);
        }
        all
    }

    fn xdp_works(&mut self, way: usize, around: &mut Around<'_>, problem: Option<&str>) -> bool {
        let now = around.now.mono;
        let each = &mut self.each[way];
        if let Some(problem) = problem {
            // Interfaces are looked at in their own time.
            each.why_not = Some(problem.to_owned());
            each.again = None;
            return false;
        }
        if each.why_not.is_some() && !each.is_due(now) {
            return false;
        }
        if each.why_not.is_some() && each.again.is_some() {
            // It refused changes: it has to take all that there are.
            let changes = self.all(way, &self.used, around);
            let each = &mut self.each[way];
            let taken = enforcer(each, around.xdp).map(|xdp| xdp.apply(&changes, around.now));
            if let Some(Err(failed)) = taken {
                let why = failed.first().map(|failed| failed.why.clone());
                each.give_up(why.unwrap_or_default(), now);
                return false;
            }
        }
        let each = &mut self.each[way];
        // Attempts that failed go on to be counted while it is not given up.
        if each.why_not.is_some() {
            each.works();
        }
        true
    }

    /// Whether a way other than XDP can take bans; makes what they need, if it is time to try.
    pub(super) fn ready(&mut self, way: usize, around: &mut Around<'_>) -> bool {
        let each = &mut self.each[way];
        if each.is_xdp() || each.released {
            return false;
        }
        if each.open && each.why_not.is_none() {
            return true;
        }
        if !each.is_due(around.now.mono) {
            return false;
        }
        each.open = false;
        let Some(enforcer) = each.enforcer.as_deref_mut() else {
            return false;
        };
        let mut ports = around.ports.clone();
        let opened = (enforcer.set_never(around.never))
            .and_then(|()| enforcer.set_ports(&mut ports))
            .and_then(|()| enforcer.open());
        each.repair.glance = enforcer.glance();
        match opened {
            Ok(()) => {
                each.works();
                each.open = true;
                each.there = true;
                each.repair.plan(around.now.mono);
                let added = left::add(&self.state_dir, &self.each[way].way);
                self.each[way].repair.listed = added.is_ok();
                if let Err(error) = added {
                    warn!("{error}; banner detach will not know of what is there");
                }
                true
            }
            Err(error) => {
                let why = error.to_string();
                if each.why_not.as_ref() != Some(&why) {
                    error!("{}: {why}", each.name());
                }
                each.give_up(why, around.now.mono);
                false
            }
        }
    }

    /// Puts all bans into the ways that come into use; false: one of them does not take them.
    fn fill(&mut self, used: &[Vec<usize>], around: &mut Around<'_>) -> bool {
        for way in 0..self.each.len() {
            let each = &self.each[way];
            let comes =
                |(new, old): (&Vec<usize>, &Vec<usize>)| new.contains(&way) && !old.contains(&way);
            if !used.iter().zip(&self.used).any(comes) || each.is_xdp() && each.open {
                continue;
            }
            let changes = self.all(way, used, around);
            let each = &mut self.each[way];
            each.repair.touch(&changes);
            let taken =
                enforcer(each, around.xdp).map(|enforcer| enforcer.apply(&changes, around.now));
            if let Some(Err(failed)) = taken {
                let first = failed
                    .first()
                    .map(|failed| failed.why.clone())
                    .unwrap_or_default();
                if failed.len() == changes.len() && !each.is_xdp() {
                    error!("{}: takes no bans: {first}", each.name());
                    each.give_up(first, around.now.mono);
                    return false;
                }
                error!(
                    "{}: {} bans are not in force: {first}",
                    each.name(),
                    failed.len()
                );
            }
            self.each[way].open = true;
        }
        true
    }

    /// All that a way which is among these has to have.
    pub(super) fn all(&self, way: usize, used: &[Vec<usize>], around: &Around<'_>) -> Vec<Change> {
        let of_way = |ban: &Ban| used[self.chain_of(ban.jail)].contains(&way);
        let mut heaviest: std::collections::HashMap<Entry, Ban> = std::collections::HashMap::new();
        for (ban, _) in around.decider.bans_from(crate::decide::Cursor::default()) {
            if of_way(&ban) {
                let known = heaviest.entry(ban.entry()).or_insert(ban);
                if (ban.mode, ban.until) > (known.mode, known.until) {
                    *known = ban;
                }
            }
        }
        heaviest.into_values().map(Change::Set).collect()
    }

    /// These ways are in use from now on; what others have is taken away.
    fn settle(&mut self, used: Vec<Vec<usize>>, around: &mut Around<'_>) {
        let bans = around.decider.len();
        for (new, old) in used.iter().zip(&self.used) {
            let name = |used: &Vec<usize>| used.last().map(|way| self.each[*way].name().to_owned());
            match (name(old), name(new)) {
                (Some(old), Some(new)) if old != new => {
                    let why = self.each.iter().find(|each| each.name() == old);
                    if let Some(why) = why.and_then(|each| each.why_not.as_deref()) {
                        warn!("{new} takes over {bans} bans from {old}: {why}");
                    } else {
                        info!("{new} has {bans} bans again, and {old} gives them up");
                    }
                }
                (None, Some(name)) if new.len() == 1 && self.each[new[0]].is_xdp() => {
                    info!("bans go to {name}");
                }
                (None, Some(name)) => info!("bans go to {name}, the best way that works"),
                (Some(_), None) => error!("no way to drop packets works: bans are NOT in force"),
                _ => {}
            }
        }
        self.used = used;
        let in_use = self.in_use();
        for way in 0..self.each.len() {
            let each = &mut self.each[way];
            if each.is_xdp() || in_use.contains(&way) || !each.there {
                continue;
            }
            if each.why_not.is_none() && !each.spilled.is_empty() {
                continue;
            }
            each.open = false;
            each.there = false;
            each.spilled.clear();
            each.repair.stop();
            if each.released {
                continue;
            }
            let removed = each
                .enforcer
                .as_deref_mut()
                .map(crate::enforce::Enforcer::remove);
            match removed {
                Some(Err(error)) => {
                    warn!("{}: cannot be taken away: {error}", each.name());
                }
                _ => forget(&self.state_dir, &each.way),
            }
        }
    }

    /// The bans are in XDP already.
    pub(in crate::agent) fn xdp_is_filled(&mut self) {
        for each in self.each.iter_mut().filter(|each| each.is_xdp()) {
            each.open = true;
        }
    }

    /// What is never dropped, in every way that is in use but XDP.
    pub(in crate::agent) fn set_never(&mut self, around: &mut Around<'_>) -> Result<(), String> {
        let mut outcome = Ok(());
        for each in self
            .each
            .iter_mut()
            .filter(|each| each.open && !each.released)
        {
            if let Some(enforcer) = &mut each.enforcer {
                let told = enforcer.set_never(around.never);
                each.repair.glance = enforcer.glance();
                if let Err(error) = told {
                    outcome = Err(format!("{}: {error}", each.name()));
                }
            }
        }
        outcome
    }

    /// The jails are these from now on, by their numbers; one that is new has the ways of the main file.
    pub(in crate::agent) fn set_jails(&mut self, jails: &[String]) {
        for enforcer in self
            .each
            .iter_mut()
            .filter_map(|each| each.enforcer.as_mut())
        {
            enforcer.set_jails(jails);
        }
    }

    /// What the numbers of sets of ports stand for.
    pub(in crate::agent) fn set_ports(&mut self, ports: &PortSets) -> Result<(), String> {
        for each in self
            .each
            .iter_mut()
            .filter(|each| each.open && !each.released)
        {
            if let Some(enforcer) = &mut each.enforcer {
                let told = enforcer.set_ports(&mut ports.clone());
                each.repair.glance = enforcer.glance();
                told.map_err(|error| format!("{}: {error}", each.name()))?;
            }
        }
        Ok(())
    }

    /// Something is to be done then.
    pub(super) fn plan(&mut self, at: Option<crate::model::Mono>) {
        let all = [self.at, at];
        self.at = all.into_iter().flatten().min();
    }

    /// What an agent before this one has left in ways other than XDP, and what its sets of ports are.
    /// Ways that the configuration does not name any more come last, to be taken away.
    pub(in crate::agent) fn found(
        &mut self,
        ports: &mut PortSets,
        jails: &[String],
        now: crate::model::Now,
    ) -> Vec<Ban> {
        for way in left::load(&self.state_dir) {
            if way != Way::Xdp && !self.each.iter().any(|each| each.way == way) {
                self.each.push(super::Each::new(way, jails));
            }
        }
        let listed = left::load(&self.state_dir);
        let mut bans = Vec::new();
        for each in &mut self.each {
            // Commands cannot be asked.
            if matches!(each.way, Way::Command(_)) && !listed.contains(&each.way) {
                continue;
            }
            let Some(enforcer) = &mut each.enforcer else {
                continue;
            };
            let found = match enforcer.look() {
                Ok(false) => continue,
                Ok(true) => (enforcer.set_ports(ports).map_err(anyhow::Error::from))
                    .and_then(|()| enforcer.in_force(now)),
                Err(error) => Err(error.into()),
            };
            // It goes on to be used, or is taken away when another has the bans.
            each.there = true;
            match found {
                Ok(found) => {
                    info!(
                        "{}: {} bans of an earlier agent",
                        each.way.name(),
                        found.len()
                    );
                    bans.extend(found);
                }
                Err(error) => {
                    each.there = false;
                    warn!("{}: {error}", each.way.name());
                }
            }
        }
        bans
    }
}

fn forget(state_dir: &std::path::Path, way: &Way) {
    if let Err(error) = left::forget(state_dir, way) {
        warn!("{error}");
    }
}
