//! What a prefix's group has of the bans around it, and where bans that renew lie.
//!
//! A packet puts off the end of a ban in one place. So where several nested prefixes are banned in one scope
//! and one of these bans renews, the member of each group stands for that one: it says where it lies, and
//! itself what the heaviest of the others says. Which member a group has depends on nothing
//! that packets change.

use std::collections::BTreeMap;

use banner_common::{Ban as Entry, INHERITED, More, OBSERVE, Quiet};
use ipnet::IpNet;

use super::{
    Groups, Scope,
    group::{Group, marked, weight},
};
use crate::model::is_host;

impl Groups {
    /// Gives the group of a prefix the heaviest of its bans and of those around it, by scope. Of two that
    /// weigh the same, that of the longer prefix. Where one renews, what stands for it. The groups around
    /// have to be right.
    pub(super) fn flatten(&mut self, net: IpNet) {
        if !self.wide.contains_key(&net) {
            return;
        }
        let mut all: BTreeMap<Scope, Vec<(IpNet, Entry)>> = BTreeMap::new();
        for outer in around(net) {
            let own = self.wide.get(&outer).map(|group| &group.own);
            for (&scope, &entry) in own.into_iter().flatten() {
                all.entry(scope).or_default().push((outer, entry));
            }
        }
        let (mut members, mut links) = (BTreeMap::new(), BTreeMap::new());
        for (scope, bans) in all {
            let Some((member, link)) = self.member_of(net, scope, &bans) else {
                continue;
            };
            members.insert(scope, member);
            links.extend(link.map(|link| (scope, link)));
        }
        if let Some(group) = self.wide.get_mut(&net) {
            group.members = marked(members);
            group.links = links;
        }
    }

    /// What the group of a prefix has in a scope, of these bans of its own and around it, and the ban that
    /// this stands for besides itself.
    fn member_of(
        &self,
        net: IpNet,
        scope: Scope,
        bans: &[(IpNet, Entry)],
    ) -> Option<(Entry, Option<Entry>)> {
        if let [(alone, entry)] = bans
            && *alone == net
        {
            return Some((*entry, None));
        }
        let renewing = bans.iter().filter_map(|(home, entry)| {
            let quiet = Quiet::of(entry.flags)?;
            Some((entry.flags & OBSERVE == 0, quiet, *home, *entry))
        });
        // Who is quiet for as long as this one says is so for the others, too.
        let longest = renewing.max_by_key(|(drops, quiet, home, _)| (*drops, *quiet, *home));
        let linked = longest.map(|(_, _, home, _)| home);
        let others = bans.iter().filter(|(home, _)| Some(*home) != linked);
        let heaviest = others.max_by_key(|(_, entry)| weight(entry));
        let Some((_, quiet, home, link)) = longest else {
            let (outer, heaviest) = heaviest?;
            let inherited = if *outer == net { 0 } else { INHERITED };
            let flags = heaviest.flags | inherited;
            return Some((Entry { flags, ..*heaviest }, None));
        };
        let says = heaviest.map_or(
            Entry {
                expires: 0,
                flags: OBSERVE,
                ..link
            },
            |(_, heaviest)| *heaviest,
        );
        let aside = home == net || self.is_aside(home, scope);
        let id = self.wide.get(&home)?.id;
        let member = Entry {
            expires: says.expires,
            jail: if aside { id | 1 } else { id },
            flags: says.flags & OBSERVE | INHERITED | quiet.flags(),
            scope,
            seen: says.seen,
        };
        Some((member, Some(link)))
    }

    fn is_aside(&self, net: IpNet, scope: Scope) -> bool {
        let member = self
            .wide
            .get(&net)
            .and_then(|group| group.members.get(&scope));
        member.is_some_and(|member| member.flags & INHERITED != 0)
    }

    /// The key under which a ban lies whose end the program may put off.
    pub(in super::super) fn place(&self, net: IpNet, scope: Scope) -> Option<More> {
        let key = self.member(net, scope)?;
        Some(if !is_host(net) && self.is_aside(net, scope) {
            More::new(key.group | 1, scope)
        } else {
            key
        })
    }

    /// A ban as it is known here.
    pub(in super::super) fn own_of_scope(&self, net: IpNet, scope: Scope) -> Option<Entry> {
        self.group(net)?.own.get(&scope).copied()
    }

    /// The bans that renew of this prefix or host, of those in it and of those around it.
    pub(in super::super) fn renewing_near(&self, net: IpNet) -> Vec<(IpNet, Scope, More)> {
        let mut nets: Vec<IpNet> = Vec::new();
        if is_host(net) {
            nets.extend(self.has_host(net.addr()).then_some(net));
        } else {
            nets.extend(around(net).filter(|outer| self.wide.contains_key(outer)));
            let inner = self.wide.range(net..).map(|(inner, _)| *inner);
            nets.extend(
                inner
                    .take_while(|inner| net.contains(inner))
                    .filter(|inner| *inner != net),
            );
        }
        let mut found = Vec::new();
        for net in nets {
            let own = self.group(net).map(|group| &group.own);
            for (&scope, entry) in own.into_iter().flatten() {
                if Quiet::of(entry.flags).is_some()
                    && let Some(key) = self.place(net, scope)
                {
                    found.push((net, scope, key));
                }
            }
        }
        found
    }

    /// The program has put off the end of a ban.
    pub(in super::super) fn put_off(&mut self, net: IpNet, scope: Scope, expires: u64) {
        let group = if is_host(net) {
            self.hosts.get_mut(&net.addr())
        } else {
            self.wide.get_mut(&net)
        };
        let Some(group) = group else { return };
        let member = group.members.get_mut(&scope);
        let member = member.filter(|member| member.flags & INHERITED == 0);
        for entry in group.own.get_mut(&scope).into_iter().chain(member) {
            entry.expires = entry.expires.max(expires);
        }
    }

    fn group(&self, net: IpNet) -> Option<&Group> {
        if is_host(net) {
            self.hosts.get(&net.addr())
        } else {
            self.wide.get(&net)
        }
    }
}

/// A prefix and those around it, the widest first.
fn around(net: IpNet) -> impl Iterator<Item = IpNet> {
    let lengths = 0..=net.prefix_len();
    lengths.filter_map(move |length| Some(IpNet::new(net.addr(), length).ok()?.trunc()))
}
