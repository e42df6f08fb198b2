//! What is kept as bytes: prefixes, the lines of an offence, the windows of a jail.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ipnet::IpNet;

use crate::model::{Evidence, MatchedLine, Wall, is_host};

/// Bytes that are not what was packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value is not what banner writes")]
pub(super) struct Malformed;

/// Windows of hosts and prefixes; an empty one says that a host is counted no more.
pub(super) type Hosts = BTreeMap<IpNet, Vec<Wall>>;

/// The address and its length.
pub(super) fn net(net: IpNet) -> Vec<u8> {
    let mut bytes = address(net.addr());
    bytes.push(net.prefix_len());
    bytes
}

/// 4 bytes or 16.
fn address(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// An address, or a prefix as [`net`] has it: 4, 16, 5 or 17 bytes.
pub(super) fn who(who: IpNet) -> Vec<u8> {
    if is_host(who) {
        address(who.addr())
    } else {
        net(who)
    }
}

pub(super) fn who_of(bytes: &[u8]) -> Result<IpNet, Malformed> {
    match bytes.len() {
        4 | 16 => Ok(address_of(bytes)?.into()),
        _ => net_of(bytes),
    }
}

pub(super) fn net_of(bytes: &[u8]) -> Result<IpNet, Malformed> {
    let (length, address) = bytes.split_last().ok_or(Malformed)?;
    IpNet::new(address_of(address)?, *length).map_err(|_| Malformed)
}

fn address_of(bytes: &[u8]) -> Result<IpAddr, Malformed> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Ok(Ipv4Addr::from(v4).into());
    }
    let v6 = <[u8; 16]>::try_from(bytes).map_err(|_| Malformed)?;
    Ok(Ipv6Addr::from(v6).into())
}

/// Of a length: the line goes on.
const CUT: u16 = 1 << 15;

/// Of a length: behind the line stand one byte for the length of its origin, and the origin.
const ORIGIN: u16 = 1 << 14;

/// Each line: when, the pattern, its length with [`CUT`] and [`ORIGIN`], its bytes.
pub(super) fn lines(evidence: &Evidence) -> Vec<u8> {
    let mut bytes = Vec::new();
    for line in evidence.iter() {
        let length = line.bytes.len().min(MatchedLine::LONGEST);
        bytes.extend_from_slice(&line.at.0.to_le_bytes());
        bytes.extend_from_slice(&line.pattern.to_le_bytes());
        let cut = if line.cut { CUT } else { 0 };
        let origin = line.origin.as_deref().unwrap_or_default().as_bytes();
        let origin = origin.get(..255).unwrap_or(origin);
        let has_origin = if origin.is_empty() { 0 } else { ORIGIN };
        let packed = u16::try_from(length).unwrap_or(0) | cut | has_origin;
        bytes.extend_from_slice(&packed.to_le_bytes());
        bytes.extend_from_slice(&line.bytes[..length]);
        if !origin.is_empty() {
            bytes.push(u8::try_from(origin.len()).unwrap_or(0));
            bytes.extend_from_slice(origin);
        }
    }
    bytes
}

pub(super) fn lines_of(bytes: &[u8]) -> Result<Evidence, Malformed> {
    let mut rest = Rest(bytes);
    let mut lines = Vec::new();
    while !rest.0.is_empty() {
        let at = Wall(i64::from_le_bytes(rest.take()?));
        let pattern = u16::from_le_bytes(rest.take()?);
        let packed = u16::from_le_bytes(rest.take()?);
        let bytes = rest.bytes(usize::from(packed & !(CUT | ORIGIN)))?.into();
        let origin = if packed & ORIGIN == 0 {
            None
        } else {
            let [length] = rest.take()?;
            let origin = rest.bytes(usize::from(length))?;
            Some(String::from_utf8_lossy(origin).into())
        };
        lines.push(MatchedLine {
            at,
            pattern,
            bytes,
            cut: packed & CUT != 0,
            origin,
        });
    }
    Ok(lines.into())
}

/// Each host: the length of [`who`] it is, that, the number of failures, their times.
pub(super) fn windows<'w>(hosts: impl Iterator<Item = (&'w IpNet, &'w Vec<Wall>)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (host, failures) in hosts {
        // No memory of its own for each: they may be a hundred thousand.
        let place = bytes.len();
        bytes.push(0);
        match host.addr() {
            IpAddr::V4(v4) => bytes.extend_from_slice(&v4.octets()),
            IpAddr::V6(v6) => bytes.extend_from_slice(&v6.octets()),
        }
        if !is_host(*host) {
            bytes.push(host.prefix_len());
        }
        bytes[place] = u8::try_from(bytes.len() - place - 1).unwrap_or(0);
        let count = u16::try_from(failures.len()).unwrap_or(u16::MAX);
        bytes.extend_from_slice(&count.to_le_bytes());
        for failure in failures.iter().rev().take(usize::from(count)).rev() {
            bytes.extend_from_slice(&failure.0.to_le_bytes());
        }
    }
    bytes
}

/// Puts packed windows over those that were packed before them.
pub(super) fn windows_over(hosts: &mut Hosts, bytes: &[u8]) -> Result<(), Malformed> {
    let mut rest = Rest(bytes);
    while !rest.0.is_empty() {
        let [length] = rest.take()?;
        let host = who_of(rest.bytes(usize::from(length))?)?;
        let count = u16::from_le_bytes(rest.take()?);
        let mut failures = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            failures.push(Wall(i64::from_le_bytes(rest.take()?)));
        }
        if failures.is_empty() {
            hosts.remove(&host);
        } else {
            hosts.insert(host, failures);
        }
    }
    Ok(())
}

/// What is not read yet.
pub(super) struct Rest<'b>(pub(super) &'b [u8]);

impl<'b> Rest<'b> {
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.bytes(N)?.try_into().map_err(|_| Malformed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prefixes_come_back() {
        for text in ["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/64", "::1/128"] {
            let prefix: IpNet = text.parse().unwrap();
            assert_eq!(net_of(&net(prefix)), Ok(prefix));
        }
        for bad in [&b""[..], &[1, 2, 3, 4], &[1, 2, 3, 4, 33], &[0; 18]] {
            assert_eq!(net_of(bad), Err(Malformed), "{bad:?}");
        }
    }

    fn prefix() -> impl Strategy<Value = IpNet> {
        (any::<IpAddr>(), 0u8..=128).prop_map(|(address, length)| {
            IpNet::new(address, length)
                .unwrap_or(address.into())
                .trunc()
        })
    }

    proptest! {
        #[test]
        fn lines_and_windows_come_back(
            texts in prop::collection::vec((any::<i64>(), any::<u16>(), any::<bool>(), prop::collection::vec(any::<u8>(), 0..512), "[a-zü/]{0,60}"), 0..10),
            hosts in prop::collection::btree_map(prefix(), prop::collection::vec(any::<i64>().prop_map(Wall), 1..5), 0..20),
        ) {
            let line = |(at, pattern, cut, bytes, origin): (i64, u16, bool, Vec<u8>, String)| {
                let origin = (!origin.is_empty()).then(|| origin.into());
                MatchedLine { at: Wall(at), pattern, bytes: bytes.into(), cut, origin }
            };
            let evidence: Evidence = texts.into_iter().map(line).collect();
            prop_assert_eq!(lines_of(&lines(&evidence)), Ok(evidence));
            let mut found = Hosts::new();
            prop_assert_eq!(windows_over(&mut found, &windows(hosts.iter())), Ok(()));
            prop_assert_eq!(&found, &hosts);
            // Those that are counted no more go.
            let none = Vec::new();
            let gone = windows(hosts.keys().map(|host| (host, &none)));
            prop_assert_eq!(windows_over(&mut found, &gone), Ok(()));
            prop_assert!(found.is_empty());
        }

        #[test]
        fn anything_else_is_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = lines_of(&bytes);
            let _ = windows_over(&mut Hosts::new(), &bytes);
        }
    }
}
