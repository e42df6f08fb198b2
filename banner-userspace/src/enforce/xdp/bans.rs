//! Bans in force.

use std::{collections::VecDeque, net::IpAddr, panic::resume_unwind, thread};

use banner_common::{BANS4, BANS6, Ban as Entry, CHECKED, MAX_MORE, PORTS, SEVERAL};
use ipnet::IpNet;

use super::{
    XdpError,
    batch::{Bytes, each, read_array, try_put, write_array},
    clock::Reading,
    entry::JailKeys,
    groups::{Groups, Scope, Step},
    renewing::not_sooner,
    scopes::Scopes,
    tables::Tables,
};
use crate::{
    enforce::Failed,
    model::{Ban, Change, PrefixSet, is_host},
};

/// From so many bans at once on it can pay to read the map first: the kernel takes many entries at a
/// time only if it may overwrite what is there, and what that has seen would be lost.
const MANY: usize = 1024;

/// From so many on another thread is worth its while.
const TWO_THREADS: usize = 16_384;

/// It pays if the map has not more than so many entries for each new one: to read one costs a small part
/// of what a system call does.
const WORTH: usize = 4;

/// The bans in the maps, and what has to be known to change them.
#[derive(Debug)]
pub(super) struct Bans {
    pub(super) tables: Tables,
    pub(super) groups: Groups,
    pub(super) scopes: Scopes,
    pub(super) jails: JailKeys,
    /// Addresses of which it cannot be said that they are not on the kernel's never-ban list.
    pub(super) never: PrefixSet,
    /// About how many hosts are banned: IPv4, IPv6.
    held: [usize; 2],
    /// What has still to be written for `tables` to hold what `groups` says, since a write failed.
    unfinished: VecDeque<Step>,
    /// The addresses with one ban, as they were found and still are.
    pub(super) found: Option<Vec<(IpAddr, Entry)>>,
}

/// Bans of hosts of one family that may not be in the map yet.
struct New<const KEY: usize> {
    keys: Vec<[u8; KEY]>,
    entries: Vec<[u8; Entry::SIZE]>,
    changes: Vec<Change>,
}

impl<const KEY: usize> New<KEY> {
    fn none() -> Self {
        Self {
            keys: Vec::new(),
            entries: Vec::new(),
            changes: Vec::new(),
        }
    }

    fn push(&mut self, key: [u8; KEY], entry: Entry, change: Change) {
        self.keys.push(key);
        self.entries.push(entry.to_bytes());
        self.changes.push(change);
    }

    /// Puts in what is new, all at once where that pays. What is left, in its order: what is there
    /// already, or comes twice, or was refused.
    fn put(
        &mut self,
        name: &'static str,
        map: &Bytes<KEY, { Entry::SIZE }>,
        held: &mut usize,
    ) -> Vec<Change> {
        let changes = std::mem::take(&mut self.changes);
        let (keys, entries) = (
            std::mem::take(&mut self.keys),
            std::mem::take(&mut self.entries),
        );
        if keys.len() < MANY || keys.len() * WORTH < *held {
            return changes;
        }
        let mut order: Vec<([u8; KEY], usize)> = keys.into_iter().zip(0..).collect();
        order.sort_unstable();
        let mut is_left = vec![false; changes.len()];
        for pair in order.windows(2) {
            is_left[pair[1].1] = pair[0].0 == pair[1].0;
        }
        let mut found = 0;
        let read = each(name, map, |key, _| {
            found += 1;
            let at = order.partition_point(|(known, _)| *known < key);
            if let Some((known, place)) = order.get(at)
                && *known == key
            {
                is_left[*place] = true;
            }
        });
        if read.is_err() {
            return changes;
        }
        order.retain(|(_, place)| !is_left[*place]);
        let keys: Vec<_> = order.iter().map(|(key, _)| *key).collect();
        let values: Vec<_> = order.iter().map(|(_, place)| entries[*place]).collect();
        let refused = try_put(map, &keys, &values);
        *held = found + keys.len() - refused.len();
        for place in refused {
            is_left[order[place].1] = true;
        }
        let left = changes.into_iter().zip(is_left);
        left.filter(|(_, is_left)| *is_left)
            .map(|(change, _)| change)
            .collect()
    }
}

impl Bans {
    /// What the maps hold; groups that an agent before this one has not finished are put in order.
    pub(super) fn adopt(
        mut tables: Tables,
        jails: JailKeys,
        never: PrefixSet,
        scopes: Scopes,
    ) -> Result<Self, XdpError> {
        let mut groups = Groups::new(MAX_MORE as usize);
        let mut held = [0; 2];
        let mut single = Vec::new();
        let several = tables.groups_and(|host, entry| {
            held[usize::from(host.is_ipv6())] += 1;
            single.push((host, entry));
        })?;
        for (host, _) in &several.hosts {
            held[usize::from(host.is_ipv6())] += 1;
        }
        let mut found = Some(single);
        for step in groups.adopt(several) {
            if matches!(step, Step::Single(..) | Step::Ban(..) | Step::Unban(_)) {
                found = None;
            }
            tables.run(step)?;
        }
        Ok(Self {
            tables,
            groups,
            scopes,
            jails,
            never,
            held,
            unfinished: VecDeque::new(),
            found,
        })
    }

    /// As [`Self::adopt`], once more: somebody else has written to the maps.
    pub(super) fn read_again(&mut self) -> Result<(), XdpError> {
        let mut groups = Groups::new(MAX_MORE as usize);
        for step in groups.adopt(self.tables.groups()?) {
            self.tables.run(step)?;
        }
        self.groups = groups;
        self.found = None;
        self.unfinished.clear();
        let mut held = [0; 2];
        (self.tables).each_host(|host, _| held[usize::from(host.is_ipv6())] += 1)?;
        self.held = held;
        let masks = self.scopes.masks();
        let found = read_array(PORTS, &self.tables.ports)?;
        write_array(PORTS, &mut self.tables.ports, &found, &masks)
    }

    /// Puts changes into force, in their order.
    pub(super) fn apply(&mut self, changes: &[Change], reading: &Reading) -> Vec<Failed> {
        let mut failed = Vec::new();
        let (mut v4, mut v6) = (New::none(), New::none());
        for &change in changes {
            // Hosts that are not banned yet can wait for each other, but for nothing else.
            match self.new_host(&change, reading) {
                Some((IpAddr::V4(host), entry)) => v4.push(host.octets(), entry, change),
                Some((IpAddr::V6(host), entry)) => v6.push(host.octets(), entry, change),
                None => {
                    self.put_new(&mut v4, &mut v6, reading, &mut failed);
                    self.change(change, reading, &mut failed);
                }
            }
        }
        self.put_new(&mut v4, &mut v6, reading, &mut failed);
        failed
    }

    /// What goes into the map of its family, if nothing is there yet.
    fn new_host(&self, change: &Change, reading: &Reading) -> Option<(IpAddr, Entry)> {
        let Change::Set(ban) = change else {
            return None;
        };
        let host = ban.net.addr();
        if !is_host(ban.net) || self.groups.has_host(host) {
            return None;
        }
        let scope = self.scopes.scope(ban.ports)?;
        Some((host, self.jails.entry(ban, scope, &self.never, reading)))
    }

    fn put_new(
        &mut self,
        v4: &mut New<4>,
        v6: &mut New<16>,
        reading: &Reading,
        failed: &mut Vec<Failed>,
    ) {
        if !v4.keys.is_empty() || !v6.keys.is_empty() {
            self.found = None;
        }
        let [held4, held6] = &mut self.held;
        let (tables4, tables6) = (&self.tables.v4, &self.tables.v6);
        let mut put4 = || v4.put(BANS4, tables4, held4);
        let (left4, left6) = if v6.keys.len() < TWO_THREADS {
            (put4(), v6.put(BANS6, tables6, held6))
        } else {
            // What the kernel does for one map is in nobody's way who writes to the other.
            thread::scope(|scope| {
                let left6 = scope.spawn(|| v6.put(BANS6, tables6, held6));
                let left4 = put4();
                (
                    left4,
                    left6.join().unwrap_or_else(|panic| resume_unwind(panic)),
                )
            })
        };
        for change in left4.into_iter().chain(left6) {
            self.change(change, reading, failed);
        }
    }

    fn change(&mut self, change: Change, reading: &Reading, failed: &mut Vec<Failed>) {
        if let Err(error) = self.try_change(change, reading) {
            let why = error.to_string();
            failed.push(Failed { change, why });
        }
    }

    fn try_change(&mut self, change: Change, reading: &Reading) -> Result<(), XdpError> {
        let entry = change.entry();
        let found = self.found(entry.net)?;
        let scope = self.scopes.scope(entry.ports);
        self.look_at_ends(entry.net)?;
        let steps = match (change, scope) {
            (Change::Set(ban), Some(scope)) => {
                let entry = self.jails.entry(&ban, scope, &self.never, reading);
                let held = found.or_else(|| self.groups.own_of_scope(ban.net, scope));
                let held = held.filter(|held| held.scope == scope);
                let entry = held.map_or(entry, |held| not_sooner(entry, &held, reading));
                self.groups.set(ban.net, entry, found)?
            }
            (Change::Set(ban), None) => return Err(XdpError::NoPorts(ban.ports.0)),
            (Change::Clear { net, .. }, Some(scope)) => self.groups.clear(net, scope, found)?,
            // Nothing can be in force for ports that the kernel has never heard of.
            (Change::Clear { .. }, None) => Vec::new(),
        };
        self.run(steps)
    }

    /// Ends the ban on just this prefix in this scope.
    pub(super) fn clear(&mut self, net: IpNet, scope: Scope) -> Result<(), XdpError> {
        let found = self.found(net)?;
        self.look_at_ends(net)?;
        let steps = self.groups.clear(net, scope, found)?;
        self.run(steps)
    }

    /// Ends all bans on just this prefix; whether there was one.
    pub(super) fn clear_all(&mut self, net: IpNet) -> Result<bool, XdpError> {
        let own = self.groups.own().filter(|(found, ..)| *found == net);
        let mut scopes: Vec<Scope> = own.map(|(_, scope, ..)| scope).collect();
        scopes.extend(self.found(net)?.map(|found| found.scope));
        for &scope in &scopes {
            self.clear(net, scope)?;
        }
        Ok(!scopes.is_empty())
    }

    /// Writes what is to be written. A step of a group that fails is what the next change of any group
    /// begins with: the others that belong to it would make no sense without it.
    fn run(&mut self, steps: Vec<Step>) -> Result<(), XdpError> {
        if let [step @ (Step::Ban(..) | Step::Unban(_))] = steps[..] {
            return self.step(step);
        }
        self.unfinished.extend(steps);
        while let Some(&step) = self.unfinished.front() {
            self.step(step)?;
            self.unfinished.pop_front();
        }
        Ok(())
    }

    fn step(&mut self, step: Step) -> Result<(), XdpError> {
        self.found = None;
        self.tables.run(step)?;
        let (host, more) = match step {
            Step::Ban(host, _) => (host, true),
            Step::Unban(host) => (host, false),
            _ => return Ok(()),
        };
        let held = &mut self.held[usize::from(host.is_ipv6())];
        *held = if more {
            held.saturating_add(1)
        } else {
            held.saturating_sub(1)
        };
        Ok(())
    }

    /// What the map of its family has under an address.
    pub(super) fn found(&self, net: IpNet) -> Result<Option<Entry>, XdpError> {
        if is_host(net) && !self.groups.has_host(net.addr()) {
            self.tables.host(net.addr())
        } else {
            Ok(None)
        }
    }

    /// Every ban, also those that are over.
    pub(super) fn read(&mut self, reading: &Reading) -> Result<Vec<Ban>, XdpError> {
        let found = self.found.take();
        let mut bans = Vec::with_capacity(found.as_ref().map_or(0, Vec::len));
        let mut push = |net, entry: &Entry| {
            // A bit without a set, which only somebody else can have brought in, bans from no port.
            if let Some(ports) = self.scopes.id(entry.scope) {
                bans.push(self.jails.ban(net, ports, entry, reading));
            }
        };
        if let Some(found) = found {
            for (host, entry) in found {
                push(host.into(), &entry);
            }
        } else {
            self.tables.each_host(|host, entry| {
                if entry.flags & SEVERAL == 0 {
                    push(host.into(), &entry);
                }
            })?;
        }
        for (net, _, entry, _) in self.groups.own() {
            push(net, &entry);
        }
        Ok(bans)
    }

    /// The program looks these addresses up in the never-ban list from now on, if they are banned.
    pub(super) fn uncheck(&mut self, nets: &[IpNet]) -> Result<(), XdpError> {
        /// Prefixes of so many host bits are gone through address by address.
        const FEW: u8 = 10;
        let few = |net: &IpNet| net.max_prefix_len() - net.prefix_len() <= FEW;
        let (narrow, wide): (Vec<IpNet>, Vec<IpNet>) = nets.iter().partition(|net| few(net));
        let mut hosts = Vec::new();
        for host in narrow.iter().flat_map(addresses) {
            if let Some(entry) = self.tables.host(host)? {
                hosts.push((host, entry));
            }
        }
        if !wide.is_empty() {
            let wide = PrefixSet::new(wide);
            self.tables.each_host(|host, entry| {
                if wide.contains(host) {
                    hosts.push((host, entry));
                }
            })?;
        }
        for (host, entry) in hosts {
            let steps = if entry.flags & SEVERAL != 0 {
                self.look_at_ends(host.into())?;
                self.groups.uncheck(host)?
            } else if entry.flags & CHECKED != 0 {
                let flags = entry.flags & !CHECKED;
                vec![Step::Ban(host, Entry { flags, ..entry })]
            } else {
                continue;
            };
            self.run(steps)?;
        }
        Ok(())
    }
}

/// Every address of a prefix.
fn addresses(net: &IpNet) -> impl Iterator<Item = IpAddr> + use<> {
    let host = net.subnets(net.max_prefix_len());
    host.into_iter().flatten().map(|host| host.addr())
}
