//! The per-CPU counters, of which each interface has its own.

use std::{collections::BTreeMap, fmt, path::Path};

use aya::{
    maps::{Map, MapData, PerCpuArray},
    programs::ProgramFd,
};
use banner_common::{COUNTERS, Reason, Tally};

use super::{Xdp, XdpError, object::Loaded, pins::Pins};

/// Packets and bytes by [`Reason`], summed over the CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([Tally; Reason::COUNT as usize]);

/// The counters of the program that one link has put on an interface.
pub(super) struct Counted {
    /// The kernel's id of the link.
    pub(super) link: u32,
    /// The kernel's id of the map, which programs at two hooks of one interface share.
    pub(super) id: u32,
    pub(super) map: PerCpuArray<MapData, [u8; Tally::SIZE]>,
    /// Held so that others can tell whose it is, and to be tested.
    pub(super) program: ProgramFd,
}

impl Counters {
    /// What was counted for one reason.
    pub fn of(&self, reason: Reason) -> Tally {
        self.0[reason as usize]
    }

    /// Adds what others have counted.
    pub fn add(&mut self, others: &Self) {
        for (sum, tally) in self.0.iter_mut().zip(others.0) {
            sum.packets = sum.packets.wrapping_add(tally.packets);
            sum.bytes = sum.bytes.wrapping_add(tally.bytes);
        }
    }

    /// Leaves out what others have counted.
    fn subtract(&mut self, others: &Self) {
        for (sum, tally) in self.0.iter_mut().zip(others.0) {
            sum.packets = sum.packets.wrapping_sub(tally.packets);
            sum.bytes = sum.bytes.wrapping_sub(tally.bytes);
        }
    }

    /// The counters that are pinned, without a program, by the names that the interfaces had.
    pub(super) fn pinned(pins: &Pins) -> Result<BTreeMap<String, Self>, XdpError> {
        let mut all: BTreeMap<String, Self> = BTreeMap::new();
        for (interface, path) in pins.all_counters()? {
            let counters = Self::sum(&open(&path)?)?;
            all.entry(interface).or_default().add(&counters);
        }
        Ok(all)
    }

    pub(super) fn sum(map: &PerCpuArray<MapData, [u8; Tally::SIZE]>) -> Result<Self, XdpError> {
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

impl Counted {
    /// The counters of a loaded program, which a link has put on an interface.
    pub(super) fn new(link: u32, loaded: &mut Loaded) -> Result<Self, XdpError> {
        let Some(Map::PerCpuArray(data)) = loaded.object.take_map(COUNTERS) else {
            return Err(XdpError::Incomplete(COUNTERS));
        };
        let id = data.info().map_err(XdpError::map(COUNTERS))?.id();
        let map = PerCpuArray::try_from(Map::PerCpuArray(data)).map_err(XdpError::map(COUNTERS))?;
        Ok(Self {
            link,
            id,
            map,
            program: loaded.fd()?,
        })
    }
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { link, .. } = self;
        write!(f, "Counted {{ link: {link}, .. }}")
    }
}

impl Xdp {
    /// What was counted on all interfaces, also on those that are gone since this was opened.
    pub fn counters(&self) -> Result<Counters, XdpError> {
        let mut sum = self.past;
        for (place, counted) in self.counted.iter().enumerate() {
            let has_map = |other: &Counted| other.id == counted.id;
            if !self.counted[..place].iter().any(has_map) {
                sum.add(&self.without_tests(counted)?);
            }
        }
        Ok(sum)
    }

    /// What was counted on the interface that this link is on, since its counters were first pinned.
    pub fn counters_of(&self, link: u32) -> Result<Option<Counters>, XdpError> {
        let counted = self.counted.iter().find(|counted| counted.link == link);
        counted
            .map(|counted| self.without_tests(counted))
            .transpose()
    }

    /// What the packets of others came to.
    fn without_tests(&self, counted: &Counted) -> Result<Counters, XdpError> {
        let mut counters = Counters::sum(&counted.map)?;
        if let Some(tests) = self.tested.get(&counted.id) {
            counters.subtract(tests);
        }
        Ok(counters)
    }

    /// A packet of so many bytes was no packet of others.
    pub(super) fn discount(&mut self, map: u32, reason: Reason, bytes: usize) {
        let tally = &mut self.tested.entry(map).or_default().0[reason as usize];
        tally.packets += 1;
        tally.bytes += bytes as u64;
    }

    /// The counters of the program that a link has put on an interface, from now on. Those of links
    /// that are no more are added up.
    pub(super) fn count(&mut self, counted: Counted) {
        self.counted.retain(|known| known.link != counted.link);
        self.counted.push(counted);
    }

    /// A link is gone: what its program has counted stays in the sum.
    pub(super) fn count_no_more(&mut self, link: u32) {
        let Some(place) = self.counted.iter().position(|known| known.link == link) else {
            return;
        };
        let counted = self.counted.swap_remove(place);
        let has_map = |other: &Counted| other.id == counted.id;
        if !self.counted.iter().any(has_map)
            && let Ok(counters) = self.without_tests(&counted)
        {
            self.past.add(&counters);
            self.tested.remove(&counted.id);
        }
    }
}

fn open(path: &Path) -> Result<PerCpuArray<MapData, [u8; Tally::SIZE]>, XdpError> {
    let data = MapData::from_pin(path).map_err(XdpError::map(COUNTERS))?;
    PerCpuArray::try_from(Map::PerCpuArray(data)).map_err(XdpError::map(COUNTERS))
}
