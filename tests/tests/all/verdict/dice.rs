//! Chance that can be repeated.

use std::{
    env,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};

/// The variable that says where chance begins.
const SEED: &str = "BANNER_FUZZ_SEED";

/// `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Begins at `$BANNER_FUZZ_SEED`, or somewhere, and prints where.
    pub(crate) fn new(what: &str) -> Result<Self> {
        let seed = match env::var(SEED) {
            Ok(text) => text.parse().with_context(|| format!("{SEED}={text}"))?,
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .context("the clock stands before 1970")?
                .subsec_nanos()
                .into(),
        };
        println!("{what}: {SEED}={seed}");
        Ok(Self(seed))
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("64 bits hold a length");
        usize::try_from(self.word() % end).expect("it is below a length")
    }

    /// Whether something that happens `percent` times of a hundred does.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.word().to_le_bytes()[0]
    }

    pub(crate) fn short(&mut self) -> u16 {
        let [a, b, ..] = self.word().to_le_bytes();
        u16::from_le_bytes([a, b])
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.byte()).collect()
    }

    pub(crate) fn of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// An address, in a neighbourhood of which many are near to each other.
    pub(crate) fn address(&mut self, v4: bool) -> IpAddr {
        // So many of the last bits are chance.
        if v4 {
            let base = Ipv4Addr::new(198, 51, 96, 0).to_bits();
            let bits = *self.of(&[1, 2, 4, 8, 13, 24, 32_u32]);
            let low = u32::try_from(self.word() >> 32).expect("half a word");
            Ipv4Addr::from_bits(base ^ low.checked_shr(32 - bits).unwrap_or(0)).into()
        } else {
            let base = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0).to_bits();
            let bits = *self.of(&[1, 2, 4, 8, 64, 72, 112, 128_u32]);
            let chance = u128::from(self.word()) << 64 | u128::from(self.word());
            Ipv6Addr::from_bits(base ^ chance.checked_shr(128 - bits).unwrap_or(0)).into()
        }
    }
}
