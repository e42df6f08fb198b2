//! banner's own maps, filled as the agent fills them.

use std::{net::IpAddr, path::Path};

use anyhow::Result;
use aya::maps::{Array, HashMap, Map, MapData, lpm_trie::Key};
use banner_common::{
    ALL_PORTS, BANS4, Ban, CHECKED, DEFAULT_MAX_BANS, FOREVER, IN_USE, InUse, MORE, More, OBSERVE,
    PORTS, SEVERAL, Seen, WIDE4, WIDE6, jail_key, port_index,
};
use banner_tests::{bpf::Object, flood, topology::Family};

use super::receiver::Bans;

/// The number of a source that nobody bans.
pub(crate) const NOBODY: u32 = 2_000_000;

/// Whom [`add_prefix`] bans with all their neighbours, and no other ban does.
const IN_PREFIX: u32 = 3_000_000;

/// What the agent writes for a ban of one address for every port, which it has looked up in the
/// never-ban list.
const PLAIN: Ban = Ban {
    expires: FOREVER,
    jail: jail_key("sshd"),
    flags: CHECKED,
    scope: ALL_PORTS,
    seen: Seen(0),
};

/// A set of ports that the packets' port is in, and one that it is not in.
const OURS: u16 = 1;
const OTHERS: u16 = 2;

/// UDP among the protocols with ports.
const UDP: u32 = 1;

/// Addresses whose packets cost more than one lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// Banned by a jail that only observes.
    Observed,
    /// Banned for some ports, this one among them.
    Scoped,
    /// Banned for other ports.
    OtherPorts,
    /// Banned by two jails, one for every port and one for some.
    Several,
    /// Banned, but nobody has looked whether it is on the never-ban list.
    Unchecked,
    /// Banned, and on the never-ban list.
    Never,
    /// Not banned itself, but a prefix around it is.
    InPrefix,
}

impl Special {
    pub(crate) fn source(self, family: Family) -> IpAddr {
        let number = match self {
            Self::InPrefix => IN_PREFIX,
            _ => NOBODY + 1 + self as u32,
        };
        flood::source(family, number)
    }
}

/// Bans every [`Special`] address of a family as it is to be banned, but for the prefix.
pub(crate) fn add_special(object: &mut Object, family: Family) -> Result<()> {
    let scoped = |scope| Ban { scope, ..PLAIN };
    let flagged = |flags| Ban { flags, ..PLAIN };
    // The number of a group is the agent's to choose.
    let group = 1;
    let several = Ban {
        jail: group,
        ..flagged(CHECKED | SEVERAL)
    };
    for (special, ban) in [
        (Special::Observed, flagged(CHECKED | OBSERVE)),
        (Special::Scoped, scoped(OURS)),
        (Special::OtherPorts, scoped(OTHERS)),
        (Special::Several, several),
        (Special::Unchecked, flagged(0)),
        (Special::Never, flagged(0)),
    ] {
        object.ban(special.source(family), ban)?;
    }
    add_to_group(object, group, PLAIN)?;
    add_to_group(object, group, scoped(OURS))?;
    let mut ports: Array<&mut MapData, u64> = object.map_mut(PORTS)?.try_into()?;
    ports.set(port_index(UDP, flood::PORT), 1 << OURS, 0)?;
    object.never(Special::Never.source(family), bits(family))
}

/// Bans the prefix around [`Special::InPrefix`], so that every source without a ban of its own is
/// looked up among prefixes.
pub(crate) fn add_prefix(object: &mut Object, family: Family) -> Result<()> {
    // Prefixes are told apart from single addresses by their group.
    let group = 2;
    let length = bits(family) - 8;
    let flags = 0;
    add_to_group(object, group, Ban { flags, ..PLAIN })?;
    match Special::InPrefix.source(family) {
        IpAddr::V4(address) => {
            object
                .trie::<[u8; 4]>(WIDE4)?
                .insert(&Key::new(length, address.octets()), group, 0)?;
        }
        IpAddr::V6(address) => {
            object.trie::<[u8; 16]>(WIDE6)?.insert(
                &Key::new(length, address.octets()),
                group,
                0,
            )?;
        }
    }
    let in_use = InUse { wide4: 1, wide6: 1 };
    let mut map: Array<&mut MapData, [u8; InUse::SIZE]> = object.map_mut(IN_USE)?.try_into()?;
    Ok(map.set(0, in_use.to_bytes(), 0)?)
}

fn add_to_group(object: &mut Object, group: u32, ban: Ban) -> Result<()> {
    let mut more: HashMap<&mut MapData, [u8; More::SIZE], [u8; Ban::SIZE]> =
        object.map_mut(MORE)?.try_into()?;
    more.insert(More::new(group, ban.scope).to_bytes(), ban.to_bytes(), 0)?;
    Ok(())
}

fn bits(family: Family) -> u32 {
    match family {
        Family::V4 => 32,
        Family::V6 => 128,
    }
}

/// Room for `count` bans: the agent's default, or what `limits.bans` would say for more.
pub(crate) fn capacity(count: u32) -> u32 {
    // A few more than are filled in: those that are special.
    (count + 8).max(DEFAULT_MAX_BANS)
}

/// The programs with room for `count` bans of each family.
pub(crate) fn object(count: u32) -> Result<Object> {
    Object::load_with_room(capacity(count))
}

/// Puts bans in, from source number 0 on.
pub(crate) fn fill(object: &mut Object, bans: Bans) -> Result<()> {
    for n in 0..bans.count {
        object.ban(flood::source(bans.family, n), PLAIN)?;
    }
    Ok(())
}

/// Puts `count` IPv4 bans into the map that an agent pinned in `pins`.
pub(crate) fn fill_pinned(pins: &Path, count: u32) -> Result<()> {
    let map = Map::HashMap(MapData::from_pin(pins.join(BANS4))?);
    let mut bans: HashMap<MapData, [u8; 4], [u8; Ban::SIZE]> = map.try_into()?;
    for n in 0..count {
        if let IpAddr::V4(source) = flood::source(Family::V4, n) {
            bans.insert(source.octets(), PLAIN.to_bytes(), 0)?;
        }
    }
    Ok(())
}
