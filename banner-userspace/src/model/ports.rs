//! Sets of protocols and ports, and the small numbers by which bans refer to them.

use std::{fmt, ops::RangeInclusive, str::FromStr};

/// A protocol that a ban can be limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
    /// UDP-Lite.
    UdpLite,
    /// ICMP for IPv4, `ICMPv6` for IPv6. It has no ports.
    Icmp,
}

impl Protocol {
    /// All of them, in ascending order.
    pub const ALL: [Self; 5] = [Self::Tcp, Self::Udp, Self::Sctp, Self::UdpLite, Self::Icmp];

    /// The word in configuration and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
            Self::UdpLite => "udplite",
            Self::Icmp => "icmp",
        }
    }

    /// The protocol of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|protocol| protocol.name() == name)
    }

    /// Whether it has ports.
    pub const fn has_ports(self) -> bool {
        !matches!(self, Self::Icmp)
    }
}

/// Ports of one protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Range {
    protocol: Protocol,
    first: u16,
    last: u16,
}

/// A set of protocols and ports, in one form for each set: sorted, without overlap, neighbours
/// joined. Written `tcp/22,tcp/8000-8100,udp/53,icmp`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ports {
    ranges: Vec<Range>,
}

impl Ports {
    /// Of these ranges, in any order; those that end before they begin are empty. What stands with
    /// [`Protocol::Icmp`] does not matter.
    pub fn new(ranges: impl IntoIterator<Item = (Protocol, RangeInclusive<u16>)>) -> Self {
        let mut all: Vec<Range> = (ranges.into_iter())
            .map(|(protocol, ports)| {
                let whole = protocol.has_ports();
                Range {
                    protocol,
                    first: if whole { *ports.start() } else { 0 },
                    last: if whole { *ports.end() } else { 0 },
                }
            })
            .filter(|range| range.first <= range.last)
            .collect();
        all.sort_unstable();
        let mut ranges: Vec<Range> = Vec::new();
        for range in all {
            match ranges.last_mut() {
                Some(last)
                    if last.protocol == range.protocol
                        && range.first <= last.last.saturating_add(1) =>
                {
                    last.last = last.last.max(range.last);
                }
                _ => ranges.push(range),
            }
        }
        Self { ranges }
    }

    /// The ranges, ascending, without overlap. [`Protocol::Icmp`] comes as `0..=0`.
    pub fn ranges(&self) -> impl Iterator<Item = (Protocol, RangeInclusive<u16>)> {
        (self.ranges.iter()).map(|range| (range.protocol, range.first..=range.last))
    }

    /// Whether a packet of this protocol to this port is meant. For [`Protocol::Icmp`] the port
    /// does not matter.
    pub fn contains(&self, protocol: Protocol, port: u16) -> bool {
        let port = if protocol.has_ports() { port } else { 0 };
        // They do not overlap, so only the last that begins before it can cover it.
        let behind = (self.ranges)
            .partition_point(|range| (range.protocol, range.first) <= (protocol, port));
        behind.checked_sub(1).is_some_and(|last| {
            let range = self.ranges[last];
            range.protocol == protocol && port <= range.last
        })
    }

    /// Whether no port is in it.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, range) in self.ranges.iter().enumerate() {
            if n > 0 {
                f.write_str(",")?;
            }
            f.write_str(range.protocol.name())?;
            if range.protocol.has_ports() {
                write!(f, "/{}", range.first)?;
                if range.last > range.first {
                    write!(f, "-{}", range.last)?;
                }
            }
        }
        Ok(())
    }
}

/// A text that is no set of ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form PROTOCOL/PORT or PROTOCOL/PORT-PORT, such as tcp/22, or icmp")]
pub struct NotPorts(pub String);

impl FromStr for Ports {
    type Err = NotPorts;

    /// What [`Display`](fmt::Display) writes; the items may stand in any order.
    fn from_str(text: &str) -> Result<Self, NotPorts> {
        let ranges = text.split(',').map(|item| {
            let refused = || NotPorts(item.to_owned());
            let (protocol, ports) = match item.split_once('/') {
                Some((protocol, ports)) => (protocol, Some(ports)),
                None => (item, None),
            };
            let protocol = Protocol::named(protocol).ok_or_else(refused)?;
            match ports {
                None if !protocol.has_ports() => Ok((protocol, 0..=0)),
                Some(ports) if protocol.has_ports() => {
                    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
                    let first = port_number(first).ok_or_else(refused)?;
                    let last = port_number(last).ok_or_else(refused)?;
                    if last < first {
                        return Err(refused());
                    }
                    Ok((protocol, first..=last))
                }
                _ => Err(refused()),
            }
        });
        ranges.collect::<Result<Vec<_>, _>>().map(Self::new)
    }
}

/// Digits only, 0 to 65535.
fn port_number(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Which set of [`PortSets`] a ban is limited to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PortsId(pub u8);

impl PortsId {
    /// Every port of every protocol.
    pub const ALL: Self = Self(0);

    /// The greatest.
    pub const MAX: Self = Self(63);
}

/// The sets of ports that bans are limited to: at most 63 different ones, numbered from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortSets {
    /// By number less one; `None`: given back, and free for another.
    sets: Vec<Option<Ports>>,
}

/// There are 63 other sets of ports in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many different sets of ports: {} is the most", PortsId::MAX.0)]
pub struct TooMany;

impl PortSets {
    /// The number of a set; a new one for a set that has none yet.
    pub fn intern(&mut self, ports: &Ports) -> Result<PortsId, TooMany> {
        let known = (self.sets.iter()).position(|set| set.as_ref() == Some(ports));
        let place = known
            .or_else(|| self.sets.iter().position(Option::is_none))
            .unwrap_or(self.sets.len());
        let id = u8::try_from(place + 1).map_err(|_| TooMany)?;
        if id > PortsId::MAX.0 {
            return Err(TooMany);
        }
        match self.sets.get_mut(place) {
            Some(set) => *set = Some(ports.clone()),
            None => self.sets.push(Some(ports.clone())),
        }
        Ok(PortsId(id))
    }

    /// The set of this number; `None` for [`PortsId::ALL`] and for numbers not given out.
    pub fn get(&self, id: PortsId) -> Option<&Ports> {
        let place = usize::from(id.0).checked_sub(1)?;
        self.sets.get(place)?.as_ref()
    }

    /// Whether a packet of this protocol to this port is meant.
    pub fn contains(&self, id: PortsId, protocol: Protocol, port: u16) -> bool {
        id == PortsId::ALL || (self.get(id)).is_some_and(|ports| ports.contains(protocol, port))
    }

    /// Gives the numbers back for which `in_use` does not hold.
    pub fn retain(&mut self, mut in_use: impl FnMut(PortsId) -> bool) {
        for (place, set) in self.sets.iter_mut().enumerate() {
            let id = u8::try_from(place + 1).map(PortsId);
            if !id.is_ok_and(&mut in_use) {
                *set = None;
            }
        }
    }

    /// Numbers and sets, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (PortsId, &Ports)> {
        (1..)
            .zip(&self.sets)
            .filter_map(|(id, set)| Some((PortsId(id), set.as_ref()?)))
    }

    /// In words: `all`, or what [`Ports`] are written as; `unknown` for a number not given out.
    pub fn name(&self, id: PortsId) -> String {
        match self.get(id) {
            _ if id == PortsId::ALL => "all".to_owned(),
            Some(ports) => ports.to_string(),
            None => "unknown".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests;
