use crate::bytes::field;

/// What the clock program leaves in the first bytes of the packet that it is test-run with.
///
/// Taken in one breath, so that the agent can convert its own monotonic deadlines to jiffies, the
/// only clock that costs the data plane nothing (the verifier inlines `bpf_jiffies64`, 5.5+).
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// `bpf_jiffies64`.
    pub jiffies: u64,
    /// `bpf_ktime_get_ns`: `CLOCK_MONOTONIC` in ns.
    pub monotonic: u64,
}

const _: () = assert!(size_of::<ClockReading>() == ClockReading::SIZE);

impl ClockReading {
    /// Size in bytes.
    pub const SIZE: usize = 16;

    /// Reads what the clock program wrote, in this machine's byte order.
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self {
            jiffies: u64::from_ne_bytes(field(&bytes, 0)),
            monotonic: u64::from_ne_bytes(field(&bytes, 8)),
        }
    }
}
