use std::{num::NonZeroU32, time::Duration};

use ipnet::IpNet;

use super::{JailId, Mono, PortsId};

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

/// How long who is banned has to be quiet for a ban that renews to end: whole seconds, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quiet(NonZeroU32);

impl Quiet {
    /// Not shorter than `time`, if that is less than 136 years.
    pub fn new(time: Duration) -> Self {
        let seconds = time
            .as_secs()
            .saturating_add(u64::from(time.subsec_nanos() > 0));
        let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
        Self(NonZeroU32::new(seconds).unwrap_or(NonZeroU32::MIN))
    }

    /// As a length of time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.seconds().into())
    }

    /// In seconds.
    pub fn seconds(self) -> u32 {
        self.0.get()
    }
}

/// What an enforcer has to know of a ban.
///
/// Of several bans on the same [`Entry`] it knows the heaviest: dropping outweighs observing, then a
/// late end an early one. A packet is dropped if any enforcing ban covers its source and its port,
/// else counted as observed if any observing one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who is banned: a prefix that [`bannable`](super::bannable) gives, of full length for a host.
    pub net: IpNet,
    /// For which ports.
    pub ports: PortsId,
    /// The jail, for the report; `None` for a ban that no jail of today's made.
    pub jail: Option<JailId>,
    /// Drop, or only count.
    pub mode: Mode,
    /// The end.
    pub until: Until,
    /// It is put off by the packets of who is banned, until there have been none for so long: where the
    /// enforcer can. Never with a ban that has no end.
    pub quiet: Option<Quiet>,
}

impl Ban {
    /// What an enforcer is told of several bans on the same entry: the heaviest. It renews as long as any
    /// that is of its mode does.
    pub fn heaviest(bans: impl IntoIterator<Item = Self>) -> Option<Self> {
        bans.into_iter().reduce(|one, other| {
            let heavier = (other.mode, other.until) > (one.mode, one.until);
            let (heavier, lighter) = if heavier { (other, one) } else { (one, other) };
            let quiet = if lighter.mode == heavier.mode {
                heavier.quiet.max(lighter.quiet)
            } else {
                heavier.quiet
            };
            Self {
                quiet: quiet.filter(|_| heavier.until != Until::Forever),
                ..heavier
            }
        })
    }

    /// Where it is held.
    pub fn entry(&self) -> Entry {
        Entry {
            net: self.net,
            ports: self.ports,
        }
    }
}

/// Whom and what bans are about: enforcers hold one ban for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Entry {
    /// Who.
    pub net: IpNet,
    /// For which ports.
    pub ports: PortsId,
}

/// What an enforcer is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// This prefix is banned so for these ports from now on; replaces what was in force for both.
    Set(Ban),
    /// This prefix is no longer banned for these ports. Bans on prefixes around it or in it, and for
    /// other ports, are not touched.
    Clear {
        /// Whose ban it was.
        net: IpNet,
        /// For which ports.
        ports: PortsId,
    },
}

impl Change {
    /// What it is about.
    pub fn entry(&self) -> Entry {
        match *self {
            Self::Set(ban) => ban.entry(),
            Self::Clear { net, ports } => Entry { net, ports },
        }
    }
}

impl From<Entry> for Change {
    /// The entry is to be empty.
    fn from(Entry { net, ports }: Entry) -> Self {
        Self::Clear { net, ports }
    }
}
