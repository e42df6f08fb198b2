//! Which prefixes can be banned, and how they are written.

use std::fmt;

use ipnet::IpNet;

/// The widest prefix that can be banned: IPv4.
pub const WIDEST_IPV4: u8 = 8;

/// The widest prefix that can be banned: IPv6.
pub const WIDEST_IPV6: u8 = 16;

/// A prefix covers more of the Internet than a ban should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{net} is too wide for a ban: /{} is the shortest prefix for {}",
    widest(net),
    if net.addr().is_ipv4() { "IPv4" } else { "IPv6" }
)]
pub struct TooWide {
    /// The prefix.
    pub net: IpNet,
}

/// The prefix as bans have it: without host bits, and one of `::ffff:0:0/96` as the IPv4 prefix that
/// it means. Refused when it is wider than [`WIDEST_IPV4`] or [`WIDEST_IPV6`].
pub fn bannable(net: impl Into<IpNet>) -> Result<IpNet, TooWide> {
    let net = canonical(net.into());
    if net.prefix_len() < widest(&net) {
        return Err(TooWide { net });
    }
    Ok(net)
}

fn widest(net: &IpNet) -> u8 {
    match net {
        IpNet::V4(_) => WIDEST_IPV4,
        IpNet::V6(_) => WIDEST_IPV6,
    }
}

/// Without host bits; a prefix of `::ffff:0:0/96` is the IPv4 prefix.
pub(super) fn canonical(net: IpNet) -> IpNet {
    if let IpNet::V6(v6) = net
        && let Some(v4) = v6.addr().to_ipv4_mapped()
        && let Some(length) = v6.prefix_len().checked_sub(96)
        && let Ok(mapped) = IpNet::new(v4.into(), length)
    {
        return mapped.trunc();
    }
    net.trunc()
}

/// What becomes of a failure whose host stands in the log by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnNames {
    /// It counts for nobody.
    #[default]
    Ignore,
    /// It counts for the addresses that the name has by DNS: those that its owner chooses.
    Resolve,
}

/// Whether a prefix is one address.
pub fn is_host(net: IpNet) -> bool {
    net.prefix_len() == net.max_prefix_len()
}

/// Written as people write it: a host without its length, `192.0.2.7`, a prefix with it,
/// `192.0.2.0/24`.
#[derive(Clone, Copy, Debug)]
pub struct Shown(pub IpNet);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_host(self.0) {
            self.0.addr().fmt(f)
        } else {
            self.0.fmt(f)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn bans_have_canonical_prefixes_within_bounds() {
        for (text, canonical) in [
            ("192.0.2.7/32", "192.0.2.7"),
            ("192.0.2.7/24", "192.0.2.0/24"),
            ("10.9.9.9/8", "10.0.0.0/8"),
            ("2001:db8::1/16", "2001::/16"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("::ffff:192.0.2.7/128", "192.0.2.7"),
            ("::ffff:192.0.2.7/104", "192.0.0.0/8"),
        ] {
            let bannable = bannable(net(text)).map(|net| Shown(net).to_string());
            assert_eq!(bannable, Ok(canonical.to_owned()), "{text}");
        }
        for (text, why) in [
            (
                "10.0.0.0/7",
                "10.0.0.0/7 is too wide for a ban: /8 is the shortest prefix for IPv4",
            ),
            (
                "::ffff:0:0/96",
                "0.0.0.0/0 is too wide for a ban: /8 is the shortest prefix for IPv4",
            ),
            (
                "2001:db8::/15",
                "2000::/15 is too wide for a ban: /16 is the shortest prefix for IPv6",
            ),
        ] {
            let refused = bannable(net(text)).map_err(|error| error.to_string());
            assert_eq!(refused, Err(why.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_bannable_prefix_covers_the_address_it_was_made_of(address: IpAddr, length in 0u8..=128) {
            let length = length % if address.is_ipv4() { 33 } else { 129 };
            let made = IpNet::new(address, length).unwrap();
            if let Ok(net) = bannable(made) {
                prop_assert!(net.contains(&address) || net.contains(&address.to_canonical()));
                prop_assert_eq!(bannable(net), Ok(net), "again changes nothing");
                let widest = if net.addr().is_ipv4() { 8 } else { 16 };
                prop_assert!(net.prefix_len() >= widest);
            } else {
                prop_assert!(length < 16 || (96..104).contains(&length));
            }
        }
    }
}
