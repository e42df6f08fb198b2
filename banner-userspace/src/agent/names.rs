//! Failures of names get the addresses of their names.

use std::net::IpAddr;

use tokio::sync::mpsc;
use tracing::warn;

use super::{
    pipeline::{Named, Pipeline},
    run::Running,
    start::Started,
};
use crate::{
    control::NamesStatus,
    decide::Outcome,
    dns::{Answer, Asked, Resolver},
    model::{Mono, Now, Offence, OnNames},
};

/// Failures that wait for the addresses of their names.
#[derive(Debug)]
pub(super) struct Lookups {
    resolver: Resolver<Named>,
    answers: Option<mpsc::Receiver<Answer>>,
    /// That too many wait was said.
    told: bool,
}

impl Default for Lookups {
    fn default() -> Self {
        let (resolver, answers) = Resolver::system();
        Self {
            resolver,
            answers: Some(answers),
            told: false,
        }
    }
}

impl Lookups {
    /// Where answers come from; taken once.
    pub(super) fn answers(&mut self) -> Option<mpsc::Receiver<Answer>> {
        self.answers.take()
    }

    /// Asks for the names of all failures that the pipeline has of them; those whose addresses are
    /// known count at once.
    pub(super) fn ask(&mut self, pipeline: &mut Pipeline, now: Now, offences: &mut Vec<Offence>) {
        for named in pipeline.take_named() {
            match self.resolver.ask(named.name().clone(), named, now.mono) {
                Asked::Known(named, addresses) => {
                    pipeline.named(&named, &addresses, now, offences);
                }
                Asked::Waits => {}
                Asked::Dropped(named) => {
                    if !std::mem::replace(&mut self.told, true) {
                        warn!(
                            "too many names of logs wait for DNS: failures of more are not counted \
                             (banner status says how many)"
                        );
                    }
                    pipeline.named(&named, NOBODY, now, offences);
                }
            }
        }
    }

    /// When somebody has waited for long enough.
    pub(super) fn deadline(&self) -> Option<Mono> {
        self.resolver.deadline()
    }

    /// How many failures wait.
    pub(super) fn waiting(&self) -> usize {
        self.resolver.waiting()
    }

    /// For `banner status`.
    pub(super) fn status(&self) -> NamesStatus {
        let stats = self.resolver.stats();
        NamesStatus {
            waiting: self.resolver.waiting(),
            resolved: stats.resolved,
            unresolved: stats.unresolved,
            unanswered: stats.unanswered,
            dropped: stats.dropped,
        }
    }
}

/// Of a name without addresses.
const NOBODY: &[IpAddr] = &[];

impl Running {
    /// Counts what waited for an answer.
    pub(super) fn named(&mut self, answer: Answer, now: Now) {
        let (waited, addresses) = self.lookups.resolver.answered(answer, now.mono);
        let mut offences = Vec::new();
        for named in waited {
            (self.agent.pipeline).named(&named, &addresses, now, &mut offences);
        }
        let Started {
            pipeline,
            decider,
            keeper,
            sources,
            ..
        } = &mut self.agent;
        // What it counted is to be kept.
        keeper.stir(sources, pipeline, now.mono);
        let mut out = Outcome::default();
        pipeline.decide(offences, decider, now, &mut out);
        self.enforce(&out, now);
    }

    /// Waits no longer for what has no answer.
    pub(super) fn give_up_names(&mut self, now: Now) {
        for named in self.lookups.resolver.give_up(now.mono) {
            (self.agent.pipeline).named(&named, NOBODY, now, &mut Vec::new());
        }
        if self.lookups.waiting() == 0 {
            self.lookups.told = false;
        }
    }

    /// For `banner status`: none where no jail looks up names.
    pub(super) fn names_status(&self) -> Option<NamesStatus> {
        let jails = &self.agent.config.jails;
        let looks_up = jails.iter().any(|jail| jail.names == OnNames::Resolve);
        looks_up.then(|| self.lookups.status())
    }
}
