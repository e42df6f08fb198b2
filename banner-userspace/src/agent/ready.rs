//! What the agent says when it has begun.

use tracing::{info, warn};

use super::{clock, run::Running, start::Started, status};

impl Running {
    /// Says that it is ready, and what it protects.
    pub(super) fn say_ready(&self) {
        for problem in status::unfed(&self.agent) {
            warn!("{problem}");
        }
        let Started {
            config,
            decider,
            guards,
            ..
        } = &self.agent;
        let (v4, v6) = decider.entries();
        let plural = |n: usize, noun: &str| format!("{n} {noun}{}", if n == 1 { "" } else { "s" });
        let files = self.agent.sources.files().count();
        let streams = self.agent.sources.streams().count();
        let streams = match streams {
            0 => String::new(),
            count => format!(" and {}", plural(count, "other source")),
        };
        let unread = match self.unread.count() {
            0 => String::new(),
            count => format!(" ({count} not read)"),
        };
        let took = clock::now().mono.since(self.agent.since);
        let ways = self.agent.ways.in_words();
        let on = match &self.agent.xdp {
            Some(_) if ways == "xdp" => guards.summary(),
            Some(_) => format!("bans in {ways}, {}", guards.summary()),
            None => format!("bans in {ways}"),
        };
        info!(
            "ready after {} ms: {}; {} on {}{streams}{unread}; {} in force",
            took.as_millis(),
            on,
            plural(config.jails.len(), "jail"),
            plural(files, "log file"),
            plural(v4 + v6, "ban"),
        );
    }
}
