//! The maps of bans.

use std::{collections::HashMap, fmt, net::IpAddr};

use aya::{
    Ebpf,
    maps::{
        Array, MapData, MapError,
        lpm_trie::{Key, LpmTrie},
    },
};
use banner_common::{
    ALL_PORTS, BANS4, BANS6, Ban as Entry, FOREVER, IN_USE, InUse, MORE, More, PORTS, SEVERAL,
    Seen, WIDE4, WIDE6,
};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{
    XdpError,
    batch::{self, Bytes},
    groups::{Found, Step},
};
use crate::model::is_host;

/// What the program looks bans up in.
pub(super) struct Tables {
    pub(super) v4: Bytes<4, { Entry::SIZE }>,
    pub(super) v6: Bytes<16, { Entry::SIZE }>,
    pub(super) ports: Array<MapData, u64>,
    wide4: LpmTrie<MapData, [u8; 4], u32>,
    wide6: LpmTrie<MapData, [u8; 16], u32>,
    in_use: Array<MapData, [u8; InUse::SIZE]>,
    more: Bytes<{ More::SIZE }, { Entry::SIZE }>,
}

/// Where a ban is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// It is the entry of its address.
    Host(IpAddr),
    /// It is a member of a group.
    Member(More),
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables").finish_non_exhaustive()
    }
}

impl Tables {
    /// Those of the loaded object.
    pub(super) fn of(object: &mut Ebpf) -> Result<Self, XdpError> {
        fn take<M>(object: &mut Ebpf, name: &'static str) -> Result<M, XdpError>
        where
            M: TryFrom<aya::maps::Map, Error = MapError>,
        {
            let map = object.take_map(name).ok_or(XdpError::Incomplete(name))?;
            map.try_into().map_err(XdpError::map(name))
        }
        Ok(Self {
            v4: take(object, BANS4)?,
            v6: take(object, BANS6)?,
            ports: take(object, PORTS)?,
            wide4: take(object, WIDE4)?,
            wide6: take(object, WIDE6)?,
            in_use: take(object, IN_USE)?,
            more: take(object, MORE)?,
        })
    }

    /// Those that `pin` opens.
    pub(super) fn pinned(
        pin: impl Fn(&'static str) -> Result<MapData, XdpError>,
    ) -> Result<Self, XdpError> {
        use aya::maps::Map;
        let hash = |name| pin(name).map(Map::HashMap);
        let trie = |name| pin(name).map(Map::LpmTrie);
        let array = |name| pin(name).map(Map::Array);
        Ok(Self {
            v4: hash(BANS4)?.try_into().map_err(XdpError::map(BANS4))?,
            v6: hash(BANS6)?.try_into().map_err(XdpError::map(BANS6))?,
            ports: array(PORTS)?.try_into().map_err(XdpError::map(PORTS))?,
            wide4: trie(WIDE4)?.try_into().map_err(XdpError::map(WIDE4))?,
            wide6: trie(WIDE6)?.try_into().map_err(XdpError::map(WIDE6))?,
            in_use: array(IN_USE)?.try_into().map_err(XdpError::map(IN_USE))?,
            more: hash(MORE)?.try_into().map_err(XdpError::map(MORE))?,
        })
    }

    /// Which maps of prefixes the program looks at.
    pub(super) fn in_use(&self) -> Result<[u8; InUse::SIZE], XdpError> {
        self.in_use.get(&0, 0).map_err(XdpError::map(IN_USE))
    }

    /// The entry of an address.
    pub(super) fn host(&self, host: IpAddr) -> Result<Option<Entry>, XdpError> {
        let entry = match host {
            IpAddr::V4(host) => self.v4.get(&host.octets(), 0),
            IpAddr::V6(host) => self.v6.get(&host.octets(), 0),
        };
        found(entry, bans(host))
    }

    /// A member of a group.
    pub(super) fn member(&self, key: More) -> Result<Option<Entry>, XdpError> {
        found(self.more.get(&key.to_bytes(), 0), MORE)
    }

    /// The group of a host with several bans, or of the longest banned prefix that has this one in it.
    pub(super) fn group_of(&self, net: IpNet) -> Result<Option<u32>, XdpError> {
        if is_host(net) {
            let host = self.host(net.addr())?;
            let several = host.filter(|entry| entry.flags & SEVERAL != 0);
            return Ok(several.map(|entry| entry.jail));
        }
        let (group, map) = match net {
            IpNet::V4(net) => (self.wide4.get(&key4(net), 0), WIDE4),
            IpNet::V6(net) => (self.wide6.get(&key6(net), 0), WIDE6),
        };
        match group {
            Ok(group) => Ok(Some(group)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(XdpError::map(map)(error)),
        }
    }

    /// What is in a place.
    pub(super) fn at(&self, place: Place) -> Result<Option<Entry>, XdpError> {
        match place {
            Place::Host(host) => self.host(host),
            Place::Member(key) => self.member(key),
        }
    }

    /// Puts an entry into a place, with what it has seen.
    pub(super) fn put_at(&mut self, place: Place, entry: Entry) -> Result<(), XdpError> {
        match place {
            Place::Host(host) => self.put(host, entry),
            Place::Member(key) => {
                (self.more.insert(key.to_bytes(), entry.to_bytes(), 0)).map_err(XdpError::map(MORE))
            }
        }
    }

    /// Every entry of an address.
    pub(super) fn each_host(&self, mut f: impl FnMut(IpAddr, Entry)) -> Result<(), XdpError> {
        batch::each(BANS4, &self.v4, |key, entry| {
            f(key.into(), Entry::from_bytes(entry));
        })?;
        batch::each(BANS6, &self.v6, |key, entry| {
            f(key.into(), Entry::from_bytes(entry));
        })
    }

    /// All groups.
    pub(super) fn groups(&self) -> Result<Found, XdpError> {
        self.groups_and(|_, _| {})
    }

    /// The same, and `single` gets every entry of an address that is in none: to read a million of them
    /// takes a good part of a start.
    pub(super) fn groups_and(
        &self,
        mut single: impl FnMut(IpAddr, Entry),
    ) -> Result<Found, XdpError> {
        let mut found = Found::default();
        self.each_host(|host, entry| {
            if entry.flags & SEVERAL == 0 {
                single(host, entry);
            } else {
                found.hosts.push((host, entry.jail));
            }
        })?;
        let mut more = HashMap::new();
        batch::each(MORE, &self.more, |key, entry| {
            more.insert(More::from_bytes(key), Entry::from_bytes(entry));
        })?;
        found.more = more;
        for item in &self.wide4 {
            let (key, group) = item.map_err(XdpError::map(WIDE4))?;
            let length = u8::try_from(key.prefix_len()).unwrap_or(u8::MAX);
            if let Ok(net) = Ipv4Net::new(key.data().into(), length) {
                found.wide.push((net.into(), group));
            }
        }
        for item in &self.wide6 {
            let (key, group) = item.map_err(XdpError::map(WIDE6))?;
            let length = u8::try_from(key.prefix_len()).unwrap_or(u8::MAX);
            if let Ok(net) = Ipv6Net::new(key.data().into(), length) {
                found.wide.push((net.into(), group));
            }
        }
        Ok(found)
    }

    /// Writes. What entries have seen stays, but for what the program writes in that instant.
    pub(super) fn run(&mut self, step: Step) -> Result<(), XdpError> {
        match step {
            Step::Put(key, entry) => {
                let seen = self.member(key)?.map_or(entry.seen, |found| found.seen);
                let entry = Entry { seen, ..entry };
                (self.more.insert(key.to_bytes(), entry.to_bytes(), 0)).map_err(XdpError::map(MORE))
            }
            Step::Remove(key) => removed(self.more.remove(&key.to_bytes()), MORE).map(drop),
            Step::Wide(IpNet::V4(net), group) => (self.wide4)
                .insert(&key4(net), group, 0)
                .map_err(XdpError::map(WIDE4)),
            Step::Wide(IpNet::V6(net), group) => (self.wide6)
                .insert(&key6(net), group, 0)
                .map_err(XdpError::map(WIDE6)),
            Step::Narrow(IpNet::V4(net)) => removed(self.wide4.remove(&key4(net)), WIDE4).map(drop),
            Step::Narrow(IpNet::V6(net)) => removed(self.wide6.remove(&key6(net)), WIDE6).map(drop),
            Step::InUse(in_use) => {
                (self.in_use.set(0, in_use.to_bytes(), 0)).map_err(XdpError::map(IN_USE))
            }
            Step::Ban(host, entry) => self.put(host, entry),
            Step::Several(host, group) => self.put(
                host,
                Entry {
                    expires: FOREVER,
                    jail: group,
                    flags: SEVERAL,
                    scope: ALL_PORTS,
                    seen: Seen::default(),
                },
            ),
            Step::Single(host, key, entry) => {
                let seen = self.member(key)?.map_or(entry.seen, |found| found.seen);
                self.put(host, Entry { seen, ..entry })
            }
            Step::Unban(host) => match host {
                IpAddr::V4(host) => removed(self.v4.remove(&host.octets()), BANS4).map(drop),
                IpAddr::V6(host) => removed(self.v6.remove(&host.octets()), BANS6).map(drop),
            },
        }
    }

    fn put(&mut self, host: IpAddr, entry: Entry) -> Result<(), XdpError> {
        match host {
            IpAddr::V4(host) => self.v4.insert(host.octets(), entry.to_bytes(), 0),
            IpAddr::V6(host) => self.v6.insert(host.octets(), entry.to_bytes(), 0),
        }
        .map_err(XdpError::map(bans(host)))
    }
}

fn key4(net: Ipv4Net) -> Key<[u8; 4]> {
    Key::new(u32::from(net.prefix_len()), net.addr().octets())
}

fn key6(net: Ipv6Net) -> Key<[u8; 16]> {
    Key::new(u32::from(net.prefix_len()), net.addr().octets())
}

fn bans(host: IpAddr) -> &'static str {
    if host.is_ipv4() { BANS4 } else { BANS6 }
}

fn found(
    entry: Result<[u8; Entry::SIZE], MapError>,
    map: &'static str,
) -> Result<Option<Entry>, XdpError> {
    match entry {
        Ok(entry) => Ok(Some(Entry::from_bytes(entry))),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(XdpError::map(map)(error)),
    }
}

/// Whether there was one.
pub(super) fn removed(result: Result<(), MapError>, map: &'static str) -> Result<bool, XdpError> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(XdpError::map(map)(error)),
    }
}

fn is_missing(error: &MapError) -> bool {
    let errno = match error {
        MapError::SyscallError(error) => error.io_error.raw_os_error(),
        _ => None,
    };
    matches!(error, MapError::KeyNotFound | MapError::ElementNotFound)
        || errno == Some(nix::libc::ENOENT)
}
