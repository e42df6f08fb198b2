//! The network of a running agent: interfaces, own addresses, gateways, and where the program is.

use std::time::Duration;

use tracing::warn;

use super::{
    clock,
    enforcing::REGULARLY,
    run::Running,
    start::{Started, never, protected},
};
use crate::{
    model::{Now, PrefixSet},
    netlink::Network,
};

/// How often it is looked whether an interface that would not have the program will have it now.
const WATCH: Duration = Duration::from_secs(5);

impl Running {
    pub(super) fn network_changed(&mut self) {
        if self.agent.watch.drain() {
            self.agent.looks.changed(clock::now().mono);
        }
    }

    /// Follows interfaces, own addresses and gateways.
    pub(super) fn look_at_network(&mut self, now: Now) {
        let outcome = match Network::read() {
            Ok(network) => self.follow(&network, now).map(|()| network.unsettled),
            Err(error) => Err(format!("cannot ask the kernel for its interfaces: {error}")),
        };
        let looks = &mut self.agent.looks;
        looks.looked(now.mono, clock::now().mono, outcome);
    }

    fn follow(&mut self, network: &Network, now: Now) -> Result<(), String> {
        let agent = &mut self.agent;
        agent.looks.saw(network);
        let mut never = never(&agent.config, network, agent.session, &agent.named);
        let mut protected = protected(network, agent.session);
        if network.unsettled {
            // What is missing may only have been passed over: nothing is taken away for it.
            never = PrefixSet::new(never.iter().chain(agent.decider.never().iter()));
            protected = PrefixSet::new(protected.iter().chain(agent.protected.iter()));
        }
        // First, so that the gateway of a new uplink is not dropped for a moment.
        let followed = self.follow_never(never, protected, now);
        if network.unsettled {
            return followed;
        }
        let Started { guards, xdp, .. } = &mut self.agent;
        let looked = xdp.as_mut().map_or(Ok(()), |xdp| {
            guards.look(xdp, &network.interfaces, Some(network), now.mono)
        });
        self.watch_programs(now);
        self.agent.rearrange(now);
        followed.and(looked)
    }

    /// Plans the next look at an interface that another program may leave, of which nobody tells.
    pub(super) fn watch_programs(&mut self, now: Now) {
        if self.agent.xdp.is_some() {
            let soon = self.agent.guards.are_to_be_watched();
            let at = now.mono.after(if soon { WATCH } else { REGULARLY });
            self.programs_at = Some(self.programs_at.map_or(at, |planned| planned.min(at)));
        }
    }

    /// Looks whether the program is still where it was attached.
    pub(super) fn look_at_programs(&mut self, now: Now) {
        self.programs_at = None;
        self.programs_seen = now.mono;
        match Network::read_interfaces() {
            Ok(interfaces) => {
                let Started { guards, xdp, .. } = &mut self.agent;
                if let Some(xdp) = xdp
                    && let Err(error) = guards.look(xdp, &interfaces, None, now.mono)
                {
                    warn!("{error}");
                }
                self.agent.rearrange(now);
            }
            Err(error) => warn!("cannot ask the kernel for its interfaces: {error}"),
        }
        self.watch_programs(now);
    }
}
