//! The never-ban tries.

use std::{collections::BTreeSet, net::IpAddr};

use aya::{
    Ebpf, Pod,
    maps::{
        MapData,
        lpm_trie::{Key, LpmTrie},
    },
};
use banner_common::{MAX_NEVER, NEVER4, NEVER6};
use ipnet::IpNet;

use super::XdpError;
use crate::model::PrefixSet;

/// One trie of each family.
#[derive(Debug)]
pub(super) struct NeverMaps {
    v4: Trie<[u8; 4]>,
    v6: Trie<[u8; 16]>,
}

type Trie<A> = LpmTrie<MapData, A, u32>;

/// Length and address.
type Prefix<A> = (u32, A);

impl NeverMaps {
    /// The tries of the loaded program.
    pub(super) fn new(object: &mut Ebpf) -> Result<Self, XdpError> {
        Ok(Self {
            v4: take(object, NEVER4)?,
            v6: take(object, NEVER6)?,
        })
    }

    /// What the tries hold.
    pub(super) fn read(&self) -> Result<PrefixSet, XdpError> {
        let v4 = present(&self.v4, NEVER4)?.into_iter();
        let v4 = v4.filter_map(|(length, address)| net(address.into(), length));
        let v6 = present(&self.v6, NEVER6)?.into_iter();
        let v6 = v6.filter_map(|(length, address)| net(address.into(), length));
        Ok(PrefixSet::new(v4.chain(v6)))
    }

    /// Makes the tries hold just `prefixes`. Additions come first, so that nobody who is on both
    /// lists is without protection in between.
    pub(super) fn replace(&mut self, prefixes: &PrefixSet) -> Result<(), XdpError> {
        check(prefixes)?;
        let mut v4 = BTreeSet::new();
        let mut v6 = BTreeSet::new();
        for prefix in prefixes.iter() {
            match prefix {
                IpNet::V4(net) => v4.insert((u32::from(net.prefix_len()), net.addr().octets())),
                IpNet::V6(net) => v6.insert((u32::from(net.prefix_len()), net.addr().octets())),
            };
        }
        replace(&mut self.v4, &v4, NEVER4)?;
        replace(&mut self.v6, &v6, NEVER6)
    }
}

/// Whether there is room for all prefixes.
pub(super) fn check(prefixes: &PrefixSet) -> Result<(), XdpError> {
    for (family, is_v4) in [("IPv4", true), ("IPv6", false)] {
        let of_family = |net: &IpNet| net.addr().is_ipv4() == is_v4;
        let count = prefixes.iter().filter(of_family).count();
        if count > MAX_NEVER as usize {
            return Err(XdpError::NeverListFull {
                family,
                count,
                max: MAX_NEVER,
            });
        }
    }
    Ok(())
}

fn take<A: Pod>(object: &mut Ebpf, name: &'static str) -> Result<Trie<A>, XdpError> {
    let map = object.take_map(name).ok_or(XdpError::Incomplete(name))?;
    LpmTrie::try_from(map).map_err(XdpError::map(name))
}

fn net(address: IpAddr, length: u32) -> Option<IpNet> {
    IpNet::new(address, u8::try_from(length).ok()?).ok()
}

fn present<A: Pod + Ord>(
    trie: &Trie<A>,
    name: &'static str,
) -> Result<BTreeSet<Prefix<A>>, XdpError> {
    trie.keys()
        .map(|key| key.map(|key| (key.prefix_len(), key.data())))
        .collect::<Result<_, _>>()
        .map_err(XdpError::map(name))
}

fn replace<A: Pod + Ord>(
    trie: &mut Trie<A>,
    wanted: &BTreeSet<Prefix<A>>,
    name: &'static str,
) -> Result<(), XdpError> {
    let present = present(trie, name)?;
    for &(length, address) in wanted.difference(&present) {
        trie.insert(&Key::new(length, address), 1, 0)
            .map_err(XdpError::map(name))?;
    }
    for &(length, address) in present.difference(wanted) {
        trie.remove(&Key::new(length, address))
            .map_err(XdpError::map(name))?;
    }
    Ok(())
}
