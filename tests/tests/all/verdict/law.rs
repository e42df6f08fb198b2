//! Who is banned, by the meaning of the words: what the program decides is compared with this. It is
//! written into the maps here as well, without the agent's code.

use std::{collections::BTreeMap, net::IpAddr};

use banner_common::{ALL_PORTS, Ban, MAX_PORTS, MAX_SHARED, Reason};
use banner_tests::bpf::scope_bit;

use super::{
    contents::Contents,
    dice::Dice,
    row::{FOR_EVER, OVER, checked, observing, scoped, several},
    wide::prefix,
};

/// What is known of a packet besides its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carries {
    /// What the index in the map of ports stands for.
    Index(u32),
    /// Something without ports that is not the family's ICMP.
    Other,
    /// The later part of a packet.
    Later,
    /// Something with ports that cannot be read.
    Unreadable,
}

/// A prefix, as its address and its length.
pub(crate) type Prefix = (IpAddr, u32);

/// One ban.
#[derive(Clone, Copy, Debug)]
struct Entry {
    prefix: Prefix,
    /// [`ALL_PORTS`], or a set of ports.
    scope: u16,
    observes: bool,
    over: bool,
}

/// Sets of ports.
#[derive(Debug)]
pub(crate) struct Sets {
    scopes: Vec<u16>,
    /// The sets that hold a port, a bit for each, by its index.
    masks: Vec<u64>,
}

impl Sets {
    /// Chance: as many sets as may have ports in common, each with one in two of `indices`.
    pub(crate) fn any(dice: &mut Dice, indices: impl Iterator<Item = u32>) -> Self {
        let mut scopes: Vec<u16> = Vec::new();
        let count = 1 + dice.below(MAX_SHARED as usize);
        while scopes.len() < count {
            let scope = u16::try_from(1 + dice.below(63)).expect("at most 63");
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        let mut masks = vec![0; MAX_PORTS as usize];
        for index in indices {
            let chance = dice.word();
            let sets = scopes.iter().enumerate();
            let sets = sets.filter(|(position, _)| chance >> position & 1 == 1);
            masks[index as usize] = sets.fold(0, |mask, (_, scope)| mask | scope_bit(*scope));
        }
        Self { scopes, masks }
    }

    /// What the map of ports holds.
    pub(crate) fn contents(&self) -> Contents {
        let mut contents = Contents::default();
        let masks = (0..).zip(&self.masks).filter(|(_, mask)| **mask != 0);
        contents.ports = masks.map(|(index, mask)| (index, *mask)).collect();
        contents
    }
}

/// Bans, and a never-ban list.
#[derive(Debug)]
pub(crate) struct Law<'a> {
    entries: Vec<Entry>,
    never: Vec<Prefix>,
    sets: &'a Sets,
}

fn full(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn holds(around: Prefix, within: Prefix) -> bool {
    around.0.is_ipv4() == within.0.is_ipv4()
        && around.1 <= within.1
        && prefix(within.0, around.1) == around
}

impl Entry {
    fn ban(&self) -> Ban {
        let ban = scoped(if self.over { OVER } else { FOR_EVER }, self.scope);
        if self.observes { observing(ban) } else { ban }
    }

    /// Of two bans in one scope the heavier one is written.
    fn weight(&self) -> (bool, bool) {
        (!self.over, !self.observes)
    }
}

impl<'a> Law<'a> {
    /// Chance: up to `most` bans, many of them nested or of one source.
    pub(crate) fn any(dice: &mut Dice, most: usize, sets: &'a Sets) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for _ in 0..=dice.below(most) {
            // Often one more ban of a source or a prefix that has one already.
            let prefix = if dice.percent(40) && !entries.is_empty() {
                dice.of(&entries).prefix
            } else {
                let v4 = dice.percent(50);
                any_prefix(dice, v4)
            };
            entries.push(Entry {
                prefix,
                scope: if dice.percent(30) {
                    ALL_PORTS
                } else {
                    *dice.of(&sets.scopes)
                },
                observes: dice.percent(40),
                over: dice.percent(20),
            });
        }
        let mut never = Vec::new();
        for _ in 0..dice.below(4) {
            let v4 = dice.percent(50);
            let address = dice.address(v4);
            let length = full(address);
            let length = length - u32::try_from(dice.below(9)).expect("at most 8");
            never.push(prefix(address, length));
        }
        Self {
            entries,
            never,
            sets,
        }
    }

    /// What becomes of a packet, by the meaning of every single ban.
    pub(crate) fn judge(&self, source: IpAddr, carries: Carries) -> Reason {
        let host = (source, full(source));
        let (mut drops, mut observes, mut beside, mut over) = (false, false, false, false);
        for entry in self
            .entries
            .iter()
            .filter(|entry| holds(entry.prefix, host))
        {
            let about = entry.scope == ALL_PORTS
                || match carries {
                    Carries::Index(index) => {
                        self.sets.masks[index as usize] & scope_bit(entry.scope) != 0
                    }
                    Carries::Later => true,
                    Carries::Other | Carries::Unreadable => false,
                };
            if entry.over {
                over = true;
            } else if !about {
                beside = true;
            } else if entry.observes {
                observes = true;
            } else {
                drops = true;
            }
        }
        if drops || observes {
            if self.never.iter().any(|never| holds(*never, host)) {
                Reason::Never
            } else if drops {
                Reason::Drop
            } else {
                Reason::Observe
            }
        } else if beside && carries == Carries::Unreadable {
            Reason::Malformed
        } else if beside {
            Reason::Scope
        } else if over {
            Reason::Expired
        } else {
            Reason::Pass
        }
    }

    /// What the maps hold besides the sets of ports for this to be law.
    pub(crate) fn contents(&self, dice: &mut Dice) -> Contents {
        let mut contents = Contents {
            never: self.never.clone(),
            ..Contents::default()
        };
        contents.never.sort_unstable();
        contents.never.dedup();
        let mut prefixes: Vec<Prefix> = self.entries.iter().map(|entry| entry.prefix).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        for (group, at) in (1..).zip(prefixes) {
            let exact = at.1 == full(at.0);
            // An address has its own bans, a prefix those of all prefixes around it.
            let mut members = BTreeMap::<u16, Entry>::new();
            for entry in &self.entries {
                let counts = if exact {
                    entry.prefix == at
                } else {
                    holds(entry.prefix, at)
                };
                let heavier =
                    (members.get(&entry.scope)).is_none_or(|other| entry.weight() > other.weight());
                if counts && heavier {
                    members.insert(entry.scope, *entry);
                }
            }
            // The never-ban list need not be asked where it is known not to hold the address.
            let known = exact && !self.never.iter().any(|never| holds(*never, at));
            let mut ban = |entry: &Entry| {
                if known && dice.percent(50) {
                    checked(entry.ban())
                } else {
                    entry.ban()
                }
            };
            let bans: Vec<Ban> = members.values().map(&mut ban).collect();
            if let ([alone], true) = (bans.as_slice(), exact) {
                contents.bans.push((at.0, *alone));
                continue;
            }
            let heaviest = members.values().max_by_key(|entry| entry.weight());
            let summary = ban(heaviest.expect("a prefix that is banned has a ban"));
            contents.group(group, &bans, scoped(summary, ALL_PORTS));
            if exact {
                contents.bans.push((at.0, several(group)));
            } else {
                contents.wide.push((at.0, at.1, group));
            }
        }
        contents
    }
}

/// A prefix that may be banned; one in two is a single address.
fn any_prefix(dice: &mut Dice, v4: bool) -> Prefix {
    let address = dice.address(v4);
    let (shortest, full) = if v4 { (8, 32) } else { (16, 128) };
    let length = if dice.percent(50) {
        full
    } else {
        shortest + u32::try_from(dice.below(full as usize - shortest as usize)).expect("below 128")
    };
    prefix(address, length)
}
