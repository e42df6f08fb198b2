//! Floods: the first of many events are told one by one, the others together.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::event::{Event, What};
use crate::model::{Mono, Wall};

/// How many are told one by one before the others are told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DigestRule {
    /// So many in each period get a message of their own, unless the period before had more.
    pub first: u32,
    /// How long events are gathered.
    pub period: Duration,
}

/// Events that are told together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Bans.
    pub bans: u64,
    /// Ends of bans.
    pub unbans: u64,
    /// Problems, and their ends.
    pub problems: u64,
    /// The first and the last of them.
    pub between: Option<(Wall, Wall)>,
    /// Bans and unbans by jail; as many as there are jails.
    pub jails: BTreeMap<Arc<str>, (u64, u64)>,
    /// Who is banned: the first hundred.
    pub addresses: Vec<String>,
    /// The first few problems.
    pub texts: Vec<String>,
}

/// Addresses that a digest names.
const ADDRESSES: usize = 100;

/// Problems that a digest names.
const TEXTS: usize = 10;

impl Digest {
    /// Counts an event in.
    pub(super) fn add(&mut self, event: &Event) {
        match &event.what {
            What::Ban(ban) => {
                self.bans += 1;
                self.of(ban.jail.as_ref()).0 += 1;
                if self.addresses.len() < ADDRESSES {
                    self.addresses.push(ban.net.clone());
                }
            }
            What::Unban(unban) => {
                self.unbans += 1;
                self.of(unban.jail.as_ref()).1 += 1;
            }
            What::Problem(text) | What::Solved(text) => {
                self.problems += 1;
                if self.texts.len() < TEXTS {
                    self.texts.push(format!("{}: {text}", event.what.word()));
                }
            }
            What::Start { .. } | What::Stop { .. } => {}
            What::Digest(other) => return self.merge((**other).clone()),
        }
        self.reach(event.at, event.at);
    }

    /// Counts in what another one holds.
    pub(super) fn merge(&mut self, other: Self) {
        self.bans += other.bans;
        self.unbans += other.unbans;
        self.problems += other.problems;
        for (jail, (bans, unbans)) in other.jails {
            let of = self.jails.entry(jail).or_default();
            of.0 += bans;
            of.1 += unbans;
        }
        self.addresses.extend(other.addresses);
        self.addresses.truncate(ADDRESSES);
        self.texts.extend(other.texts);
        self.texts.truncate(TEXTS);
        if let Some((first, last)) = other.between {
            self.reach(first, last);
        }
    }

    /// How many events it holds.
    pub fn count(&self) -> u64 {
        self.bans + self.unbans + self.problems
    }

    fn of(&mut self, jail: Option<&Arc<str>>) -> &mut (u64, u64) {
        let jail = jail.cloned().unwrap_or_else(|| "-".into());
        self.jails.entry(jail).or_default()
    }

    fn reach(&mut self, first: Wall, last: Wall) {
        self.between = Some(match self.between {
            None => (first, last),
            Some((a, b)) => (a.min(first), b.max(last)),
        });
    }
}

/// Decides which events get a message of their own. Pure.
#[derive(Clone, Debug)]
pub(super) struct Fold {
    rule: DigestRule,
    /// When the period began.
    since: Mono,
    /// How many got a message of their own in it.
    alone: u32,
    gathered: Digest,
}

impl Fold {
    pub(super) fn new(rule: DigestRule, now: Mono) -> Self {
        Self {
            rule,
            since: now,
            alone: 0,
            gathered: Digest::default(),
        }
    }

    /// Whether an event is to be told now; if not, it is in the next digest.
    #[must_use]
    pub(super) fn admits(&mut self, event: &Event, now: Mono) -> bool {
        if matches!(event.what, What::Start { .. } | What::Stop { .. }) {
            return true;
        }
        if self.is_idle(now) {
            self.since = now;
            self.alone = 0;
        }
        if self.alone < self.rule.first {
            self.alone += 1;
            return true;
        }
        self.gathered.add(event);
        false
    }

    /// Takes in what was gathered elsewhere.
    pub(super) fn merge(&mut self, other: Digest) {
        self.gathered.merge(other);
    }

    /// When the next digest is due.
    pub(super) fn due(&self) -> Option<Mono> {
        (self.gathered.count() > 0).then(|| self.since.after(self.rule.period))
    }

    /// Whether it would do the same as a new one.
    pub(super) fn is_idle(&self, now: Mono) -> bool {
        self.gathered.count() == 0 && now >= self.since.after(self.rule.period)
    }

    /// What was gathered, as an event; a new period begins. While there is something to gather in
    /// each, no event gets a message of its own.
    pub(super) fn take(&mut self, now: Mono) -> Option<Event> {
        let gathered = std::mem::take(&mut self.gathered);
        self.since = now;
        let (_, at) = gathered.between?;
        self.alone = self.rule.first;
        Some(Event {
            at,
            what: What::Digest(Box::new(gathered)),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::event::samples::ban;
    use super::*;

    const RULE: DigestRule = DigestRule {
        first: 3,
        period: Duration::from_mins(10),
    };

    fn at(seconds: u64) -> Mono {
        Mono(seconds * 1_000_000_000)
    }

    fn admitted(fold: &mut Fold, count: usize, seconds: u64) -> usize {
        let event = ban("192.0.2.7");
        (0..count)
            .filter(|_| fold.admits(&event, at(seconds)))
            .count()
    }

    fn bans(event: Option<Event>) -> u64 {
        match event.map(|event| event.what) {
            Some(What::Digest(digest)) => digest.bans,
            other => panic!("no digest: {other:?}"),
        }
    }

    #[test]
    fn the_first_are_told_one_by_one_and_the_others_together() {
        let mut fold = Fold::new(RULE, at(0));
        assert_eq!(admitted(&mut fold, 2, 1), 2);
        assert_eq!(fold.due(), None);
        assert_eq!(admitted(&mut fold, 100, 2), 1);
        assert_eq!(fold.due(), Some(at(600)));
        assert_eq!(bans(fold.take(at(600))), 99);
        // The flood goes on: one message each period.
        assert_eq!(admitted(&mut fold, 50, 601), 0);
        assert_eq!(fold.due(), Some(at(1200)));
        assert_eq!(bans(fold.take(at(1200))), 50);
        // A period without: as in the beginning.
        assert_eq!(admitted(&mut fold, 2, 1800), 2);
        assert_eq!(fold.take(at(1801)), None);
    }

    #[test]
    fn start_and_stop_are_never_folded() {
        let mut fold = Fold::new(RULE, at(0));
        admitted(&mut fold, 100, 1);
        let stop = Event {
            at: Wall(0),
            what: What::Stop {
                why: "SIGTERM".into(),
                bans: 1,
            },
        };
        assert!(fold.admits(&stop, at(2)));
    }

    #[test]
    fn a_digest_is_bounded_however_much_it_counts() {
        let mut digest = Digest::default();
        for n in 0..10_000 {
            digest.add(&ban(&format!("2001:db8::{n:x}")));
            digest.add(&Event {
                at: Wall(n),
                what: What::Problem("x".into()),
            });
        }
        let mut twice = digest.clone();
        twice.merge(digest);
        assert_eq!((twice.bans, twice.count()), (20_000, 40_000));
        assert_eq!(twice.addresses.len(), ADDRESSES);
        assert_eq!(twice.texts.len(), TEXTS);
        assert_eq!(twice.jails.len(), 1);
        assert_eq!(twice.jails["sshd"], (20_000, 0));
    }

    proptest! {
        /// Each event is told once: in a message of its own, or in a digest.
        #[test]
        fn nothing_is_lost_or_told_twice(
            first in 0_u32..5,
            steps in prop::collection::vec((0_u64..400, 0_usize..8), 0..60),
        ) {
            let mut fold = Fold::new(DigestRule { first, ..RULE }, at(0));
            let (mut now, mut sent, mut told, mut digests) = (0, 0, 0, 0);
            for (later, count) in steps {
                now += later;
                if fold.due().is_some_and(|due| due <= at(now)) {
                    told += bans(fold.take(at(now)));
                    digests += 1;
                }
                sent += count as u64;
                told += admitted(&mut fold, count, now) as u64;
            }
            if fold.due().is_some() {
                told += bans(fold.take(at(now)));
            }
            prop_assert_eq!(sent, told);
            prop_assert!(digests <= now / 600 + 1);
        }
    }
}
