use std::net::IpAddr;

use ipnet::IpNet;

/// How long the prefixes are whose hosts are counted as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Together {
    /// Of IPv4; 32: each host for itself.
    pub ipv4: u8,
    /// Of IPv6; 128: each host for itself.
    pub ipv6: u8,
}

impl Default for Together {
    /// Each host for itself.
    fn default() -> Self {
        Self {
            ipv4: 32,
            ipv6: 128,
        }
    }
}

impl Together {
    /// The first address of those that are counted with a host.
    pub(super) fn first(self, host: IpAddr) -> IpAddr {
        let length = match host {
            IpAddr::V4(_) => self.ipv4,
            IpAddr::V6(_) => self.ipv6,
        };
        IpNet::new(host, length).map_or(host, |net| net.network())
    }
}
