//! One group, and what is written to make another of it.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use banner_common::{ALL_PORTS, Ban as Entry, INHERITED, InUse, More, OBSERVE, Seen};
use ipnet::IpNet;

/// The number of a bit in the masks of `PORTS`.
pub(in super::super) type Scope = u16;

/// Something to be written, in its order. What entries have done ([`Entry::seen`]) is none of this
/// module's business: what a key has in the map stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Step {
    /// A member of a group. If the map has none under this key, then with what it has seen.
    Put(More, Entry),
    /// A member goes.
    Remove(More),
    /// The prefix has this group.
    Wide(IpNet, u32),
    /// The prefix has none any more.
    Narrow(IpNet),
    /// Which tries have entries.
    InUse(InUse),
    /// This host has this one ban.
    Ban(IpAddr, Entry),
    /// The bans of this host are in this group.
    Several(IpAddr, u32),
    /// This host has one ban, which was this member of a group.
    Single(IpAddr, More, Entry),
    /// This host has none.
    Unban(IpAddr),
}

/// There is no room for one more in a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the map {map} is full: it has room for {most} entries; nothing was changed")]
pub struct Full {
    pub(super) map: &'static str,
    pub(super) most: usize,
}

/// The bans of one prefix, or of one host.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) id: u32,
    /// Its own, by scope.
    pub(super) own: BTreeMap<Scope, Entry>,
    /// What the kernel has, by scope.
    pub(super) members: BTreeMap<Scope, Entry>,
}

/// What was found in the maps.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Found {
    pub(in super::super) wide: Vec<(IpNet, u32)>,
    /// Hosts with several bans.
    pub(in super::super) hosts: Vec<(IpAddr, u32)>,
    pub(in super::super) more: HashMap<More, Entry>,
}

/// Of two bans, the one with the greater weight is what they come to together.
pub(in super::super) fn weight(entry: &Entry) -> (bool, u64) {
    (entry.flags & OBSERVE == 0, entry.expires)
}

impl Group {
    /// What later fragments are judged by.
    pub(super) fn sum(&self) -> Entry {
        let heaviest = self.members.values().max_by_key(|entry| weight(entry));
        heaviest.map_or(NONE, |&entry| Entry {
            scope: ALL_PORTS,
            flags: entry.flags & !INHERITED,
            ..entry
        })
    }

    /// Own bans that are outweighed.
    fn aside(&self) -> impl Iterator<Item = (Scope, Entry)> {
        let inherited = |scope: &Scope| {
            (self.members.get(scope)).is_some_and(|entry| entry.flags & INHERITED != 0)
        };
        let own = self.own.iter().map(|(&scope, &entry)| (scope, entry));
        own.filter(move |(scope, _)| inherited(scope))
    }

    /// Everything that is in `MORE` for it, what is there for all to see last.
    pub(super) fn entries(&self) -> Vec<(More, Entry)> {
        if self.members.is_empty() {
            return Vec::new();
        }
        let aside = self.aside();
        let aside = aside.map(|(scope, entry)| (More::new(self.id | 1, scope), entry));
        let members = self.members.iter();
        let members = members.map(|(&scope, &entry)| (More::new(self.id, scope), entry));
        aside
            .chain(members)
            .chain([(More::sum(self.id), self.sum())])
            .collect()
    }
}

/// Over since jiffies began.
const NONE: Entry = Entry {
    expires: 0,
    jail: 0,
    flags: OBSERVE,
    scope: ALL_PORTS,
    seen: Seen(0),
};

/// An entry of `MORE`.
pub(super) type Member = (More, Entry);

pub(super) fn find(members: &[Member], key: More) -> Option<&Entry> {
    let found = members.iter().find(|(found, _)| *found == key);
    found.map(|(_, entry)| entry)
}

/// What makes `new` of `old`: additions first. With `whole`, all of `new` is written, so that a second
/// try mends what a first one has left undone.
pub(super) fn difference(old: &[Member], new: &[Member], whole: bool, steps: &mut Vec<Step>) {
    for &(key, entry) in new {
        if whole || find(old, key) != Some(&entry) {
            steps.push(Step::Put(key, entry));
        }
    }
    let gone = old.iter().filter(|(key, _)| find(new, *key).is_none());
    steps.extend(gone.map(|&(key, _)| Step::Remove(key)));
}
