//! The bans that should be in force.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use crate::model::{Ban, Change, JailId, Mode, Mono, Until};

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
    hosts: HashMap<IpAddr, Vec<Ban>>,
    /// Every ban, by its end.
    queue: BTreeSet<(Until, IpAddr, Option<JailId>)>,
    /// Every host, by the weight of its heaviest ban: the first gives way first.
    weights: BTreeSet<(Weight, IpAddr)>,
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

    fn family(&mut self, host: IpAddr) -> &mut Family {
        if host.is_ipv4() {
            &mut self.v4
        } else {
            &mut self.v6
        }
    }

    /// Puts a ban in force. A ban of the same jail on the same host is replaced, but never
    /// shortened. When the family is full, the host with the lightest bans makes room.
    pub(super) fn put(&mut self, ban: Ban) -> Result<Put, Full> {
        self.family(ban.host).put(ban)
    }

    /// The ban of one jail on a host.
    pub(super) fn get(&self, host: IpAddr, jail: Option<JailId>) -> Option<&Ban> {
        let family = if host.is_ipv4() { &self.v4 } else { &self.v6 };
        family.hosts.get(&host)?.iter().find(|ban| ban.jail == jail)
    }

    /// Takes out every ban on a host: those, and what an enforcer has to do.
    pub(super) fn remove(&mut self, host: IpAddr) -> (Vec<Ban>, Option<Change>) {
        let bans = self.family(host).take(host);
        let change = (!bans.is_empty()).then_some(Change::Clear(host));
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
    pub(super) fn outweighing_on(&self, host: IpAddr) -> Option<Ban> {
        let family = if host.is_ipv4() { &self.v4 } else { &self.v6 };
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
        if !self.hosts.contains_key(&ban.host) {
            while self.hosts.len() >= self.capacity {
                put.displaced
                    .extend(self.displace(ban.mode, &mut put.changes)?);
            }
        }
        // Most hosts are banned by one jail.
        let bans = (self.hosts.entry(ban.host)).or_insert_with(|| Vec::with_capacity(1));
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
        self.weigh(ban.host, before, after);
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
        changes.push(Change::Clear(host));
        Ok(self.take(host))
    }

    /// Takes out every ban on a host.
    fn take(&mut self, host: IpAddr) -> Vec<Ban> {
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
            None => Some(Change::Clear(host)),
            Some(ban) => (before != after).then_some(Change::Set(ban)),
        };
        Some((over, change))
    }

    /// Keeps [`Family::weights`] true.
    fn weigh(&mut self, host: IpAddr, before: Option<Ban>, after: Option<Ban>) {
        if let Some(ban) = before {
            self.weights.remove(&(weight(&ban), host));
        }
        if let Some(ban) = after {
            self.weights.insert((weight(&ban), host));
        }
    }
}

fn key(ban: &Ban) -> (Until, IpAddr, Option<JailId>) {
    (ban.until, ban.host, ban.jail)
}

fn weight(ban: &Ban) -> Weight {
    (ban.mode, ban.until)
}

/// The ban that decides what happens to packets.
fn heaviest(bans: &[Ban]) -> Option<Ban> {
    bans.iter().copied().max_by_key(weight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(n: u8) -> IpAddr {
        if n.is_multiple_of(2) {
            IpAddr::from([192, 0, 2, n])
        } else {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n)])
        }
    }

    fn ban(n: u8, jail: u16, mode: Mode, end: u64) -> Ban {
        Ban {
            host: host(n),
            jail: Some(JailId(jail)),
            mode,
            until: Until::At(Mono(end)),
        }
    }

    #[test]
    fn the_heaviest_ban_is_in_force_and_the_next_when_it_ends() {
        let mut bans = Bans::new(10);
        let watch = ban(2, 0, Mode::Observe, 50);
        let long = ban(2, 1, Mode::Enforce, 30);
        let short = ban(2, 2, Mode::Enforce, 20);
        assert_eq!(bans.put(watch).unwrap().changes, [Change::Set(watch)]);
        assert_eq!(bans.put(short).unwrap().changes, [Change::Set(short)]);
        assert_eq!(bans.put(long).unwrap().changes, [Change::Set(long)]);
        assert_eq!(bans.next_end(), Some(Mono(20)));
        assert_eq!(bans.pop_over(Mono(19)), None);
        assert_eq!(bans.pop_over(Mono(20)), Some((short, None)));
        assert_eq!(
            bans.pop_over(Mono(30)),
            Some((long, Some(Change::Set(watch))))
        );
        assert_eq!(
            bans.pop_over(Mono(50)),
            Some((watch, Some(Change::Clear(host(2)))))
        );
        assert_eq!((bans.hosts(), bans.next_end()), ((0, 0), None));
    }

    #[test]
    fn a_ban_is_extended_but_never_shortened() {
        let mut bans = Bans::new(10);
        bans.put(ban(2, 0, Mode::Enforce, 50)).unwrap();
        assert_eq!(
            bans.put(ban(2, 0, Mode::Enforce, 40)).unwrap(),
            Put::default()
        );
        let longer = ban(2, 0, Mode::Enforce, 60);
        assert_eq!(bans.put(longer).unwrap().changes, [Change::Set(longer)]);
        assert_eq!(bans.pop_over(Mono(50)), None);
        let forever = Ban {
            until: Until::Forever,
            ..longer
        };
        bans.put(forever).unwrap();
        assert_eq!(bans.put(longer).unwrap(), Put::default());
        assert_eq!(bans.next_end(), None);
    }

    #[test]
    fn when_full_the_soonest_end_makes_room_and_is_told() {
        let mut bans = Bans::new(2);
        let soon = ban(2, 0, Mode::Enforce, 10);
        bans.put(soon).unwrap();
        bans.put(ban(4, 0, Mode::Enforce, 20)).unwrap();
        bans.put(ban(1, 0, Mode::Enforce, 5)).unwrap();
        let new = ban(6, 0, Mode::Enforce, 30);
        let put = bans.put(new).unwrap();
        assert_eq!(put.displaced, [soon], "of the same family");
        assert_eq!(put.changes, [Change::Clear(host(2)), Change::Set(new)]);
    }

    #[test]
    fn a_ban_without_an_end_is_never_displaced() {
        let mut bans = Bans::new(1);
        bans.put(Ban {
            until: Until::Forever,
            ..ban(2, 0, Mode::Enforce, 0)
        })
        .unwrap();
        assert_eq!(bans.put(ban(4, 0, Mode::Enforce, 30)), Err(Full));
        assert!(
            bans.put(ban(2, 1, Mode::Enforce, 30)).is_ok(),
            "the same host needs no room"
        );
    }

    #[test]
    fn bans_that_only_observe_never_take_the_place_of_bans_that_drop() {
        let forever = |n, mode| Ban {
            until: Until::Forever,
            ..ban(n, 0, mode, 0)
        };
        let mut bans = Bans::new(2);
        let watched = forever(2, Mode::Observe);
        bans.put(watched).unwrap();
        bans.put(ban(4, 0, Mode::Observe, 50)).unwrap();
        assert_eq!(
            bans.put(ban(6, 0, Mode::Enforce, 10)).unwrap().displaced,
            [ban(4, 0, Mode::Observe, 50)],
        );
        assert_eq!(
            bans.put(ban(8, 0, Mode::Enforce, 10)).unwrap().displaced,
            [watched],
            "even one without an end"
        );
        assert_eq!(bans.put(forever(10, Mode::Observe)), Err(Full));
        assert_eq!(bans.hosts(), (2, 0));
    }

    #[test]
    fn removing_a_host_ends_all_its_bans() {
        let mut bans = Bans::new(10);
        bans.put(ban(2, 0, Mode::Enforce, 10)).unwrap();
        bans.put(ban(2, 1, Mode::Enforce, 20)).unwrap();
        let (removed, change) = bans.remove(host(2));
        assert_eq!((removed.len(), change), (2, Some(Change::Clear(host(2)))));
        assert_eq!(bans.remove(host(2)), (vec![], None));
        assert_eq!(bans.pop_over(Mono(99)), None);
    }

    proptest! {
        /// An enforcer that does just what it is told holds, at every time, the heaviest ban of
        /// each host and nothing else.
        #[test]
        fn the_changes_add_up(steps in prop::collection::vec(
            (0u8..12, 0u16..3, any::<bool>(), 1u64..40, 0u64..6), 1..200,
        )) {
            let mut bans = Bans::new(4);
            let mut enforced: HashMap<IpAddr, Ban> = HashMap::new();
            let mut now = 0;
            for (n, jail, enforce, length, step) in steps {
                now += step;
                let mut changes = Vec::new();
                while let Some((over, change)) = bans.pop_over(Mono(now)) {
                    prop_assert!(over.until.is_over(Mono(now)));
                    changes.extend(change);
                }
                let mode = if enforce { Mode::Enforce } else { Mode::Observe };
                if let Ok(put) = bans.put(ban(n, jail, mode, now + length)) {
                    changes.extend(put.changes);
                }
                for change in changes {
                    match change {
                        Change::Set(ban) => enforced.insert(ban.host, ban),
                        Change::Clear(host) => enforced.remove(&host),
                    };
                    prop_assert!(enforced.keys().filter(|host| host.is_ipv4()).count() <= 4);
                }
                for family in [&bans.v4, &bans.v6] {
                    let weights: BTreeSet<_> = (family.hosts.iter())
                        .filter_map(|(host, bans)| Some((weight(&heaviest(bans)?), *host)))
                        .collect();
                    prop_assert_eq!(&family.weights, &weights);
                }
                let should: HashMap<_, _> =
                    bans.outweighing().map(|ban| (ban.host, ban)).collect();
                prop_assert_eq!(&enforced, &should);
                prop_assert!(bans.iter().all(|ban| !ban.until.is_over(Mono(now))));
            }
        }
    }
}
