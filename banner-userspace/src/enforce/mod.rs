//! Puts bans into force.

mod child;
mod command;
mod hosts_deny;
mod iptables;
pub mod left;
mod lock;
mod nftables;
pub mod xdp;

use std::{fmt::Debug, net::IpAddr, path::PathBuf, time::Duration};

pub use child::ChildError;
pub use command::CommandLines;
pub use hosts_deny::HostsDeny;
pub use iptables::Iptables;
pub use lock::{Claim, ClaimError, claim, make_and_claim};
pub use nftables::{Nftables, Noticed, Notices};

use crate::model::{Ban, Change, Entry, Now, PortSets, Ports, PrefixSet, Until, Way};

/// A way to keep banned hosts' packets out.
///
/// What it has put into force stays so when it is dropped, and when its process dies: only
/// [`Enforcer::remove`] ends it.
pub trait Enforcer: Debug {
    /// Its name in configuration and reports.
    fn name(&self) -> &str;

    /// Finds what an earlier one of its kind has left, and changes nothing; whether there is anything.
    fn look(&mut self) -> Result<bool, EnforceError>;

    /// Makes what bans need, where it is missing or not as it should be. Bans that are there stay.
    fn open(&mut self) -> Result<(), EnforceError>;

    /// These prefixes are never dropped, whatever is banned.
    fn set_never(&mut self, never: &PrefixSet) -> Result<(), EnforceError>;

    /// The names of the jails from now on, by their [`JailId`](crate::model::JailId).
    fn set_jails(&mut self, jails: &[String]);

    /// What the numbers of sets of ports stand for. Sets that bans in force have and that are not
    /// among these are added.
    fn set_ports(&mut self, ports: &mut PortSets) -> Result<(), EnforceError>;

    /// Puts the changes into force, in their order. When this returns, those that are not among
    /// the failures are in force.
    fn apply(&mut self, changes: &[Change], now: Now) -> Result<(), Vec<Failed>>;

    /// What is in force, as far as it can tell.
    fn in_force(&mut self, now: Now) -> anyhow::Result<Vec<Ban>>;

    /// Something that finds out, in a thread of its own, what is in force, and whether it is complete.
    fn inquire(&self) -> Inquiry;

    /// Whether it ends bans by itself, also when the agent is dead.
    fn has_ends(&self) -> bool {
        true
    }

    /// No ban can be put in for longer; none: any.
    fn longest(&self) -> Option<Duration> {
        None
    }

    /// The port of its netlink socket, by which its own work is told from that of others.
    fn port(&self) -> Option<u32> {
        None
    }

    /// Sees whether a ban that should be in force is, by what a packet would meet as far as that can be.
    fn test(&mut self, _trial: &Trial<'_>) -> Tested {
        Tested::Unable
    }

    /// A look that takes next to nothing: when it is other than the last one, others may have changed
    /// what is in force. None: there is no such look.
    fn glance(&mut self) -> Option<u64> {
        None
    }

    /// Whether these entries, which should be in force, are there; true where that takes an inquiry.
    fn holds(&self, _entries: &[Entry]) -> bool {
        true
    }

    /// How long it may go without an inquiry.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }

    /// Takes away all that it has made, and with it all bans. Nothing there is no error.
    fn remove(&mut self) -> Result<(), EnforceError>;
}

/// The enforcer of a way other than XDP. `jails` are the names of the jails by their
/// [`JailId`](crate::model::JailId).
pub fn build(way: &Way, jails: &[String]) -> Option<Box<dyn Enforcer>> {
    let jails = jails.to_vec();
    Some(match way.clone() {
        Way::Xdp => return None,
        Way::Nftables(options) => Box::new(Nftables::new(options, jails)),
        Way::Iptables(options) => Box::new(Iptables::new(options, jails)),
        Way::HostsDeny(options) => Box::new(HostsDeny::new(options, jails)),
        Way::Command(options) => Box::new(CommandLines::new(options, jails)),
    })
}

/// Finds out what an enforcer has in force. See [`Enforcer::inquire`].
pub type Inquiry = Box<dyn FnOnce() -> Result<Found, EnforceError> + Send>;

/// What was found to be in force.
#[derive(Debug, Default)]
pub struct Found {
    /// What is missing beside bans, in words: [`Enforcer::open`] makes it.
    pub broken: Option<String>,
    /// Bans that are there, each entry once.
    pub held: Vec<Held>,
    /// Bans that are there and can be none of the agent's.
    pub strange: usize,
}

/// A ban that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who, and for which ports.
    pub entry: Entry,
    /// When it ends, where it ends by itself, from when the survey began.
    pub left: Option<Duration>,
}

/// A ban that should be in force, to be tested.
#[derive(Clone, Copy, Debug)]
pub struct Trial<'t> {
    /// As the enforcer has been told.
    pub ban: Ban,
    /// The ports that it is about; none: all.
    pub ports: Option<&'t Ports>,
    /// A host that it is about, and that is not on the never-ban list.
    pub host: IpAddr,
    /// All that is banned and has this host in it, this ban's entry among them.
    pub covering: &'t [Entry],
}

/// How a test went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tested {
    /// This ban, or this enforcer, cannot be tested.
    Unable,
    /// As it should be.
    Passed,
    /// Not in force, or more than it: what was seen.
    Failed(String),
}

/// Why an enforcer cannot do its work.
#[derive(Debug, thiserror::Error)]
pub enum EnforceError {
    /// A program that it needs did not do what it should.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// Something of its name is there, and is somebody else's.
    #[error("{what} is there already and is not banner's; {advice}")]
    Foreign {
        /// What.
        what: String,
        /// What to do.
        advice: String,
    },
    /// The kernel says no.
    #[error("cannot {operation}: {why}")]
    Kernel {
        /// What was tried.
        operation: &'static str,
        /// Why it failed, and what to do.
        why: String,
    },
    /// Something about a file.
    #[error("{}: {why}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What failed, and what to do.
        why: String,
    },
    /// XDP says no.
    #[error(transparent)]
    Xdp(#[from] xdp::XdpError),
}

/// A change that could not be put into force.
#[derive(Debug, thiserror::Error)]
#[error("{change:?}: {why}")]
pub struct Failed {
    /// Which.
    pub change: Change,
    /// Why not.
    pub why: String,
}

/// The last of the changes of each entry, as a fallback enforcer is to see it: what only observes is
/// no ban there, and neither is what is over.
fn last_of_each(changes: &[Change], now: Now) -> impl Iterator<Item = Change> {
    let mut seen = std::collections::HashSet::with_capacity(changes.len());
    let mut last: Vec<Change> = (changes.iter().rev())
        .filter(|change| seen.insert(change.entry()))
        .copied()
        .collect();
    last.reverse();
    last.into_iter().map(move |change| match change {
        Change::Set(ban)
            if ban.mode == crate::model::Mode::Enforce && !ban.until.is_over(now.mono) =>
        {
            change
        }
        change => change.entry().into(),
    })
}

/// How long a ban lasts yet; none: for ever.
fn left(until: Until, now: Now) -> Option<Duration> {
    match until {
        Until::Forever => None,
        Until::At(end) => Some(end.since(now.mono)),
    }
}
