//! What those are told who asked to be told: decisions, start, stop, problems.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tracing::{error, warn};

use super::{clock, report::Names, run::Running, status};
use crate::{
    config::Config,
    control::NotifyStatus,
    decide::Decision,
    model::{
        Ban, Entry, Evidence, JailId, MatchedLine, Mode, Mono, Now, PortsId, Shown, Until, is_host,
    },
    notify::{Banned, Event, Kind, Notifier, Standing, Unbanned, What},
};

/// How often problems are looked for, while somebody wants to hear of them.
const LOOK: Duration = Duration::from_secs(15);

/// How long the end waits for what is still to be told.
const GRACE: Duration = Duration::from_secs(5);

/// Problems that are remembered, so that each is told once.
const PROBLEMS: usize = 1000;

/// Who is told, and what they know.
#[derive(Debug)]
pub(super) struct Teller {
    notifier: Notifier,
    /// By [`JailId`].
    jails: Vec<Arc<str>>,
    /// When problems are looked for again.
    pub(super) look_at: Option<Mono>,
    /// What was told of and is not solved; by its text without numbers, because those change.
    known: BTreeMap<String, String>,
}

impl Teller {
    /// Starts the thread that tells. Where that cannot be, nobody is told, and the log says so.
    pub(super) fn start(config: &Config) -> Self {
        let notifier = Notifier::start(config.notify.clone(), clock::now).unwrap_or_else(|error| {
            error!("nobody is told of anything: {error}");
            Notifier::nobody(clock::now)
        });
        let jails = config.jails.iter().map(|jail| Arc::from(&*jail.name));
        Self {
            notifier,
            jails: jails.collect(),
            look_at: None,
            known: BTreeMap::new(),
        }
    }

    /// Tells whom the configuration names now; what is queued for others is told still.
    pub(super) fn reload(&mut self, config: &Config) -> Result<(), String> {
        let jails = config.jails.iter().map(|jail| Arc::from(&*jail.name));
        self.jails = jails.collect();
        let replaced = self.notifier.replace(config.notify.clone());
        replaced.map_err(|error| format!("nobody else is told of anything: {error}"))
    }

    fn jail(&self, jail: Option<JailId>) -> Option<Arc<str>> {
        let jail = self.jails.get(usize::from(jail?.0));
        jail.cloned()
    }

    /// For `banner status`.
    pub(super) fn status(&self) -> Vec<NotifyStatus> {
        let all = self.notifier.status().into_iter();
        all.map(|target| NotifyStatus {
            name: target.name,
            way: target.way.into(),
            queued: target.queued,
            sent: target.sent,
            retried: target.retried,
            dropped: target.dropped,
            folded: target.folded,
            problem: target.problem,
        })
        .collect()
    }

    fn all(&self, what: What, now: Now) {
        let at = now.wall;
        self.notifier.tell_all(&Arc::new(Event { at, what }));
    }

    /// Tells whom the jail of a ban wants to be told; of a ban in no jail's name, everybody.
    fn of(&self, ban: &Ban, what: What, names: Names<'_>, now: Now) {
        let event = Arc::new(Event { at: now.wall, what });
        match ban
            .jail
            .and_then(|jail| names.jails.get(usize::from(jail.0)))
        {
            Some(jail) => self.notifier.tell(&event, jail.notify.iter()),
            None => self.notifier.tell_all(&event),
        }
    }

    /// Tells of what was decided. `failed`: what could not be put into force yet.
    pub(super) fn decisions(
        &self,
        decisions: &[Decision],
        failed: &HashSet<Entry>,
        names: Names<'_>,
        now: Now,
    ) {
        let (bans, unbans) = (
            self.notifier.wants(Kind::Ban),
            self.notifier.wants(Kind::Unban),
        );
        for decision in decisions {
            match decision {
                Decision::Ban {
                    ban,
                    who,
                    failures,
                    evidence,
                    again,
                    ..
                } if bans => {
                    let banned = Banned {
                        host: is_host(*who).then(|| who.addr()),
                        failures: *failures,
                        again: *again,
                        lines: lines(evidence),
                        ..self.banned(ban, failed, names, now)
                    };
                    self.of(ban, What::Ban(banned), names, now);
                }
                Decision::Asked(ban) if bans => {
                    let banned = self.banned(ban, failed, names, now);
                    self.of(ban, What::Ban(banned), names, now);
                }
                Decision::Over(ban) if unbans => self.unbanned(ban, "over", names, now),
                Decision::Lifted(ban) if unbans => self.unbanned(ban, "lifted", names, now),
                Decision::Displaced(ban) if unbans => self.unbanned(ban, "displaced", names, now),
                _ => {}
            }
        }
    }

    fn banned(&self, ban: &Ban, failed: &HashSet<Entry>, names: Names<'_>, now: Now) -> Banned {
        Banned {
            jail: self.jail(ban.jail),
            net: Shown(ban.net).to_string(),
            host: None,
            ports: ports(ban, names),
            failures: 0,
            lasts: match ban.until {
                Until::Forever => None,
                Until::At(end) => Some(end.since(now.mono)),
            },
            standing: match ban.mode {
                Mode::Observe => Standing::Observed,
                Mode::Enforce if failed.contains(&ban.entry()) => Standing::Pending,
                Mode::Enforce => Standing::InForce,
            },
            again: false,
            lines: Vec::new(),
        }
    }

    fn unbanned(&self, ban: &Ban, why: &'static str, names: Names<'_>, now: Now) {
        let unbanned = Unbanned {
            jail: self.jail(ban.jail),
            net: Shown(ban.net).to_string(),
            ports: ports(ban, names),
            why,
            observed: ban.mode == Mode::Observe,
        };
        self.of(ban, What::Unban(unbanned), names, now);
    }

    /// Tells of problems that are new and of those that are no more.
    fn problems(&mut self, problems: Vec<String>, now: Now) {
        let current: BTreeMap<_, _> = problems
            .into_iter()
            .take(PROBLEMS)
            .map(|text| (without_numbers(&text), text))
            .collect();
        let before = std::mem::take(&mut self.known);
        for (key, text) in &current {
            if !before.contains_key(key) {
                self.all(What::Problem(text.clone()), now);
            }
        }
        for (key, text) in before {
            if !current.contains_key(&key) {
                self.all(What::Solved(text), now);
            }
        }
        self.known = current;
    }
}

impl Running {
    /// Tells that the agent is ready.
    pub(super) fn tell_start(&mut self, now: Now) {
        let (v4, v6) = self.agent.decider.entries();
        let teller = &mut self.agent.teller;
        let jails = self.agent.config.jails.len();
        let bans = v4 + v6;
        teller.all(What::Start { jails, bans }, now);
        if teller.notifier.wants(Kind::Problem) {
            teller.look_at = Some(now.mono.after(LOOK));
        }
    }

    /// There is something that should be told now, not at the next look.
    pub(super) fn look_for_problems_soon(&mut self, now: Now) {
        if self.agent.teller.notifier.wants(Kind::Problem) {
            self.agent.teller.look_at = Some(now.mono);
        }
    }

    /// Looks for problems to tell of.
    pub(super) fn look_for_problems(&mut self, now: Now) {
        let wanted = self.agent.teller.notifier.wants(Kind::Problem);
        self.agent.teller.look_at = wanted.then(|| now.mono.after(LOOK));
        if wanted {
            let problems = status::status(self, now.mono).problems;
            self.agent.teller.problems(problems, now);
        }
    }
}

impl Teller {
    /// Tells that the agent stops, and waits for what is still to be told.
    pub(super) fn stop(self, why: &str, bans: usize) {
        let why = why.to_owned();
        self.all(What::Stop { why, bans }, clock::now());
        let left = self.notifier.stop(GRACE);
        if left > 0 {
            warn!(
                "notify: {left} events were not told in {} s",
                GRACE.as_secs()
            );
        }
    }
}

fn ports(ban: &Ban, names: Names<'_>) -> String {
    if ban.ports == PortsId::ALL {
        "all".to_owned()
    } else {
        names.ports.name(ban.ports)
    }
}

fn lines(evidence: &Evidence) -> Vec<String> {
    let text = |line: &MatchedLine| {
        let text = String::from_utf8_lossy(&line.bytes);
        match &line.origin {
            Some(origin) => format!("[{origin}] {text}"),
            None => text.into_owned(),
        }
    };
    evidence.iter().map(text).collect()
}

/// With `#` for each number.
fn without_numbers(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '0'..='9' if key.ends_with('#') => {}
            '0'..='9' => key.push('#'),
            _ => key.push(c),
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_whose_numbers_change_is_the_same() {
        assert_eq!(without_numbers("12 bans of 3"), "# bans of #");
        assert_eq!(
            without_numbers("7 bans of 30"),
            without_numbers("8 bans of 1")
        );
    }
}
