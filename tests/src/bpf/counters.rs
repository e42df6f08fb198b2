use std::{borrow::Borrow, ops::Index};

use anyhow::Result;
use aya::maps::{MapData, PerCpuArray};
use banner_common::{Reason, Tally};

/// Packets and bytes by reason, summed over the CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([Tally; Reason::COUNT as usize]);

impl Index<Reason> for Counters {
    type Output = Tally;

    fn index(&self, reason: Reason) -> &Tally {
        &self.0[reason as usize]
    }
}

impl Counters {
    /// Reads the counter map.
    pub fn read(map: &PerCpuArray<impl Borrow<MapData>, [u8; Tally::SIZE]>) -> Result<Self> {
        let mut counters = Self::default();
        for reason in Reason::ALL {
            let sum = &mut counters.0[reason as usize];
            for bytes in map.get(&(reason as u32), 0)?.iter() {
                let tally = Tally::from_bytes(*bytes);
                sum.packets += tally.packets;
                sum.bytes += tally.bytes;
            }
        }
        Ok(counters)
    }

    /// Adds what others have seen.
    pub fn add(&mut self, others: &Self) {
        for (sum, tally) in self.0.iter_mut().zip(others.0) {
            sum.packets += tally.packets;
            sum.bytes += tally.bytes;
        }
    }

    /// Counters that have seen one packet of `bytes` bytes more than these.
    #[must_use]
    pub fn plus_one(mut self, reason: Reason, bytes: usize) -> Self {
        let tally = &mut self.0[reason as usize];
        tally.packets += 1;
        tally.bytes += bytes as u64;
        self
    }

    /// What was counted since `before`, in words.
    #[must_use]
    pub fn since(&self, before: &Self) -> String {
        let changed = Reason::ALL.into_iter().filter_map(|reason| {
            let packets = self[reason].packets - before[reason].packets;
            let bytes = self[reason].bytes - before[reason].bytes;
            (packets + bytes > 0)
                .then(|| format!("{}: {packets} packets, {bytes} bytes", reason.name()))
        });
        let changed: Vec<_> = changed.collect();
        match changed.as_slice() {
            [] => "nothing".to_owned(),
            changed => changed.join("; "),
        }
    }
}
