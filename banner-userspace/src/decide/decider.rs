//! Offences in, decisions and changes out.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;

use super::{
    bans::{Bans, Cursor, Full},
    rules::Rules,
};
use crate::model::{
    Ban, Change, Entry, Evidence, JailId, Mono, Offence, PortsId, PrefixSet, Until, bannable,
};

/// What was decided, for the report. The changes that it takes are separate, because they have to
/// be in force first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A host or the prefix around it is banned, or would be in
    /// [`Mode::Observe`](crate::model::Mode::Observe).
    Ban {
        /// The ban.
        ban: Ban,
        /// Who offended.
        host: IpAddr,
        /// The failures that led to it.
        failures: u32,
        /// The lines that they were.
        evidence: Evidence,
        /// The same jail has it banned already; the ban now lasts longer.
        again: bool,
        /// The ban is of the host alone, because the prefix that the jail would ban has addresses
        /// that the jail ignores.
        narrowed: bool,
    },
    /// A host offended that is never banned.
    Spared {
        /// The host.
        host: IpAddr,
        /// The jail.
        jail: JailId,
        /// Its failures.
        failures: u32,
    },
    /// Somebody asked for a ban, which is in force as it stands here: an earlier one may last longer.
    Asked(Ban),
    /// A ban is over.
    Over(Ban),
    /// A ban ended before its time, to make room for another.
    Displaced(Ban),
    /// A ban ended because somebody asked for it, or because it is on the never-ban list now.
    Lifted(Ban),
    /// A ban could not be: there is no room, and none that could be made.
    Refused(Ban),
}

/// Why a ban that somebody asks for is not decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// All of it is on the never-ban list.
    #[error(
        "on the never-ban list, which wins over every ban, forced or not; on it are `ignore` of the \
         configuration, the addresses of this machine, its gateways, and whoever started the agent"
    )]
    Never,
    /// There is no room.
    #[error(transparent)]
    Full(#[from] Full),
}

/// Holds the bans that should be in force, and the rules by which there come to be more.
#[derive(Debug)]
pub struct Decider {
    rules: Vec<Rules>,
    never: PrefixSet,
    bans: Bans,
}

/// Where decisions and changes go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What enforcers have to do, in this order.
    pub changes: Vec<Change>,
    /// What to report when they have done it.
    pub decisions: Vec<Decision>,
}

impl Outcome {
    /// Nothing was decided.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.decisions.is_empty()
    }
}

impl Decider {
    /// `rules` by [`JailId`]; there are bans on at most `capacity` entries of each address family at
    /// once, hosts, prefixes and sets of ports counted alike.
    pub fn new(rules: Vec<Rules>, never: PrefixSet, capacity: usize) -> Self {
        Self {
            rules,
            never,
            bans: Bans::new(capacity),
        }
    }

    /// Decides on an offence.
    pub fn offence(&mut self, offence: &Offence, now: Mono, out: &mut Outcome) {
        let Offence {
            jail,
            host,
            failures,
            ref evidence,
        } = *offence;
        let Some(rules) = self.rules.get(usize::from(jail.0)) else {
            return;
        };
        if self.never.contains(host) || rules.ignore.contains(host) {
            out.decisions.push(Decision::Spared {
                host,
                jail,
                failures,
            });
            return;
        }
        let (net, narrowed) = rules.net(host);
        let ban = Ban {
            net,
            ports: rules.ports,
            jail: Some(jail),
            mode: rules.mode,
            until: until(rules.ban_time, now),
        };
        let Ok((ban, again)) = self.put(ban, out) else {
            out.decisions.push(Decision::Refused(ban));
            return;
        };
        out.decisions.push(Decision::Ban {
            ban,
            host,
            failures,
            evidence: evidence.clone(),
            again,
            narrowed,
        });
    }

    /// Decides on a ban that somebody asks for. One that contains addresses of the never-ban list is
    /// not refused unless all of it is on the list: the kernel asks the list for each packet.
    pub fn ask(&mut self, ban: Ban, out: &mut Outcome) -> Result<(), Refusal> {
        if self.never.covers(ban.net) {
            return Err(Refusal::Never);
        }
        let (ban, _) = self.put(ban, out)?;
        out.decisions.push(Decision::Asked(ban));
        Ok(())
    }

    /// Puts a ban in: as it is now, and whether its jail had it before.
    fn put(&mut self, ban: Ban, out: &mut Outcome) -> Result<(Ban, bool), Full> {
        let put = self.bans.put(&ban)?;
        make_room(put.displaced, out);
        // If it is in force, or should be: a host that goes on failing gives reason to say so again.
        let change = put.change.unwrap_or_else(|| self.change_for(ban.entry()));
        out.changes.push(change);
        Ok((put.ban, put.again))
    }

    /// Takes over a ban that an enforcer still has from an agent before this one, under the rules
    /// of today: what should not be in force is cleared, and a jail that only observes now drops
    /// nothing any more. Prefix and ports stay what they were.
    pub fn adopt(&mut self, found: Ban, now: Mono, out: &mut Outcome) {
        let rules = (found.jail).and_then(|jail| self.rules.get(usize::from(jail.0)));
        // Of a prefix it cannot be told any more whose offence it was for.
        let spared = |rules: &Rules| rules.ignore.overlaps(found.net);
        if found.until.is_over(now) {
            out.changes.push(found.entry().into());
        } else if self.never.covers(found.net) || rules.is_some_and(spared) {
            out.changes.push(found.entry().into());
            out.decisions.push(Decision::Lifted(found));
        } else {
            let mode = rules.map_or(found.mode, |rules| rules.mode);
            match self.bans.put(&Ban { mode, ..found }) {
                Ok(put) => {
                    // What is in force already need not be put into force.
                    let news = |change: &Change| *change != Change::Set(found);
                    make_room(put.displaced, out);
                    out.changes.extend(put.change.filter(news));
                }
                Err(_full) => {
                    out.changes.push(found.entry().into());
                    out.decisions.push(Decision::Displaced(found));
                }
            }
        }
    }

    /// Ends bans that are over, at most so many: after a list of bans that were made at once there
    /// may be a million. [`Self::next_end`] tells of the rest.
    pub fn expire(&mut self, now: Mono, most: usize, out: &mut Outcome) {
        let over = std::iter::from_fn(|| self.bans.pop_over(now));
        for (over, change) in over.take(most) {
            out.changes.extend(change);
            out.decisions.push(Decision::Over(over));
        }
    }

    /// Replaces the never-ban list, and ends bans that lie in it.
    pub fn set_never(&mut self, never: PrefixSet, out: &mut Outcome) {
        self.never = never;
        let in_force = self.bans.outweighing().map(|ban| ban.net);
        let forbidden: Vec<_> = in_force.filter(|&net| self.never.covers(net)).collect();
        for net in forbidden {
            self.lift(net, out);
        }
    }

    /// The never-ban list.
    pub fn never(&self) -> &PrefixSet {
        &self.never
    }

    /// The rules of a jail.
    pub fn rules(&self, jail: JailId) -> Option<&Rules> {
        self.rules.get(usize::from(jail.0))
    }

    /// Ends every ban on just this prefix, for whatever ports; whether there was one.
    pub fn lift(&mut self, net: IpNet, out: &mut Outcome) -> bool {
        let (bans, changes) = self.bans.remove(net);
        let any = !bans.is_empty();
        out.changes.extend(changes);
        out.decisions.extend(bans.into_iter().map(Decision::Lifted));
        any
    }

    /// Ends all bans on at most so many entries; how many bans that were. None: there are no more.
    pub fn lift_some(&mut self, most: usize, out: &mut Outcome) -> usize {
        let mut count = 0;
        for (bans, change) in std::iter::from_fn(|| self.bans.remove_any()).take(most) {
            count += bans.len();
            out.changes.push(change);
            out.decisions.extend(bans.into_iter().map(Decision::Lifted));
        }
        count
    }

    /// When [`Decider::expire`] next has something to do.
    pub fn next_end(&self) -> Option<Mono> {
        self.bans.next_end()
    }

    /// The bans from a place in the listing on, in no order, each with the place behind it.
    pub fn bans_from(&self, place: Cursor) -> impl Iterator<Item = (Ban, Cursor)> {
        self.bans.from(place)
    }

    /// What an enforcer has to be told of an entry, whatever it was told before.
    pub fn change_for(&self, entry: Entry) -> Change {
        self.bans
            .outweighing_on(entry)
            .map_or(entry.into(), Change::Set)
    }

    /// On how many entries there are bans: IPv4, IPv6.
    pub fn entries(&self) -> (usize, usize) {
        self.bans.entries()
    }

    /// How many of them are of prefixes.
    pub fn prefixes(&self) -> usize {
        self.bans.prefixes()
    }

    /// How many bans a jail has.
    pub fn of(&self, jail: JailId) -> usize {
        self.bans.of(jail)
    }

    /// The prefixes that are banned and have all of this one in them, without itself.
    pub fn around(&self, net: IpNet) -> Vec<IpNet> {
        let mut around = Vec::new();
        let mut wider = net;
        while let Some(next) = wider.supernet()
            && bannable(next).is_ok()
        {
            wider = next;
            if self.bans.has(wider) {
                around.push(wider);
            }
        }
        around
    }

    /// Whether a host, or a prefix around it, is banned for some ports or all.
    pub fn is_banned(&self, host: IpAddr) -> bool {
        self.bans.has(host.into()) || !self.around(host.into()).is_empty()
    }

    /// How many bans there are.
    pub fn len(&self) -> usize {
        self.bans.len()
    }

    /// Whether there are no bans.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a ban or a jail is limited to this set of ports.
    pub fn uses(&self, ports: PortsId) -> bool {
        self.bans.uses(ports) || self.rules.iter().any(|rules| rules.ports == ports)
    }
}

fn make_room(displaced: Vec<(Vec<Ban>, Change)>, out: &mut Outcome) {
    for (bans, change) in displaced {
        out.changes.push(change);
        (out.decisions).extend(bans.into_iter().map(Decision::Displaced));
    }
}

/// The end of a ban that begins now and lasts so long; `None`: without an end.
pub fn until(time: Option<Duration>, now: Mono) -> Until {
    time.map_or(Until::Forever, |time| Until::At(now.after(time)))
}

#[cfg(test)]
mod tests;
