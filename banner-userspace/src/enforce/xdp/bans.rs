//! The ban maps.

use std::net::IpAddr;

use aya::{
    Ebpf, Pod,
    maps::{HashMap, Map, MapData, MapError},
};
use banner_common::{ALL_PORTS, BANS4, BANS6, Ban as Entry, OBSERVE, Seen, jail_key};

use ipnet::IpNet;

use super::{XdpError, clock::Reading, pins::Pins};
use crate::model::{Ban, Change, JailId, Mode, PortsId, Shown, is_host};

/// One map of each family.
#[derive(Debug)]
pub(super) struct BanMaps {
    v4: BanMap<[u8; 4]>,
    v6: BanMap<[u8; 16]>,
    jails: JailKeys,
}

/// The jails by their keys in map entries.
#[derive(Clone, Debug, Default)]
pub(super) struct JailKeys(Vec<u32>);

type BanMap<A> = HashMap<MapData, A, [u8; Entry::SIZE]>;

impl BanMaps {
    /// The maps of the loaded program.
    pub(super) fn new(object: &mut Ebpf, jails: JailKeys) -> Result<Self, XdpError> {
        Ok(Self {
            v4: take(object, BANS4)?,
            v6: take(object, BANS6)?,
            jails,
        })
    }

    /// The maps that are pinned, without a program.
    pub(super) fn pinned(pins: &Pins, jails: JailKeys) -> Result<Self, XdpError> {
        Ok(Self {
            v4: pinned(pins, BANS4)?,
            v6: pinned(pins, BANS6)?,
            jails,
        })
    }

    /// Puts one change into force.
    pub(super) fn apply(&mut self, change: Change, reading: &Reading) -> Result<(), XdpError> {
        match change {
            Change::Set(ban) => {
                let entry = self.jails.entry(&ban, reading).to_bytes();
                let host = host(ban.net, ban.ports)?;
                match host {
                    IpAddr::V4(host) => self.v4.insert(host.octets(), entry, 0),
                    IpAddr::V6(host) => self.v6.insert(host.octets(), entry, 0),
                }
                .map_err(XdpError::map(name(host)))
            }
            Change::Clear { net, ports } => self.clear(host(net, ports)?).map(drop),
        }
    }

    /// Takes out the entry of a host; whether there was one.
    pub(super) fn clear(&mut self, host: IpAddr) -> Result<bool, XdpError> {
        let result = match host {
            IpAddr::V4(host) => self.v4.remove(&host.octets()),
            IpAddr::V6(host) => self.v6.remove(&host.octets()),
        };
        match result {
            Ok(()) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(XdpError::map(name(host))(error)),
        }
    }

    /// Every entry, also those that are over.
    pub(super) fn read(&self, reading: &Reading) -> Result<Vec<Ban>, XdpError> {
        let mut bans = Vec::new();
        let v4 = self
            .v4
            .iter()
            .map(|item| (BANS4, item.map(|(host, entry)| (host.into(), entry))));
        let v6 = self
            .v6
            .iter()
            .map(|item| (BANS6, item.map(|(host, entry)| (host.into(), entry))));
        for (map, item) in v4.chain(v6) {
            let (host, entry) = item.map_err(XdpError::map(map))?;
            bans.push(self.jails.ban(host, entry, reading));
        }
        Ok(bans)
    }

    /// Copies the entries of the pinned maps, but for those that are over; those that end last
    /// first. Returns how many found no place.
    pub(super) fn copy_from(&mut self, pins: &Pins, reading: &Reading) -> Result<u64, XdpError> {
        let old = Self::pinned(pins, JailKeys::default())?;
        let now = reading.jiffies();
        Ok(copy(&old.v4, &mut self.v4, BANS4, now)? + copy(&old.v6, &mut self.v6, BANS6, now)?)
    }
}

fn take<A: Pod>(object: &mut Ebpf, name: &'static str) -> Result<BanMap<A>, XdpError> {
    let map = object.take_map(name).ok_or(XdpError::Incomplete(name))?;
    HashMap::try_from(map).map_err(XdpError::map(name))
}

fn pinned<A: Pod>(pins: &Pins, name: &'static str) -> Result<BanMap<A>, XdpError> {
    let data = MapData::from_pin(pins.map(name)).map_err(XdpError::map(name))?;
    HashMap::try_from(Map::HashMap(data)).map_err(XdpError::map(name))
}

fn copy<A: Pod>(
    from: &BanMap<A>,
    to: &mut BanMap<A>,
    name: &'static str,
    now: u64,
) -> Result<u64, XdpError> {
    let mut entries = from
        .iter()
        .collect::<Result<Vec<_>, _>>()
        .map_err(XdpError::map(name))?;
    entries.retain(|(_, entry)| !Entry::from_bytes(*entry).is_over(now));
    entries.sort_by_key(|(_, entry)| std::cmp::Reverse(Entry::from_bytes(*entry).expires));
    let mut without_place = 0;
    for (host, entry) in entries {
        match to.insert(host, entry, 0) {
            Err(error) if is_full(&error) => without_place += 1,
            result => result.map_err(XdpError::map(name))?,
        }
    }
    Ok(without_place)
}

impl JailKeys {
    /// `names` by [`JailId`].
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Self(names.map(jail_key).collect())
    }

    fn entry(&self, ban: &Ban, reading: &Reading) -> Entry {
        let flags = match ban.mode {
            Mode::Enforce => 0,
            Mode::Observe => OBSERVE,
        };
        let jail = ban.jail.and_then(|jail| self.0.get(usize::from(jail.0)));
        Entry {
            expires: reading.expires(ban.until),
            jail: jail.copied().unwrap_or(0),
            flags,
            scope: ALL_PORTS,
            seen: Seen::default(),
        }
    }

    fn ban(&self, host: IpAddr, entry: [u8; Entry::SIZE], reading: &Reading) -> Ban {
        let entry = Entry::from_bytes(entry);
        let mode = if entry.flags & OBSERVE == 0 {
            Mode::Enforce
        } else {
            Mode::Observe
        };
        let jail = self.0.iter().position(|&key| key == entry.jail);
        let jail = jail.and_then(|jail| u16::try_from(jail).ok()).map(JailId);
        Ban {
            net: host.into(),
            ports: PortsId::ALL,
            jail,
            mode,
            until: reading.until(entry.expires),
        }
    }
}

/// The maps have an entry for each host, for all its ports.
fn host(net: IpNet, ports: PortsId) -> Result<IpAddr, XdpError> {
    if is_host(net) && ports == PortsId::ALL {
        Ok(net.addr())
    } else {
        Err(XdpError::NoEntry(Shown(net).to_string()))
    }
}

fn name(host: IpAddr) -> &'static str {
    if host.is_ipv4() { BANS4 } else { BANS6 }
}

fn is_missing(error: &MapError) -> bool {
    matches!(error, MapError::KeyNotFound | MapError::ElementNotFound)
        || errno(error) == Some(nix::libc::ENOENT)
}

fn is_full(error: &MapError) -> bool {
    errno(error) == Some(nix::libc::E2BIG)
}

fn errno(error: &MapError) -> Option<i32> {
    match error {
        MapError::SyscallError(error) => error.io_error.raw_os_error(),
        _ => None,
    }
}
