use ipnet::IpNet;

use crate::model::bannable;

/// The widest prefix that is banned because it stands in a line, unless hosts of wider ones are counted
/// together: IPv4.
const FOUND_IPV4: u8 = 16;

/// The same for IPv6.
const FOUND_IPV6: u8 = 32;

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
    /// The first address of those that are counted with a host or prefix; a prefix that has more than
    /// those in it is counted alone.
    pub(super) fn first(self, who: IpNet) -> IpNet {
        let length = self.length(who);
        if who.prefix_len() < length {
            return who;
        }
        IpNet::new(who.addr(), length).map_or(who, |net| net.network().into())
    }

    /// A prefix that was found in a line as bans have it, if it is one that may be banned for a line:
    /// whoever can write one must not have half of the Internet banned.
    pub fn bannable(self, found: IpNet) -> Option<IpNet> {
        let net = bannable(found).ok()?;
        let widest = match net {
            IpNet::V4(_) => FOUND_IPV4,
            IpNet::V6(_) => FOUND_IPV6,
        };
        (net.prefix_len() >= widest.min(self.length(net))).then_some(net)
    }

    fn length(self, who: IpNet) -> u8 {
        match who {
            IpNet::V4(_) => self.ipv4,
            IpNet::V6(_) => self.ipv6,
        }
    }
}
