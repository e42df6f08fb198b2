//! The bans that should be in force.

mod family;
mod heap;
mod slot;

use ipnet::IpNet;

use self::family::Family;
use crate::model::{Ban, Change, Entry, JailId, Mono, PortsId, Until};

/// Bans by entry. Several jails may ban one entry at once; an enforcer is told of the heaviest, and
/// of the next when that one ends. The heaviest is the one that drops, and of such the one that ends
/// last.
#[derive(Debug)]
pub(super) struct Bans {
    v4: Family,
    v6: Family,
}

/// There is no room for a ban, and none that could be made for it: the family is full of bans
/// without an end, or, for one that only observes, of bans that drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all places are taken by bans that give none up; raise limits.bans")]
pub struct Full;

/// Where a listing of the bans goes on. It holds while bans come and go: a ban that is there all the
/// time is listed once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor(u64);

/// What putting a ban in came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Put {
    /// Bans that had to make room, and what an enforcer has to do for that first.
    pub(super) displaced: Vec<(Vec<Ban>, Change)>,
    /// What an enforcer has to do then, unless it has done so already.
    pub(super) change: Option<Change>,
    /// The ban as it is now: it may have been there, and last longer.
    pub(super) ban: Ban,
    /// It was there.
    pub(super) again: bool,
}

/// Cursors from here on are in the second family.
const V6: u64 = 1 << 32;

impl Bans {
    /// At most `capacity` entries of each family.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            v4: Family::new(capacity),
            v6: Family::new(capacity),
        }
    }

    /// Puts a ban in force. A ban of the same jail on the same entry is replaced, but never
    /// shortened. When the family is full, the lightest entry makes room.
    pub(super) fn put(&mut self, ban: &Ban) -> Result<Put, Full> {
        self.family_mut(ban.net).put(ban)
    }

    /// Takes out every ban on just this prefix: those, and what an enforcer has to do.
    pub(super) fn remove(&mut self, net: IpNet) -> (Vec<Ban>, Vec<Change>) {
        let family = self.family_mut(net);
        let mut removed = (Vec::new(), Vec::new());
        for ports in (0..=PortsId::MAX.0).map(PortsId) {
            if family.with_ports(ports) == 0 {
                continue;
            }
            let entry = Entry { net, ports };
            let bans = family.take(entry);
            if !bans.is_empty() {
                removed.0.extend(bans);
                removed.1.push(entry.into());
            }
        }
        removed
    }

    /// Takes out every ban on just this entry.
    pub(super) fn take(&mut self, entry: Entry) -> Vec<Ban> {
        self.family_mut(entry.net).take(entry)
    }

    /// Takes out every ban on some entry.
    pub(super) fn remove_any(&mut self) -> Option<(Vec<Ban>, Change)> {
        let entry = self.v4.any().or_else(|| self.v6.any())?;
        Some((self.family_mut(entry.net).take(entry), entry.into()))
    }

    /// Takes out a ban that is over, soonest end first: that, and what an enforcer has to do.
    pub(super) fn pop_over(&mut self, now: Mono) -> Option<(Ban, Option<Change>)> {
        let family = match (self.v4.next_end(), self.v6.next_end()) {
            (Some(v4), Some(v6)) if v6 < v4 => &mut self.v6,
            (Some(_), _) => &mut self.v4,
            (None, _) => &mut self.v6,
        };
        (family.next_end()? <= now).then(|| family.pop_end())?
    }

    /// A ban that is over as far as is known here.
    pub(super) fn first_over(&self, now: Mono) -> Option<Ban> {
        self.v4.first_over(now).or_else(|| self.v6.first_over(now))
    }

    /// The end of a ban has been put off by who enforces it; as it is now.
    pub(super) fn put_off(&mut self, ban: &Ban, end: Until) -> Option<Ban> {
        let family = self.family_mut(ban.net);
        family.put_off(ban.entry(), ban.jail, end)
    }

    /// When the next ban ends.
    pub(super) fn next_end(&self) -> Option<Mono> {
        let ends = [self.v4.next_end(), self.v6.next_end()];
        ends.into_iter().flatten().min()
    }

    /// Every ban.
    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = Ban> {
        self.from(Cursor::default()).map(|(ban, _)| ban)
    }

    /// The bans from a place in the listing on, each with the place behind it.
    pub(super) fn from(&self, Cursor(from): Cursor) -> impl Iterator<Item = (Ban, Cursor)> {
        let place = |first: u64| u32::try_from(from.saturating_sub(first));
        let v4 = place(0)
            .into_iter()
            .flat_map(|place| self.v4.bans_from(place));
        let v6 = place(V6)
            .into_iter()
            .flat_map(|place| self.v6.bans_from(place));
        let behind = |first: u64| {
            move |(place, ban): (u32, Ban)| (ban, Cursor(first + u64::from(place) + 1))
        };
        v4.map(behind(0)).chain(v6.map(behind(V6)))
    }

    /// For each entry the ban that an enforcer has to know of.
    pub(super) fn outweighing(&self) -> impl Iterator<Item = Ban> {
        self.v4.outweighing().chain(self.v6.outweighing())
    }

    /// The same for one entry.
    pub(super) fn outweighing_on(&self, entry: Entry) -> Option<Ban> {
        self.family(entry.net).heaviest(entry)
    }

    /// Every ban on one entry.
    pub(super) fn on(&self, entry: Entry) -> Vec<Ban> {
        self.family(entry.net).on(entry)
    }

    /// How many entries there are: IPv4, IPv6.
    pub(super) fn entries(&self) -> (usize, usize) {
        (self.v4.entries(), self.v6.entries())
    }

    /// How many bans a jail has.
    pub(super) fn of(&self, jail: JailId) -> usize {
        self.v4.of(jail) + self.v6.of(jail)
    }

    /// How many entries are of prefixes.
    pub(super) fn prefixes(&self) -> usize {
        self.v4.prefixes() + self.v6.prefixes()
    }

    /// Whether there is a ban on just this prefix.
    pub(super) fn has(&self, net: IpNet) -> bool {
        let mut all = (0..=PortsId::MAX.0).map(PortsId);
        all.any(|ports| self.family(net).heaviest(Entry { net, ports }).is_some())
    }

    /// Every ban on just this prefix.
    pub(super) fn of_net(&self, net: IpNet) -> Vec<Ban> {
        let all = (0..=PortsId::MAX.0).map(PortsId);
        let family = self.family(net);
        all.flat_map(|ports| family.on(Entry { net, ports }))
            .collect()
    }

    /// Whether this jail has a ban on an entry.
    pub(super) fn has_of(&self, entry: Entry, jail: Option<JailId>) -> bool {
        self.family(entry.net).has_of(entry, jail)
    }

    /// Where the listing goes on behind what this jail has on an entry.
    pub(super) fn behind(&self, entry: Entry, jail: Option<JailId>) -> Option<Cursor> {
        let place = self.family(entry.net).place_of(entry, jail)?;
        let first = match entry.net {
            IpNet::V4(_) => 0,
            IpNet::V6(_) => V6,
        };
        Some(Cursor(first + u64::from(place) + 1))
    }

    /// There are about so many entries soon: IPv4, IPv6.
    pub(super) fn expect(&mut self, v4: usize, v6: usize) {
        self.v4.expect(v4);
        self.v6.expect(v6);
    }

    /// What this jail has on an entry.
    pub(super) fn of_jail_on(&self, entry: Entry, jail: JailId) -> Option<Ban> {
        self.family(entry.net).of_jail_on(entry, jail)
    }

    /// Whether there is no room for a ban, and what would make room ends no sooner.
    pub(super) fn outweigh(&self, ban: &Ban) -> bool {
        self.family(ban.net).outweighs(ban)
    }

    /// How many bans there are.
    pub(super) fn len(&self) -> usize {
        self.v4.len() + self.v6.len()
    }

    /// Whether some ban is limited to this set of ports.
    pub(super) fn uses(&self, ports: PortsId) -> bool {
        self.v4.with_ports(ports) + self.v6.with_ports(ports) > 0
    }

    fn family(&self, net: IpNet) -> &Family {
        match net {
            IpNet::V4(_) => &self.v4,
            IpNet::V6(_) => &self.v6,
        }
    }

    fn family_mut(&mut self, net: IpNet) -> &mut Family {
        match net {
            IpNet::V4(_) => &mut self.v4,
            IpNet::V6(_) => &mut self.v6,
        }
    }
}

impl Cursor {
    /// In which family that is, and where in it.
    pub(super) fn place(self) -> (usize, usize) {
        let place = usize::try_from(self.0 % V6).unwrap_or(usize::MAX);
        (usize::from(self.0 >= V6), place)
    }

    /// As a number, for the other end of a socket.
    pub const fn to_number(self) -> u64 {
        self.0
    }

    /// From [`Self::to_number`]. Any number will do.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

#[cfg(test)]
mod tests;
