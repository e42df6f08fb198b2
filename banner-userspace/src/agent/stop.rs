//! The end of a running agent.

use tracing::{info, warn};

use super::{clock, report::Names, run::Running, start::Started};

impl Running {
    /// Keeps what there is to be kept; bans stay in force.
    pub(super) fn stop(mut self, why: &str) {
        let now = clock::now();
        self.trace_no_more(now);
        let waiting = self.lookups.waiting();
        if waiting > 0 {
            warn!("{waiting} failures of names have no answer of DNS yet, and count for nobody");
        }
        let Started {
            config,
            ports,
            keeper,
            sources,
            mut pipeline,
            decider,
            ..
        } = self.agent;
        let names = Names {
            jails: &config.jails,
            ports: &ports,
        };
        keeper.stop(&sources, &mut pipeline, &decider, names, now);
        let (v4, v6) = decider.entries();
        info!(
            "{why}: stopped; {} bans stay in force (banner detach ends them)",
            v4 + v6
        );
        self.agent.teller.stop(why, v4 + v6);
    }
}
