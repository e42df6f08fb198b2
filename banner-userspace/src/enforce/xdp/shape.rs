//! What the pinned maps have to be.

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
    path::Path,
};

use aya::maps::{MapData, MapType};
use banner_common::{
    BANS4, BANS6, Ban, IN_USE, InUse, MAX_MORE, MAX_NEVER, MAX_PORTS, MAX_TOP, MAX_WIDE, MORE,
    More, NEVER4, NEVER6, PORTS, Reason, TOP, Tally, WIDE4, WIDE6,
};

use super::XdpError;

/// What distinguishes a map for the program that uses it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    kind: MapType,
    key: u32,
    value: u32,
    pub(super) max_entries: u32,
}

/// Names of all maps that interfaces share.
pub(super) const SHARED: [&str; 10] = [
    BANS4, BANS6, WIDE4, WIDE6, IN_USE, MORE, PORTS, NEVER4, NEVER6, TOP,
];

/// The shape of every map that interfaces share.
pub(super) fn shapes(max_bans: u32) -> [(&'static str, Shape); SHARED.len()] {
    const U32: usize = size_of::<u32>();
    const U64: usize = size_of::<u64>();
    let array = |value, entries| Shape::new(MapType::Array, U32, value, entries);
    let hash = |key, entries| Shape::new(MapType::Hash, key, Ban::SIZE, entries);
    // In front of the address stands the length of the prefix.
    let trie = |address, entries| Shape::new(MapType::LpmTrie, U32 + address, U32, entries);
    [
        (BANS4, hash(4, max_bans)),
        (BANS6, hash(16, max_bans)),
        (WIDE4, trie(4, MAX_WIDE)),
        (WIDE6, trie(16, MAX_WIDE)),
        (IN_USE, array(InUse::SIZE, 1)),
        (MORE, hash(More::SIZE, MAX_MORE)),
        (PORTS, array(U64, MAX_PORTS)),
        (NEVER4, trie(4, 2 * MAX_NEVER)),
        (NEVER6, trie(16, 2 * MAX_NEVER)),
        (TOP, Shape::new(MapType::LruHash, 16, U64, MAX_TOP)),
    ]
}

/// The counters of one interface.
pub(super) fn counters() -> Shape {
    Shape::new(
        MapType::PerCpuArray,
        size_of::<u32>(),
        Tally::SIZE,
        Reason::COUNT,
    )
}

/// The counters of all interfaces together, as there were before each had its own.
pub(super) fn first_counters() -> Shape {
    Shape::new(MapType::PerCpuArray, size_of::<u32>(), 16, 7)
}

impl Shape {
    fn new(kind: MapType, key: usize, value: usize, max_entries: u32) -> Self {
        let size = |size| u32::try_from(size).unwrap_or(u32::MAX);
        Self {
            kind,
            key: size(key),
            value: size(value),
            max_entries,
        }
    }

    /// Size of the values.
    pub(super) fn value(&self) -> usize {
        self.value as usize
    }

    /// Whether the two are the same but for the sizes of values and the number of entries.
    pub(super) fn is_kin(&self, other: &Self) -> bool {
        (self.kind, self.key) == (other.kind, other.key)
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
