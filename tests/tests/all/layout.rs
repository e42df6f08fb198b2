//! The maps have the shape that `banner_common` promises to the agent.

use anyhow::{Context as _, Result};
use aya::maps::{Map, MapData, MapType};
use banner_common::{
    BANS4, BANS6, Ban, COUNTERS, DEFAULT_MAX_BANS, IN_USE, InUse, MAX_MORE, MAX_NEVER, MAX_PORTS,
    MAX_TOP, MAX_WIDE, MORE, NEVER4, NEVER6, PORTS, Reason, TOP, Tally, WIDE4, WIDE6,
};
use banner_tests::bpf::Object;

/// `BPF_F_NO_PREALLOC`, which the kernel demands of a trie.
const NO_PREALLOC: u32 = 1;

/// The prefix length that stands before the address in a trie's key.
const PREFIX_LENGTH: u32 = 4;

struct Shape {
    name: &'static str,
    kind: MapType,
    key: u32,
    value: usize,
    entries: u32,
    flags: u32,
}

/// Maps that do not hold what is agreed between the program and the agent: what libraries keep there.
const OTHERS: [&str; 2] = ["AYA_LOGS", ".rodata"];

#[rustfmt::skip]
const SHAPES: [Shape; 11] = [
    Shape { name: BANS4, kind: MapType::Hash, key: 4, value: Ban::SIZE, entries: DEFAULT_MAX_BANS, flags: 0 },
    Shape { name: BANS6, kind: MapType::Hash, key: 16, value: Ban::SIZE, entries: DEFAULT_MAX_BANS, flags: 0 },
    Shape { name: WIDE4, kind: MapType::LpmTrie, key: PREFIX_LENGTH + 4, value: 4, entries: MAX_WIDE, flags: NO_PREALLOC },
    Shape { name: WIDE6, kind: MapType::LpmTrie, key: PREFIX_LENGTH + 16, value: 4, entries: MAX_WIDE, flags: NO_PREALLOC },
    Shape { name: IN_USE, kind: MapType::Array, key: 4, value: InUse::SIZE, entries: 1, flags: 0 },
    Shape { name: MORE, kind: MapType::Hash, key: 12, value: Ban::SIZE, entries: MAX_MORE, flags: NO_PREALLOC },
    Shape { name: PORTS, kind: MapType::Array, key: 4, value: 8, entries: MAX_PORTS, flags: 0 },
    Shape { name: TOP, kind: MapType::LruHash, key: 16, value: 8, entries: MAX_TOP, flags: 0 },
    Shape { name: NEVER4, kind: MapType::LpmTrie, key: PREFIX_LENGTH + 4, value: 4, entries: 2 * MAX_NEVER, flags: NO_PREALLOC },
    Shape { name: NEVER6, kind: MapType::LpmTrie, key: PREFIX_LENGTH + 16, value: 4, entries: 2 * MAX_NEVER, flags: NO_PREALLOC },
    Shape { name: COUNTERS, kind: MapType::PerCpuArray, key: 4, value: Tally::SIZE, entries: Reason::COUNT, flags: 0 },
];

fn data(map: &Map) -> Result<&MapData> {
    match map {
        Map::HashMap(data)
        | Map::LruHashMap(data)
        | Map::LpmTrie(data)
        | Map::Array(data)
        | Map::PerCpuArray(data) => Ok(data),
        other => anyhow::bail!("a map of a type that the program should not have: {other:?}"),
    }
}

#[test]
fn the_kernel_has_the_maps_that_the_agent_expects() -> Result<()> {
    let object = Object::load()?;
    for shape in &SHAPES {
        let name = shape.name;
        let info = data(object.map(name)?)?.info()?;
        assert_eq!(info.name_as_str(), Some(name));
        assert_eq!(info.map_type()?, shape.kind, "type of {name}");
        assert_eq!(info.key_size(), shape.key, "key size of {name}");
        assert_eq!(
            usize::try_from(info.value_size())?,
            shape.value,
            "value size of {name}"
        );
        assert_eq!(info.max_entries(), shape.entries, "entries of {name}");
        assert_eq!(info.map_flags(), shape.flags, "flags of {name}");
    }
    Ok(())
}

#[test]
fn the_object_has_no_other_maps() -> Result<()> {
    let object = Object::load()?;
    let mut names = object.map_names();
    names.sort_unstable();
    let mut expected: Vec<_> = SHAPES.iter().map(|shape| shape.name).collect();
    expected.extend(OTHERS);
    expected.sort_unstable();
    assert_eq!(names, expected);
    Ok(())
}

#[test]
fn a_ban_map_takes_as_many_bans_as_it_promises_and_not_one_more() -> Result<()> {
    use aya::maps::HashMap;

    let mut object = Object::load()?;
    let map = object.map_mut(BANS4)?;
    let mut bans: HashMap<_, [u8; 4], [u8; Ban::SIZE]> = HashMap::try_from(map)?;
    for address in 0..DEFAULT_MAX_BANS {
        bans.insert(address.to_be_bytes(), [0; Ban::SIZE], 0)
            .with_context(|| format!("entry {address}"))?;
    }
    assert!(
        bans.insert(DEFAULT_MAX_BANS.to_be_bytes(), [0; Ban::SIZE], 0)
            .is_err()
    );
    // One that is there can still be changed.
    bans.insert(0_u32.to_be_bytes(), [1; Ban::SIZE], 0)?;
    Ok(())
}
