//! What is decided.

use std::time::Duration;

use ipnet::IpNet;

use super::bans::Full;
use crate::model::{Ban, Change, Evidence, JailId};

/// What was decided, for the report. The changes that it takes are separate, because they have to
/// be in force first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A host or the prefix around it is banned, or would be in
    /// [`Mode::Observe`](crate::model::Mode::Observe).
    Ban {
        /// The ban.
        ban: Ban,
        /// Who offended: a host, or a prefix that a filter found.
        who: IpNet,
        /// The failures that led to it.
        failures: u32,
        /// The lines that they were.
        evidence: Evidence,
        /// Which ban of this host or prefix it is, from 1, as far as earlier ones count for its time.
        count: u32,
        /// How long it lasts from now; `None`: without an end.
        time: Option<Duration>,
        /// The same jail has it banned already; the ban now lasts longer.
        again: bool,
        /// The ban is of the host alone, because the prefix that the jail would ban has addresses
        /// that the jail ignores.
        narrowed: bool,
    },
    /// A ban has been in force since before this agent: the failures that led to it.
    Explained {
        /// The ban.
        ban: Ban,
        /// Who offended: a host, or a prefix that a filter found.
        who: IpNet,
        /// The failures that led to it.
        failures: u32,
        /// The lines that they were.
        evidence: Evidence,
    },
    /// A host offended that is never banned, or a prefix that has such hosts.
    Spared {
        /// Who.
        who: IpNet,
        /// The jail.
        jail: JailId,
        /// The failures.
        failures: u32,
    },
    /// Somebody asked for a ban, which is in force as it stands here: an earlier one may last longer.
    Asked(Ban),
    /// The end of a ban was put off by packets of who is banned.
    Renewed(Ban),
    /// A ban is over.
    Over(Ban),
    /// A ban ended before its time, to make room for another.
    Displaced(Ban),
    /// A ban ended because somebody asked for it, or because it is on the never-ban list now.
    Lifted(Ban),
    /// A ban could not be: there is no room, and none that could be made.
    Refused(Ban),
}

/// Why a ban that somebody asks for is not decided on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// All of it is on the never-ban list.
    #[error(
        "on the never-ban list: `ignore` of the configuration, the addresses of this machine, its gateways, and \
         whoever started the agent; --force bans what only `ignore` protects"
    )]
    Never,
    /// It cannot be forced either.
    #[error(
        "an address or a gateway of this machine, or where whoever started the agent is logged in from: not \
         even --force bans it"
    )]
    Protected,
    /// There is no room.
    #[error(transparent)]
    Full(#[from] Full),
}

/// Where decisions and changes go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What enforcers have to do, in this order.
    pub changes: Vec<Change>,
    /// What to report when they have done it.
    pub decisions: Vec<Decision>,
}

impl Outcome {
    /// Nothing was decided.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.decisions.is_empty()
    }
}
