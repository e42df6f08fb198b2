//! What the store is given, by names; numbers mean something else in the next agent.

use std::{fs, sync::Arc, time::Duration};

use super::{keeper::Keeper, report::Names};
use crate::{
    config::Config,
    decide::Decider,
    model::{Ban, JailId, Now, PortsId},
    store::{History, KeptBan},
    track::Lines,
};

/// Bytes of lines that are kept of hosts that are being counted.
const LINES: usize = 8 << 20;

impl Keeper {
    pub(super) fn kept(&self, ban: &Ban, failures: u32, names: Names<'_>, now: Now) -> KeptBan {
        KeptBan {
            net: ban.net,
            ports: self.ports(ban.ports, names),
            jail: self.name(ban.jail),
            mode: ban.mode,
            until: ban.until,
            quiet: ban.quiet,
            since: now.wall,
            failures,
        }
    }

    pub(super) fn name(&self, jail: Option<JailId>) -> Option<Arc<str>> {
        self.jails.get(usize::from(jail?.0)).cloned()
    }

    pub(super) fn ports(&self, ports: PortsId, names: Names<'_>) -> Arc<str> {
        if ports == PortsId::ALL {
            return Arc::clone(&self.all_ports);
        }
        names.ports.name(ports).into()
    }

    pub(super) fn past(&self, ban: &Ban, decider: &Decider) -> Option<History> {
        let history = decider.history();
        if history.is_empty() {
            return None;
        }
        let jail = self.name(ban.jail)?;
        let past = history.of(ban.net).find(|past| *past.jail == *jail)?;
        Some(History {
            net: ban.net,
            jail,
            count: past.count,
            last: past.last,
            ends: past.ends,
        })
    }
}

/// What a pipeline keeps of lines for a store that keeps so many of each offence.
pub(super) fn lines(config: &Config) -> Lines {
    Lines::new(LINES, config.store.lines as usize)
}

/// How long the past is kept: as long as any jail asks for it.
pub(super) fn retention(config: &Config) -> Duration {
    let asked = config
        .jails
        .iter()
        .filter_map(|jail| jail.escalation.as_ref());
    let asked = asked.map(|escalation| escalation.forget);
    asked.fold(config.store.retention, Duration::max)
}

/// Which boot this is: ends of bans are known by its clock.
pub(super) fn boot() -> String {
    let read = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    read.map_or_else(|_| String::new(), |id| id.trim().to_owned())
}
