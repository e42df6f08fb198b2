//! Map entries by the many, as far as the kernel can, else one by one.

use std::{ops::Range, os::fd::AsFd as _};

use aya::maps::{Array, HashMap, IterableMap as _, MapData, MapError};

use super::{XdpError, tables::removed};
use crate::sys::bpf::{self, Batches, Stopped};

/// Entries that are handed over at once: so many that the calls cost nothing beside them, and few
/// enough to stay in a cache.
const BATCH: usize = 4096;

/// A hash map of byte arrays.
pub(super) type Bytes<const KEY: usize, const VALUE: usize> =
    HashMap<MapData, [u8; KEY], [u8; VALUE]>;

/// Every entry of a map.
pub(super) fn each<const KEY: usize, const VALUE: usize>(
    name: &'static str,
    map: &Bytes<KEY, VALUE>,
    mut f: impl FnMut([u8; KEY], [u8; VALUE]),
) -> Result<(), XdpError> {
    // Batches are locked bucket by bucket, of which an empty map has as many as a full one.
    if map.keys().next().is_none() {
        return Ok(());
    }
    let batches = Batches::of(map.map().fd().as_fd()).ok();
    let mut walk = batches.map(|batches| batches.walk(BATCH));
    let mut begun = false;
    while let Some(batches) = &mut walk {
        match batches.next() {
            Ok(Some((keys, values))) => {
                begun = true;
                let (keys, _) = keys.as_chunks::<KEY>();
                let (values, _) = values.as_chunks::<VALUE>();
                for (key, value) in keys.iter().zip(values) {
                    f(*key, *value);
                }
            }
            Ok(None) => return Ok(()),
            Err(error) if bpf::is_unknown(&error) && !begun => walk = None,
            Err(error) => return Err(XdpError::map(name)(MapError::IoError(error))),
        }
    }
    for item in map {
        let (key, value) = item.map_err(XdpError::map(name))?;
        f(key, value);
    }
    Ok(())
}

/// Puts in all, whether or not they are there. The places of those that were not put in, and are left
/// to the caller, whom a single try will tell why.
pub(super) fn try_put<const KEY: usize, const VALUE: usize>(
    map: &Bytes<KEY, VALUE>,
    keys: &[[u8; KEY]],
    values: &[[u8; VALUE]],
) -> Vec<usize> {
    write(map.map(), keys.len(), |batches, now| {
        let keys = keys[now.clone()].as_flattened();
        batches.update(keys, values[now].as_flattened())
    })
}

/// Puts in all.
pub(super) fn put<const KEY: usize, const VALUE: usize>(
    name: &'static str,
    map: &mut Bytes<KEY, VALUE>,
    keys: &[[u8; KEY]],
    values: &[[u8; VALUE]],
) -> Result<(), XdpError> {
    for place in try_put(map, keys, values) {
        (map.insert(keys[place], values[place], 0)).map_err(XdpError::map(name))?;
    }
    Ok(())
}

/// Takes out all that are there.
pub(super) fn remove<const KEY: usize, const VALUE: usize>(
    name: &'static str,
    map: &mut Bytes<KEY, VALUE>,
    keys: &[[u8; KEY]],
) -> Result<(), XdpError> {
    let left = write(map.map(), keys.len(), |batches, now| {
        batches.delete(keys[now].as_flattened())
    });
    for place in left {
        removed(map.remove(&keys[place]), name)?;
    }
    Ok(())
}

/// Goes through `count` entries by batches; the places of those that were refused.
fn write(
    map: &MapData,
    count: usize,
    batch: impl Fn(&Batches<'_>, Range<usize>) -> Result<(), Stopped>,
) -> Vec<usize> {
    let mut left = Vec::new();
    let mut next = 0;
    let Ok(batches) = Batches::of(map.fd().as_fd()) else {
        return (0..count).collect();
    };
    while next < count {
        let end = count.min(next + BATCH);
        match batch(&batches, next..end) {
            Ok(()) => next = end,
            Err(stopped) if bpf::is_unknown(&stopped.error) => {
                left.extend(next..count);
                return left;
            }
            Err(stopped) => {
                let refused = (next + stopped.done).min(end - 1);
                left.push(refused);
                next = refused + 1;
            }
        }
    }
    left
}

/// Every value of an array.
pub(super) fn read_array(
    name: &'static str,
    array: &Array<MapData, u64>,
) -> Result<Vec<u64>, XdpError> {
    let mut values = vec![0; array.len() as usize];
    let batches = Batches::of(array.map().fd().as_fd()).ok();
    let mut walk = batches.map(|batches| batches.walk(BATCH));
    while let Some(batches) = &mut walk {
        match batches.next() {
            Ok(Some((keys, found))) => {
                for (key, value) in keys.as_chunks().0.iter().zip(found.as_chunks().0) {
                    if let Some(place) = values.get_mut(u32::from_ne_bytes(*key) as usize) {
                        *place = u64::from_ne_bytes(*value);
                    }
                }
            }
            Ok(None) => return Ok(values),
            Err(_) => walk = None,
        }
    }
    for (index, value) in (0..).zip(&mut values) {
        *value = array.get(&index, 0).map_err(XdpError::map(name))?;
    }
    Ok(values)
}

/// Makes `new` of the values of an array that are `old`.
pub(super) fn write_array(
    name: &'static str,
    array: &mut Array<MapData, u64>,
    old: &[u64],
    new: &[u64],
) -> Result<(), XdpError> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    for (index, (old, new)) in (0_u32..).zip(old.iter().zip(new)) {
        if old != new {
            keys.push(index.to_ne_bytes());
            values.push(new.to_ne_bytes());
        }
    }
    let left = write(array.map(), keys.len(), |batches, now| {
        let keys = keys[now.clone()].as_flattened();
        batches.update(keys, values[now].as_flattened())
    });
    for place in left {
        let (key, value) = (keys[place], values[place]);
        array
            .set(u32::from_ne_bytes(key), u64::from_ne_bytes(value), 0)
            .map_err(XdpError::map(name))?;
    }
    Ok(())
}
