//! Bans that should be in force are tested, way by way.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Around, Ways, enforcer};
use crate::{
    decide::Decider,
    enforce::{Tested, Trial},
    model::{Change, Entry, PrefixSet, Until, is_host},
};

/// A test of a ban that ends sooner says nothing.
const SOON: std::time::Duration = std::time::Duration::from_secs(1);

/// How a test of one way went.
#[derive(Debug)]
pub(in crate::agent) struct Outcome {
    pub(in crate::agent) way: usize,
    pub(in crate::agent) name: String,
    pub(in crate::agent) is_xdp: bool,
    pub(in crate::agent) tested: Tested,
}

impl Ways {
    /// Tests what is in force of an entry, in each way that should have it.
    pub(in crate::agent) fn test(&mut self, entry: Entry, around: &mut Around<'_>) -> Vec<Outcome> {
        let mut outcomes = Vec::new();
        let Some(host) = host(entry.net, around.decider, around.never) else {
            return outcomes;
        };
        let covering = covering(host, entry.net, around.decider);
        for way in 0..self.each.len() {
            let Change::Set(ban) = self.should_be(way, entry, around) else {
                continue;
            };
            let ends_soon = match ban.until {
                Until::Forever => false,
                Until::At(end) => end.since(around.now.mono) < SOON,
            };
            let each = &mut self.each[way];
            if ends_soon || !each.open || each.released {
                continue;
            }
            let trial = Trial {
                ban,
                ports: around.ports.get(ban.ports),
                host,
                covering: &covering,
            };
            let is_xdp = each.is_xdp();
            let name = each.name().to_owned();
            if let Some(enforcer) = enforcer(each, around.xdp) {
                let tested = enforcer.test(&trial);
                outcomes.push(Outcome {
                    way,
                    name,
                    is_xdp,
                    tested,
                });
            }
        }
        outcomes
    }

    /// What a way has in force is looked at now.
    pub(in crate::agent) fn doubt(&mut self, way: usize, around: &Around<'_>) {
        self.each[way].repair.plan(around.now.mono);
        self.plan_repair();
    }

    /// A way does not do what it says.
    pub(in crate::agent) fn distrust(&mut self, way: usize, why: String, around: &Around<'_>) {
        let each = &mut self.each[way];
        each.open = false;
        each.give_up(why, around.now.mono);
    }
}

/// An address of a prefix that is not on the never-ban list, and about which no ban inside of the prefix
/// is, if one is found soon.
fn host(net: IpNet, decider: &Decider, never: &PrefixSet) -> Option<IpAddr> {
    if is_host(net) {
        return Some(net.addr()).filter(|host| !never.contains(*host));
    }
    let candidates = [second(net), net.broadcast(), net.network()];
    let candidates = candidates.into_iter().filter(|host| !never.contains(*host));
    let candidates: Vec<IpAddr> = candidates.collect();
    let is_lone = |host: &&IpAddr| {
        let around = decider.around((**host).into());
        decider.on((**host).into()).is_empty() && around.first() == Some(&net)
    };
    let lone = candidates.iter().find(is_lone);
    lone.or(candidates.first()).copied()
}

/// The address behind the first of a prefix.
fn second(net: IpNet) -> IpAddr {
    match net.network() {
        IpAddr::V4(first) => (u32::from(first) | 1).to_be_bytes().into(),
        IpAddr::V6(first) => (u128::from(first) | 1).to_be_bytes().into(),
    }
}

/// All entries on a host, and on what is around it; `net` is one of these.
fn covering(host: IpAddr, net: IpNet, decider: &Decider) -> Vec<Entry> {
    let mut nets = decider.around(host.into());
    nets.push(host.into());
    if !nets.contains(&net) {
        nets.push(net);
    }
    let bans = nets.into_iter().flat_map(|net| decider.on(net));
    let mut entries: Vec<Entry> = bans.map(|ban| ban.entry()).collect();
    entries.sort_unstable();
    entries.dedup();
    entries
}
