use aya_ebpf::btf_maps::lpm_trie::Key;

use crate::{
    cursor::Cursor,
    maps::{self, Bans, Never, Wide},
    transport::{self, Transport},
};

/// What distinguishes the address families: all that comes after parsing is written once, for
/// the type of a source address.
pub trait Family: Copy + 'static {
    fn bans() -> &'static Bans<Self>;
    fn wide() -> &'static Wide<Self>;
    fn never() -> &'static Never<Self>;
    /// Whether a prefix may be banned.
    fn has_wide() -> bool;
    /// What the packet at the cursor, which begins with the IP header, carries. `zero` is 0, but the
    /// verifier does not know.
    fn transport(packet: Cursor, zero: u64) -> Transport;
    /// IPv4 as `::ffff:0:0/96`.
    fn mapped(self) -> [u16; 8];

    /// The whole address as the key of a trie.
    #[inline(always)]
    fn key(&self) -> Key<Self> {
        Key::new(size_of::<Self>() as u32 * 8, *self)
    }

    /// The group of bans of the longest banned prefix around the address.
    #[inline(always)]
    fn around(&self) -> Option<u32> {
        Self::wide().get(&self.key()).copied()
    }

    /// Whether the address is never banned.
    #[inline(always)]
    fn is_never(&self) -> bool {
        Self::never().get(&self.key()).is_some()
    }
}

impl Family for [u16; 2] {
    #[inline(always)]
    fn bans() -> &'static Bans<Self> {
        &maps::BANS4
    }

    #[inline(always)]
    fn wide() -> &'static Wide<Self> {
        &maps::WIDE4
    }

    #[inline(always)]
    fn never() -> &'static Never<Self> {
        &maps::NEVER4
    }

    #[inline(always)]
    fn has_wide() -> bool {
        maps::IN_USE.get(0).is_some_and(|in_use| in_use.wide4 != 0)
    }

    #[inline(always)]
    fn transport(packet: Cursor, _zero: u64) -> Transport {
        transport::of_v4(packet)
    }

    #[inline(always)]
    fn mapped(self) -> [u16; 8] {
        [0, 0, 0, 0, 0, 0xffff, self[0], self[1]]
    }
}

impl Family for [u16; 8] {
    #[inline(always)]
    fn bans() -> &'static Bans<Self> {
        &maps::BANS6
    }

    #[inline(always)]
    fn wide() -> &'static Wide<Self> {
        &maps::WIDE6
    }

    #[inline(always)]
    fn never() -> &'static Never<Self> {
        &maps::NEVER6
    }

    #[inline(always)]
    fn has_wide() -> bool {
        maps::IN_USE.get(0).is_some_and(|in_use| in_use.wide6 != 0)
    }

    #[inline(always)]
    fn transport(packet: Cursor, zero: u64) -> Transport {
        transport::of_v6(packet, zero)
    }

    #[inline(always)]
    fn mapped(self) -> [u16; 8] {
        self
    }
}
