use std::net::IpAddr;

use super::{JailId, Wall};

/// One line that a filter recognised as a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The jail whose filter it was.
    pub jail: JailId,
    /// Who failed. An IPv4-mapped IPv6 address is the IPv4 address.
    pub host: IpAddr,
    /// When: the stamp of the line, or now where it has none that can be trusted.
    pub at: Wall,
}

/// A host that failed too often within the find time of a jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offence {
    /// The jail that counted.
    pub jail: JailId,
    /// Who offended.
    pub host: IpAddr,
    /// How many failures it took.
    pub failures: u32,
}
