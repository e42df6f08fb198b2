//! banner's own maps, filled as the agent fills them.

use anyhow::Result;
use banner_common::{Ban, FOREVER};
use banner_tests::{bpf::Object, flood};

use super::receiver::Bans;

/// Room for `count` bans: the agent's default, or what `limits.bans` would say for more.
pub(crate) fn capacity(count: u32) -> u32 {
    count.max(banner_common::DEFAULT_MAX_BANS)
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
