//! banner's own maps, filled as the agent fills them.

use std::net::IpAddr;

use anyhow::Result;
use banner_common::{BANS4, BANS6, Ban, DEFAULT_MAX_BANS, FOREVER, OBSERVE};
use banner_tests::{bpf::Object, flood, topology::Family};

use super::receiver::Bans;

/// The number of a source that nobody bans.
pub(crate) const NOBODY: u32 = 2_000_000;

/// Addresses that more than one lookup decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// Banned by a jail that only observes.
    Observed,
    /// Banned, and on the never-ban list.
    Never,
}

impl Special {
    pub(crate) fn source(self, family: Family) -> IpAddr {
        flood::source(family, NOBODY + 1 + self as u32)
    }
}

/// Bans every [`Special`] address of a family as it is to be banned.
pub(crate) fn add_special(object: &mut Object, family: Family) -> Result<()> {
    let ban = Ban {
        expires: FOREVER,
        flags: 0,
        jail: 0,
    };
    let observed = Ban {
        flags: OBSERVE,
        ..ban
    };
    object.ban(Special::Observed.source(family), observed)?;
    let never = Special::Never.source(family);
    object.ban(never, ban)?;
    object.never(
        never,
        match family {
            Family::V4 => 32,
            Family::V6 => 128,
        },
    )
}

/// Bans a prefix that no source is in.
pub(crate) fn add_prefix(_object: &mut Object, _family: Family) -> Result<()> {
    Ok(())
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

/// Puts bans in, one after the other.
pub(crate) fn fill(object: &mut Object, bans: Bans) -> Result<()> {
    for n in 0..bans.count {
        let ban = Ban {
            expires: FOREVER,
            flags: 0,
            jail: 0,
        };
        object.ban(flood::source(bans.family, n), ban)?;
    }
    Ok(())
}

/// Puts as many others in their place.
pub(crate) fn replace(object: &mut Object, bans: Bans) -> Result<()> {
    for n in 0..bans.count {
        object.unban(flood::source(bans.family, n))?;
        let ban = Ban {
            expires: FOREVER,
            flags: 0,
            jail: 0,
        };
        object.ban(flood::source(bans.family, bans.count + n), ban)?;
    }
    Ok(())
}

/// How many bans of a family there are.
pub(crate) fn count(object: &mut Object, family: Family) -> Result<usize> {
    Ok(match family {
        Family::V4 => object.bans::<[u8; 4]>(BANS4)?.keys().count(),
        Family::V6 => object.bans::<[u8; 16]>(BANS6)?.keys().count(),
    })
}
