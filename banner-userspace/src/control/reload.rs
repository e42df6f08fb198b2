//! The shapes of what is answered to those who ask for another configuration, or for the end.

use serde::{Deserialize, Serialize};

/// The configuration was read, and is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// Jails that were not there before.
    pub added: Vec<String>,
    /// Jails that read, count or ban otherwise now. What they have counted counts on.
    pub changed: Vec<String>,
    /// Jails that are there no more. Their bans stay until they end.
    pub removed: Vec<String>,
    /// Keys that were changed, and hold as they did before until the agent is started again.
    pub needs_restart: Vec<String>,
    /// What is worth knowing, with file, line and column.
    pub warnings: Vec<String>,
}

/// The configuration is not in force: the one before it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotReloaded {
    /// What is wrong with it, with file, line and column.
    pub problems: Vec<String>,
}

/// The agent stops when it has said this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopping {
    /// Its process id.
    pub pid: u32,
    /// Hosts and prefixes whose bans stay in force.
    pub bans: usize,
}

impl Reloaded {
    /// In one line.
    pub fn summary(&self) -> String {
        let mut parts = Vec::new();
        for (what, names) in [
            ("jails added: ", &self.added),
            ("jails changed: ", &self.changed),
            ("jails removed: ", &self.removed),
            ("needs a restart: ", &self.needs_restart),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what}{}", names.join(", ")));
            }
        }
        if parts.is_empty() {
            return "reloaded: all jails are as they were".into();
        }
        format!("reloaded: {}", parts.join("; "))
    }
}
