use crate::bytes::field;

/// Key of [`MORE`](crate::MORE): one of the bans of a group.
///
/// No scope at all (two zeros) is what the bans of the group come to together: later fragments, which
/// have no ports, may belong to any of them.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct More {
    /// The value of a prefix in its trie, or [`Ban::jail`](crate::Ban::jail) of an address's entry: an
    /// even number. Under the odd number behind that of a prefix the agent keeps the prefix's own bans
    /// that are outweighed by [`INHERITED`](crate::INHERITED) ones of the same scope.
    pub group: u32,
    /// The one bit that [`Ban::scope`](crate::Ban::scope) is the number of, the lower 32 bits first.
    pub scope: [u32; 2],
}

// Nothing is padded: the kernel compares keys byte by byte.
const _: () = assert!(size_of::<More>() == More::SIZE);

impl More {
    /// Size of the map key in bytes.
    pub const SIZE: usize = 12;

    /// The key of the ban in `scope`, a number below 64, of a group.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lower half, and the upper half"
    )]
    pub const fn new(group: u32, scope: u16) -> Self {
        let bit = 1_u64 << (scope & 63);
        Self {
            group,
            scope: [bit as u32, (bit >> 32) as u32],
        }
    }

    /// The key of what the bans of a group come to together.
    #[must_use]
    pub const fn sum(group: u32) -> Self {
        Self {
            group,
            scope: [0, 0],
        }
    }

    /// The inverse of [`More::new`]; `None` for [`More::sum`] and for a key with several bits.
    #[must_use]
    pub fn scope(self) -> Option<u16> {
        let bits = u64::from(self.scope[0]) | u64::from(self.scope[1]) << 32;
        let number = u16::try_from(bits.trailing_zeros()).ok()?;
        bits.is_power_of_two().then_some(number)
    }

    /// The map key, in this machine's byte order.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&self.group.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.scope[0].to_ne_bytes());
        bytes[8..].copy_from_slice(&self.scope[1].to_ne_bytes());
        bytes
    }

    /// The inverse of [`More::to_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; Self::SIZE]) -> Self {
        let word = |at| u32::from_ne_bytes(field(&bytes, at));
        Self {
            group: word(0),
            scope: [word(4), word(8)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_scopes_round_trip() {
        for scope in 0..64 {
            let key = More::new(0x0102_0304, scope);
            assert_eq!(More::from_bytes(key.to_bytes()), key);
            assert_eq!(key.scope(), Some(scope));
        }
        assert_eq!(More::sum(7).scope(), None);
        let two = More {
            group: 7,
            scope: [1, 1],
        };
        assert_eq!(two.scope(), None);
    }
}
