//! One group, and what is written to make another of it.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use banner_common::{
    ALL_PORTS, Ban as Entry, CHECKED, INHERITED, InUse, More, OBSERVE, Quiet, RENEWS_BESIDE, Seen,
};
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
    /// The bans that members stand for besides themselves.
    pub(super) links: BTreeMap<Scope, Entry>,
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
        let all = self.members.values().chain(self.links.values());
        let renews = self.members.values().any(Entry::may_renew);
        let heaviest = all.max_by_key(|entry| weight(entry));
        heaviest.map_or(NONE, |&entry| {
            // Ends that are put off make others the heaviest; so nothing is said of which it was.
            let keep = if renews {
                OBSERVE | CHECKED
            } else {
                !INHERITED
            };
            let mark = if renews { RENEWS_BESIDE } else { 0 };
            Entry {
                scope: ALL_PORTS,
                jail: if renews { 0 } else { entry.jail },
                flags: entry.flags & keep | mark,
                ..entry
            }
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

/// Where some member renews, the others say so: the program looks for it after each packet that one of
/// them is applied to.
pub(super) fn marked(mut members: BTreeMap<Scope, Entry>) -> BTreeMap<Scope, Entry> {
    let renews = |entry: &Entry| Quiet::of(entry.flags).is_some();
    if members.values().any(renews) {
        for entry in members.values_mut().filter(|entry| !renews(entry)) {
            entry.flags |= RENEWS_BESIDE;
        }
    }
    members
}

/// A ban as it is alone.
pub(super) fn unmarked(entry: Entry) -> Entry {
    let mark = if Quiet::of(entry.flags).is_none() {
        RENEWS_BESIDE
    } else {
        0
    };
    Entry {
        flags: entry.flags & !mark,
        ..entry
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

/// What is written so that each first of these becomes its second; the outermost group comes first. Of that
/// one all is written, so that a second try mends what a first one has left undone.
///
/// What is meant by others comes before these, and what others meant before is changed after them: first what
/// is kept aside, then what means nobody else, and what does so from the innermost outwards.
pub(super) fn puts(changes: &[(Vec<Member>, Vec<Member>)]) -> Vec<Step> {
    let (mut aside, mut alone, mut linked) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, (old, new)) in changes.iter().enumerate() {
        for &(key, entry) in new {
            if nth > 0 && find(old, key) == Some(&entry) {
                continue;
            }
            let list = match (key.group & 1, entry.is_linked()) {
                (1, _) => &mut aside,
                (_, false) => &mut alone,
                (_, true) => &mut linked,
            };
            list.push(Step::Put(key, entry));
        }
    }
    let linked = linked.into_iter().rev();
    aside.into_iter().chain(alone).chain(linked).collect()
}

/// What is taken away, after everything has been written.
pub(super) fn removals(old: &[Member], new: &[Member]) -> Vec<Step> {
    let gone = old.iter().filter(|(key, _)| find(new, *key).is_none());
    gone.map(|&(key, _)| Step::Remove(key)).collect()
}
