//! The running agent and its ways to drop packets.

use std::{os::fd::OwnedFd, time::Duration};

use tokio::io::unix::AsyncFd;
use tracing::{info, warn};

use super::{
    again::Again,
    begin, clock,
    run::Running,
    start::Started,
    ways::{Answer, Around, Ways},
};
use crate::{
    decide::Outcome,
    enforce::{Failed, xdp::Xdp},
    model::{Ban, Mono, Now},
    netlink::Network,
};

/// How often it is looked whether programs are where they were, when nothing else gives reason to.
pub(super) const REGULARLY: Duration = Duration::from_secs(30);

/// How often it is looked for what nobody tells of: links of which the program is off, entries that are
/// not there, files and sets that are not as they were.
pub(super) const GLANCE: Duration = Duration::from_secs(1);

/// Waits until tables of nftables have changed, where that is of interest.
pub(super) async fn changed(notices: Option<&AsyncFd<OwnedFd>>) -> std::io::Result<()> {
    match notices {
        Some(notices) => {
            notices.readable().await?.clear_ready();
            Ok(())
        }
        None => std::future::pending().await,
    }
}

impl Started {
    /// Does something with the ways.
    pub(super) fn with_ways<T>(
        &mut self,
        now: Now,
        work: impl FnOnce(&mut Ways, &mut Around<'_>) -> T,
    ) -> T {
        let Self {
            ways,
            xdp,
            decider,
            never,
            ports,
            ..
        } = self;
        let mut around = Around {
            xdp,
            decider,
            never,
            ports,
            now,
        };
        work(ways, &mut around)
    }

    /// Takes the best ways that work.
    pub(super) fn rearrange(&mut self, now: Now) {
        let problem = match &self.xdp {
            Some(_) => self.guards.refused().or_else(|| self.xdp_distrust.clone()),
            None => self.xdp_problem.clone(),
        };
        self.with_ways(now, |ways, around| {
            ways.rearrange(around, problem.as_deref());
        });
    }
}

impl Running {
    /// Puts changes into force; those that are not.
    pub(super) fn change(&mut self, out: &Outcome, now: Now) -> Vec<Failed> {
        let agent = &mut self.agent;
        let (failed, given_up) = agent.with_ways(now, |ways, around| ways.apply(out, around));
        if given_up {
            agent.rearrange(now);
        }
        failed
    }

    /// Does what is due of ways: looks whether better ones work, compares, puts right.
    pub(super) fn keep_ways(&mut self, now: Now) {
        let agent = &mut self.agent;
        agent.ways.at = None;
        if agent.xdp.is_none() && agent.ways.want_xdp() {
            self.open_xdp_again(now);
        }
        let agent = &mut self.agent;
        agent.with_ways(now, Ways::repair);
        agent.rearrange(now);
        self.note_renewed(now);
    }

    /// Takes an answer about what is in force.
    pub(super) fn answered(&mut self, answer: Answer) {
        let now = clock::now();
        let agent = &mut self.agent;
        if agent.with_ways(now, |ways, around| ways.answered(answer, around)) {
            agent.rearrange(now);
        }
        self.note_renewed(now);
    }

    /// Takes note of ends that packets have put off, so that they are known after a reboot.
    fn note_renewed(&mut self, now: Now) {
        let mut out = Outcome::default();
        for (ban, end) in self.agent.ways.take_renewed() {
            self.agent.decider.put_off(&ban, end, &mut out);
        }
        self.enforce(&out, now);
    }

    /// Ends bans that are over: one that renews when the kernel says so.
    pub(super) fn end_bans(&mut self, most: usize, now: Now) {
        let Started { decider, xdp, .. } = &mut self.agent;
        let mut out = Outcome::default();
        // Where it cannot be asked, the ban ends at the time that is known.
        let mut end = |ban: &Ban| xdp.as_ref()?.end(&ban.entry()).ok()?;
        decider.expire_unless(now.mono, most, &mut end, &mut out);
        self.enforce(&out, now);
    }

    /// Somebody has changed tables of nftables.
    pub(super) fn nftables_changed(&mut self) {
        let agent = &mut self.agent;
        let own = agent.ways.nftables_port();
        if let Some(notices) = &agent.notices {
            let noticed = notices.drain(own);
            agent.ways.noticed(noticed, clock::now().mono);
        }
    }

    /// Looks for what nobody tells of, as far as that costs next to nothing.
    pub(super) fn glance(&mut self, now: Now) {
        self.glance_at = Some(now.mono.after(GLANCE));
        let strayed = (self.agent.xdp.as_ref()).map_or_else(Vec::new, Xdp::strayed);
        if strayed != self.strayed {
            if !strayed.is_empty() {
                self.look_at_programs(now);
            }
            self.strayed = strayed;
        }
        self.agent.with_ways(now, Ways::glance);
    }

    fn open_xdp_again(&mut self, now: Now) {
        let agent = &mut self.agent;
        if agent.xdp_again.is_some_and(|again| !again.is_due(now.mono)) {
            return;
        }
        let mut ports = agent.ports.clone();
        match begin::open_xdp(&agent.pin_dir, &agent.config, &agent.never, &mut ports) {
            Ok(mut xdp) => {
                info!("xdp: can be used now");
                agent.ports = ports;
                xdp.keep();
                agent.xdp_again = None;
                agent.xdp_problem = None;
                let attached = Network::read()
                    .map_err(anyhow::Error::from)
                    .and_then(|network| agent.guards.start(&mut xdp, &network, now.mono));
                if let Err(error) = attached {
                    warn!("xdp: {error:#}");
                }
                agent.xdp = Some(xdp);
                self.watch_programs(now);
            }
            Err(error) => {
                agent.xdp_again = Some(Again::after(agent.xdp_again, now.mono));
                agent.xdp_problem = Some(format!("{error:#}"));
            }
        }
    }

    /// When ways have something to do.
    pub(super) fn ways_at(&self) -> Option<Mono> {
        let agent = &self.agent;
        let again = agent
            .xdp_again
            .filter(|_| agent.xdp.is_none())
            .map(Again::at);
        [agent.ways.at, again].into_iter().flatten().min()
    }
}
