//! Lines to decisions, in this process.

use std::{fs, path::Path, sync::Arc, time::Duration};

use banner_userspace::{
    agent::{
        self,
        pipeline::{Counted, JailSetup, Pipeline, Together},
    },
    decide::{Decider, Outcome, Rules},
    filter::Filter,
    model::{Chunk, JailId, Log, LogId, Mono, Now, Offence, OnNames, PrefixSet, Wall},
    source::{Options, Progress, Sources},
    track::Lines,
};
use jiff::tz::TimeZone;
use nix::sys::resource::{UsageWho, getrusage};

/// 2026-11-20T12:00:00Z.
const NOW: Now = Now {
    wall: Wall::from_secs(1_795_176_000),
    mono: Mono(0),
};

/// What a reader gives out at a time.
const CHUNK: usize = 128 << 10;

/// How much is read before decisions are made, as the agent does it.
const TURN: usize = 1 << 20;

/// How a log is to be read.
#[derive(Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) rounds: usize,
    /// Hosts that are counted at a time.
    pub(crate) tracked: usize,
    /// The lines that led to a ban are kept, as the agent keeps them.
    pub(crate) evidence: bool,
    pub(crate) threads: usize,
}

/// What it took.
#[derive(Clone, Copy)]
pub(crate) struct Run {
    /// Of processors.
    pub(crate) cpu: Duration,
    /// On the clock.
    pub(crate) elapsed: Duration,
    pub(crate) decisions: usize,
}

/// The best of several runs over `text`.
pub(crate) fn measure(filters: &[Arc<Filter>], text: &str, manner: Manner) -> Run {
    let runs = (0..manner.rounds).map(|_| once(filters, text, manner));
    let best = runs.min_by_key(|run| {
        if manner.threads > 1 {
            run.elapsed
        } else {
            run.cpu
        }
    });
    best.expect("at least one round")
}

fn once(filters: &[Arc<Filter>], text: &str, manner: Manner) -> Run {
    let mut engine = Engine::new(filters, manner);
    let (cpu, start) = (cpu_time(UsageWho::RUSAGE_SELF), agent::now().mono);
    let mut rest = text.as_bytes();
    let mut turn = 0;
    while !rest.is_empty() {
        let most = rest.len().min(CHUNK);
        let end = rest[..most].iter().rposition(|&byte| byte == b'\n');
        let (bytes, behind) = rest.split_at(end.map_or(most, |end| end + 1));
        engine.feed(&Chunk::new(&[LogId(0)], bytes));
        turn += bytes.len();
        if turn >= TURN || behind.is_empty() {
            engine.decide();
            turn = 0;
        }
        rest = behind;
    }
    Run {
        cpu: cpu_time(UsageWho::RUSAGE_SELF).saturating_sub(cpu),
        elapsed: agent::now().mono.since(start),
        decisions: engine.decisions,
    }
}

/// Reads a file from its beginning as the agent does; how many decisions there are.
pub(crate) fn read(filters: &[Arc<Filter>], path: &Path, manner: Manner) -> usize {
    let mut engine = Engine::new(filters, manner);
    // A file that comes after the start is read from its beginning.
    let aside = path.with_extension("aside");
    fs::rename(path, &aside).expect("a file that can be renamed");
    let entry = path.to_str().expect("a name in UTF-8").to_owned();
    let options = Options {
        max_line: 16 << 10,
        ..Options::default()
    };
    let mut sources = Sources::open(&[Log::File(entry)], options).expect("inotify");
    // There is nothing yet.
    let _ = sources.poll(NOW, TURN, &mut |_| {});
    fs::rename(&aside, path).expect("a file that can be renamed");
    let mut bytes = 0;
    loop {
        let progress = sources.poll(NOW, TURN, &mut |chunk| {
            bytes += chunk.bytes.len();
            engine.feed(&chunk);
        });
        engine.decide();
        if matches!(progress, Progress::Idle { .. }) && bytes > 0 {
            return engine.decisions;
        }
    }
}

/// What the agent has between its sources and the kernel.
struct Engine {
    pipeline: Pipeline,
    decider: Decider,
    offences: Vec<Offence>,
    out: Outcome,
    decisions: usize,
}

impl Engine {
    fn new(filters: &[Arc<Filter>], manner: Manner) -> Self {
        let jails = filters.iter().map(|filter| JailSetup {
            filter: Some(Arc::clone(filter)),
            of: Counted::default(),
            logs: vec![LogId(0)],
            max_retry: 5,
            find_time: Duration::from_hours(24),
            together: Together::default(),
            names: OnNames::Ignore,
        });
        let mut pipeline = Pipeline::new(jails.collect(), manner.tracked, TimeZone::UTC)
            .with_threads(manner.threads);
        if manner.evidence {
            pipeline.keep(Lines::new(4 << 20, 10));
        }
        assert!(pipeline.counts(JailId(0)).is_some(), "the first jail");
        let rules = filters.iter().map(|_| Rules::default()).collect();
        Self {
            pipeline,
            decider: Decider::new(rules, PrefixSet::default(), 1 << 20),
            offences: Vec::new(),
            out: Outcome::default(),
            decisions: 0,
        }
    }

    fn feed(&mut self, chunk: &Chunk<'_>) {
        self.pipeline.feed(chunk, NOW, &mut self.offences);
    }

    fn decide(&mut self) {
        self.pipeline.finish(&mut self.offences);
        for offence in self.offences.drain(..) {
            self.decider.offence(&offence, NOW, &mut self.out);
        }
        // The agent reports them and forgets them.
        self.decisions += self.out.decisions.len();
        self.out.decisions.clear();
        self.out.changes.clear();
    }
}

/// What was used of processors: on a machine with nothing else to do, the time that one core takes.
pub(crate) fn cpu_time(who: UsageWho) -> Duration {
    let usage = getrusage(who).expect("the usage of this process");
    [usage.user_time(), usage.system_time()]
        .iter()
        .map(|time| {
            let seconds = Duration::from_secs(time.tv_sec().unsigned_abs());
            seconds + Duration::from_micros(time.tv_usec().unsigned_abs())
        })
        .sum()
}
