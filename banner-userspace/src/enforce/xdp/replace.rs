//! All bans at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use banner_common::{BANS4, BANS6, Ban as Entry, SEVERAL};

use super::{
    Xdp, XdpError,
    bans::Bans,
    batch::{self, Bytes},
    clock::Reading,
    groups::Scope,
};
use crate::{
    enforce::Failed,
    model::{Ban, Change, is_host},
};

/// The addresses of one family that are banned once, and how.
type Single<const KEY: usize> = Vec<([u8; KEY], Entry)>;

/// What makes the entries of one map those that are wanted.
struct Difference<const KEY: usize> {
    gone: Vec<[u8; KEY]>,
    /// Hosts that have one ban and shall have several, with the scope of that one.
    split: Vec<([u8; KEY], Scope)>,
    keys: Vec<[u8; KEY]>,
    values: Vec<[u8; Entry::SIZE]>,
}

impl Xdp {
    /// Just these bans are in force, one for each prefix and set of ports; of several for both, the
    /// last. Who was banned before and still is, is at no time not banned. Those that could not be put
    /// into force.
    pub fn replace_all(&mut self, bans: &[Ban]) -> Result<Vec<Failed>, XdpError> {
        let reading = self.clock.read(&self.shared)?;
        self.bans.replace_all(bans, &reading)
    }
}

impl Bans {
    fn replace_all(&mut self, bans: &[Ban], reading: &Reading) -> Result<Vec<Failed>, XdpError> {
        let (mut v4, mut v6) = (Single::new(), Single::new());
        // What takes more than one entry, which is rare.
        let mut rest = Vec::new();
        for ban in bans {
            let single = is_host(ban.net) && !self.groups.has_host(ban.net.addr());
            match self.scopes.scope(ban.ports) {
                Some(scope) if single => {
                    let entry = self.jails.entry(ban, scope, &self.never, reading);
                    match ban.net.addr() {
                        IpAddr::V4(host) => v4.push((host.octets(), entry)),
                        IpAddr::V6(host) => v6.push((host.octets(), entry)),
                    }
                }
                _ => rest.push(*ban),
            }
        }
        let several4 = take_several(&mut v4);
        let several6 = take_several(&mut v6);
        let is_several = |ban: &Ban| match ban.net.addr() {
            IpAddr::V4(host) => several4.contains(&host.octets()),
            IpAddr::V6(host) => several6.contains(&host.octets()),
        };
        if !several4.is_empty() || !several6.is_empty() {
            rest.extend(
                bans.iter()
                    .filter(|ban| is_host(ban.net) && is_several(ban)),
            );
        }
        self.found = None;
        // Places are made free first.
        let v4 = difference(BANS4, &self.tables.v4, v4, &several4)?;
        let v6 = difference(BANS6, &self.tables.v6, v6, &several6)?;
        batch::remove(BANS4, &mut self.tables.v4, &v4.gone)?;
        batch::remove(BANS6, &mut self.tables.v6, &v6.gone)?;
        batch::put(BANS4, &mut self.tables.v4, &v4.keys, &v4.values)?;
        batch::put(BANS6, &mut self.tables.v6, &v6.keys, &v6.values)?;
        let mut changes = Vec::new();
        let wanted: BTreeMap<(_, Scope), _> = (rest.iter())
            .filter_map(|ban| Some(((ban.net, self.scopes.scope(ban.ports)?), ban)))
            .collect();
        let own = self.groups.own().map(|(net, scope, ..)| (net, scope));
        let split4 = v4
            .split
            .iter()
            .map(|&(host, scope)| (IpAddr::from(host).into(), scope));
        let split6 = v6
            .split
            .iter()
            .map(|&(host, scope)| (IpAddr::from(host).into(), scope));
        for (net, scope) in own.chain(split4).chain(split6) {
            if !wanted.contains_key(&(net, scope))
                && let Some(ports) = self.scopes.id(scope)
            {
                changes.push(Change::Clear { net, ports });
            }
        }
        // Those that stay come before those that go: an address has no moment without a ban.
        changes.splice(0..0, rest.into_iter().map(Change::Set));
        Ok(self.apply(&changes, reading))
    }
}

/// Takes out the addresses that are banned in several scopes; leaves the others sorted, and the last of
/// several bans in one scope.
fn take_several<const KEY: usize>(single: &mut Single<KEY>) -> BTreeSet<[u8; KEY]> {
    // In the order in which they came where they are equal.
    single.sort_by_key(|(host, _)| *host);
    let mut several = BTreeSet::new();
    for pair in single.windows(2) {
        if pair[0].0 == pair[1].0 && pair[0].1.scope != pair[1].1.scope {
            several.insert(pair[0].0);
        }
    }
    single.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            *kept = *next;
        }
        same
    });
    if !several.is_empty() {
        single.retain(|(host, _)| !several.contains(host));
    }
    several
}

/// What a map has and should not have, and what it should have and has not. `single` is sorted;
/// entries of groups, and of those that will be in one, are left alone.
fn difference<const KEY: usize>(
    name: &'static str,
    map: &Bytes<KEY, { Entry::SIZE }>,
    single: Single<KEY>,
    several: &BTreeSet<[u8; KEY]>,
) -> Result<Difference<KEY>, XdpError> {
    let (mut gone, mut split) = (Vec::new(), Vec::new());
    let mut is_there = vec![false; single.len()];
    let mut keys = Vec::new();
    let mut values = Vec::new();
    batch::each(name, map, |host, value| {
        let found = Entry::from_bytes(value);
        if found.flags & SEVERAL != 0 {
            return;
        }
        if several.contains(&host) {
            split.push((host, found.scope));
            return;
        }
        let Ok(place) = single.binary_search_by_key(&host, |(host, _)| *host) else {
            gone.push(host);
            return;
        };
        is_there[place] = true;
        let seen = found.seen;
        let wanted = Entry {
            seen,
            ..single[place].1
        };
        if wanted != found {
            keys.push(host);
            values.push(wanted.to_bytes());
        }
    })?;
    for ((host, entry), is_there) in single.into_iter().zip(is_there) {
        if !is_there {
            keys.push(host);
            values.push(entry.to_bytes());
        }
    }
    Ok(Difference {
        gone,
        split,
        keys,
        values,
    })
}
