//! The bans of one address family.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
};

use hashbrown::HashTable;

use super::{
    Full, Put,
    heap::{Ends, Heap, Weights},
    slot::{NONE, Slot, Slots},
};
use crate::model::{Ban, Change, Entry, JailId, Mode, Mono, PortsId, Until, is_host};

/// Bans lie in [`Slots`]; those on one entry form a chain whose first is the heaviest.
#[derive(Debug)]
pub(super) struct Family {
    capacity: usize,
    slots: Slots,
    /// The first of each chain, by its entry. The hash has a random key, because who attacks
    /// chooses the addresses.
    table: HashTable<u32>,
    hasher: RandomState,
    /// Every ban.
    ends: Heap<Ends>,
    /// The first of each chain.
    weights: Heap<Weights>,
    /// How many entries there are with each set of ports.
    with_ports: [u32; PortsId::MAX.0 as usize + 1],
    /// How many entries are no hosts.
    prefixes: usize,
}

impl Family {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            slots: Slots::new(),
            table: HashTable::new(),
            hasher: RandomState::new(),
            ends: Heap::new(),
            weights: Heap::new(),
            with_ports: [0; PortsId::MAX.0 as usize + 1],
            prefixes: 0,
        }
    }

    pub(super) fn put(&mut self, ban: &Ban) -> Result<Put, Full> {
        let mut displaced = Vec::new();
        let hash = self.hash(ban.entry());
        let Some(first) = self.first(hash, ban.entry()) else {
            while self.table.len() >= self.capacity {
                displaced.push(self.displace(ban.mode)?);
            }
            self.begin_chain(hash, ban).ok_or(Full)?;
            return Ok(Put {
                displaced,
                change: Some(Change::Set(*ban)),
                ban: *ban,
                again: false,
            });
        };
        let before = self.told(first);
        let of_jail = self.of_jail(first, ban.jail);
        let place = if let Some(place) = of_jail {
            self.slots[place].renew(ban);
            self.ends.update(&mut self.slots, place);
            place
        } else {
            let place = self.slots.add(ban).ok_or(Full)?;
            self.slots[place].next = self.slots[first].next;
            self.slots[first].next = place;
            self.ends.push(&mut self.slots, place);
            place
        };
        let heaviest = self.lead(first);
        let after = self.told(heaviest);
        Ok(Put {
            displaced,
            change: (before != after).then_some(Change::Set(after)),
            ban: self.slots[place].ban(),
            again: of_jail.is_some(),
        })
    }

    /// The heaviest ban on an entry.
    pub(super) fn heaviest(&self, entry: Entry) -> Option<Ban> {
        if self.with_ports(entry.ports) == 0 {
            return None;
        }
        let first = self.first(self.hash(entry), entry)?;
        Some(self.told(first))
    }

    /// What an enforcer is told of a chain.
    fn told(&self, first: u32) -> Ban {
        let all = self.slots.chain(first).map(|(_, slot)| slot.ban());
        Ban::heaviest(all).unwrap_or_else(|| self.slots[first].ban())
    }

    /// Every ban on an entry, the heaviest first.
    pub(super) fn on(&self, entry: Entry) -> Vec<Ban> {
        if self.with_ports(entry.ports) == 0 {
            return Vec::new();
        }
        let first = self.first(self.hash(entry), entry).unwrap_or(NONE);
        self.slots
            .chain(first)
            .map(|(_, slot)| slot.ban())
            .collect()
    }

    /// Whether this jail has a ban on an entry.
    pub(super) fn has_of(&self, entry: Entry, jail: Option<JailId>) -> bool {
        let first = self.first(self.hash(entry), entry);
        first.is_some_and(|first| self.of_jail(first, jail).is_some())
    }

    /// What a jail has on an entry.
    pub(super) fn of_jail_on(&self, entry: Entry, jail: JailId) -> Option<Ban> {
        let place = self.place_of(entry, Some(jail))?;
        Some(self.slots[place].ban())
    }

    /// Where the ban that a jail has on an entry lies.
    pub(super) fn place_of(&self, entry: Entry, jail: Option<JailId>) -> Option<u32> {
        let first = self.first(self.hash(entry), entry)?;
        self.of_jail(first, jail)
    }

    /// There are about so many entries soon: memory for them is taken at once.
    pub(super) fn expect(&mut self, entries: usize) {
        let entries = entries.min(self.capacity);
        let more = entries.saturating_sub(self.table.len());
        let Self {
            slots,
            table,
            hasher,
            ..
        } = self;
        table.reserve(more, |&place| hash_by(hasher, slots[place].entry()));
        slots.reserve(more);
        self.ends.reserve(more);
        self.weights.reserve(more);
    }

    /// Whether there is no room for a ban but where one would have to give way that weighs as much.
    pub(super) fn outweighs(&self, ban: &Ban) -> bool {
        self.table.len() >= self.capacity
            && self.heaviest(ban.entry()).is_none()
            && (self.weights.first())
                .is_none_or(|lightest| self.slots[lightest].weight() >= Slot::new(ban).weight())
    }

    /// Takes out every ban on an entry, the heaviest first.
    pub(super) fn take(&mut self, entry: Entry) -> Vec<Ban> {
        let mut bans = Vec::new();
        let Some(first) = self.first(self.hash(entry), entry) else {
            return bans;
        };
        self.end_chain(first);
        let mut place = first;
        while place != NONE {
            let next = self.slots[place].next;
            self.ends.remove(&mut self.slots, place);
            bans.push(self.slots.remove(place));
            place = next;
        }
        self.give_back();
        bans
    }

    /// Takes out the ban that ends first: that, and what an enforcer has to do.
    pub(super) fn pop_end(&mut self) -> Option<(Ban, Option<Change>)> {
        let place = self.ends.first()?;
        let entry = self.slots[place].entry();
        let first = self.first(self.hash(entry), entry)?;
        let second = self.slots[first].next;
        let change = if place != first {
            let before = self.slots.chain(first).find(|(_, slot)| slot.next == place);
            let before = before?.0;
            let told = self.told(first);
            self.slots[before].next = self.slots[place].next;
            let now = self.told(first);
            (told != now).then_some(Change::Set(now))
        } else if second == NONE {
            self.end_chain(first);
            Some(Change::from(entry))
        } else {
            self.refer(first, second);
            let heaviest = self.lead(second);
            Some(Change::Set(self.told(heaviest)))
        };
        self.ends.remove(&mut self.slots, place);
        let over = self.slots.remove(place);
        self.give_back();
        Some((over, change))
    }

    /// The ban that ends first, if that is by now.
    pub(super) fn first_over(&self, now: Mono) -> Option<Ban> {
        let ban = self.slots[self.ends.first()?].ban();
        ban.until.is_over(now).then_some(ban)
    }

    /// The end of a ban has been put off; as it is now.
    pub(super) fn put_off(
        &mut self,
        entry: Entry,
        jail: Option<JailId>,
        end: Until,
    ) -> Option<Ban> {
        let first = self.first(self.hash(entry), entry)?;
        let place = self.of_jail(first, jail)?;
        self.slots[place].put_off(end);
        self.ends.update(&mut self.slots, place);
        self.lead(first);
        Some(self.slots[place].ban())
    }

    /// The memory of a list of bans that has come and gone.
    fn give_back(&mut self) {
        if self.table.is_empty() {
            *self = Self::new(self.capacity);
        }
    }

    /// When the next ban ends.
    pub(super) fn next_end(&self) -> Option<Mono> {
        match self.slots[self.ends.first()?].until() {
            Until::At(end) => Some(end),
            Until::Forever => None,
        }
    }

    /// Any entry.
    pub(super) fn any(&self) -> Option<Entry> {
        Some(self.slots[self.weights.last()?].entry())
    }

    /// Every ban in the places from this one on, each with its place: it does not change while the
    /// ban lasts.
    pub(super) fn bans_from(&self, place: u32) -> impl Iterator<Item = (u32, Ban)> {
        self.slots
            .from(place)
            .map(|(place, slot)| (place, slot.ban()))
    }

    /// The heaviest ban on each entry.
    pub(super) fn outweighing(&self) -> impl Iterator<Item = Ban> {
        self.table.iter().map(|&first| self.told(first))
    }

    pub(super) fn entries(&self) -> usize {
        self.table.len()
    }

    pub(super) fn of(&self, jail: JailId) -> usize {
        self.slots.of_jail(jail)
    }

    pub(super) fn prefixes(&self) -> usize {
        self.prefixes
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How many entries there are with a set of ports.
    pub(super) fn with_ports(&self, ports: PortsId) -> u32 {
        self.with_ports
            .get(usize::from(ports.0))
            .copied()
            .unwrap_or(0)
    }

    /// Takes out the lightest entry, for a ban of this mode.
    fn displace(&mut self, newcomer: Mode) -> Result<(Vec<Ban>, Change), Full> {
        let lightest = &self.slots[self.weights.first().ok_or(Full)?];
        let gives_way = match (lightest.mode(), newcomer) {
            (Mode::Observe, Mode::Enforce) => true,
            (Mode::Enforce, Mode::Observe) => false,
            _ => lightest.until() != Until::Forever,
        };
        if !gives_way {
            return Err(Full);
        }
        let entry = lightest.entry();
        Ok((self.take(entry), entry.into()))
    }

    fn hash(&self, entry: Entry) -> u64 {
        hash_by(&self.hasher, entry)
    }

    /// The first of a chain.
    fn first(&self, hash: u64, entry: Entry) -> Option<u32> {
        let same = |&place: &u32| self.slots[place].entry() == entry;
        self.table.find(hash, same).copied()
    }

    fn of_jail(&self, first: u32, jail: Option<JailId>) -> Option<u32> {
        let mut chain = self.slots.chain(first);
        Some(chain.find(|(_, slot)| slot.jail() == jail)?.0)
    }

    fn begin_chain(&mut self, hash: u64, ban: &Ban) -> Option<()> {
        let place = self.slots.add(ban)?;
        let Self {
            slots,
            table,
            hasher,
            ..
        } = self;
        table.insert_unique(hash, place, |&place| hash_by(hasher, slots[place].entry()));
        self.ends.push(&mut self.slots, place);
        self.weights.push(&mut self.slots, place);
        if let Some(count) = self.with_ports.get_mut(usize::from(ban.ports.0)) {
            *count += 1;
        }
        self.prefixes += usize::from(!is_host(ban.net));
        Some(())
    }

    /// Nothing refers to a chain any more, but for the ends of its bans.
    fn end_chain(&mut self, first: u32) {
        let entry = self.slots[first].entry();
        let hash = self.hash(entry);
        if let Ok(found) = self.table.find_entry(hash, |&place| place == first) {
            found.remove();
        }
        self.weights.remove(&mut self.slots, first);
        if let Some(count) = self.with_ports.get_mut(usize::from(entry.ports.0)) {
            *count -= 1;
        }
        self.prefixes -= usize::from(!is_host(entry.net));
    }

    /// What refers to `old` as the first of its chain refers to `new`.
    fn refer(&mut self, old: u32, new: u32) {
        let hash = self.hash(self.slots[old].entry());
        if let Some(first) = self.table.find_mut(hash, |&place| place == old) {
            *first = new;
        }
        self.weights.replace(&mut self.slots, old, new);
    }

    /// Makes the heaviest the first of its chain, and says which that is; of equals the one that was.
    fn lead(&mut self, first: u32) -> u32 {
        let mut heaviest = first;
        let mut before = NONE;
        let mut last = NONE;
        for (place, slot) in self.slots.chain(first) {
            if slot.weight() > self.slots[heaviest].weight() {
                (heaviest, before) = (place, last);
            }
            last = place;
        }
        if heaviest == first {
            self.weights.update(&mut self.slots, first);
            return first;
        }
        self.slots[before].next = self.slots[heaviest].next;
        self.slots[heaviest].next = first;
        self.refer(first, heaviest);
        heaviest
    }
}

/// Of one or two words: what `derive` makes of an entry takes five, and there may be millions to hash.
fn hash_by(hasher: &RandomState, entry: Entry) -> u64 {
    let rest = u32::from(entry.net.prefix_len()) << 16 | u32::from(entry.ports.0);
    match entry.net.addr() {
        IpAddr::V4(host) => hasher.hash_one(u64::from(u32::from(host)) << 32 | u64::from(rest)),
        IpAddr::V6(host) => hasher.hash_one((u128::from(host), rest)),
    }
}
