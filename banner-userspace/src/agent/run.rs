//! The loop of a running agent.

use std::{
    collections::{BTreeSet, HashSet},
    os::fd::AsFd as _,
    time::Duration,
};

use anyhow::Context as _;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
    time::Instant,
};
use tracing::info;

use super::{
    clock,
    enforcing::{GLANCE, changed},
    names::Lookups,
    notify_socket,
    reasons::Reasons,
    reload::{Loaded, Reloads},
    report,
    selftest::SelfTests,
    start::Started,
    terminal::Terminal,
    unread::Unread,
};
use crate::{
    decide::Outcome,
    enforce::xdp::Xdp,
    model::{Entry, Mono, Now},
    source::Progress,
    sys,
};

/// Bytes that are read before signals, requests and expiry get a turn.
const SLICE: usize = 1 << 20;

/// Bans that are ended before the logs and the others get a turn; the kernel has let them go already.
const OVER_AT_ONCE: usize = 10_000;

/// After how long a change that could not be put into force is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How many of those are tried again at once.
const AT_ONCE: usize = 256;

/// How often it is looked whether the program is still where it was attached, while hosts are being
/// banned: of a link that is taken off, the kernel tells nobody.
const LOOK: Duration = Duration::from_secs(1);

/// How often the other tasks of this thread get a turn before it ends.
const YIELDS: usize = 10;

/// Runs until SIGTERM, SIGINT, somebody asks it to stop, or its terminal is gone. Bans stay in force when
/// it returns.
pub async fn run(mut agent: Started) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    let mut hang_up = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
    let sources = sys::readable(agent.sources.as_fd()).context("cannot watch the logs")?;
    let network = sys::readable(agent.watch.as_fd()).context("cannot watch the network")?;
    let terminal = Terminal::controlling();
    let (requests, mut inbox) = mpsc::channel(16);
    if let Some(server) = agent.server.take() {
        tokio::spawn(async move { server.serve(requests).await });
    }
    let notices = (agent.notices.as_ref()).map(|notices| sys::readable(notices.as_fd()));
    let notices = notices.transpose().context("cannot watch nftables")?;
    let mut answers = agent.answers.take().context("answers are taken once")?;
    let (reloads, mut loaded) = mpsc::channel(1);
    let mut spared = (agent.named.answers()).context("answers are taken once")?;
    let mut agent = Running::new(agent, reloads);
    let mut named = (agent.lookups.answers()).context("answers are taken once")?;
    agent.release_forced(clock::now());
    agent.read();
    agent.keep_time();
    agent.watch_programs(clock::now());
    agent.say_ready();
    agent.tell_start(clock::now());
    notify_socket::ready();
    let why = loop {
        let deadline = agent.deadline();
        tokio::select! {
            biased;
            _ = terminate.recv() => break "SIGTERM",
            _ = interrupt.recv() => break "SIGINT",
            _ = hang_up.recv() => {
                if terminal.is_gone() {
                    break "SIGHUP, and the terminal is gone";
                }
                agent.reload(None);
            }
            Some(config) = loaded.recv() => {
                agent.loaded(config);
                agent.read();
            }
            ready = network.readable() => {
                ready.context("cannot watch the network")?.clear_ready();
                agent.network_changed();
            }
            ready = changed(notices.as_ref()) => {
                ready.context("cannot watch nftables")?;
                agent.nftables_changed();
            }
            Some(answer) = answers.recv() => agent.answered(answer),
            Some(answer) = named.recv() => {
                agent.named(answer, clock::now());
                agent.read();
            }
            Some(answer) = spared.recv() => agent.spared_answered(answer, clock::now()),
            Some(request) = inbox.recv() => {
                agent.answer(request);
                // However many ask, the logs are read.
                agent.read();
            }
            // After the others, because under a flood there is always something to read.
            ready = sources.readable() => {
                // Cleared before reading, so that what comes meanwhile wakes again.
                ready.context("cannot watch the logs")?.clear_ready();
                agent.read();
            }
            () = sleep_until(deadline) => agent.read(),
        }
        agent.keep_time();
        // The control server runs on this thread, too.
        tokio::task::yield_now().await;
        if agent.stopping {
            // So that who asked has the answer.
            for _ in 0..YIELDS {
                tokio::task::yield_now().await;
            }
            break "somebody asked for it";
        }
    };
    notify_socket::stopping();
    agent.stop(why);
    Ok(())
}

async fn sleep_until(deadline: Option<Mono>) {
    match deadline {
        // tokio's clock is CLOCK_MONOTONIC, too, but does not show it.
        Some(end) => {
            let left = end.since(clock::now().mono);
            tokio::time::sleep_until(Instant::now() + left).await;
        }
        None => std::future::pending().await,
    }
}

/// A started agent, and what it remembers from one turn of the loop to the next.
pub(super) struct Running {
    pub(super) agent: Started,
    /// Entries whose enforced state is not what it should be, because the enforcer failed.
    pub(super) pending: BTreeSet<Entry>,
    /// By jail: offences of hosts that are never banned.
    pub(super) spared: Vec<u64>,
    /// By jail: bans that it gave.
    pub(super) begun: Vec<u64>,
    pub(super) displaced: u64,
    pub(super) unread: Unread,
    retry_at: Option<Mono>,
    read_at: Option<Mono>,
    pub(super) programs_at: Option<Mono>,
    pub(super) programs_seen: Mono,
    /// When packets of an address are traced no more; not while none are.
    pub(super) traced_until: Option<Mono>,
    /// The last one of the changes that were tried again.
    retried: Option<Entry>,
    pub(super) reloads: Reloads,
    pub(super) reasons: Reasons,
    pub(super) tests: SelfTests,
    pub(super) lookups: Lookups,
    pub(super) glance_at: Option<Mono>,
    /// Links that were not as they should be at the last glance.
    pub(super) strayed: Vec<u32>,
    /// Somebody has asked for the end.
    pub(super) stopping: bool,
}

impl Running {
    fn new(mut agent: Started, reloads: mpsc::Sender<Loaded>) -> Self {
        let spared = vec![0; agent.config.jails.len()];
        let begun = spared.clone();
        let displaced = agent.xdp.as_ref().map_or(0, Xdp::displaced);
        let programs_seen = agent.since;
        let pending = std::mem::take(&mut agent.pending);
        let retry_at = (!pending.is_empty()).then_some(agent.since);
        Self {
            agent,
            pending,
            spared,
            begun,
            displaced,
            unread: Unread::default(),
            retry_at,
            read_at: None,
            programs_at: None,
            programs_seen,
            traced_until: None,
            retried: None,
            reloads: Reloads::new(reloads),
            reasons: Reasons::default(),
            tests: SelfTests::default(),
            lookups: Lookups::default(),
            glance_at: Some(programs_seen.after(GLANCE)),
            strayed: Vec::new(),
            stopping: false,
        }
    }

    /// When something is to be done though nothing happens.
    fn deadline(&self) -> Option<Mono> {
        let own = [
            self.retry_at,
            self.read_at,
            self.agent.looks.at,
            self.agent.teller.look_at,
            self.programs_at,
            self.unread.look_at,
            self.traced_until,
            self.agent.keeper.at,
            self.agent.decider.next_end(),
            self.ways_at(),
            self.tests.at(),
            self.lookups.deadline(),
            self.agent.named.deadline(),
            // Where nothing is in force nothing can be missing.
            self.glance_at.filter(|_| !self.agent.decider.is_empty()),
        ];
        own.into_iter().flatten().min()
    }

    /// Reads a slice of what was written, and puts the bans that follow from it into force.
    fn read(&mut self) {
        let now = clock::now();
        let Started {
            sources,
            pipeline,
            decider,
            keeper,
            ..
        } = &mut self.agent;
        let mut offences = Vec::new();
        let mut caught_up = false;
        let progress = sources.poll(now, SLICE, &mut |chunk| {
            pipeline.feed(&chunk, now, &mut offences);
        });
        pipeline.finish(&mut offences);
        self.lookups.ask(pipeline, now, &mut offences);
        self.read_at = match progress {
            Progress::More => Some(now.mono),
            Progress::Idle { retry } => {
                caught_up = true;
                retry
            }
        };
        self.unread.stir(now.mono);
        keeper.stir(sources, pipeline, now.mono);
        let mut out = Outcome::default();
        pipeline.decide(offences, decider, now, &mut out);
        if caught_up {
            decider.expect_no_reasons();
        }
        self.enforce(&out, now);
    }

    /// Does what is due by now.
    fn keep_time(&mut self) {
        let now = clock::now();
        let due = |at: Option<Mono>| at.is_some_and(|at| at <= now.mono);
        self.end_bans(OVER_AT_ONCE, now);
        if due(self.retry_at) {
            self.retry_at = None;
            self.retry(now);
        }
        if due(self.agent.looks.at) {
            self.agent.looks.at = None;
            self.look_at_network(now);
        }
        if due(self.programs_at) {
            self.look_at_programs(now);
        }
        if due(self.ways_at()) {
            self.keep_ways(now);
        }
        if due(self.traced_until) {
            self.trace_no_more(now);
        }
        if due(self.agent.teller.look_at) {
            self.look_for_problems(now);
        }
        if due(self.unread.look_at) {
            self.unread.look(&self.agent.sources, now.mono);
        }
        if due(self.agent.keeper.at) {
            self.keep(now);
        }
        if due(self.glance_at) {
            self.glance(now);
        }
        if due(self.agent.named.deadline()) {
            self.look_up_spared(now);
        }
        if due(self.tests.at()) {
            self.test_bans(now);
        }
        if due(self.lookups.deadline()) {
            self.give_up_names(now);
        }
    }

    /// Puts changes into force, then says what was decided; of how many entries what is enforced is
    /// not what it should be.
    pub(super) fn enforce(&mut self, out: &Outcome, now: Now) -> usize {
        if out.is_empty() {
            return 0;
        }
        if !out.changes.is_empty() {
            let at = self.programs_seen.after(LOOK).max(now.mono);
            self.programs_at.get_or_insert(at);
        }
        let mut failed = HashSet::new();
        let failures = self.change(out, now);
        if !failures.is_empty() {
            report::failures(&failures);
            for failure in failures {
                let entry = failure.change.entry();
                failed.insert(entry);
                self.pending.insert(entry);
            }
            self.retry_at.get_or_insert(now.mono.after(RETRY));
        }
        self.after(&out.decisions, &failed, now);
        self.tests.note(&out.changes, &failed, now.mono);
        failed.len()
    }

    /// Tries again what could not be put into force; not all at once, because logs are to be read
    /// meanwhile. What fails again is tried after the others.
    fn retry(&mut self, now: Now) {
        let all = self.pending.len();
        let entries: Vec<_> = (self.pending.iter().copied())
            .filter(|entry| self.retried.is_none_or(|last| *entry > last))
            .take(AT_ONCE)
            .collect();
        self.retried = entries.last().copied();
        for entry in &entries {
            self.pending.remove(entry);
        }
        let changes = entries
            .iter()
            .map(|&entry| self.agent.decider.change_for(entry))
            .collect();
        self.enforce(
            &Outcome {
                changes,
                decisions: Vec::new(),
            },
            now,
        );
        if !self.pending.is_empty() {
            self.retry_at = Some(now.mono.after(RETRY));
        }
        let done = all.saturating_sub(self.pending.len());
        if done > 0 {
            info!("{done} changes that had failed are in force now");
        }
    }
}
