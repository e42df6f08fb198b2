//! Bans as failures, for jails that count the bans of others.

use std::sync::Arc;

use ipnet::IpNet;

use super::{Jail, Pipeline, failure::Failed};
use crate::{
    config,
    decide::{Decider, Decision, Outcome},
    model::{Ban, JailId, Mode, Now, Offence, Shown, Wall, is_host},
    track::Lines,
};

/// Whose bans are a jail's failures.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Numbers and names of jails.
    pub jails: Vec<(JailId, Arc<str>)>,
    /// Also bans that drop nothing, because the jail itself only observes.
    pub observed: bool,
}

impl Counted {
    /// Those that a jail of a configuration counts.
    pub(in crate::agent) fn by(jail: &config::Jail, jails: &[config::Jail]) -> Self {
        let of = jail.of.as_ref().filter(|_| !jail.retired);
        let counts = |other: &config::Jail| of.is_some_and(|of| of.counts(jail, other));
        let numbered = (0u16..).map(JailId).zip(jails);
        let counted = numbered.filter(|(_, other)| counts(other));
        Self {
            jails: counted
                .map(|(id, other)| (id, other.name.as_str().into()))
                .collect(),
            observed: jail.mode == Mode::Observe,
        }
    }

    fn name(&self, ban: &Ban) -> Option<&str> {
        if ban.mode == Mode::Observe && !self.observed {
            return None;
        }
        let of = self.jails.iter().find(|(id, _)| Some(*id) == ban.jail);
        of.map(|(_, name)| &**name)
    }
}

/// A ban that begins, as far as it is of interest to who counts it.
struct Begun<'a> {
    ban: &'a Ban,
    who: IpNet,
    failures: u32,
    count: u32,
    /// For how long, as the agent's log has it; empty of one from before this agent.
    time: String,
    at: Wall,
}

impl<'a> Begun<'a> {
    fn of(decision: &'a Decision, now: Now) -> Option<Self> {
        match decision {
            Decision::Ban {
                ban,
                who,
                failures,
                count,
                time,
                again: false,
                ..
            } => Some(Self {
                ban,
                who: *who,
                failures: *failures,
                count: *count,
                time: match time {
                    Some(time) => format!(" time={}s", time.as_secs()),
                    None => " time=permanent".to_owned(),
                },
                at: now.wall,
            }),
            // What was counted for it is not on the disk either: both are kept in one transaction.
            Decision::Explained {
                ban,
                who,
                failures,
                evidence,
            } => Some(Self {
                ban,
                who: *who,
                failures: *failures,
                count: 1,
                time: String::new(),
                at: evidence
                    .last()
                    .map_or(now.wall, |line| line.at.min(now.wall)),
            }),
            _ => None,
        }
    }

    /// As the agent's log has it.
    fn line(&self, jail: &str) -> String {
        let net = Shown(self.ban.net);
        let host = if self.ban.net == self.who {
            String::new()
        } else {
            format!(" host={}", Shown(self.who))
        };
        let count = match self.count {
            0 | 1 => String::new(),
            count => format!(" count={count}"),
        };
        let failures = self.failures;
        format!(
            "ban {net} jail={jail}{host} failures={failures}{count}{}",
            self.time
        )
    }
}

impl Pipeline {
    /// Decides on offences, and on those that follow when the bans that come of them are counted. No
    /// jail counts what follows from its own bans, so this ends.
    pub fn decide(
        &mut self,
        mut offences: Vec<Offence>,
        decider: &mut Decider,
        now: Now,
        out: &mut Outcome,
    ) {
        while !offences.is_empty() {
            let before = out.decisions.len();
            for offence in offences.drain(..) {
                decider.offence(&offence, now, out);
            }
            self.bans(&out.decisions[before..], now, &mut offences);
        }
    }

    /// Counts bans that begin. Those that somebody asked for are none of a jail's.
    pub(super) fn bans(&mut self, decisions: &[Decision], now: Now, offences: &mut Vec<Offence>) {
        self.lines.come_from(None);
        let (jails, lines) = (&mut self.jails, &mut self.lines);
        let counting = (0u16..).map(JailId).zip(jails);
        for (id, jail) in counting.filter(|(_, jail)| !jail.setup.of.jails.is_empty()) {
            let begun = decisions.iter().filter_map(|one| Begun::of(one, now));
            for begun in begun {
                offences.extend(jail.banned(id, &begun, lines, now));
            }
        }
    }

    /// Jails that count bans begin anew with the hosts of this prefix.
    pub fn forgive(&mut self, net: IpNet) {
        for jail in &mut self.jails {
            if jail.setup.of.jails.is_empty() {
                continue;
            }
            if is_host(net) {
                let counted_as = jail.setup.together.first(net);
                jail.tracker.forget(counted_as);
            } else {
                jail.tracker.forget(net);
            }
        }
    }
}

impl Jail {
    fn banned(
        &mut self,
        jail: JailId,
        begun: &Begun<'_>,
        lines: &mut Lines,
        now: Now,
    ) -> Option<Offence> {
        let name = self.setup.of.name(begun.ban)?;
        self.counts.failures += 1;
        let line = begun.line(name);
        let failed = Failed {
            who: begun.who,
            at: begun.at,
            pattern: 0,
            line: line.as_bytes(),
        };
        self.count(jail, &failed, lines, now)
    }
}
