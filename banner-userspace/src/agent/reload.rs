//! Another configuration while the agent runs.
//!
//! It is loaded on a thread of its own, because to compile filters takes time. What is wrong with it is
//! said, and the one that there is goes on. Then everything that it changes is changed at once, between
//! two reads of the logs: so no line is judged by half of it, and none is passed over.

use std::collections::BTreeSet;

use tokio::sync::{mpsc, oneshot};
use tracing::{error, info, warn};

use super::{
    clock,
    merge::{Differences, merge},
    notify_socket,
    run::Running,
    start::{Started, never, protected, rules, setups},
};
use crate::{
    config::{self, Config, Jail, Problems},
    control::{NotReloaded, Reloaded},
    decide::Outcome,
    model::{JailId, LogId, Now, PrefixSet},
    netlink::Network,
};

/// What came of reading the configuration.
pub(super) type Loaded = Result<Config, Problems>;

/// Where somebody waits for what comes of a reload.
pub(super) type Reply = oneshot::Sender<Result<Reloaded, NotReloaded>>;

/// Who has asked for a reload.
#[derive(Debug)]
pub(super) struct Reloads {
    loaded: mpsc::Sender<Loaded>,
    /// A load is under way: those who have asked for it.
    waiting: Option<Vec<Reply>>,
    /// Those who have asked since it began; it may have read what was there before.
    next: Option<Vec<Reply>>,
}

impl Reloads {
    /// Configurations go to `loaded` when they have been read.
    pub(super) fn new(loaded: mpsc::Sender<Loaded>) -> Self {
        Self {
            loaded,
            waiting: None,
            next: None,
        }
    }
}

impl Running {
    /// Reads the configuration once more.
    pub(super) fn reload(&mut self, reply: Option<Reply>) {
        if self.reloads.waiting.is_some() {
            self.reloads.next.get_or_insert_default().extend(reply);
            return;
        }
        self.reloads.waiting = Some(reply.into_iter().collect());
        notify_socket::reloading(clock::now().mono);
        let path = self.agent.options.config.clone();
        info!("reload of {}", path.display());
        let loaded = self.reloads.loaded.clone();
        tokio::task::spawn_blocking(move || {
            // If nobody receives it, the agent has stopped.
            let _ = loaded.blocking_send(config::load(&path));
        });
    }

    /// The configuration has been read.
    pub(super) fn loaded(&mut self, loaded: Loaded) {
        let outcome = self.reloaded(loaded);
        match &outcome {
            Ok(reloaded) => {
                for warning in &reloaded.warnings {
                    warn!("{warning}");
                }
                info!("{}", reloaded.summary());
            }
            Err(refused) => {
                for problem in &refused.problems {
                    error!("not reloaded: {problem}");
                }
                error!("not reloaded: the configuration that was in force goes on");
            }
        }
        notify_socket::ready();
        for reply in self.reloads.waiting.take().into_iter().flatten() {
            let _ = reply.send(outcome.clone());
        }
        if let Some(next) = self.reloads.next.take() {
            let mut next = next.into_iter();
            self.reload(next.next());
            for reply in next {
                self.reload(Some(reply));
            }
        }
    }

    fn reloaded(&mut self, loaded: Loaded) -> Result<Reloaded, NotReloaded> {
        let new = loaded.map_err(|problems| NotReloaded {
            problems: problems.to_string().lines().map(str::to_owned).collect(),
        })?;
        let refused = |why: String| NotReloaded {
            problems: vec![why],
        };
        for (_, set) in new.ports.iter() {
            self.ports(set).map_err(refused)?;
        }
        let network = Network::read().map_err(|error| {
            refused(format!(
                "cannot ask the kernel for its interfaces (netlink): {error}"
            ))
        })?;
        let warnings = new.warnings.iter().map(ToString::to_string).collect();
        let (new, differences) =
            merge(&self.agent.config, new, &self.agent.ports).map_err(refused)?;
        let mut reloaded = Reloaded {
            warnings,
            ..said(differences)
        };
        let old = std::mem::replace(&mut self.agent.config, new);
        reloaded
            .warnings
            .extend(self.take_over(&old, &network, clock::now()));
        Ok(reloaded)
    }

    /// Makes everything as the configuration says, which was `old` before; what did not work.
    ///
    /// Who adds a section to the configuration takes over here what is new in it.
    fn take_over(&mut self, old: &Config, network: &Network, now: Now) -> Vec<String> {
        let mut warnings = Vec::new();
        let agent = &mut self.agent;
        let names = agent.config.jails.iter().map(|jail| &*jail.name);
        if let Some(xdp) = &mut agent.xdp {
            xdp.set_jails(names);
        }
        let names: Vec<String> = agent
            .config
            .jails
            .iter()
            .map(|jail| jail.name.clone())
            .collect();
        agent.ways.set_jails(&names);
        self.spared.resize(agent.config.jails.len(), 0);
        self.begun.resize(agent.config.jails.len(), 0);
        let stays = |n: usize| {
            let jails = (old.jails.get(n), agent.config.jails.get(n));
            // What was counted for a prefix is nobody's where hosts are counted otherwise.
            let by = |jail: &Jail| (jail.count_ipv4_length, jail.count_ipv6_length);
            matches!(jails, (Some(old), Some(new))
                if !old.retired
                    && !new.retired
                    && by(old) == by(new)
                    && old.of.is_some() == new.of.is_some())
        };
        let setups = setups(&agent.config).enumerate();
        let setups = setups.map(|(n, setup)| (setup, stays(n))).collect();
        let tracked = agent.config.limits.tracked as usize;
        let mut offences = Vec::new();
        agent.pipeline.reload(setups, tracked, &mut offences);
        for n in (0..agent.config.jails.len()).filter(|n| !stays(*n)) {
            let id = u16::try_from(n).map(JailId).ok();
            if let Some(tracker) = id.and_then(|id| agent.pipeline.tracker_mut(id)) {
                tracker.watch();
            }
        }
        agent.keeper.reload(&agent.config);
        warnings.extend(agent.teller.reload(&agent.config).err());
        warnings.extend(self.follow_logs(old, now));
        self.follow_spared(now);
        let mut never = never(
            &self.agent.config,
            network,
            self.agent.session,
            &self.agent.named,
        );
        let mut protected = protected(network, self.agent.session);
        if network.unsettled {
            // What is missing may only have been passed over: nothing is taken away for it.
            let agent = &self.agent;
            never = PrefixSet::new(never.iter().chain(agent.decider.never().iter()));
            protected = PrefixSet::new(protected.iter().chain(agent.protected.iter()));
        }
        warnings.extend(self.follow_never(never, protected, now).err());
        let agent = &mut self.agent;
        agent
            .pipeline
            .spare(agent.decider.never(), &agent.config.jails);
        let mut out = Outcome::default();
        let history = self.agent.config.limits.history as usize;
        let rules = rules(&self.agent.config);
        self.agent.decider.reload(rules, history, &mut out);
        let Started {
            pipeline, decider, ..
        } = &mut self.agent;
        pipeline.decide(offences, decider, now, &mut out);
        self.enforce(&out, now);
        warnings
    }

    /// Reads the logs of the jails that there are now, and no others.
    fn follow_logs(&mut self, old: &Config, now: Now) -> Vec<String> {
        let read = |config: &Config| -> BTreeSet<LogId> {
            (config.jails.iter())
                .flat_map(|jail| jail.logs.iter().copied())
                .collect()
        };
        let agent = &mut self.agent;
        let (before, after) = (read(old), read(&agent.config));
        let mut warnings = Vec::new();
        for log in after.difference(&before) {
            let what = &agent.config.logs[usize::from(log.0)];
            if let Err(error) = agent.sources.add(*log, what, now.mono) {
                warnings.push(format!("{what}: {error}"));
            }
        }
        for log in before.difference(&after) {
            agent.sources.drop(*log);
        }
        warnings
    }
}

fn said(differences: Differences) -> Reloaded {
    let Differences {
        added,
        changed,
        removed,
        restart,
    } = differences;
    Reloaded {
        added,
        changed,
        removed,
        needs_restart: restart.into_iter().map(str::to_owned).collect(),
        warnings: Vec::new(),
    }
}
