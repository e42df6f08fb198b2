//! Bans in force.

use std::net::IpAddr;

use banner_common::{Ban as Entry, CHECKED, MAX_MORE, SEVERAL};
use ipnet::IpNet;

use super::{
    XdpError,
    batch::put_new,
    clock::Reading,
    entry::JailKeys,
    groups::{Groups, Scope, Step},
    scopes::Scopes,
    tables::Tables,
};
use crate::{
    enforce::Failed,
    model::{Ban, Change, PrefixSet, is_host},
};

/// More new bans of single hosts than this are not kept back before they are written.
const MOST_NEW: usize = 65_536;

/// The bans in the maps, and what has to be known to change them.
#[derive(Debug)]
pub(super) struct Bans {
    pub(super) tables: Tables,
    pub(super) groups: Groups,
    pub(super) scopes: Scopes,
    pub(super) jails: JailKeys,
    /// Addresses of which it cannot be said that they are not on the kernel's never-ban list.
    pub(super) never: PrefixSet,
}

/// Bans of hosts of one family that are not yet in the map, as far as is known.
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

    fn clear(&mut self) {
        self.keys.clear();
        self.entries.clear();
        self.changes.clear();
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
        for step in groups.adopt(tables.groups()?) {
            tables.run(step)?;
        }
        Ok(Self {
            tables,
            groups,
            scopes,
            jails,
            never,
        })
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
            if v4.keys.len() + v6.keys.len() >= MOST_NEW {
                self.put_new(&mut v4, &mut v6, reading, &mut failed);
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
        let left4 = put_new(&self.tables.v4, &v4.keys, &v4.entries);
        let left6 = put_new(&self.tables.v6, &v6.keys, &v6.entries);
        let left4 = left4.into_iter().map(|place| v4.changes[place]);
        let left6 = left6.into_iter().map(|place| v6.changes[place]);
        for change in left4.chain(left6) {
            self.change(change, reading, failed);
        }
        v4.clear();
        v6.clear();
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
        let steps = match (change, scope) {
            (Change::Set(ban), Some(scope)) => {
                let entry = self.jails.entry(&ban, scope, &self.never, reading);
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

    fn run(&mut self, steps: Vec<Step>) -> Result<(), XdpError> {
        steps.into_iter().try_for_each(|step| self.tables.run(step))
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
    pub(super) fn read(&self, reading: &Reading) -> Result<Vec<Ban>, XdpError> {
        let mut bans = Vec::new();
        let mut push = |net, entry: &Entry| {
            // A bit without a set, which only somebody else can have brought in, bans from no port.
            if let Some(ports) = self.scopes.id(entry.scope) {
                bans.push(self.jails.ban(net, ports, entry, reading));
            }
        };
        self.tables.each_host(|host, entry| {
            if entry.flags & SEVERAL == 0 {
                push(host.into(), &entry);
            }
        })?;
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
