/// What need not be looked up, because it is empty.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InUse {
    /// Not 0 while an IPv4 prefix may be banned.
    pub wide4: u32,
    /// Not 0 while an IPv6 prefix may be banned.
    pub wide6: u32,
}

const _: () = assert!(size_of::<InUse>() == InUse::SIZE);

impl InUse {
    /// Size of the map value in bytes.
    pub const SIZE: usize = 8;

    /// The map value, in this machine's byte order.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        bytes[..4].copy_from_slice(&self.wide4.to_ne_bytes());
        bytes[4..].copy_from_slice(&self.wide6.to_ne_bytes());
        bytes
    }
}
