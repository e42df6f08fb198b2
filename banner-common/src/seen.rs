/// Up to so many packets are counted one by one.
pub const EXACT: u64 = 255;

/// Behind them, one packet in so many is counted, and for so many. On one CPU the gap between two
/// that are counted is random, 1 to 255 packets, so that no rhythm of the sender falls in step with
/// it. The count of a ban that stands at `n` has a standard deviation of about `sqrt(128 n)`: 11 % at
/// 10 000 packets, 1 % at 1 000 000.
pub const SAMPLE: u64 = 128;

const PACKETS: u64 = (1 << 40) - 1;

/// Jiffies in one unit of [`Seen::last`], as a power of two.
const UNIT: u32 = 8;

/// What a ban has done: packets in the low 40 bits, the time of the last one in the high 24.
///
/// One word, so that one load and one store do, beside the expiry that was read anyway. A source
/// that floods would have the CPUs that it comes in on pass that cache line to and fro with
/// every packet: from [`EXACT`] packets on only one packet in [`SAMPLE`] writes, and one in a
/// [`UNIT`]. Two CPUs that write at once lose one of the two counts.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen(pub u64);

impl Seen {
    /// Packets that the ban was applied to; stays at 2^40 - 1.
    #[must_use]
    #[inline]
    pub const fn packets(self) -> u64 {
        self.0 & PACKETS
    }

    /// When the last one came, in jiffies (`bpf_jiffies64`) and to within 256 of them, where
    /// `now` is a later jiffy, by less than 2^32; `None` where there was none.
    #[must_use]
    pub const fn last(self, now: u64) -> Option<u64> {
        if self.packets() == 0 {
            return None;
        }
        let last = self.0 >> 40;
        let since = (now >> UNIT).wrapping_sub(last) & ((1 << 24) - 1);
        Some(((now >> UNIT).saturating_sub(since)) << UNIT)
    }

    /// After one packet more in jiffy `now`, that stands for `sample` packets: [`SAMPLE`], or 0 where
    /// it is none of those that are counted.
    #[must_use]
    #[inline]
    pub const fn after(self, now: u64, sample: u64) -> Self {
        let packets = self.packets();
        let packets = if packets < EXACT {
            packets + 1
        } else if packets + sample <= PACKETS {
            packets + sample
        } else {
            packets
        };
        Self(packets | (now >> UNIT << 40))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_packets_are_counted_one_by_one_and_then_in_samples() {
        let mut seen = Seen::default();
        assert_eq!((seen.packets(), seen.last(1 << 20)), (0, None));
        for n in 1..=EXACT {
            seen = seen.after(1000, 0);
            assert_eq!(seen.packets(), n);
        }
        assert_eq!(seen.after(1000, 0), seen);
        assert_eq!(seen.after(1000, SAMPLE).packets(), EXACT + SAMPLE);
        let full = Seen(PACKETS);
        assert_eq!(full.after(0, SAMPLE).packets(), PACKETS);
    }

    #[test]
    fn the_time_of_the_last_packet_is_right_to_one_unit() {
        for now in [256, 1000, 0xffff_ffff, 0x1_0000_0000, 0x12_3456_7890] {
            let seen = Seen::default().after(now, 0);
            for later in [0, 1, 255, 256, 100_000, (1 << 32) - 512] {
                let last = seen.last(now + later).unwrap();
                assert!(last <= now && now - last < 256, "{now} {later}: {last}");
            }
        }
    }
}
