/// Of the packets that bans are applied to on one CPU, one interface and with one verdict, so many are
/// counted one by one in each [`UNIT`].
pub const EXACT: u64 = 256;

/// Behind them, until the unit ends, one packet in so many is counted, and for so many. The gap between
/// two that are counted is random, 1 to 255 packets, so that no rhythm of the senders falls in step
/// with it. What a ban counts of `n` packets of a flood has a standard deviation of about
/// `sqrt(128 n)`: 11 % at 10 000 packets, 1 % at 1 000 000. What comes behind the last one that is
/// counted in a unit is lost, 64 packets on average.
pub const SAMPLE: u64 = 128;

const PACKETS: u64 = (1 << 40) - 1;

/// Jiffies in one unit of [`Seen::last`] and of [`Pace`], as a power of two: 256 jiffies, a second where
/// the kernel has 250 in one.
const UNIT: u32 = 8;

/// What a ban has done: packets in the low 40 bits, the unit of time of the last one in the high 24.
///
/// One word, so that one load and one store do, and not for each packet: a source that floods would
/// have the CPUs that it comes in on pass that cache line to and fro, and a million sources would have
/// each line written back to memory. [`Pace`] says which packets are counted. Two CPUs that write at
/// once lose one of the two counts.
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

    /// When the last one came that was counted, in jiffies (`bpf_jiffies64`) and to within 256 of
    /// them, where `now` is a later jiffy, by less than 2^32; `None` where there was none.
    #[must_use]
    pub const fn last(self, now: u64) -> Option<u64> {
        if self.packets() == 0 {
            return None;
        }
        let last = self.0 >> 40;
        let since = (now >> UNIT).wrapping_sub(last) & ((1 << 24) - 1);
        Some(((now >> UNIT).saturating_sub(since)) << UNIT)
    }

    /// After a packet in jiffy `now` that is counted for `packets`.
    #[must_use]
    #[inline]
    pub const fn after(self, now: u64, packets: u64) -> Self {
        let sum = self.packets() + packets;
        let sum = if sum > PACKETS { PACKETS } else { sum };
        Self(sum | (now >> UNIT << 40))
    }
}

/// Which of the packets that bans are applied to are counted by their bans, and for how many: while
/// little comes, all of them; in a flood, samples.
///
/// The unit of time in the high 24 bits, and the number of a packet, as the tally counts them, in the
/// low 39: of the one that is counted next, or, where bit 39 is set, of the last one that is counted
/// on its own.
#[repr(transparent)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace(pub u64);

impl Pace {
    const ONE_BY_ONE: u64 = 1 << 39;

    /// Whether packet number `packets` in jiffy `now` is not counted.
    #[must_use]
    #[inline]
    pub const fn skips(self, packets: u64, now: u64) -> bool {
        // In another unit, and while packets are counted one by one, the difference is huge.
        self.left(packets, now).wrapping_sub(1) < 2 * SAMPLE
    }

    /// For how many packets number `packets` in jiffy `now` counts, which is not skipped.
    #[must_use]
    pub const fn counts_for(self, packets: u64, now: u64) -> u64 {
        if self.left(packets, now) == 0 {
            SAMPLE
        } else {
            1
        }
    }

    /// What comes after packet number `packets` in jiffy `now`, which is not skipped. `random` is any
    /// number.
    #[must_use]
    pub const fn after(self, packets: u64, now: u64, random: u32) -> Self {
        let here = Self::at(packets, now);
        match self.left(packets, now) {
            // 1 to 255, 128 on average.
            0 | Self::ONE_BY_ONE => {
                Self(here + 1 + (random & 127) as u64 + (random >> 7 & 127) as u64)
            }
            left if left.wrapping_sub(Self::ONE_BY_ONE) < EXACT => self,
            _ => Self(here + Self::ONE_BY_ONE + EXACT - 1),
        }
    }

    const fn left(self, packets: u64, now: u64) -> u64 {
        self.0.wrapping_sub(Self::at(packets, now))
    }

    const fn at(packets: u64, now: u64) -> u64 {
        now >> UNIT << 40 | packets & (Self::ONE_BY_ONE - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_add_up_to_the_most_that_there_is_room_for() {
        let seen = Seen::default();
        assert_eq!((seen.packets(), seen.last(1 << 20)), (0, None));
        assert_eq!(
            seen.after(1000, 1).after(1000, SAMPLE).packets(),
            1 + SAMPLE
        );
        assert_eq!(Seen(PACKETS - 1).after(0, SAMPLE).packets(), PACKETS);
    }

    #[test]
    fn the_time_of_the_last_packet_is_right_to_one_unit() {
        for now in [256, 1000, 0xffff_ffff, 0x1_0000_0000, 0x12_3456_7890] {
            let seen = Seen::default().after(now, 1);
            for later in [0, 1, 255, 256, 100_000, (1 << 32) - 512] {
                let last = seen.last(now + later).unwrap();
                assert!(last <= now && now - last < 256, "{now} {later}: {last}");
            }
        }
    }

    /// Counts `packets` packets from number `first`, all in jiffy `now`.
    fn count(pace: &mut Pace, first: u64, packets: u64, now: u64, random: &mut u32) -> u64 {
        let mut counted = 0;
        for packet in first..first + packets {
            if pace.skips(packet, now) {
                continue;
            }
            *random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            counted += pace.counts_for(packet, now);
            *pace = pace.after(packet, now, *random >> 16);
        }
        counted
    }

    #[test]
    fn what_little_comes_in_a_unit_is_counted_one_by_one() {
        // Whatever stood there before, and whatever came before.
        for start in [0, 1, EXACT, 1 << 39, 1 << 40, u64::MAX] {
            let mut pace = Pace(start);
            let mut random = 1;
            let mut packets = 0;
            for unit in 1..100 {
                let now = unit << UNIT;
                assert_eq!(
                    count(&mut pace, packets + 1, EXACT, now, &mut random),
                    EXACT
                );
                packets += EXACT;
                packets += 1000;
                count(&mut pace, packets - 999, 1000, now + 255, &mut random);
            }
        }
    }

    #[test]
    fn a_flood_is_counted_in_samples_that_come_to_all_of_it() {
        for random in 0..20 {
            let mut random = random;
            let counted = count(&mut Pace::default(), 1, 1_000_000, 1 << 20, &mut random);
            assert!(counted.abs_diff(1_000_000) < 50_000, "{counted}");
        }
    }

    #[test]
    fn all_but_one_in_a_hundred_or_so_of_a_flood_are_skipped() {
        let mut pace = Pace::default();
        let mut random = 7;
        count(&mut pace, 1, EXACT, 512, &mut random);
        let skipped = (EXACT + 1..EXACT + 100_001).filter(|&packet| {
            let skips = pace.skips(packet, 512);
            if !skips {
                pace = pace.after(packet, 512, random);
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) >> 3;
            }
            skips
        });
        assert!(skipped.count() > 98_000);
    }
}
