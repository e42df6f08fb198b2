use crate::{Seen, bytes::field};

/// [`Ban::expires`] of a ban without an end.
pub const FOREVER: u64 = u64::MAX;

/// [`Ban::flags`]: count the packet as one that would have been dropped, and let it pass.
pub const OBSERVE: u16 = 1;

/// [`Ban::flags`]: the agent has looked whether this one address is on the never-ban list, and it is
/// not, so that the program need not look. An entry without it is looked up there.
pub const CHECKED: u16 = 2;

/// [`Ban::flags`]: this address is banned in several scopes. Its bans are in the map
/// [`MORE`](crate::MORE) under the group that [`Ban::jail`] is; nothing else of this entry counts.
pub const SEVERAL: u16 = 4;

/// [`Ban::flags`]: a copy of a ban on a prefix around the one whose group this is in, and none of
/// that one's own. The program does not ask; it is for the agent that adopts the maps.
pub const INHERITED: u16 = 8;

/// [`Ban::scope`] of a ban that holds for every port and protocol.
pub const ALL_PORTS: u16 = 0;

/// One ban: the value of every ban map. Its key says whom it is about.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// First jiffy (`bpf_jiffies64`) in which the ban no longer holds, or [`FOREVER`]. The kernel puts it
    /// off where the flags say so.
    pub expires: u64,
    /// The jail that set it, as [`jail_key`] of its name; or the group of its bans, with [`SEVERAL`]; or
    /// the group of the ban that it stands for, where [`Ban::is_linked`].
    pub jail: u32,
    /// [`OBSERVE`], [`CHECKED`], [`SEVERAL`] and [`INHERITED`]; above them the code of a
    /// [`Quiet`](crate::Quiet), or 0.
    pub flags: u16,
    /// Which packets it is about: [`ALL_PORTS`], or the number of a bit in the masks of the map
    /// [`PORTS`](crate::PORTS), 1 to 63.
    pub scope: u16,
    /// What it has done, written by the kernel.
    pub seen: Seen,
}

const _: () = assert!(size_of::<Ban>() == Ban::SIZE && align_of::<Ban>() == 8);

impl Ban {
    /// Size of the map value in bytes.
    pub const SIZE: usize = 24;

    /// Whether the ban is over in jiffy `now`.
    #[must_use]
    #[inline]
    pub const fn is_over(&self, now: u64) -> bool {
        self.expires <= now
    }

    /// The map value, in this machine's byte order.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..8].copy_from_slice(&self.expires.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.jail.to_ne_bytes());
        bytes[12..14].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[14..16].copy_from_slice(&self.scope.to_ne_bytes());
        bytes[16..].copy_from_slice(&self.seen.0.to_ne_bytes());
        bytes
    }

    /// The inverse of [`Ban::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self {
            expires: u64::from_ne_bytes(field(&bytes, 0)),
            jail: u32::from_ne_bytes(field(&bytes, 8)),
            flags: u16::from_ne_bytes(field(&bytes, 12)),
            scope: u16::from_ne_bytes(field(&bytes, 14)),
            seen: Seen(u64::from_ne_bytes(field(&bytes, 16))),
        }
    }
}

/// 32 bits that stand for a jail in [`Ban::jail`], the same in every process: FNV-1a of its name.
#[must_use]
pub const fn jail_key(name: &str) -> u32 {
    let name = name.as_bytes();
    let mut key: u32 = 0x811c_9dc5;
    let mut n = 0;
    while n < name.len() {
        key = (key ^ name[n] as u32).wrapping_mul(0x0100_0193);
        n += 1;
    }
    key
}

#[cfg(test)]
mod tests {
    use core::mem::offset_of;

    use super::*;

    #[test]
    fn bytes_round_trip_and_match_the_layout() {
        let ban = Ban {
            expires: 0x0102_0304_0506_0708,
            jail: 0xdead_beef,
            flags: 0x1122,
            scope: 0x3344,
            seen: Seen(0x5566_7788_99aa_bbcc),
        };
        let bytes = ban.to_bytes();
        assert_eq!(Ban::from_bytes(bytes), ban);
        assert_eq!(
            field(&bytes, offset_of!(Ban, expires)),
            ban.expires.to_ne_bytes()
        );
        assert_eq!(field(&bytes, offset_of!(Ban, jail)), ban.jail.to_ne_bytes());
        assert_eq!(
            field(&bytes, offset_of!(Ban, flags)),
            ban.flags.to_ne_bytes()
        );
        assert_eq!(
            field(&bytes, offset_of!(Ban, scope)),
            ban.scope.to_ne_bytes()
        );
        assert_eq!(
            field(&bytes, offset_of!(Ban, seen)),
            ban.seen.0.to_ne_bytes()
        );
    }

    #[test]
    fn jail_keys_are_fnv_1a() {
        // Values of draft-eastlake-fnv.
        assert_eq!(jail_key(""), 0x811c_9dc5);
        assert_eq!(jail_key("a"), 0xe40c_292c);
        assert_eq!(jail_key("foobar"), 0xbf9c_f968);
    }

    #[test]
    fn a_ban_ends_in_its_jiffy_and_forever_never() {
        let ban = |expires| Ban {
            expires,
            jail: 0,
            flags: 0,
            scope: ALL_PORTS,
            seen: Seen::default(),
        };
        assert!(!ban(100).is_over(99));
        assert!(ban(100).is_over(100));
        assert!(!ban(FOREVER).is_over(u64::MAX - 1));
    }
}
