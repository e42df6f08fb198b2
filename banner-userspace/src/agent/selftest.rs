//! Bans are tested after they were reported, a few of them in each second, so that a flood of bans is not
//! slowed down by it.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    time::Duration,
};

use tracing::{error, info};

use super::{enforcing::REGULARLY, report::Names, run::Running};
use crate::{
    decide::Outcome,
    enforce::Tested,
    model::{Change, Entry, Mono, Now},
};

/// So many tests are made in a second at most; of more bans, a sample is tested.
const EACH_SECOND: usize = 10;

/// After how long it is tested again what has failed and was put right; this longer each time.
const AGAIN: Duration = Duration::from_millis(250);

/// After so many failures in a row a way is not trusted any more.
const TRIES: u32 = 3;

/// So many that fail are remembered.
const FAILING: usize = 100;

/// What is to be tested, and what came of it.
#[derive(Debug, Default)]
pub(super) struct SelfTests {
    queue: VecDeque<Entry>,
    /// Tests made since `since`.
    made: usize,
    since: Mono,
    /// What has failed, to be tested again.
    failing: BTreeMap<Entry, Failing>,
    pub(super) done: u64,
    pub(super) failures: u64,
}

#[derive(Debug)]
struct Failing {
    tries: u32,
    at: Mono,
    why: String,
}

impl SelfTests {
    /// These changes were made; some of them are to be tested.
    pub(super) fn note(&mut self, changes: &[Change], failed: &HashSet<Entry>, now: Mono) {
        let room = EACH_SECOND.saturating_sub(self.queue.len());
        if room == 0 || changes.is_empty() {
            return;
        }
        if now.since(self.since) >= Duration::from_secs(1) {
            self.made = 0;
            self.since = now;
        }
        let step = changes.len().div_ceil(room);
        for change in changes.iter().step_by(step) {
            let entry = change.entry();
            let is_made = matches!(change, Change::Set(_)) && !failed.contains(&entry);
            if is_made && !self.failing.contains_key(&entry) {
                self.queue.push_back(entry);
            }
        }
    }

    /// When there is something to be tested.
    pub(super) fn at(&self) -> Option<Mono> {
        let next = match self.made {
            EACH_SECOND.. => self.since.after(Duration::from_secs(1)),
            _ => self.since,
        };
        let next = (!self.queue.is_empty()).then_some(next);
        let failing = self.failing.values().map(|failing| failing.at);
        next.into_iter().chain(failing).min()
    }

    /// One that is to be tested now.
    fn next(&mut self, now: Mono) -> Option<Entry> {
        let again = self.failing.iter().find(|(_, failing)| failing.at <= now);
        if let Some((entry, _)) = again {
            return Some(*entry);
        }
        if now.since(self.since) >= Duration::from_secs(1) {
            self.made = 0;
            self.since = now;
        }
        if self.made >= EACH_SECOND {
            return None;
        }
        let next = self.queue.pop_front()?;
        self.made += 1;
        Some(next)
    }

    /// A test has failed; for the how manieth time in a row.
    fn failed(&mut self, entry: Entry, why: String, now: Mono) -> u32 {
        self.failures += 1;
        let tries = self.failing.get(&entry).map_or(0, |failing| failing.tries) + 1;
        if self.failing.len() < FAILING || tries > 1 {
            let at = now.after((AGAIN * tries).min(REGULARLY));
            self.failing.insert(entry, Failing { tries, at, why });
        }
        tries
    }

    /// What is wrong, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let (_, first) = self.failing.iter().next()?;
        let why = &first.why;
        Some(match self.failing.len() {
            1 => format!("SELF-TEST FAILED: {why}"),
            count => format!("SELF-TEST of {count} bans FAILED: {why}"),
        })
    }
}

impl Running {
    /// Tests what is due.
    pub(super) fn test_bans(&mut self, now: Now) {
        while let Some(entry) = self.tests.next(now.mono) {
            self.test_ban(entry, now);
        }
    }

    fn test_ban(&mut self, entry: Entry, now: Now) {
        let agent = &mut self.agent;
        let outcomes = agent.with_ways(now, |ways, around| ways.test(entry, around));
        let mut failed = None;
        let mut passed = false;
        for outcome in outcomes {
            match outcome.tested {
                Tested::Unable => continue,
                Tested::Passed => passed = true,
                Tested::Failed(ref why) => {
                    failed.get_or_insert((outcome.way, outcome.is_xdp, {
                        format!("{}: {why}", outcome.name)
                    }));
                }
            }
            self.tests.done += 1;
        }
        let names = Names {
            jails: &self.agent.config.jails,
            ports: &self.agent.ports,
        };
        let whom = names.of(entry);
        let Some((way, is_xdp, why)) = failed else {
            if self.tests.failing.remove(&entry).is_some() {
                if passed {
                    info!("self-test of {whom}: as it should be again");
                }
                if self.tests.failing.is_empty() && self.agent.xdp_distrust.take().is_some() {
                    self.agent.rearrange(now);
                }
            }
            return;
        };
        error!("SELF-TEST FAILED: {whom}: {why}; it is put right now, and tested again");
        let tries = self.tests.failed(entry, why.clone(), now.mono);
        self.look_for_problems_soon(now);
        if is_xdp {
            self.look_at_programs(now);
        }
        let agent = &mut self.agent;
        agent.with_ways(now, |ways, around| ways.doubt(way, around));
        let changes = vec![agent.decider.change_for(entry)];
        let decisions = Vec::new();
        self.enforce(&Outcome { changes, decisions }, now);
        if tries == TRIES {
            let agent = &mut self.agent;
            if is_xdp {
                agent.xdp_distrust = Some(why);
            } else {
                agent.with_ways(now, |ways, around| ways.distrust(way, why, around));
            }
            agent.rearrange(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Ban, Mode, PortsId, Until};

    const SECOND: u64 = 1_000_000_000;

    fn changes(count: u32) -> Vec<Change> {
        let ban = |host: u32| Ban {
            net: net(host.into()),
            ports: PortsId::ALL,
            jail: None,
            mode: Mode::Enforce,
            until: Until::Forever,
            quiet: None,
        };
        (0..count).map(|host| Change::Set(ban(host))).collect()
    }

    fn net(ip: std::net::Ipv4Addr) -> ipnet::IpNet {
        std::net::IpAddr::from(ip).into()
    }

    #[test]
    fn of_many_bans_a_sample_is_tested_and_so_many_in_a_second() {
        let mut tests = SelfTests::default();
        let now = Mono(10 * SECOND);
        assert_eq!(tests.at(), None);
        tests.note(&changes(100_000), &HashSet::new(), now);
        tests.note(&changes(100_000), &HashSet::new(), now);
        let mut tested = Vec::new();
        while let Some(entry) = tests.next(now) {
            tested.push(entry.net);
        }
        assert_eq!(tested.len(), EACH_SECOND);
        assert_eq!(tested[9], net(90_000.into()));
        tests.note(&changes(3), &HashSet::new(), now);
        assert_eq!(tests.next(now), None);
        let later = tests.at().unwrap();
        assert_eq!(later, Mono(11 * SECOND));
        assert!(tests.next(later).is_some());
    }

    #[test]
    fn what_failed_is_tested_again_ever_later_and_is_a_problem() {
        let mut tests = SelfTests::default();
        let entry = changes(1)[0].entry();
        let mut now = Mono(10 * SECOND);
        assert_eq!(tests.problem(), None);
        for tries in 1..4 {
            assert_eq!(tests.failed(entry, "it passes".to_owned(), now), tries);
            assert_eq!(tests.next(now), None);
            let at = tests.at().unwrap();
            assert_eq!(at.since(now), AGAIN * tries);
            now = at;
            assert_eq!(tests.next(now), Some(entry));
        }
        assert_eq!(tests.failures, 3);
        assert!(tests.problem().unwrap().contains("it passes"));
        // Not twice at once.
        tests.note(&changes(1), &HashSet::new(), now);
        assert!(tests.queue.is_empty());
    }
}
