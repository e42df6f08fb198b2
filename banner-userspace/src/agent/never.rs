//! The never-ban list of a running agent, which follows the network.

use tracing::info;

use super::{run::Running, ways::Ways};
use crate::{
    decide::Outcome,
    model::{Now, PrefixSet},
};

impl Running {
    /// What is never banned is this from now on, here and in the kernel, but for what is banned by force.
    /// `protected`: what of it not even force bans.
    pub(super) fn follow_never(
        &mut self,
        all: PrefixSet,
        protected: PrefixSet,
        now: Now,
    ) -> Result<(), String> {
        let agent = &mut self.agent;
        agent.protected = protected;
        let never = agent.forced.out_of(&all, &agent.protected);
        // After a failure the kernel may have a part of what was wanted then.
        if never == agent.never && all == *agent.decider.never() && !agent.looks.has_failed() {
            return Ok(());
        }
        let followed = match &mut agent.xdp {
            Some(xdp) => xdp.set_never(&never).map_err(|error| error.to_string()),
            None => Ok(()),
        };
        let before = std::mem::replace(&mut agent.never, never.clone());
        let followed = followed.and(agent.with_ways(now, Ways::set_never));
        if followed.is_err() {
            agent.never = before;
        } else {
            info!(
                "the never-ban list follows the network: {} prefixes",
                never.len()
            );
        }
        agent.pipeline.spare(&all, &agent.config.jails);
        let mut out = Outcome::default();
        agent.decider.set_never(all, &mut out);
        self.enforce(&out, now);
        followed.map_err(|error| {
            format!("the kernel's never-ban list could not follow the network: {error}")
        })
    }
}
