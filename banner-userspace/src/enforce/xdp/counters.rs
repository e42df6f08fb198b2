//! The per-CPU counters.

use aya::{
    Ebpf,
    maps::{Map, MapData, PerCpuArray},
};
use banner_common::{COUNTERS, Reason, Tally};

use super::{XdpError, pins::Pins};

/// Packets and bytes by [`Reason`], summed over the CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([Tally; Reason::COUNT as usize]);

impl Counters {
    /// What was counted for one reason.
    pub fn of(&self, reason: Reason) -> Tally {
        self.0[reason as usize]
    }

    /// The counters of the loaded program.
    pub(super) fn read(object: &Ebpf) -> Result<Self, XdpError> {
        let map = object.map(COUNTERS).ok_or(XdpError::Incomplete(COUNTERS))?;
        Self::sum(&PerCpuArray::try_from(map).map_err(XdpError::map(COUNTERS))?)
    }

    /// The counters that are pinned, without a program.
    pub(super) fn pinned(pins: &Pins) -> Result<Self, XdpError> {
        let data = MapData::from_pin(pins.map(COUNTERS)).map_err(XdpError::map(COUNTERS))?;
        let map = Map::PerCpuArray(data);
        Self::sum(&PerCpuArray::try_from(&map).map_err(XdpError::map(COUNTERS))?)
    }

    fn sum(map: &PerCpuArray<&MapData, [u8; Tally::SIZE]>) -> Result<Self, XdpError> {
        let mut counters = Self::default();
        for reason in Reason::ALL {
            let cpus = map
                .get(&(reason as u32), 0)
                .map_err(XdpError::map(COUNTERS))?;
            let sum = &mut counters.0[reason as usize];
            for tally in cpus.iter().map(|bytes| Tally::from_bytes(*bytes)) {
                sum.packets = sum.packets.wrapping_add(tally.packets);
                sum.bytes = sum.bytes.wrapping_add(tally.bytes);
            }
        }
        Ok(counters)
    }
}
