//! Offences in, decisions and changes out.

use std::{collections::HashSet, net::IpAddr, time::Duration};

use ipnet::IpNet;

use super::{
    bans::{Bans, Cursor, Full},
    decision::{Decision, Outcome, Refusal},
    escalation::{self, Dice},
    history::{History, Jail},
    rules::Rules,
};
use crate::model::{
    Ban, Change, Entry, JailId, Mode, Mono, Now, Offence, PortsId, PrefixSet, Until, bannable,
};

/// Holds the bans that should be in force, and the rules by which there come to be more.
#[derive(Debug)]
pub struct Decider {
    pub(super) rules: Vec<Rules>,
    /// By [`JailId`]: what its name is in the history.
    jails: Vec<Jail>,
    pub(super) never: PrefixSet,
    /// Banned though they are on the list: bans that were asked for by force.
    forced: PrefixSet,
    pub(super) bans: Bans,
    pub(super) history: History,
    /// Bans that are in force, of which it is not known why.
    pub(super) unexplained: HashSet<(Entry, JailId)>,
    dice: Dice,
}

/// Rows of a history that nobody has given a size.
const HISTORY: usize = 100_000;

impl Decider {
    /// `rules` by [`JailId`]; there are bans on at most `capacity` entries of each address family at
    /// once, hosts, prefixes and sets of ports counted alike.
    pub fn new(rules: Vec<Rules>, never: PrefixSet, capacity: usize) -> Self {
        let mut history = History::new(HISTORY);
        let jails = rules.iter().map(|rules| history.jail(&rules.jail));
        Self {
            jails: jails.collect(),
            rules,
            never,
            forced: PrefixSet::default(),
            bans: Bans::new(capacity),
            history,
            unexplained: HashSet::new(),
            dice: Dice::default(),
        }
    }

    /// With these earlier bans to escalate from. `seed` is for the random part of ban times, and for
    /// nobody else to know.
    #[must_use]
    pub fn with_history(mut self, mut history: History, seed: u64) -> Self {
        let jails = self.rules.iter().map(|rules| history.jail(&rules.jail));
        self.jails = jails.collect();
        self.history = history;
        self.dice = Dice::new(seed);
        self
    }

    /// Earlier bans.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// Decides on an offence.
    pub fn offence(&mut self, offence: &Offence, now: Now, out: &mut Outcome) {
        let Offence {
            jail,
            who,
            failures,
            ref evidence,
        } = *offence;
        let Some(rules) = self.rules.get(usize::from(jail.0)) else {
            return;
        };
        // Of a prefix the kernel spares what is on the list for all; what this jail ignores it does not know.
        if self.never.covers(who) || rules.ignore.overlaps(who) {
            out.decisions.push(Decision::Spared {
                who,
                jail,
                failures,
            });
            return;
        }
        let (net, narrowed) = rules.net(who);
        let ban = Ban {
            net,
            ports: rules.ports,
            jail: Some(jail),
            mode: rules.mode,
            until: Until::Forever,
            quiet: None,
        };
        if let Some(ban) = self.explained(ban.entry(), jail) {
            self.note(&ban, jail, false, now);
            out.decisions.push(Decision::Explained {
                ban,
                who,
                failures,
                evidence: evidence.clone(),
            });
            return;
        }
        let (time, count) = self.escalated(&ban, jail, now);
        let quiet = self.rules[usize::from(jail.0)].quiet(time);
        let until = until(time, now.mono);
        let ban = Ban {
            until,
            quiet,
            ..ban
        };
        let Ok((ban, again)) = self.put(ban, out) else {
            out.decisions.push(Decision::Refused(ban));
            return;
        };
        self.note(&ban, jail, again, now);
        out.decisions.push(Decision::Ban {
            ban,
            who,
            failures,
            evidence: evidence.clone(),
            count,
            time,
            again,
            narrowed,
        });
    }

    /// How long a ban that this jail gives now lasts, and which one it is. One that stands already is
    /// not counted once more.
    fn escalated(&mut self, ban: &Ban, jail: JailId, now: Now) -> (Option<Duration>, u32) {
        let at = usize::from(jail.0);
        let rules = &self.rules[at];
        let (Some(base), Some(escalation)) = (rules.ban_time, &rules.escalation) else {
            return (rules.ban_time, 1);
        };
        // What a jail that only observes would have done is of no consequence to others.
        let observes = |other: Jail| {
            let mut jails = self.jails.iter().zip(&self.rules);
            jails.any(|(&jail, rules)| jail == other && rules.mode == Mode::Observe)
        };
        let own = self.jails[at];
        let counts = |other| other == own || escalation.all_jails && !observes(other);
        let earlier = self
            .history
            .earlier(ban.net, escalation.forget, now.wall, counts);
        let stands = self.bans.has_of(ban.entry(), Some(jail));
        let earlier = earlier - u32::from(stands && earlier > 0);
        let dice = &mut self.dice;
        let time = escalation::time(escalation, base, earlier, || dice.roll());
        (Some(time), earlier.saturating_add(1))
    }

    /// Remembers a ban of this jail, where some jail will ask.
    fn note(&mut self, ban: &Ban, jail: JailId, again: bool, now: Now) {
        let escalations = self
            .rules
            .iter()
            .filter_map(|rules| rules.escalation.as_ref());
        let Some(forget) = escalations.map(|escalation| escalation.forget).max() else {
            return;
        };
        let ends = match ban.until {
            Until::Forever => None,
            Until::At(end) => Some(now.wall.after(end.since(now.mono))),
        };
        let own = self.jails[usize::from(jail.0)];
        if again {
            self.history.prolong(ban.net, own, ends);
        } else {
            let forget = match &self.rules[usize::from(jail.0)].escalation {
                Some(escalation) => escalation.forget,
                None => forget,
            };
            self.history.add(ban.net, own, now.wall, ends, forget);
        }
    }

    /// Decides on a ban that somebody asks for. One that contains addresses of the never-ban list is
    /// not refused unless all of it is on the list: the kernel asks the list for each packet.
    pub fn ask(&mut self, ban: Ban, out: &mut Outcome) -> Result<(), Refusal> {
        if self.forbids(ban.net) {
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
        } else if self.forbids(found.net) || rules.is_some_and(spared) {
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
        self.expire_unless(now, most, &mut |_| None, out);
    }

    /// Replaces the never-ban list, and ends bans that lie in it.
    pub fn set_never(&mut self, never: PrefixSet, out: &mut Outcome) {
        self.never = never;
        let in_force = self.bans.outweighing().map(|ban| ban.net);
        let forbidden: Vec<_> = in_force.filter(|&net| self.forbids(net)).collect();
        for net in forbidden {
            self.lift(net, out);
        }
    }

    /// Bans on these prefixes may be asked for, and stand, though all of them is on the never-ban list. No jail
    /// bans anybody for that.
    pub fn set_forced(&mut self, forced: PrefixSet) {
        self.forced = forced;
    }

    /// Whether no ban of all of this may be.
    pub(super) fn forbids(&self, net: IpNet) -> bool {
        self.never.covers(net) && !self.forced.covers(net)
    }

    /// The never-ban list.
    pub fn never(&self) -> &PrefixSet {
        &self.never
    }

    /// The rules of a jail.
    pub fn rules(&self, jail: JailId) -> Option<&Rules> {
        self.rules.get(usize::from(jail.0))
    }

    /// Forgives: whoever is banned next on just this prefix is banned for the first time.
    pub fn forget(&mut self, net: IpNet) {
        self.history.forget(net);
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

    /// Every ban on an entry.
    pub fn bans_on(&self, entry: Entry) -> Vec<Ban> {
        self.bans.on(entry)
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

    /// Every ban on just this prefix.
    pub fn on(&self, net: IpNet) -> Vec<Ban> {
        self.bans.of_net(net)
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

pub(super) fn make_room(displaced: Vec<(Vec<Ban>, Change)>, out: &mut Outcome) {
    for (bans, change) in displaced {
        out.changes.push(change);
        (out.decisions).extend(bans.into_iter().map(Decision::Displaced));
    }
}

/// The end of a ban that begins now and lasts so long; `None`: without an end.
pub fn until(time: Option<Duration>, now: Mono) -> Until {
    time.map_or(Until::Forever, |time| Until::At(now.after(time)))
}

mod ends;
mod reload;

#[cfg(test)]
mod tests;
