//! Hosts in the order in which they were last heard of.

use std::{hash::BuildHasher as _, net::IpAddr};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};

use super::times::Times;

/// A place in the list.
pub(super) type Place = u32;

/// Where the list ends. So many hosts fit into no memory.
const NONE: Place = Place::MAX;

/// A window for each host, and which host has been quiet for longest.
///
/// All are in one vector, 56 bytes each, which a table of places finds by the address: looking at one
/// touches two lines of cache and allocates nothing. Places of hosts that are gone are used again.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    table: HashTable<Place>,
    hasher: DefaultHashBuilder,
    nodes: Vec<Node>,
    /// The one that was heard of last, and the one that has been quiet for longest.
    ends: Option<(Place, Place)>,
    /// Places that are free, linked by `older`.
    free: Option<Place>,
}

#[derive(Debug)]
struct Node {
    newer: Place,
    older: Place,
    counted: Counted,
}

/// A host that is being counted.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) host: IpAddr,
    /// It is among those that changed already.
    pub(super) noted: bool,
    /// Fewer than make an offence.
    pub(super) failures: Times,
}

impl Hosts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// The place of a host, which is the last one heard of now.
    pub(super) fn touch(&mut self, host: IpAddr) -> Place {
        let hash = self.hasher.hash_one(host);
        let Self {
            table,
            hasher,
            nodes,
            free,
            ..
        } = self;
        let entry = table.entry(
            hash,
            |&place| nodes[place as usize].counted.host == host,
            |&place| hasher.hash_one(nodes[place as usize].counted.host),
        );
        match entry {
            Entry::Occupied(entry) => {
                let place = *entry.get();
                if self.ends.is_some_and(|(newest, _)| newest != place) {
                    self.unlink(place);
                    self.link(place);
                }
                place
            }
            Entry::Vacant(entry) => {
                let node = Node {
                    newer: NONE,
                    older: NONE,
                    counted: Counted {
                        host,
                        noted: false,
                        failures: Times::default(),
                    },
                };
                let place = if let Some(place) = *free {
                    let room = &mut nodes[place as usize];
                    *free = Some(room.older).filter(|&next| next != NONE);
                    *room = node;
                    place
                } else {
                    nodes.push(node);
                    Place::try_from(nodes.len() - 1).unwrap_or(NONE)
                };
                entry.insert(place);
                self.link(place);
                place
            }
        }
    }

    /// The host at a place.
    pub(super) fn at(&mut self, place: Place) -> &mut Counted {
        &mut self.nodes[place as usize].counted
    }

    /// A host, without its being heard of.
    pub(super) fn get(&mut self, host: IpAddr) -> Option<&mut Counted> {
        let hash = self.hasher.hash_one(host);
        let same = |&place: &Place| self.nodes[place as usize].counted.host == host;
        let place = *self.table.find(hash, same)?;
        Some(self.at(place))
    }

    /// All hosts, in no order.
    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Counted> {
        let counted = self.nodes.iter_mut().map(|node| &mut node.counted);
        // Of those that are gone nothing is counted.
        counted.filter(|counted| !counted.failures.is_empty())
    }

    /// Forgets the host at a place.
    pub(super) fn remove(&mut self, place: Place) {
        let hash = self
            .hasher
            .hash_one(self.nodes[place as usize].counted.host);
        if let Ok(entry) = self.table.find_entry(hash, |&other| other == place) {
            entry.remove();
        }
        self.unlink(place);
        let node = &mut self.nodes[place as usize];
        node.counted.failures = Times::default();
        node.older = self.free.unwrap_or(NONE);
        self.free = Some(place);
    }

    /// Forgets the host that has been quiet for longest; which one it is, and whether it was noted.
    pub(super) fn remove_quietest(&mut self) -> Option<(IpAddr, bool)> {
        let (_, quietest) = self.ends?;
        let Counted { host, noted, .. } = *self.at(quietest);
        self.remove(quietest);
        Some((host, noted))
    }

    fn link(&mut self, place: Place) {
        let node = &mut self.nodes[place as usize];
        node.newer = NONE;
        match &mut self.ends {
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
        let Node { newer, older, .. } = self.nodes[place as usize];
        if let Some(node) = self.nodes.get_mut(newer as usize) {
            node.older = older;
        }
        if let Some(node) = self.nodes.get_mut(older as usize) {
            node.newer = newer;
        }
        self.ends = match self.ends {
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

    /// The hosts from the newest to the quietest.
    fn order(hosts: &Hosts) -> Vec<u8> {
        let mut order = Vec::new();
        let mut next = hosts.ends.map(|(newest, _)| newest);
        while let Some(place) = next {
            let node = &hosts.nodes[place as usize];
            let IpAddr::V4(host) = node.counted.host else {
                panic!("no host of this test");
            };
            order.push(host.octets()[3]);
            next = Some(node.older).filter(|&older| older != NONE);
        }
        order
    }

    proptest! {
        /// Against a list that is searched from its beginning.
        #[test]
        fn the_order_is_that_of_a_plain_list(
            steps in prop::collection::vec((0u8..12, 0u8..4), 1..200),
        ) {
            let mut hosts = Hosts::default();
            let mut list: Vec<u8> = Vec::new();
            let mut most = 0;
            for (n, step) in steps {
                let host = IpAddr::from([192, 0, 2, n]);
                match step {
                    0 | 1 => {
                        hosts.touch(host);
                        list.retain(|&other| other != n);
                        list.insert(0, n);
                    }
                    2 => {
                        hosts.remove_quietest();
                        list.pop();
                    }
                    _ => {
                        if list.contains(&n) {
                            let place = hosts.touch(host);
                            hosts.remove(place);
                            list.retain(|&other| other != n);
                        }
                    }
                }
                most = most.max(list.len());
                prop_assert_eq!(order(&hosts), list.clone());
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
