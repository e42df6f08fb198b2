use crate::bytes::field;

/// [`Ban::expires`] of a ban without an end.
pub const FOREVER: u64 = u64::MAX;

/// [`Ban::flags`]: count the packet as one that would have been dropped, and let it pass.
pub const OBSERVE: u32 = 1;

/// The value of both ban maps; the key is the source address in network byte order.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ban {
    /// First jiffy (`bpf_jiffies64`) in which the ban no longer holds, or [`FOREVER`].
    pub expires: u64,
    /// [`OBSERVE`] or 0; every other bit is 0.
    pub flags: u32,
    /// The jail that set it, as [`jail_key`] of its name. The kernel does not read it.
    pub jail: u32,
}

const _: () = assert!(size_of::<Ban>() == Ban::SIZE && align_of::<Ban>() == 8);

impl Ban {
    /// Size of the map value in bytes.
    pub const SIZE: usize = 16;

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
        bytes[8..12].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[12..].copy_from_slice(&self.jail.to_ne_bytes());
        bytes
    }

    /// The inverse of [`Ban::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        Self {
            expires: u64::from_ne_bytes(field(&bytes, 0)),
            flags: u32::from_ne_bytes(field(&bytes, 8)),
            jail: u32::from_ne_bytes(field(&bytes, 12)),
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
    use super::*;

    #[test]
    fn bytes_round_trip_and_match_the_layout() {
        let ban = Ban {
            expires: 0x0102_0304_0506_0708,
            flags: OBSERVE,
            jail: 0xdead_beef,
        };
        assert_eq!(Ban::from_bytes(ban.to_bytes()), ban);
        assert_eq!(
            ban.to_bytes()[core::mem::offset_of!(Ban, flags)],
            OBSERVE.to_ne_bytes()[0]
        );
        assert_eq!(core::mem::offset_of!(Ban, jail), 12);
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
        let ban = Ban {
            expires: 100,
            flags: 0,
            jail: 0,
        };
        assert!(!ban.is_over(99));
        assert!(ban.is_over(100));
        assert!(
            !Ban {
                expires: FOREVER,
                ..ban
            }
            .is_over(u64::MAX - 1)
        );
    }
}
