use crate::{Pace, bytes::field};

/// Why a packet went where it went: the index into the per-CPU counters.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// Passed: its source is not banned.
    Pass = 0,
    /// Dropped: its source is banned.
    Drop = 1,
    /// Passed: its source is banned by a jail that only observes.
    Observe = 2,
    /// Passed: its source is banned and on the never-ban list.
    Never = 3,
    /// Passed: its source's ban is over and the agent has not removed it yet.
    Expired = 4,
    /// Passed: neither IPv4 nor IPv6 within two VLAN tags.
    NotIp = 5,
    /// Passed: too short for its headers, or a version that contradicts the `EtherType`; or its
    /// source is banned for some ports only, and which it is for cannot be read.
    Malformed = 6,
    /// Passed: its source is banned for other ports only.
    Scope = 7,
}

impl Reason {
    /// All reasons, in the order of their index.
    pub const ALL: [Self; 8] = [
        Self::Pass,
        Self::Drop,
        Self::Observe,
        Self::Never,
        Self::Expired,
        Self::NotIp,
        Self::Malformed,
        Self::Scope,
    ];

    /// Number of reasons: the size of the counter map.
    pub const COUNT: u32 = 8;

    /// The name in reports and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Drop => "drop",
            Self::Observe => "observe",
            Self::Never => "never",
            Self::Expired => "expired",
            Self::NotIp => "not-ip",
            Self::Malformed => "malformed",
            Self::Scope => "scope",
        }
    }
}

/// One counter on one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets.
    pub packets: u64,
    /// Bytes of these packets, Ethernet header included.
    pub bytes: u64,
    /// Which of the packets are counted by their bans.
    pub pace: Pace,
}

const _: () = assert!(size_of::<Tally>() == Tally::SIZE);

impl Tally {
    /// Size of the map value in bytes.
    pub const SIZE: usize = 24;

    /// Reads the map value, in this machine's byte order.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self {
            packets: u64::from_ne_bytes(field(&bytes, 0)),
            bytes: u64::from_ne_bytes(field(&bytes, 8)),
            pace: Pace(u64::from_ne_bytes(field(&bytes, 16))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_reasons_is_complete_and_in_order() {
        for (index, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
        assert_eq!(Reason::ALL.len(), Reason::COUNT as usize);
    }
}
