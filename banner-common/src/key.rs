/// Key of [`MORE`](crate::MORE): one of the bans of a group.
///
/// No scope at all (two zeros) is what the bans of the group come to together: later fragments, which
/// have no ports, may belong to any of them.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct More {
    /// The value of a prefix in its trie, or [`Ban::jail`](crate::Ban::jail) of an address's entry.
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

    /// The map key, in this machine's byte order.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&self.group.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.scope[0].to_ne_bytes());
        bytes[8..].copy_from_slice(&self.scope[1].to_ne_bytes());
        bytes
    }
}
