//! What is kept, on its way to the store and back.

use std::sync::Arc;

use ipnet::IpNet;

use crate::model::{Evidence, Mark, Mode, Now, Quiet, Until, Wall};

/// One ban, by names instead of numbers, which mean something else in the next agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptBan {
    /// Who.
    pub net: IpNet,
    /// For which ports: `all`, or a list such as `tcp/22,udp/53`.
    pub ports: Arc<str>,
    /// The jail; `None` for a ban that none made.
    pub jail: Option<Arc<str>>,
    /// Drop, or only count.
    pub mode: Mode,
    /// The end, on the clock of this boot.
    pub until: Until,
    /// For how long who is banned has to be quiet for it to end, where it renews.
    pub quiet: Option<Quiet>,
    /// When it began or was last made longer.
    pub since: Wall,
    /// The failures that led to it; 0 where none did.
    pub failures: u32,
}

/// Why somebody is banned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Who offended: the ban may be of the prefix around it.
    pub who: IpNet,
    /// The lines.
    pub evidence: Evidence,
    /// What is remembered of the bans of this jail, with this one, where some jail will ask.
    pub past: Option<History>,
}

/// Something that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This ban is in force, or should be; it replaces what its jail had on the same prefix and ports.
    Put(KeptBan, Option<Cause>),
    /// The end of this ban, which is there, was put off; what else is known of it stays.
    PutOff(KeptBan),
    /// This one is over.
    Remove {
        /// Whose ban it was.
        net: IpNet,
        /// For which ports.
        ports: Arc<str>,
        /// Whose jail made it; `None`: none that is among [`Options::jails`](super::Options::jails).
        jail: Option<Arc<str>>,
    },
    /// It is forgotten that somebody was ever banned.
    Forgive(IpNet),
}

/// What changed up to one moment.
#[derive(Clone, Debug)]
pub struct Batch {
    /// That moment.
    pub at: Now,
    /// Bans, in the order in which they changed.
    pub bans: Vec<Change>,
    /// There are no bans but those.
    pub all: bool,
    /// Where reading stopped.
    pub marks: Vec<Mark>,
    /// The jails of today, where they are others than before.
    pub jails: Option<Vec<Arc<str>>>,
    /// What the jails count.
    pub windows: Vec<Windows>,
    /// Where reading stopped in what is no file, by the name of the source.
    pub cursors: Vec<(String, String)>,
}

/// What a jail counts: the hosts that changed, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The jail.
    pub jail: Arc<str>,
    /// It counts no others.
    pub all: bool,
    /// The times of the failures of each host that still count; none: it is counted no more.
    pub hosts: Vec<(IpNet, Vec<Wall>)>,
}

/// How often somebody was banned by a jail, for ban times that grow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Who.
    pub net: IpNet,
    /// The jail.
    pub jail: Arc<str>,
    /// How often. A ban that is made longer while it lasts counts once.
    pub count: u32,
    /// When the last ban began.
    pub last: Wall,
    /// When it ends or ended; `None`: without an end.
    pub ends: Option<Wall>,
}

/// What the last agent left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Bans that are not over, each by its prefix, ports and jail once.
    pub bans: Vec<KeptBan>,
    /// The past, the longest ago first.
    pub history: Vec<History>,
    /// Where reading stopped.
    pub marks: Vec<Mark>,
    /// What the jails counted; each is whole.
    pub windows: Vec<Windows>,
    /// Where reading stopped in what is no file.
    pub cursors: Vec<(String, String)>,
}

/// One reason that somebody was banned for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offences {
    /// The jail.
    pub jail: String,
    /// Who offended.
    pub who: IpNet,
    /// When.
    pub at: Wall,
    /// The lines.
    pub evidence: Evidence,
}
