//! Bans from maps of another size, or of an earlier version.

use aya::maps::{HashMap, Map, MapData};
use banner_common::{ALL_PORTS, BANS4, BANS6, Ban as Entry, CHECKED, OBSERVE, Seen};

use super::{
    XdpError,
    batch::{self, Bytes},
    pins::{Pins, Remade},
    tables::Tables,
};
use crate::model::PrefixSet;

/// A ban before there were ports and prefixes: when it ends (jiffies, as today), what it does (1: count
/// only), and the key of its jail.
const FIRST_SIZE: usize = 16;

/// Copies what the pinned maps hold, but for what is over in jiffy `now`, into the new ones beside
/// them. Where the new ones are smaller, those that end last stay; returns how many did not.
pub(super) fn copy(
    pins: &Pins,
    remade: &[Remade],
    tables: &mut Tables,
    never: &PrefixSet,
    now: u64,
) -> Result<u64, XdpError> {
    let mut without_place = 0;
    for remade in remade {
        without_place += match remade.map {
            BANS4 => copy_map(pins, remade, &mut tables.v4, never, now)?,
            _ => copy_map(pins, remade, &mut tables.v6, never, now)?,
        };
    }
    Ok(without_place)
}

/// [`Pins::check`] has made sure of the sizes of these maps.
fn copy_map<const KEY: usize>(
    pins: &Pins,
    remade: &Remade,
    to: &mut Bytes<KEY, { Entry::SIZE }>,
    never: &PrefixSet,
    now: u64,
) -> Result<u64, XdpError>
where
    std::net::IpAddr: From<[u8; KEY]>,
{
    let mut entries: Vec<([u8; KEY], Entry)> = Vec::new();
    let name = remade.map;
    if remade.value == FIRST_SIZE {
        let from: Bytes<KEY, FIRST_SIZE> = open(pins, name)?;
        batch::each(name, &from, |host, value| {
            let checked = !never.contains(host.into());
            entries.push((host, first(value, checked)));
        })?;
    } else {
        let from: Bytes<KEY, { Entry::SIZE }> = open(pins, name)?;
        batch::each(name, &from, |host, value| {
            entries.push((host, Entry::from_bytes(value)));
        })?;
    }
    entries.retain(|(_, entry)| !entry.is_over(now));
    let mut without_place = 0;
    if let Some(more) = entries.len().checked_sub(remade.places) {
        entries.sort_unstable_by_key(|(_, entry)| std::cmp::Reverse(entry.expires));
        entries.truncate(remade.places);
        without_place = more as u64;
    }
    let keys: Vec<_> = entries.iter().map(|(host, _)| *host).collect();
    let values: Vec<_> = entries.iter().map(|(_, entry)| entry.to_bytes()).collect();
    batch::put(name, to, &keys, &values)?;
    Ok(without_place)
}

fn open<const KEY: usize, const VALUE: usize>(
    pins: &Pins,
    name: &'static str,
) -> Result<Bytes<KEY, VALUE>, XdpError> {
    let data = MapData::from_pin(pins.map(name)).map_err(XdpError::map(name))?;
    HashMap::try_from(Map::HashMap(data)).map_err(XdpError::map(name))
}

fn first(value: [u8; FIRST_SIZE], checked: bool) -> Entry {
    let [expires, rest] = [&value[..8], &value[8..]];
    let word = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_ne_bytes);
    let observes = word(&rest[..4]) & 1 != 0;
    Entry {
        expires: expires.try_into().map_or(0, u64::from_ne_bytes),
        jail: word(&rest[4..]),
        flags: if observes { OBSERVE } else { 0 } | if checked { CHECKED } else { 0 },
        scope: ALL_PORTS,
        seen: Seen::default(),
    }
}

/// Whether the values of a map of this name may be of this size.
pub(super) fn can_read(map: &str, value: usize) -> bool {
    [BANS4, BANS6].contains(&map) && [FIRST_SIZE, Entry::SIZE].contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_of_the_first_layout_keep_end_jail_and_mode() {
        let mut value = [0; FIRST_SIZE];
        value[..8].copy_from_slice(&0x0102_0304_0506_0708_u64.to_ne_bytes());
        value[8..12].copy_from_slice(&1_u32.to_ne_bytes());
        value[12..].copy_from_slice(&0xdead_beef_u32.to_ne_bytes());
        let expected = Entry {
            expires: 0x0102_0304_0506_0708,
            jail: 0xdead_beef,
            flags: OBSERVE | CHECKED,
            scope: ALL_PORTS,
            seen: Seen::default(),
        };
        assert_eq!(first(value, true), expected);
        value[8..12].copy_from_slice(&0_u32.to_ne_bytes());
        assert_eq!(first(value, false).flags, 0);
    }
}
