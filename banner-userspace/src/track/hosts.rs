//! Hosts by the number of their failures, and of each number in the order in which they were last heard of.

use std::hash::BuildHasher as _;

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};
use ipnet::IpNet;

use super::times::Times;
use crate::model::Wall;

/// A place in the list.
pub(super) type Place = u32;

/// Where the list ends. So many hosts fit into no memory.
const NONE: Place = Place::MAX;

/// Lists of hosts: with one failure, with two, and so on; with so many or more in the last.
const LEVELS: usize = 8;

/// Of a host that is in no list yet.
const NOWHERE: u8 = u8::MAX;

/// A window for each host, and which host can best be spared: of those whose failures are over any,
/// else of those with the fewest failures the one that has been quiet for longest.
///
/// All are in one vector, 56 bytes each, which a table of places finds by the address: looking at one
/// touches two lines of cache and allocates nothing. The table has half of each hash, so that it grows, and
/// passes by others, without a look at the hosts. Places of hosts that are gone are used again.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    table: HashTable<Found>,
    hasher: DefaultHashBuilder,
    nodes: Vec<Node>,
    /// Of each list the one that was heard of last, and the one that has been quiet for longest.
    ends: [Option<(Place, Place)>; LEVELS],
    /// Places that are free, linked by `older`.
    free: Option<Place>,
}

/// What the table has of a host.
#[derive(Clone, Copy, Debug)]
struct Found {
    hash: u32,
    place: Place,
}

impl Found {
    /// The whole hash, as far as a table needs it: it takes its place from the lower bits, and a mark
    /// from the upper ones.
    fn hash(self) -> u64 {
        u64::from(self.hash) << 32 | u64::from(self.hash)
    }
}

#[derive(Debug)]
struct Node {
    newer: Place,
    older: Place,
    counted: Counted,
}

/// A host that is being counted, or a prefix that is counted as one.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) host: IpNet,
    /// It is among those that changed already.
    pub(super) noted: bool,
    /// Its list.
    level: u8,
    /// Fewer than make an offence.
    pub(super) failures: Times,
}

impl Hosts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The place of a host, and whether it is new; then it is in no list until [`Self::heard`].
    pub(super) fn place(&mut self, host: IpNet) -> (Place, bool) {
        let hash = self.hash(host);
        let Self {
            table, nodes, free, ..
        } = self;
        let next = free.unwrap_or(Place::try_from(nodes.len()).unwrap_or(NONE));
        let found = Found { hash, place: next };
        let same =
            |found: &Found| found.hash == hash && nodes[found.place as usize].counted.host == host;
        let entry = match table.entry(found.hash(), same, |found| found.hash()) {
            Entry::Occupied(entry) => return (entry.get().place, false),
            Entry::Vacant(entry) => entry,
        };
        entry.insert(found);
        let node = Node {
            newer: NONE,
            older: NONE,
            counted: Counted {
                host,
                noted: false,
                level: NOWHERE,
                failures: Times::default(),
            },
        };
        match nodes.get_mut(next as usize) {
            Some(room) => {
                *free = Some(room.older).filter(|&next| next != NONE);
                *room = node;
            }
            None => nodes.push(node),
        }
        (next, true)
    }

    /// A host was heard of, and has so many failures now.
    pub(super) fn heard(&mut self, place: Place, failures: usize) {
        let level = failures.clamp(1, LEVELS) - 1;
        if self.ends[level].is_some_and(|(newest, _)| newest == place) {
            return;
        }
        self.unlink(place);
        self.link(place, level);
    }

    /// Hosts that there were at once, at most.
    #[cfg(test)]
    pub(super) fn places(&self) -> usize {
        self.nodes.len()
    }

    /// The host at a place.
    pub(super) fn at(&mut self, place: Place) -> &mut Counted {
        &mut self.nodes[place as usize].counted
    }

    /// A host, if it is counted.
    pub(super) fn peek(&self, host: IpNet) -> Option<&Counted> {
        Some(&self.nodes[self.find(host)? as usize].counted)
    }

    /// A host, without its being heard of.
    pub(super) fn get(&mut self, host: IpNet) -> Option<&mut Counted> {
        let place = self.find(host)?;
        Some(self.at(place))
    }

    fn find(&self, host: IpNet) -> Option<Place> {
        let hash = self.hash(host);
        let found = Found { hash, place: NONE };
        let same = |found: &Found| {
            found.hash == hash && self.nodes[found.place as usize].counted.host == host
        };
        Some(self.table.find(found.hash(), same)?.place)
    }

    /// Half of the hash of a host.
    fn hash(&self, host: IpNet) -> u32 {
        let hash = self.hasher.hash_one(host);
        u32::try_from(hash >> 32).unwrap_or(0)
    }

    /// All hosts, in no order.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Counted> {
        let counted = self.nodes.iter_mut().map(|node| &mut node.counted);
        // Of those that are gone nothing is counted.
        counted.filter(|counted| !counted.failures.is_empty())
    }

    /// All hosts, in no order, only to look at.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Counted> {
        let counted = self.nodes.iter().map(|node| &node.counted);
        counted.filter(|counted| !counted.failures.is_empty())
    }

    /// Forgets the host at a place.
    pub(super) fn remove(&mut self, place: Place) {
        let hash = self.hash(self.nodes[place as usize].counted.host);
        let found = Found { hash, place };
        let same = |other: &Found| other.place == place;
        if let Ok(entry) = self.table.find_entry(found.hash(), same) {
            entry.remove();
        }
        self.unlink(place);
        let node = &mut self.nodes[place as usize];
        node.counted.failures = Times::default();
        node.older = self.free.unwrap_or(NONE);
        self.free = Some(place);
    }

    /// Removes the host that can best be spared. `start`: failures count that are later.
    pub(super) fn remove_lightest(&mut self, start: Wall) -> Option<Counted> {
        let quietest = || self.ends.iter().flatten().map(|(_, quietest)| *quietest);
        let is_over = |&place: &Place| self.nodes[place as usize].counted.failures.is_over(start);
        let place = quietest().find(is_over).or_else(|| quietest().next())?;
        let counted = self.at(place);
        let failures = std::mem::take(&mut counted.failures);
        let spared = Counted {
            failures,
            ..*counted
        };
        self.remove(place);
        Some(spared)
    }

    fn link(&mut self, place: Place, level: usize) {
        let node = &mut self.nodes[place as usize];
        node.newer = NONE;
        node.counted.level = u8::try_from(level).unwrap_or(NOWHERE);
        match &mut self.ends[level] {
            Some((newest, _)) => {
                let next = std::mem::replace(newest, place);
                node.older = next;
                self.nodes[next as usize].newer = place;
            }
            empty => {
                node.older = NONE;
                *empty = Some((place, place));
            }
        }
    }

    fn unlink(&mut self, place: Place) {
        let node = &mut self.nodes[place as usize];
        let level = std::mem::replace(&mut node.counted.level, NOWHERE);
        let Node { newer, older, .. } = *node;
        let Some(ends) = self.ends.get_mut(usize::from(level)) else {
            return;
        };
        if let Some(node) = self.nodes.get_mut(newer as usize) {
            node.older = older;
        }
        if let Some(node) = self.nodes.get_mut(older as usize) {
            node.newer = newer;
        }
        *ends = match *ends {
            Some((newest, quietest)) if newest == place && quietest == place => None,
            Some((newest, quietest)) if newest == place => Some((older, quietest)),
            Some((newest, quietest)) if quietest == place => Some((newest, newer)),
            ends => ends,
        };
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The hosts of all lists, each from the newest to the quietest.
    fn order(hosts: &Hosts) -> Vec<u8> {
        let mut order = Vec::new();
        for ends in hosts.ends {
            let mut next = ends.map(|(newest, _)| newest);
            while let Some(place) = next {
                let node = &hosts.nodes[place as usize];
                let IpNet::V4(host) = node.counted.host else {
                    panic!("no host of this test");
                };
                order.push(host.addr().octets()[3]);
                next = Some(node.older).filter(|&older| older != NONE);
            }
        }
        order
    }

    proptest! {
        /// Against a list that is searched from its beginning: hosts, their failures, the latest.
        #[test]
        fn the_order_is_that_of_a_plain_list(
            steps in prop::collection::vec((0u8..12, 1usize..10, 0u8..4), 1..200),
        ) {
            let mut hosts = Hosts::default();
            let mut list: Vec<(u8, usize, i64)> = Vec::new();
            let (mut most, mut now) = (0, 0);
            for (n, failures, step) in steps {
                now += 1;
                let host = std::net::IpAddr::from([192, 0, 2, n]).into();
                let start = now - 8;
                match step {
                    0 | 1 => {
                        let (place, is_new) = hosts.place(host);
                        prop_assert_eq!(is_new, !list.iter().any(|other| other.0 == n));
                        hosts.at(place).failures = vec![Wall(now)].into();
                        hosts.heard(place, failures);
                        list.retain(|other| other.0 != n);
                        list.insert(0, (n, failures, now));
                    }
                    2 => {
                        let level = |failures: usize| failures.min(LEVELS);
                        let quietest = |wanted: usize| {
                            list.iter().rev().find(|other| level(other.1) == wanted)
                        };
                        let quietest: Vec<_> = (1..=LEVELS).filter_map(quietest).collect();
                        let over = quietest.iter().find(|other| other.2 <= start);
                        let expected = over.or(quietest.first()).map(|other| other.0);
                        let spared = hosts.remove_lightest(Wall(start));
                        let spared = spared.map(|counted| counted.host);
                        prop_assert_eq!(spared, expected.map(|n| std::net::IpAddr::from([192, 0, 2, n]).into()));
                        list.retain(|other| Some(other.0) != expected);
                    }
                    _ => {
                        if list.iter().any(|other| other.0 == n) {
                            let (place, _) = hosts.place(host);
                            hosts.remove(place);
                            list.retain(|other| other.0 != n);
                        }
                    }
                }
                most = most.max(list.len());
                list.sort_by_key(|other| other.1.min(LEVELS));
                let expected: Vec<_> = list.iter().map(|other| other.0).collect();
                prop_assert_eq!(order(&hosts), expected);
                list.sort_by_key(|other| -other.2);
                prop_assert_eq!(hosts.len(), list.len());
                prop_assert_eq!(hosts.nodes.len(), most, "places are used again");
            }
        }
    }

    #[test]
    fn a_host_takes_little_memory() {
        assert!(size_of::<Node>() <= 56, "{}", size_of::<Node>());
    }
}
