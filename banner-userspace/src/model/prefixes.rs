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
