//! The groups of bans: of prefixes, and of hosts that are banned in several scopes at once.
//!
//! The kernel looks at the longest banned prefix around a source alone. So the group of a prefix holds,
//! for each scope that it or a banned prefix around it has, the heaviest of their bans. A ban of its
//! own that weighs less than one around it is kept aside, where the kernel does not look, for the day
//! on which that one ends.
//!
//! Nothing here touches a map: what is to be written comes out as [`Step`]s.

mod adopt;
mod group;
mod nested;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use banner_common::{Ban as Entry, CHECKED, InUse, MAX_MORE, MAX_WIDE, MORE, More};
use ipnet::IpNet;

use crate::model::is_host;

pub(super) use self::group::{Found, Full, Scope, Step};
use self::group::{Group, Member, find, marked, puts, removals};

// Each prefix takes two entries of `MORE` at least, so that no trie is ever full.
const _: () = assert!(MAX_MORE / 2 <= MAX_WIDE);

/// All groups, as they are in the maps when all steps are done.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    wide: BTreeMap<IpNet, Group>,
    hosts: HashMap<IpAddr, Group>,
    ids: BTreeSet<u32>,
    last_id: u32,
    /// Entries of `MORE`.
    more: usize,
    most_more: usize,
}

impl Groups {
    /// None yet, in a map that has room for so many members.
    pub(super) fn new(most_more: usize) -> Self {
        Self {
            wide: BTreeMap::new(),
            hosts: HashMap::new(),
            ids: BTreeSet::new(),
            last_id: 0,
            more: 0,
            most_more,
        }
    }

    /// Whether the bans of this host are in a group.
    pub(super) fn has_host(&self, host: IpAddr) -> bool {
        self.hosts.contains_key(&host)
    }

    /// Whose bans, in which scopes, and under which keys.
    pub(super) fn own(&self) -> impl Iterator<Item = (IpNet, Scope, Entry, More)> {
        let wide = self.wide.iter().map(|(&net, group)| (net, group));
        let hosts = self.hosts.iter().map(|(&host, group)| (host.into(), group));
        wide.chain(hosts).flat_map(|(net, group)| {
            (group.own.iter())
                .map(move |(&scope, &entry)| (net, scope, entry, More::new(group.id, scope)))
        })
    }

    /// The key of a ban in a group.
    pub(super) fn member(&self, net: IpNet, scope: Scope) -> Option<More> {
        let group = self
            .wide
            .get(&net)
            .or_else(|| self.hosts.get(&net.addr()))?;
        (group.own.contains_key(&scope)).then(|| More::new(group.id, scope))
    }

    /// A ban, where `found` is what the map of its family has under its address, if it is one. After
    /// a failure nothing is changed.
    pub(super) fn set(
        &mut self,
        net: IpNet,
        entry: Entry,
        found: Option<Entry>,
    ) -> Result<Vec<Step>, Full> {
        if !is_host(net) {
            return self.change_prefix(net, |own| {
                own.insert(entry.scope, entry);
            });
        }
        let host = net.addr();
        if self.has_host(host) {
            let mut own = self.own_of(host);
            own.insert(entry.scope, entry);
            return self.change_host(host, own);
        }
        match found {
            Some(single) if single.scope != entry.scope => {
                let own = BTreeMap::from([(single.scope, single), (entry.scope, entry)]);
                self.change_host(host, own)
            }
            found => {
                let seen = found.map_or(entry.seen, |found| found.seen);
                Ok(vec![Step::Ban(host, Entry { seen, ..entry })])
            }
        }
    }

    /// Nobody is banned any more for just this prefix in this scope; `found` as above.
    pub(super) fn clear(
        &mut self,
        net: IpNet,
        scope: Scope,
        found: Option<Entry>,
    ) -> Result<Vec<Step>, Full> {
        let host = net.addr();
        if !is_host(net) {
            let is_banned = |group: &Group| group.own.contains_key(&scope);
            if !self.wide.get(&net).is_some_and(is_banned) {
                return Ok(Vec::new());
            }
            return self.change_prefix(net, |own| {
                own.remove(&scope);
            });
        }
        if self.has_host(host) {
            let mut own = self.own_of(host);
            return match own.remove(&scope) {
                Some(_) => self.change_host(host, own),
                None => Ok(Vec::new()),
            };
        }
        let is_it = found.is_some_and(|single| single.scope == scope);
        Ok(is_it.then_some(Step::Unban(host)).into_iter().collect())
    }

    /// The program is to look a host that is in a group up in the never-ban list.
    pub(super) fn uncheck(&mut self, host: IpAddr) -> Result<Vec<Step>, Full> {
        let mut own = self.own_of(host);
        for entry in own.values_mut() {
            entry.flags &= !CHECKED;
        }
        self.change_host(host, own)
    }

    fn change_prefix(
        &mut self,
        net: IpNet,
        edit: impl FnOnce(&mut BTreeMap<Scope, Entry>),
    ) -> Result<Vec<Step>, Full> {
        let in_use = self.in_use();
        // The prefix itself, which comes before those in it.
        let mut old: Vec<(IpNet, Option<Group>)> = (self.wide.range(net..))
            .take_while(|(inner, _)| net.contains(*inner))
            .map(|(&inner, group)| (inner, Some(group.clone())))
            .collect();
        if !self.wide.contains_key(&net) {
            let id = self.new_id();
            let group = Group {
                id,
                ..Group::default()
            };
            self.wide.insert(net, group);
            old.insert(0, (net, None));
        }
        if let Some(group) = self.wide.get_mut(&net) {
            edit(&mut group.own);
            if group.own.is_empty() {
                self.ids.remove(&group.id);
                self.wide.remove(&net);
            }
        }
        for (net, _) in &old {
            self.flatten(*net);
        }
        let entries = |group: Option<&Group>| group.map(Group::entries).unwrap_or_default();
        let changes: Vec<_> = (old.iter())
            .map(|(net, old)| (entries(old.as_ref()), entries(self.wide.get(net))))
            .collect();
        if let Err(full) = self.count(&changes) {
            for (net, group) in old {
                match group {
                    Some(group) => self.wide.insert(net, group),
                    None => self.wide.remove(&net),
                };
            }
            self.ids = self.groups().map(|group| group.id).collect();
            return Err(full);
        }
        let mut steps = Vec::new();
        // Before the first entry.
        steps.extend((self.in_use() != in_use).then_some(Step::InUse(InUse {
            wide4: in_use.wide4 | self.in_use().wide4,
            wide6: in_use.wide6 | self.in_use().wide6,
        })));
        let now = self.wide.get(&net).map(|group| group.id);
        // A prefix that is no longer banned has to be gone before its group is.
        steps.extend(now.is_none().then_some(Step::Narrow(net)));
        steps.extend(puts(&changes));
        steps.extend(now.map(|id| Step::Wide(net, id)));
        for (old, new) in &changes {
            steps.extend(removals(old, new));
        }
        // Behind the last.
        steps.extend((self.in_use() != in_use).then_some(Step::InUse(self.in_use())));
        Ok(steps)
    }

    fn change_host(
        &mut self,
        host: IpAddr,
        own: BTreeMap<Scope, Entry>,
    ) -> Result<Vec<Step>, Full> {
        let old = self
            .hosts
            .get(&host)
            .map(Group::entries)
            .unwrap_or_default();
        let id = match self.hosts.get(&host) {
            Some(group) => group.id,
            None => self.new_id(),
        };
        let members = marked(own.clone());
        let mut single = own.values().copied();
        if let (Some(single), None) = (single.next(), single.next()) {
            self.hosts.remove(&host);
            self.ids.remove(&id);
            self.more -= old.len();
            let mut steps = vec![Step::Single(host, More::new(id, single.scope), single)];
            steps.extend(removals(&old, &[]));
            return Ok(steps);
        }
        let group = Group {
            id,
            own,
            members,
            ..Group::default()
        };
        let new = group.entries();
        let changes = [(old, new)];
        if let Err(full) = self.count(&changes) {
            if !self.hosts.contains_key(&host) {
                self.ids.remove(&id);
            }
            return Err(full);
        }
        self.hosts.insert(host, group);
        let mut steps = puts(&changes);
        let [(old, new)] = changes;
        steps.extend(removals(&old, &new));
        steps.push(Step::Several(host, id));
        Ok(steps)
    }

    fn own_of(&self, host: IpAddr) -> BTreeMap<Scope, Entry> {
        let group = self.hosts.get(&host);
        group.map(|group| group.own.clone()).unwrap_or_default()
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.wide.values().chain(self.hosts.values())
    }

    /// Makes sure of room for all entries, those that go included, because they go last.
    fn count(&mut self, changes: &[(Vec<Member>, Vec<Member>)]) -> Result<(), Full> {
        let beside = |these: &[Member], those: &[Member]| {
            let key = |(key, _): &&Member| find(those, *key).is_none();
            these.iter().filter(key).count()
        };
        let more: usize = changes.iter().map(|(old, new)| beside(new, old)).sum();
        let less: usize = changes.iter().map(|(old, new)| beside(old, new)).sum();
        if more > 0 && self.more + more > self.most_more {
            return Err(Full {
                map: MORE,
                most: self.most_more,
            });
        }
        self.more = self.more + more - less;
        Ok(())
    }

    /// Which maps of prefixes have something in them.
    pub(super) fn in_use(&self) -> InUse {
        let any = |v4| {
            let mut ends = [self.wide.first_key_value(), self.wide.last_key_value()].into_iter();
            u32::from(ends.any(|end| end.is_some_and(|(net, _)| net.addr().is_ipv4() == v4)))
        };
        // IPv4 prefixes come before those of IPv6.
        InUse {
            wide4: any(true),
            wide6: any(false),
        }
    }

    /// An even number that no group has, and not 0.
    fn new_id(&mut self) -> u32 {
        loop {
            self.last_id = self.last_id.wrapping_add(2) & !1;
            if self.last_id != 0 && self.ids.insert(self.last_id) {
                return self.last_id;
            }
        }
    }
}

#[cfg(test)]
mod tests;
