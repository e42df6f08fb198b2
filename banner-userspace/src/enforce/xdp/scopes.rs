//! The sets of ports that bans are limited to, and the bits that stand for them in the kernel.
//!
//! A set keeps its bit over restarts and reloads, because bans in the maps refer to it; a bit is given
//! to another set only when no ban does.

use banner_common::{
    ALL_PORTS, ICMP_INDEX, MAX_PORTS, MAX_SCOPES, MAX_SHARED, PORT_PROTOCOLS, port_index,
};

use super::groups::Scope;
use crate::model::{PortSets, Ports, PortsId, Protocol};

/// In the order of [`PORT_PROTOCOLS`].
const PROTOCOLS: [Protocol; 4] = [
    Protocol::Tcp,
    Protocol::Udp,
    Protocol::Sctp,
    Protocol::UdpLite,
];

const _: () = assert!(PROTOCOLS.len() == PORT_PROTOCOLS.len());
const _: () = assert!(MAX_SCOPES == PortsId::MAX.0 as u16);

/// Which set each bit stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scopes {
    /// By the number of the bit, less one.
    sets: Vec<Option<Ports>>,
    /// By the number of the bit.
    ids: Vec<Option<PortsId>>,
}

impl Default for Scopes {
    fn default() -> Self {
        Self {
            sets: vec![None; usize::from(MAX_SCOPES)],
            ids: vec![None; usize::from(MAX_SCOPES) + 1],
        }
    }
}

impl Scopes {
    /// What masks say, one for each entry of `PORTS`.
    pub(super) fn read(masks: &[u64]) -> Self {
        let mut ranges = vec![Vec::new(); MAX_SCOPES as usize];
        let mut first = [0; MAX_SCOPES as usize];
        let mut before = 0_u64;
        // One behind the last, to end what is open.
        for (index, &mask) in masks.iter().chain([&0]).enumerate() {
            // Nearly everywhere: there are a quarter of a million.
            if mask == 0 && before == 0 {
                continue;
            }
            let index = u32::try_from(index).unwrap_or(MAX_PORTS);
            // A range of ports ends with its protocol.
            let (ends, begins) = if index.is_multiple_of(1 << 16) {
                (before, mask)
            } else {
                (before & !mask, mask & !before)
            };
            for scope in bits(ends) {
                ranges[scope - 1].extend(range(first[scope - 1], index - 1));
            }
            for scope in bits(begins) {
                first[scope - 1] = index;
            }
            before = mask;
        }
        let set = |ranges: Vec<_>| (!ranges.is_empty()).then(|| Ports::new(ranges));
        let mut scopes = Self::default();
        for (place, ranges) in scopes.sets.iter_mut().zip(ranges) {
            *place = set(ranges);
        }
        scopes
    }

    /// The masks, one for each entry of `PORTS`.
    pub(super) fn masks(&self) -> Vec<u64> {
        let mut masks = vec![0; MAX_PORTS as usize];
        for (bit, set) in (1..).zip(&self.sets) {
            for (protocol, ports) in set.iter().flat_map(Ports::ranges) {
                let protocol = PROTOCOLS.iter().position(|&known| known == protocol);
                let index = |port| match protocol.and_then(|at| u32::try_from(at).ok()) {
                    Some(protocol) => port_index(protocol, port) as usize,
                    None => ICMP_INDEX as usize,
                };
                for mask in &mut masks[index(*ports.start())..=index(*ports.end())] {
                    *mask |= 1_u64 << bit;
                }
            }
        }
        masks
    }

    /// The bit of a set.
    pub(super) fn scope(&self, id: PortsId) -> Option<Scope> {
        if id == PortsId::ALL {
            return Some(ALL_PORTS);
        }
        let place = self.ids.iter().position(|&known| known == Some(id))?;
        Scope::try_from(place).ok()
    }

    /// The set of a bit.
    pub(super) fn id(&self, scope: Scope) -> Option<PortsId> {
        if scope == ALL_PORTS {
            return Some(PortsId::ALL);
        }
        *self.ids.get(usize::from(scope))?
    }

    /// The bits of sets that are not among these, with the sets.
    pub(super) fn strangers(&self, ports: &PortSets) -> Vec<(Scope, Ports)> {
        let known = |set: &Ports| ports.iter().any(|(_, known)| known == set);
        let sets = (1..).zip(&self.sets);
        let sets = sets.filter_map(|(scope, set)| Some((scope, set.clone()?)));
        sets.filter(|(_, set)| !known(set)).collect()
    }

    /// Bits for these sets, and for no others: those that they have had, else free ones.
    pub(super) fn assigned(&self, ports: &PortSets) -> Self {
        let mut new = Self::default();
        let mut without = Vec::new();
        for (id, set) in ports.iter() {
            match self.sets.iter().position(|had| had.as_ref() == Some(set)) {
                Some(place) => new.put(place, id, set),
                None => without.push((id, set)),
            }
        }
        for (id, set) in without {
            // As many bits as there can be sets.
            if let Some(place) = new.sets.iter().position(Option::is_none) {
                new.put(place, id, set);
            }
        }
        new
    }

    /// Whether the bits stand for the same sets, whatever numbers these have.
    pub(super) fn are_as(&self, other: &Self) -> bool {
        self.sets == other.sets
    }

    fn put(&mut self, place: usize, id: PortsId, set: &Ports) {
        self.sets[place] = Some(set.clone());
        self.ids[place + 1] = Some(id);
    }
}

/// Whether the program looks at all bans that a packet may meet by its port.
pub(super) fn are_few(masks: &[u64]) -> bool {
    masks.iter().all(|mask| mask.count_ones() <= MAX_SHARED)
}

/// The numbers of the bits, without bit 0.
fn bits(mask: u64) -> impl Iterator<Item = usize> {
    (1..=usize::from(MAX_SCOPES)).filter(move |bit| mask >> bit & 1 == 1 && mask != 0)
}

/// The ports between two entries of `PORTS`, both included.
fn range(first: u32, last: u32) -> Option<(Protocol, std::ops::RangeInclusive<u16>)> {
    if first == ICMP_INDEX {
        return Some((Protocol::Icmp, 0..=0));
    }
    let protocol = PROTOCOLS.get((first >> 16) as usize)?;
    let port = |index: u32| u16::try_from(index & 0xffff).ok();
    Some((*protocol, port(first)?..=port(last)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sets(texts: &[&str]) -> PortSets {
        let mut sets = PortSets::default();
        for text in texts {
            sets.intern(&text.parse().unwrap()).unwrap();
        }
        sets
    }

    #[test]
    fn a_set_keeps_its_bit_while_others_come_and_go() {
        let before = Scopes::default().assigned(&sets(&["tcp/22", "tcp/80,tcp/443", "icmp"]));
        let scopes = Scopes::read(&before.masks());
        let now = sets(&["udp/53", "icmp", "tcp/80,tcp/443"]);
        assert_eq!(scopes.strangers(&now), [(1, "tcp/22".parse().unwrap())]);
        let after = scopes.assigned(&now);
        assert!(!after.are_as(&scopes) && scopes.are_as(&before));
        let scope = |n| after.scope(PortsId(n));
        assert_eq!([scope(1), scope(2), scope(3)], [Some(1), Some(3), Some(2)]);
        assert_eq!(scope(4), None);
        assert_eq!(after.id(3), Some(PortsId(2)));
        assert_eq!(after.id(4), None);
        assert_eq!(
            (after.scope(PortsId::ALL), after.id(0)),
            (Some(0), Some(PortsId::ALL))
        );
    }

    #[test]
    fn sixteen_sets_may_share_a_port() {
        let texts: Vec<_> = (0..17).map(|n| format!("tcp/22,udp/{n}")).collect();
        let texts: Vec<_> = texts.iter().map(String::as_str).collect();
        let few = |count| are_few(&Scopes::default().assigned(&sets(&texts[..count])).masks());
        assert!(few(16));
        assert!(!few(17));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn masks_say_what_the_sets_hold(
            ranges in prop::collection::vec(
                prop::collection::vec((0_usize..5, any::<u16>(), 0_u16..2000), 1..4),
                1..8,
            ),
        ) {
            let mut ports = PortSets::default();
            for ranges in ranges {
                let ranges = ranges.into_iter().map(|(protocol, first, more)| {
                    (Protocol::ALL[protocol], first..=first.saturating_add(more))
                });
                ports.intern(&Ports::new(ranges)).unwrap();
            }
            let scopes = Scopes::default().assigned(&ports);
            let masks = scopes.masks();
            prop_assert_eq!(&Scopes::read(&masks).sets, &scopes.sets);
            for (id, _) in ports.iter() {
                let bit = scopes.scope(id).unwrap();
                for port in (0..=u16::MAX).step_by(97) {
                    for (position, protocol) in (0..).zip(PROTOCOLS) {
                        let mask = masks[port_index(position, port) as usize];
                        prop_assert_eq!(mask >> bit & 1 == 1, ports.contains(id, protocol, port));
                    }
                }
                let icmp = masks[ICMP_INDEX as usize] >> bit & 1 == 1;
                prop_assert_eq!(icmp, ports.contains(id, Protocol::Icmp, 0));
            }
        }
    }
}
