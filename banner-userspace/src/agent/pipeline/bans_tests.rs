//! Jails that count bans, against a run that is never interrupted.

use std::{collections::BTreeMap, net::IpAddr};

use ipnet::IpNet;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::{
    config::BanTime,
    decide::{Decider, Decision, Outcome, Rules},
    filter::{FilterSpec, Prefixes, Stamps},
    model::{Ban, Mode, Mono, PrefixSet, Wall},
    track::Window,
};

const LOGS: JailId = JailId(0);
const BANS: JailId = JailId(1);

fn setups(of: &[(JailId, &str)], observed: bool) -> Vec<JailSetup> {
    let spec = FilterSpec {
        stamps: Stamps::None,
        fail: vec!["^bad <HOST>$".into()],
        ..FilterSpec::default()
    };
    let filter = Arc::new(Filter::compile(&spec, &Prefixes::default()).unwrap());
    let of = of.iter().map(|(id, name)| (*id, Arc::from(*name)));
    vec![
        JailSetup {
            filter: Some(filter),
            of: Counted::default(),
            logs: vec![LogId(0)],
            max_retry: 2,
            find_time: Duration::from_mins(1),
            together: Together::default(),
            names: OnNames::Ignore,
        },
        JailSetup {
            filter: None,
            of: Counted {
                jails: of.collect(),
                observed,
            },
            logs: Vec::new(),
            max_retry: 3,
            find_time: Duration::from_secs(100),
            together: Together::default(),
            names: OnNames::Ignore,
        },
    ]
}

fn rules() -> Vec<Rules> {
    let rules = |jail: &str, seconds| Rules {
        jail: jail.into(),
        ban_time: BanTime::For(Duration::from_secs(seconds)).duration(),
        ..Rules::default()
    };
    vec![rules("sshd", 10), rules("recidive", 40)]
}

/// What is on the disk.
#[derive(Clone, Default)]
struct Kept {
    read: usize,
    windows: [BTreeMap<IpNet, Window>; 2],
    bans: Vec<Ban>,
}

struct Agent {
    pipeline: Pipeline,
    decider: Decider,
    /// Bans that began, by jail and host.
    begun: Vec<(JailId, IpAddr)>,
    /// Lines that led to bans of the second jail.
    evidence: Vec<String>,
}

fn at(seconds: u64) -> Now {
    Now {
        wall: Wall::from_secs(1_795_176_000 + i64::try_from(seconds).unwrap()),
        mono: Mono((seconds + 1000) * 1_000_000_000),
    }
}

impl Agent {
    fn new(setups: Vec<JailSetup>, rules: Vec<Rules>) -> Self {
        let mut pipeline = Pipeline::new(setups, 100, TimeZone::UTC).with_threads(1);
        pipeline.keep(Lines::new(1 << 16, 10));
        Self {
            pipeline,
            decider: Decider::new(rules, PrefixSet::default(), 100),
            begun: Vec::new(),
            evidence: Vec::new(),
        }
    }

    fn read(&mut self, lines: &[String], now: Now) -> Outcome {
        let mut out = Outcome::default();
        self.decider.expire(now.mono, usize::MAX, &mut out);
        for line in lines {
            let mut offences = Vec::new();
            let chunk = Chunk::new(&[LogId(0)], line.as_bytes());
            self.pipeline.chunk(&chunk, now, &mut offences);
            self.pipeline
                .decide(offences, &mut self.decider, now, &mut out);
        }
        for decision in &out.decisions {
            if let Decision::Ban {
                ban,
                who,
                evidence,
                again: false,
                ..
            } = decision
            {
                let jail = ban.jail.unwrap();
                self.begun.push((jail, who.addr()));
                if jail == BANS {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    let lines = evidence.iter().map(|line| text(&line.bytes));
                    self.evidence.extend(lines);
                }
            }
        }
        out
    }

    fn counted(&self, jail: JailId, now: Now) -> Vec<usize> {
        let (_, tracker) = self.pipeline.counts(jail).unwrap();
        HOSTS
            .map(|host| tracker.failures(host.parse::<IpAddr>().unwrap(), now.wall))
            .to_vec()
    }

    fn keep(&mut self, kept: &mut Kept, read: usize) {
        kept.read = read;
        for (jail, windows) in [LOGS, BANS].into_iter().zip(&mut kept.windows) {
            let changes = self.pipeline.tracker_mut(jail).unwrap().changes();
            if changes.all {
                windows.clear();
            }
            windows.extend(changes.hosts);
        }
        let all = self.decider.bans_from(crate::decide::Cursor::default());
        kept.bans = all.map(|(ban, _)| ban).collect();
    }

    /// The next agent, with what is in force and what is on the disk.
    fn after(old: Self, kept: &Kept, now: Now) -> Self {
        let mut new = Self {
            begun: old.begun,
            evidence: old.evidence,
            ..Self::new(setups(&[(LOGS, "sshd")], false), rules())
        };
        let mut out = Outcome::default();
        let found = old.decider.bans_from(crate::decide::Cursor::default());
        for (ban, _) in found {
            new.decider.adopt(ban, now.mono, &mut out);
            let known = |kept: &&Ban| (kept.entry(), kept.jail) == (ban.entry(), ban.jail);
            if !kept.bans.iter().any(|kept| known(&kept)) {
                new.decider.expect_reason(&ban);
            }
        }
        for ban in &kept.bans {
            new.decider.recall(*ban, now.mono, &mut out);
        }
        assert_eq!(out.changes, []);
        for (jail, windows) in [LOGS, BANS].into_iter().zip(&kept.windows) {
            let tracker = new.pipeline.tracker_mut(jail).unwrap();
            for (host, window) in windows {
                tracker.restore(*host, window.clone(), now.wall);
            }
            tracker.watch();
        }
        new
    }
}

const HOSTS: [&str; 2] = ["192.0.2.7", "2001:db8::7"];

fn lines(host: &str, count: usize) -> Vec<String> {
    vec![format!("bad {host}\n"); count]
}

#[test]
fn the_bans_of_a_jail_are_the_failures_of_another_and_explain_its_bans() {
    let mut agent = Agent::new(setups(&[(LOGS, "sshd")], false), rules());
    for host in HOSTS {
        for second in [0, 20, 40] {
            // The second and third pair of failures prolong a ban that counts already.
            agent.read(&lines(host, 6), at(second));
        }
    }
    let host = |n: usize| -> IpAddr { HOSTS[n].parse().unwrap() };
    let of = |n| {
        [
            (LOGS, host(n)),
            (LOGS, host(n)),
            (LOGS, host(n)),
            (BANS, host(n)),
        ]
    };
    assert_eq!(agent.begun, [of(0), of(1)].concat());
    assert_eq!(
        agent.evidence[..3],
        vec!["ban 192.0.2.7 jail=sshd failures=2 time=10s"; 3]
    );
    assert_eq!(
        agent.evidence[5],
        "ban 2001:db8::7 jail=sshd failures=2 time=10s"
    );
    assert_eq!(
        agent.counted(BANS, at(41)),
        [0, 0],
        "it began to count anew"
    );
    assert_eq!(agent.pipeline.counts(BANS).unwrap().0.failures, 6);
}

#[test]
fn what_is_asked_for_or_only_observed_or_of_another_jail_does_not_count() {
    let mut agent = Agent::new(setups(&[(LOGS, "sshd")], false), rules());
    for second in [0, 20, 40] {
        let now = at(second);
        let mut out = Outcome::default();
        let ban = Ban {
            net: format!("{}/32", HOSTS[0]).parse().unwrap(),
            ports: crate::model::PortsId::ALL,
            jail: Some(LOGS),
            mode: Mode::Enforce,
            until: crate::model::Until::At(now.mono.after(Duration::from_secs(5))),
            quiet: None,
        };
        agent.decider.expire(now.mono, 9, &mut out);
        agent.decider.ask(ban, &mut out).unwrap();
        let mut offences = Vec::new();
        agent.pipeline.bans(&out.decisions, now, &mut offences);
        assert_eq!(offences, []);
    }
    assert_eq!(agent.pipeline.counts(BANS).unwrap().0.failures, 0);
    for (observed, of, counts) in [(false, LOGS, 0), (true, LOGS, 1), (true, JailId(7), 0)] {
        let mut rules = rules();
        rules[0].mode = Mode::Observe;
        let mut agent = Agent::new(setups(&[(of, "sshd")], observed), rules);
        agent.read(&lines(HOSTS[1], 2), at(0));
        assert_eq!(agent.begun.len(), 1);
        assert_eq!(agent.pipeline.counts(BANS).unwrap().0.failures, counts);
    }
}

#[test]
fn who_is_forgiven_begins_anew() {
    let mut agent = Agent::new(setups(&[(LOGS, "sshd")], false), rules());
    for host in HOSTS {
        agent.read(&lines(host, 2), at(0));
        agent.read(&lines(host, 2), at(20));
    }
    assert_eq!(agent.counted(BANS, at(21)), [2, 2]);
    agent.pipeline.forgive("192.0.2.7/32".parse().unwrap());
    assert_eq!(agent.counted(BANS, at(21)), [0, 2]);
    agent.pipeline.forgive("2001:db8::/32".parse().unwrap());
    assert_eq!(agent.counted(BANS, at(21)), [0, 0]);
}

#[derive(Clone, Debug)]
enum Step {
    Fail(usize),
    Wait(u64),
    /// What is read and decided since the last write to the disk is in the maps alone.
    Kill,
    Stop,
    Reload,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0usize..2).prop_map(Step::Fail),
        3 => (1u64..30).prop_map(Step::Wait),
        1 => Just(Step::Kill),
        1 => Just(Step::Stop),
        1 => Just(Step::Reload),
    ];
    prop::collection::vec(step, 1..120)
}

proptest! {
    /// The same bans begin, and the same is counted, as if nothing had happened in between.
    #[test]
    fn the_count_is_exact_through_kills_stops_and_reloads(steps in steps()) {
        let mut whole = Agent::new(setups(&[(LOGS, "sshd")], false), rules());
        let mut agent = Agent::new(setups(&[(LOGS, "sshd")], false), rules());
        for jail in [LOGS, BANS] {
            agent.pipeline.tracker_mut(jail).unwrap().watch();
        }
        let mut kept = Kept::default();
        let mut log: Vec<String> = Vec::new();
        let mut seconds = 0;
        for step in steps {
            match step {
                Step::Fail(host) => {
                    log.extend(lines(HOSTS[host], 1));
                    let line = &log[log.len() - 1..];
                    whole.read(line, at(seconds));
                    agent.read(line, at(seconds));
                }
                Step::Wait(more) => {
                    agent.keep(&mut kept, log.len());
                    seconds += more;
                    whole.read(&[], at(seconds));
                    agent.read(&[], at(seconds));
                    // The ends of bans are on the disk, too.
                    agent.keep(&mut kept, log.len());
                }
                Step::Kill => {
                    agent = Agent::after(agent, &kept, at(seconds));
                    agent.read(&log[kept.read..], at(seconds));
                    agent.decider.expect_no_reasons();
                    agent.keep(&mut kept, log.len());
                }
                Step::Stop => {
                    agent.keep(&mut kept, log.len());
                    agent = Agent::after(agent, &kept, at(seconds));
                    agent.keep(&mut kept, log.len());
                }
                Step::Reload => {
                    let setups = setups(&[(LOGS, "sshd")], false).into_iter();
                    let setups = setups.map(|setup| (setup, true)).collect();
                    let (mut offences, mut out) = (Vec::new(), Outcome::default());
                    agent.pipeline.reload(setups, 100, &mut offences);
                    agent.decider.reload(rules(), 100, &mut out);
                    prop_assert!(offences.is_empty() && out.is_empty());
                }
            }
            prop_assert_eq!(&agent.begun, &whole.begun);
            for jail in [LOGS, BANS] {
                let counted = agent.counted(jail, at(seconds));
                prop_assert_eq!(counted, whole.counted(jail, at(seconds)), "{:?}", jail);
            }
        }
    }
}
