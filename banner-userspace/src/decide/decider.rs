//! Offences in, decisions and changes out.

use std::{net::IpAddr, time::Duration};

use super::bans::Bans;
use ipnet::IpNet;

use crate::model::{Ban, Change, Entry, JailId, Mode, Mono, Offence, PortsId, PrefixSet, Until};

/// What one jail does with an offence.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long a ban lasts; `None`: without an end.
    pub ban_time: Option<Duration>,
    /// Drop, or only report.
    pub mode: Mode,
    /// Never banned by this jail, beside those never banned by any.
    pub ignore: PrefixSet,
}

/// What was decided, for the report. The changes that it takes are separate, because they have to
/// be in force first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A host is banned, or would be in [`Mode::Observe`].
    Ban {
        /// The ban.
        ban: Ban,
        /// The failures that led to it.
        failures: u32,
        /// The same jail has it banned already; the ban now lasts longer.
        again: bool,
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
    /// A ban is over.
    Over(Ban),
    /// A ban ended before its time, to make room for another.
    Displaced(Ban),
    /// A ban ended because its host came onto the never-ban list.
    Lifted(Ban),
    /// A host could not be banned: there is no room, and none that could be made.
    Refused {
        /// The host.
        host: IpAddr,
        /// The jail.
        jail: JailId,
    },
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
    /// `rules` by [`JailId`]; at most `capacity` hosts of each address family are banned at once.
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
        let until = rules
            .ban_time
            .map_or(Until::Forever, |time| Until::At(now.after(time)));
        let ban = Ban {
            net: host.into(),
            ports: PortsId::ALL,
            jail: Some(jail),
            mode: rules.mode,
            until,
        };
        let again = self.bans.get(ban.entry(), Some(jail)).is_some();
        let Ok(put) = self.bans.put(ban) else {
            out.decisions.push(Decision::Refused { host, jail });
            return;
        };
        if put.changes.is_empty() {
            // It is in force, or should be: a host that goes on failing gives reason to say so again.
            out.changes.push(self.change_for(ban.entry()));
        }
        out.changes.extend(put.changes);
        let displaced = put.displaced.into_iter().map(Decision::Displaced);
        out.decisions.extend(displaced);
        // An earlier ban may last longer.
        let ban = self
            .bans
            .get(ban.entry(), Some(jail))
            .copied()
            .unwrap_or(ban);
        out.decisions.push(Decision::Ban {
            ban,
            failures,
            again,
        });
    }

    /// Takes over a ban that an enforcer still has from an agent before this one, under the rules
    /// of today: what should not be in force is cleared, and a jail that only observes now drops
    /// nothing any more.
    pub fn adopt(&mut self, found: Ban, now: Mono, out: &mut Outcome) {
        let rules = found
            .jail
            .and_then(|jail| self.rules.get(usize::from(jail.0)));
        let spared = |rules: &Rules| rules.ignore.contains(found.net.addr());
        if found.until.is_over(now) {
            out.changes.push(found.entry().into());
        } else if self.never.contains(found.net.addr()) || rules.is_some_and(spared) {
            out.changes.push(found.entry().into());
            out.decisions.push(Decision::Lifted(found));
        } else {
            let mode = rules.map_or(found.mode, |rules| rules.mode);
            match self.bans.put(Ban { mode, ..found }) {
                Ok(put) => {
                    // What is in force already need not be put into force.
                    let news = |change: &Change| *change != Change::Set(found);
                    out.changes.extend(put.changes.into_iter().filter(news));
                    let displaced = put.displaced.into_iter().map(Decision::Displaced);
                    out.decisions.extend(displaced);
                }
                Err(_full) => {
                    out.changes.push(found.entry().into());
                    out.decisions.push(Decision::Displaced(found));
                }
            }
        }
    }

    /// Ends the bans that are over.
    pub fn expire(&mut self, now: Mono, out: &mut Outcome) {
        while let Some((over, change)) = self.bans.pop_over(now) {
            out.changes.extend(change);
            out.decisions.push(Decision::Over(over));
        }
    }

    /// Replaces the never-ban list, and ends bans that it forbids.
    pub fn set_never(&mut self, never: PrefixSet, out: &mut Outcome) {
        self.never = never;
        let mut hosts: Vec<_> = self.bans.iter().map(|ban| ban.net).collect();
        hosts.retain(|net| self.never.contains(net.addr()));
        for host in hosts {
            self.lift(host, out);
        }
    }

    /// The never-ban list.
    pub fn never(&self) -> &PrefixSet {
        &self.never
    }

    /// Ends every ban on just this prefix; whether there was one.
    pub fn lift(&mut self, net: IpNet, out: &mut Outcome) -> bool {
        let (bans, change) = self.bans.remove(Entry {
            net,
            ports: PortsId::ALL,
        });
        let any = !bans.is_empty();
        out.changes.extend(change);
        out.decisions.extend(bans.into_iter().map(Decision::Lifted));
        any
    }

    /// When [`Decider::expire`] next has something to do.
    pub fn next_end(&self) -> Option<Mono> {
        self.bans.next_end()
    }

    /// Every ban, in no order.
    pub fn bans(&self) -> impl Iterator<Item = &Ban> {
        self.bans.iter()
    }

    /// For each banned host the one ban that enforcers know of, in no order.
    pub fn in_force(&self) -> impl Iterator<Item = Ban> {
        self.bans.outweighing()
    }

    /// What an enforcer has to be told of an entry, whatever it was told before.
    pub fn change_for(&self, entry: Entry) -> Change {
        self.bans
            .outweighing_on(entry)
            .map_or(entry.into(), Change::Set)
    }

    /// How many hosts are banned: IPv4, IPv6.
    pub fn hosts(&self) -> (usize, usize) {
        self.bans.hosts()
    }
}

#[cfg(test)]
mod tests;
