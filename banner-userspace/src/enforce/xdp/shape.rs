//! What the pinned maps have to be.

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
    path::Path,
};

use aya::maps::{MapData, MapType};
use banner_common::{BANS4, BANS6, Ban, COUNTERS, MAX_NEVER, NEVER4, NEVER6, Reason, Tally};

use super::XdpError;

/// What distinguishes a map for the program that uses it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    kind: MapType,
    key: u32,
    value: u32,
    pub(super) max_entries: u32,
}

/// The shape of every map.
pub(super) fn shapes(max_bans: u32) -> [(&'static str, Shape); 5] {
    const U32: usize = size_of::<u32>();
    let shape = |kind, key, value: usize, max_entries| Shape {
        kind,
        key,
        value: u32::try_from(value).unwrap_or(u32::MAX),
        max_entries,
    };
    [
        (BANS4, shape(MapType::Hash, 4, Ban::SIZE, max_bans)),
        (BANS6, shape(MapType::Hash, 16, Ban::SIZE, max_bans)),
        (NEVER4, shape(MapType::LpmTrie, 8, U32, 2 * MAX_NEVER)),
        (NEVER6, shape(MapType::LpmTrie, 20, U32, 2 * MAX_NEVER)),
        (
            COUNTERS,
            shape(MapType::PerCpuArray, 4, Tally::SIZE, Reason::COUNT),
        ),
    ]
}

impl Shape {
    /// Whether the two are the same but for the number of entries.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        (self.kind, self.key, self.value) == (other.kind, other.key, other.value)
    }

    /// That of a pinned map; `None` where nothing is pinned.
    pub(super) fn pinned(path: &Path) -> Result<Option<Self>, XdpError> {
        if !path.exists() {
            return Ok(None);
        }
        let foreign = || XdpError::Foreign {
            path: path.to_owned(),
            found: "something that is no map".into(),
            expected: "a map".into(),
        };
        let map = MapData::from_pin(path).map_err(|_| foreign())?;
        let info = map.info().map_err(|_| foreign())?;
        // The kernel also answers for a program, whose first fields are others.
        let name = format!("/proc/self/fd/{}", map.fd().as_fd().as_raw_fd());
        if fs::read_link(name).is_ok_and(|name| name != Path::new("anon_inode:bpf-map")) {
            return Err(foreign());
        }
        Ok(Some(Self {
            kind: info.map_type().map_err(|_| foreign())?,
            key: info.key_size(),
            value: info.value_size(),
            max_entries: info.max_entries(),
        }))
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            kind,
            key,
            value,
            max_entries,
        } = self;
        write!(
            f,
            "a {kind:?} map of {max_entries} entries ({key}-byte keys, {value}-byte values)"
        )
    }
}
