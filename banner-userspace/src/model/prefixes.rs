//! A set of addresses given by prefixes.

use std::{collections::BTreeSet, net::IpAddr};

use ipnet::IpNet;

use super::net::canonical;

/// Prefixes, canonical (no host bits, no IPv4-mapped IPv6), without overlap, in the order of their
/// addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrefixSet {
    prefixes: Vec<IpNet>,
}

impl PrefixSet {
    /// The smallest set that covers the same addresses.
    pub fn new(prefixes: impl IntoIterator<Item = IpNet>) -> Self {
        let all: BTreeSet<IpNet> = prefixes.into_iter().map(canonical).collect();
        let mut prefixes = IpNet::aggregate(&all.into_iter().collect());
        prefixes.sort_unstable_by_key(IpNet::network);
        Self { prefixes }
    }

    /// Whether the address is in one of the prefixes.
    pub fn contains(&self, host: IpAddr) -> bool {
        // They do not overlap, so only the last that begins before it can cover it.
        let behind = self.behind(host);
        behind > 0 && self.prefixes[behind - 1].contains(&host)
    }

    /// Whether all of a prefix is in one of the prefixes.
    pub fn covers(&self, net: IpNet) -> bool {
        let behind = self.behind(net.network());
        behind > 0 && self.prefixes[behind - 1].contains(&net)
    }

    /// Whether some address of a prefix is in one of the prefixes.
    pub fn overlaps(&self, net: IpNet) -> bool {
        // If one lies in it, then the first that does not begin before it.
        let before = (self.prefixes).partition_point(|prefix| prefix.network() < net.network());
        let inside = self.prefixes.get(before);
        self.covers(net) || inside.is_some_and(|inside| net.contains(inside))
    }

    /// Just the addresses of this set that are in none of those prefixes. Each of them that lies in a
    /// prefix of this set leaves up to as many prefixes of that as addresses have bits.
    #[must_use]
    pub fn without(&self, those: &Self) -> Self {
        let mut left = Vec::new();
        let mut rest: Vec<IpNet> = self.prefixes.iter().rev().copied().collect();
        while let Some(prefix) = rest.pop() {
            if !those.overlaps(prefix) {
                left.push(prefix);
            } else if !those.covers(prefix)
                && let Ok(halves) = prefix.subnets(prefix.prefix_len() + 1)
            {
                rest.extend(halves);
            }
        }
        Self::new(left)
    }

    /// The place behind the last prefix that begins at this address or before.
    fn behind(&self, address: IpAddr) -> usize {
        (self.prefixes).partition_point(|prefix| prefix.network() <= address)
    }

    /// The prefixes.
    pub fn iter(&self) -> impl Iterator<Item = IpNet> {
        self.prefixes.iter().copied()
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.prefixes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(prefixes: &[&str]) -> PrefixSet {
        PrefixSet::new(prefixes.iter().map(|prefix| prefix.parse().unwrap()))
    }

    /// The address before or behind one.
    fn beside(host: IpAddr, step: i128) -> IpAddr {
        match host {
            IpAddr::V4(host) => {
                let bits = i128::from(host.to_bits()) + step;
                u32::try_from(bits)
                    .map_or(host, std::net::Ipv4Addr::from_bits)
                    .into()
            }
            IpAddr::V6(host) => {
                let bits = host.to_bits().checked_add_signed(step);
                // What is a mapped IPv4 address there is none here.
                let beside = bits.map_or(host, std::net::Ipv6Addr::from_bits);
                IpAddr::from(beside).to_canonical()
            }
        }
    }

    #[test]
    fn a_host_is_taken_out_of_a_prefix() {
        let left = set(&["192.0.2.0/29", "2001:db8::/126"]).without(&set(&[
            "192.0.2.5/32",
            "2001:db8::/127",
            "10.0.0.0/8",
        ]));
        let left: Vec<_> = left.iter().map(|prefix| prefix.to_string()).collect();
        let expected = [
            "192.0.2.0/30",
            "192.0.2.4/32",
            "192.0.2.6/31",
            "2001:db8::2/127",
        ];
        assert_eq!(left, expected);
    }

    #[test]
    fn prefixes_are_canonical_and_nested_ones_fall_away() {
        let set = set(&[
            "10.1.2.3/8",
            "10.4.0.0/16",
            "::ffff:192.0.2.0/120",
            "2001:db8::1/128",
        ]);
        let all: Vec<_> = set.iter().map(|prefix| prefix.to_string()).collect();
        assert_eq!(all, ["10.0.0.0/8", "192.0.2.0/24", "2001:db8::1/128"]);
    }

    proptest::proptest! {
        #[test]
        fn what_is_left_is_all_but_what_was_taken(
            prefixes: Vec<(IpAddr, u8)>, taken: Vec<(usize, u8, IpAddr)>, hosts: Vec<IpAddr>,
        ) {
            let net = |address: IpAddr, length: u8| {
                let address = address.to_canonical();
                let bits = if address.is_ipv4() { 32 } else { 128 };
                IpNet::new(address, length % (bits + 1)).unwrap()
            };
            let prefixes: Vec<IpNet> = prefixes.into_iter().map(|(a, l)| net(a, l)).collect();
            // Some of what is taken lies in a prefix of the set, or around one.
            let taken: Vec<IpNet> = taken
                .into_iter()
                .map(|(n, length, other)| match prefixes.get(n % 8) {
                    Some(prefix) => net(prefix.addr(), length),
                    None => net(other, length),
                })
                .collect();
            let set = PrefixSet::new(prefixes.iter().copied());
            let gone = PrefixSet::new(taken.iter().copied());
            let left = set.without(&gone);
            let ends = prefixes.iter().chain(&taken).flat_map(|net| {
                let (first, last) = (net.network(), net.broadcast());
                [net.addr(), first, last, beside(first, -1), beside(last, 1)]
            });
            for host in ends.chain(hosts.into_iter().map(|host| host.to_canonical())) {
                let expected = set.contains(host) && !gone.contains(host);
                proptest::prop_assert_eq!(left.contains(host), expected, "{}", host);
            }
            proptest::prop_assert!(left.len() <= set.len() + 128 * gone.len());
        }

        #[test]
        fn covers_what_its_prefixes_cover(
            prefixes: Vec<(IpAddr, u8)>, hosts: Vec<IpAddr>,
        ) {
            let prefixes: Vec<IpNet> = prefixes
                .into_iter()
                .map(|(address, length)| {
                    let address = address.to_canonical();
                    let bits = if address.is_ipv4() { 32 } else { 128 };
                    IpNet::new(address, length % (bits + 1)).unwrap()
                })
                .collect();
            let set = PrefixSet::new(prefixes.iter().copied());
            let own = prefixes.iter().map(IpNet::addr);
            let wider = prefixes.iter().filter_map(IpNet::supernet);
            for net in prefixes.iter().map(IpNet::trunc).chain(wider) {
                // Prefixes are nested or apart, and both of their ends tell which.
                let ends = [net.network(), net.broadcast()];
                let overlaps = prefixes.iter().any(|prefix| {
                    prefix.contains(&net) || net.contains(&prefix.network())
                });
                proptest::prop_assert_eq!(set.overlaps(net), overlaps, "{}", net);
                if set.covers(net) {
                    proptest::prop_assert!(ends.iter().all(|&end| set.contains(end)), "{}", net);
                } else {
                    // Halves that are covered both would have been joined.
                    let half = net.subnets(net.prefix_len() + 1);
                    let all = half.is_ok_and(|mut half| half.all(|half| set.covers(half)));
                    proptest::prop_assert!(!all && !prefixes.contains(&net), "{}", net);
                }
            }
            for host in hosts.into_iter().map(|host| host.to_canonical()).chain(own) {
                let covered = prefixes.iter().any(|prefix| prefix.contains(&host));
                proptest::prop_assert_eq!(set.contains(host), covered, "{}", host);
            }
        }
    }
}
