//! The bans that should be in force.

use std::collections::{BTreeSet, HashMap};

use crate::model::{Ban, Change, Entry, JailId, Mode, Mono, Until};

/// Bans by host. Several jails may ban one host at once; an enforcer is told of the one that
/// [`outweighs`] the others, and of the next when that one ends.
#[derive(Debug)]
pub(super) struct Bans {
    v4: Family,
    v6: Family,
}

#[derive(Debug)]
struct Family {
    capacity: usize,
    hosts: HashMap<Entry, Vec<Ban>>,
    /// Every ban, by its end.
    queue: BTreeSet<(Until, Entry, Option<JailId>)>,
    /// Every host, by the weight of its heaviest ban: the first gives way first.
    weights: BTreeSet<(Weight, Entry)>,
}

/// Dropping weighs more than observing, and a late end more than an early one.
type Weight = (Mode, Until);

/// There is no room for a ban, and none that could be made for it: the family is full of bans
/// without an end, or, for one that only observes, of bans that drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no room for another ban")]
pub struct Full;

/// What putting a ban in came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Put {
    /// What an enforcer has to do, in this order.
    pub(super) changes: Vec<Change>,
    /// Bans that had to make room.
    pub(super) displaced: Vec<Ban>,
}

impl Bans {
    /// At most `capacity` hosts of each family.
    pub(super) fn new(capacity: usize) -> Self {
        let family = || Family {
            capacity,
            hosts: HashMap::new(),
            queue: BTreeSet::new(),
            weights: BTreeSet::new(),
        };
        Self {
            v4: family(),
            v6: family(),
        }
    }

    fn family(&mut self, host: Entry) -> &mut Family {
        if host.net.addr().is_ipv4() {
            &mut self.v4
        } else {
            &mut self.v6
        }
    }

    /// Puts a ban in force. A ban of the same jail on the same host is replaced, but never
    /// shortened. When the family is full, the host with the lightest bans makes room.
    pub(super) fn put(&mut self, ban: Ban) -> Result<Put, Full> {
        self.family(ban.entry()).put(ban)
    }

    /// The ban of one jail on a host.
    pub(super) fn get(&self, host: Entry, jail: Option<JailId>) -> Option<&Ban> {
        let family = if host.net.addr().is_ipv4() {
            &self.v4
        } else {
            &self.v6
        };
        family.hosts.get(&host)?.iter().find(|ban| ban.jail == jail)
    }

    /// Takes out every ban on a host: those, and what an enforcer has to do.
    pub(super) fn remove(&mut self, host: Entry) -> (Vec<Ban>, Option<Change>) {
        let bans = self.family(host).take(host);
        let change = (!bans.is_empty()).then_some(Change::from(host));
        (bans, change)
    }

    /// Takes out a ban that is over, soonest end first: that, and what an enforcer has to do.
    pub(super) fn pop_over(&mut self, now: Mono) -> Option<(Ban, Option<Change>)> {
        self.v4.pop_over(now).or_else(|| self.v6.pop_over(now))
    }

    /// When the next ban ends.
    pub(super) fn next_end(&self) -> Option<Mono> {
        let first = |family: &Family| match family.queue.first() {
            Some(&(Until::At(end), ..)) => Some(end),
            _ => None,
        };
        first(&self.v4).into_iter().chain(first(&self.v6)).min()
    }

    /// Every ban.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Ban> {
        self.v4
            .hosts
            .values()
            .chain(self.v6.hosts.values())
            .flatten()
    }

    /// For each banned host the ban that an enforcer has to know of.
    pub(super) fn outweighing(&self) -> impl Iterator<Item = Ban> {
        self.v4
            .hosts
            .values()
            .chain(self.v6.hosts.values())
            .filter_map(|bans| heaviest(bans))
    }

    /// The same for one host.
    pub(super) fn outweighing_on(&self, host: Entry) -> Option<Ban> {
        let family = if host.net.addr().is_ipv4() {
            &self.v4
        } else {
            &self.v6
        };
        heaviest(family.hosts.get(&host)?)
    }

    /// How many hosts are banned: IPv4, IPv6.
    pub(super) fn hosts(&self) -> (usize, usize) {
        (self.v4.hosts.len(), self.v6.hosts.len())
    }
}

impl Family {
    fn put(&mut self, mut ban: Ban) -> Result<Put, Full> {
        let mut put = Put::default();
        if !self.hosts.contains_key(&ban.entry()) {
            while self.hosts.len() >= self.capacity {
                put.displaced
                    .extend(self.displace(ban.mode, &mut put.changes)?);
            }
        }
        // Most hosts are banned by one jail.
        let bans = (self.hosts.entry(ban.entry())).or_insert_with(|| Vec::with_capacity(1));
        let before = heaviest(bans);
        if let Some(old) = bans.iter_mut().find(|old| old.jail == ban.jail) {
            self.queue.remove(&key(old));
            ban.until = ban.until.max(old.until);
            *old = ban;
        } else {
            bans.push(ban);
        }
        let after = heaviest(bans);
        self.queue.insert(key(&ban));
        self.weigh(ban.entry(), before, after);
        if before != after {
            put.changes.extend(after.map(Change::Set));
        }
        Ok(put)
    }

    /// Takes out the lightest host, for a ban of this mode.
    fn displace(&mut self, newcomer: Mode, changes: &mut Vec<Change>) -> Result<Vec<Ban>, Full> {
        let &((mode, until), host) = self.weights.first().ok_or(Full)?;
        let gives_way = match (mode, newcomer) {
            (Mode::Observe, Mode::Enforce) => true,
            (Mode::Enforce, Mode::Observe) => false,
            _ => until != Until::Forever,
        };
        if !gives_way {
            return Err(Full);
        }
        changes.push(Change::from(host));
        Ok(self.take(host))
    }

    /// Takes out every ban on a host.
    fn take(&mut self, host: Entry) -> Vec<Ban> {
        let bans = self.hosts.remove(&host).unwrap_or_default();
        self.weigh(host, heaviest(&bans), None);
        for ban in &bans {
            self.queue.remove(&key(ban));
        }
        bans
    }

    fn pop_over(&mut self, now: Mono) -> Option<(Ban, Option<Change>)> {
        let &(until, host, jail) = self.queue.first()?;
        if !until.is_over(now) {
            return None;
        }
        self.queue.pop_first();
        let bans = self.hosts.get_mut(&host)?;
        let before = heaviest(bans);
        let place = bans.iter().position(|ban| ban.jail == jail)?;
        let over = bans.swap_remove(place);
        let after = heaviest(bans);
        if after.is_none() {
            self.hosts.remove(&host);
        }
        self.weigh(host, before, after);
        let change = match after {
            None => Some(Change::from(host)),
            Some(ban) => (before != after).then_some(Change::Set(ban)),
        };
        Some((over, change))
    }

    /// Keeps [`Family::weights`] true.
    fn weigh(&mut self, host: Entry, before: Option<Ban>, after: Option<Ban>) {
        if let Some(ban) = before {
            self.weights.remove(&(weight(&ban), host));
        }
        if let Some(ban) = after {
            self.weights.insert((weight(&ban), host));
        }
    }
}

fn key(ban: &Ban) -> (Until, Entry, Option<JailId>) {
    (ban.until, ban.entry(), ban.jail)
}

fn weight(ban: &Ban) -> Weight {
    (ban.mode, ban.until)
}

/// The ban that decides what happens to packets.
fn heaviest(bans: &[Ban]) -> Option<Ban> {
    bans.iter().copied().max_by_key(weight)
}

#[cfg(test)]
mod tests;
