use std::net::IpAddr;

use super::{JailId, Mono};

/// Whether a jail acts or only reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// Count and report what would have been dropped.
    Observe,
    /// Drop.
    Enforce,
}

impl Mode {
    /// The word in configuration and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Enforce => "enforce",
        }
    }
}

/// The end of a ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Until {
    /// The first instant at which it no longer holds.
    At(Mono),
    /// It has none.
    Forever,
}

impl Until {
    /// Whether a ban that ends here is over.
    pub fn is_over(self, now: Mono) -> bool {
        matches!(self, Self::At(end) if end <= now)
    }
}

/// What an enforcer has to know of a banned host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who is banned.
    pub host: IpAddr,
    /// The jail, for the report; `None` for a ban found in the kernel at start.
    pub jail: Option<JailId>,
    /// Drop, or only count.
    pub mode: Mode,
    /// The end.
    pub until: Until,
}

/// What an enforcer is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// This host is banned so from now on; replaces what was in force for it.
    Set(Ban),
    /// This host is no longer banned.
    Clear(IpAddr),
}

impl Change {
    /// Whom it is about.
    pub fn host(&self) -> IpAddr {
        match self {
            Self::Set(ban) => ban.host,
            Self::Clear(host) => *host,
        }
    }
}
