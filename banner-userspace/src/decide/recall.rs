//! What an agent before this one left on disk.

use std::collections::HashSet;

use super::{
    bans::Cursor,
    decider::{Decider, make_room},
    decision::{Decision, Outcome},
    history::Past,
};
use crate::model::{Ban, Entry, JailId, Mono};

/// Bans that are marked, by where the listing goes on behind them.
#[derive(Debug, Default)]
pub struct Known([Vec<bool>; 2]);

impl Known {
    /// Marks one; false, for who leaves out what is marked.
    pub fn mark(&mut self, behind: Cursor) -> bool {
        let (family, place) = behind.place();
        let places = &mut self.0[family];
        if places.len() <= place {
            places.resize(place + 1, false);
        }
        places[place] = true;
        false
    }

    /// Whether one is marked.
    pub fn has(&self, behind: Cursor) -> bool {
        let (family, place) = behind.place();
        self.0[family].get(place).copied().unwrap_or(false)
    }
}

impl Decider {
    /// Takes over a ban that is kept and may not be in force any more, under the rules of today as
    /// [`adopt`](Self::adopt) does. One that is known stays as it is. Where there is no room, those
    /// that end last stay.
    pub fn recall(&mut self, kept: Ban, now: Mono, out: &mut Outcome) {
        let rules = (kept.jail).and_then(|jail| self.rules.get(usize::from(jail.0)));
        let spared = rules.is_some_and(|rules| rules.ignore.overlaps(kept.net));
        if kept.until.is_over(now) || spared || self.forbids(kept.net) {
            return;
        }
        if self.bans.has_of(kept.entry(), kept.jail) {
            if kept.quiet.is_some() {
                self.recall_quiet(&kept, out);
            }
            return;
        }
        let mode = rules.map_or(kept.mode, |rules| rules.mode);
        let kept = Ban { mode, ..kept };
        if self.bans.outweigh(&kept) {
            out.decisions.push(Decision::Displaced(kept));
            return;
        }
        match self.bans.put(&kept) {
            Ok(put) => {
                make_room(put.displaced, out);
                out.changes.extend(put.change);
            }
            Err(_full) => out.decisions.push(Decision::Displaced(kept)),
        }
    }

    /// Has a ban that was found in force renew, too: ways other than XDP do not know that it does.
    fn recall_quiet(&mut self, kept: &Ban, out: &mut Outcome) {
        let on = self.bans.on(kept.entry());
        let known = on.into_iter().find(|known| known.jail == kept.jail);
        if let Some(known) = known.filter(|known| known.quiet.is_none())
            && let Ok(put) = self.bans.put(&Ban {
                quiet: kept.quiet,
                ..known
            })
        {
            out.changes.extend(put.change);
        }
    }

    /// Where the listing goes on behind a ban, if its jail has one on its entry.
    pub fn behind(&self, ban: &Ban) -> Option<Cursor> {
        self.bans.behind(ban.entry(), ban.jail)
    }

    /// There are about as many bans soon as are listed here: memory for them is taken at once.
    pub fn expect(&mut self, bans: &[Ban]) {
        let v4 = bans.iter().filter(|ban| ban.net.addr().is_ipv4()).count();
        self.bans.expect(v4, bans.len() - v4);
    }

    /// Remembers earlier bans; the longest ago first.
    pub fn remember(&mut self, past: &Past) {
        self.history.restore(past);
    }

    /// A ban that is in force was not kept on disk, because the agent that made it was killed just
    /// then. Where reading goes on, the failures that led to it come once more: the first offence is
    /// the reason for it, and none for another.
    pub fn expect_reason(&mut self, ban: &Ban) {
        if let Some(jail) = ban.jail {
            self.unexplained.insert((ban.entry(), jail));
        }
    }

    /// All is read that was written by the time that the agent was killed.
    pub fn expect_no_reasons(&mut self) {
        if !self.unexplained.is_empty() {
            self.unexplained = HashSet::default();
        }
    }

    /// The ban whose reason an offence is.
    pub(super) fn explained(&mut self, entry: Entry, jail: JailId) -> Option<Ban> {
        if self.unexplained.is_empty() || !self.unexplained.remove(&(entry, jail)) {
            return None;
        }
        self.bans.of_jail_on(entry, jail)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        decide::Rules,
        model::{Evidence, Mode, Now, Offence, PortsId, PrefixSet, Until, Wall},
    };

    const MINUTE: u64 = 60_000_000_000;

    fn decider(capacity: usize) -> Decider {
        let rules = Rules {
            jail: "sshd".into(),
            ban_time: Some(Duration::from_hours(1)),
            escalation: None,
            renew: false,
            mode: Mode::Enforce,
            ports: PortsId::ALL,
            ipv4_length: 32,
            ipv6_length: 128,
            ignore: PrefixSet::new(["198.51.100.0/24".parse().unwrap()]),
        };
        let never = PrefixSet::new(["203.0.113.0/24".parse().unwrap()]);
        Decider::new(vec![rules], never, capacity)
    }

    fn ban(host: &str, minutes: u64) -> Ban {
        Ban {
            net: format!("{host}/32").parse().unwrap(),
            ports: PortsId::ALL,
            jail: Some(JailId(0)),
            mode: Mode::Enforce,
            until: Until::At(Mono(minutes * MINUTE)),
            quiet: None,
        }
    }

    fn offend(decider: &mut Decider, host: &str, minutes: u64) -> Outcome {
        let mut out = Outcome::default();
        let offence = Offence {
            jail: JailId(0),
            who: host.parse::<std::net::IpAddr>().unwrap().into(),
            failures: 3,
            evidence: Evidence::default(),
        };
        let mono = Mono(minutes * MINUTE);
        let wall = Wall(0);
        decider.offence(&offence, Now { wall, mono }, &mut out);
        out
    }

    #[test]
    fn what_is_kept_is_put_back_unless_it_should_not_be() {
        let mut decider = decider(9);
        let mut out = Outcome::default();
        decider.adopt(ban("192.0.2.1", 30), Mono(MINUTE), &mut out);
        for kept in [
            ban("192.0.2.1", 20),
            ban("192.0.2.2", 30),
            ban("192.0.2.3", 1),
            ban("203.0.113.1", 30),
            ban("198.51.100.1", 30),
        ] {
            decider.recall(kept, Mono(MINUTE), &mut out);
        }
        assert_eq!(
            out.changes,
            [crate::model::Change::Set(ban("192.0.2.2", 30))]
        );
        assert_eq!((out.decisions, decider.len()), (vec![], 2));
    }

    #[test]
    fn where_there_is_no_room_those_that_end_last_stay() {
        let mut decider = decider(2);
        let mut out = Outcome::default();
        for (host, minutes) in [
            ("192.0.2.1", 30),
            ("192.0.2.2", 10),
            ("192.0.2.3", 20),
            ("192.0.2.4", 5),
        ] {
            decider.recall(ban(host, minutes), Mono(MINUTE), &mut out);
        }
        assert!(decider.is_banned("192.0.2.1".parse().unwrap()));
        assert!(decider.is_banned("192.0.2.3".parse().unwrap()));
        let displaced = out.decisions.iter();
        let displaced = displaced.filter(|one| matches!(one, Decision::Displaced(_)));
        assert_eq!(displaced.count(), 2);
    }

    #[test]
    fn failures_that_are_read_again_explain_a_ban_and_make_none() {
        let mut decider = decider(9);
        let mut out = Outcome::default();
        let found = ban("192.0.2.1", 30);
        decider.adopt(found, Mono(MINUTE), &mut out);
        decider.expect_reason(&found);
        let first = offend(&mut decider, "192.0.2.1", 2);
        assert_eq!(first.changes, []);
        assert!(matches!(
            first.decisions[..],
            [Decision::Explained { ban, failures: 3, .. }] if ban == found
        ));
        let second = offend(&mut decider, "192.0.2.1", 2);
        assert!(matches!(
            second.decisions[..],
            [Decision::Ban { again: true, .. }]
        ));
        decider.expect_reason(&found);
        decider.expect_no_reasons();
        let third = offend(&mut decider, "192.0.2.1", 3);
        assert!(matches!(
            third.decisions[..],
            [Decision::Ban { again: true, .. }]
        ));
    }
}
