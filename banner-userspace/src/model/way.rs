use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};

/// A way to keep banned hosts' packets out, with its options.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// An XDP program on the interface.
    Xdp,
    /// A table of nftables.
    Nftables(Nftables),
    /// A chain of iptables and sets of ipset.
    Iptables(Iptables),
    /// The file that daemons with TCP wrappers ask.
    HostsDeny(HostsDeny),
    /// Programs of the administrator's.
    Command(CommandLines),
}

impl Way {
    /// Its name in configuration and reports.
    pub fn name(&self) -> &str {
        match self {
            Self::Xdp => "xdp",
            Self::Nftables(_) => "nftables",
            Self::Iptables(_) => "iptables",
            Self::HostsDeny(_) => "hosts-deny",
            Self::Command(command) => &command.name,
        }
    }
}

/// Where a packet meets the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Hook {
    /// What comes in over certain interfaces, before anything else.
    Ingress,
    /// All that comes in.
    Prerouting,
    /// What is for this machine.
    Input,
    /// What is for others.
    Forward,
}

impl Hook {
    /// The word in configuration and for `nft`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Prerouting => "prerouting",
            Self::Input => "input",
            Self::Forward => "forward",
        }
    }
}

/// What becomes of a packet of a banned host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// It is gone.
    Drop,
    /// Its sender is told that there is nobody (ICMP).
    Reject,
    /// The same, and TCP connections are reset.
    Reset,
}

impl Answer {
    /// The word in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Reject => "reject",
            Self::Reset => "reset",
        }
    }
}

/// Options of [`Way::Nftables`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nftables {
    /// At least one, none twice.
    pub hooks: Vec<Hook>,
    /// Of the chains at these hooks: lower comes first.
    pub priority: i32,
    /// What becomes of packets.
    pub verdict: Answer,
    /// The interfaces of [`Hook::Ingress`].
    pub devices: Vec<String>,
}

/// Options of [`Way::Iptables`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Iptables {
    /// Chains of the table `filter` from which packets come; at least one, none twice.
    pub parents: Vec<String>,
    /// Banner's own chain, and the beginning of the names of its sets.
    pub chain: String,
    /// Where packets of banned hosts go: `DROP`, `REJECT` or a chain.
    pub target: String,
    /// What `REJECT` says: its type for IPv4 and for IPv6.
    pub reject_with: Option<(String, String)>,
}

/// Options of [`Way::HostsDeny`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostsDeny {
    /// The file.
    pub file: PathBuf,
    /// The daemons that refuse banned hosts, as the file names them.
    pub daemons: String,
}

/// Options of [`Way::Command`]: argument vectors. An empty one is not run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandLines {
    /// Its name in reports, and where a jail chooses it.
    pub name: String,
    /// Before the first ban.
    pub start: Vec<String>,
    /// After the last.
    pub stop: Vec<String>,
    /// Whether all is well.
    pub check: Vec<String>,
    /// A ban.
    pub ban: Vec<String>,
    /// The end of one.
    pub unban: Vec<String>,
    /// Many bans, listed in a file.
    pub ban_many: Vec<String>,
    /// The end of many.
    pub unban_many: Vec<String>,
    /// The end of all bans at once.
    pub flush: Vec<String>,
    /// How long each may take.
    pub within: Duration,
}
