/// A way to keep banned hosts' packets out, with its options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// An XDP program on the interface.
    Xdp,
    /// A table of nftables.
    Nftables(Nftables),
}

impl Way {
    /// Its name in configuration and reports.
    pub fn name(&self) -> &str {
        match self {
            Self::Xdp => "xdp",
            Self::Nftables(_) => "nftables",
        }
    }
}

/// Where a packet meets the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
