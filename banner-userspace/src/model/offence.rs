use ipnet::IpNet;

use super::{Evidence, JailId};

/// A host, or a prefix that a filter found in place of one, that failed too often within the find time of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offence {
    /// The jail that counted.
    pub jail: JailId,
    /// Who offended.
    pub who: IpNet,
    /// How many failures it took.
    pub failures: u32,
    /// The lines that they were.
    pub evidence: Evidence,
}
