//! The maps of the data plane, written and emptied entry by entry.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use aya::maps::{Array, HashMap, LpmTrie, MapData, lpm_trie::Key};
use banner_common::{
    BANS4, BANS6, Ban, IN_USE, InUse, MORE, More, NEVER4, NEVER6, PORTS, TOP, WIDE4, WIDE6,
};

use super::Object;

/// A member of a group as a bit of its key: [`SUMMARY`], or the bit of its scope.
pub const fn scope_bit(scope: u16) -> u64 {
    1 << scope
}

/// The member of a group that says what the others come to together.
pub const SUMMARY: u64 = 0;

fn more(group: u32, bit: u64) -> [u8; More::SIZE] {
    let key = match bit {
        SUMMARY => More {
            group,
            scope: [0; 2],
        },
        _ => More::new(
            group,
            u16::try_from(bit.trailing_zeros()).expect("below 64"),
        ),
    };
    key.to_bytes()
}

impl Object {
    /// Bans `address`.
    pub fn ban(&mut self, address: IpAddr, ban: Ban) -> Result<()> {
        let value = ban.to_bytes();
        match address {
            IpAddr::V4(address) => self
                .bans::<[u8; 4]>(BANS4)?
                .insert(address.octets(), value, 0),
            IpAddr::V6(address) => self
                .bans::<[u8; 16]>(BANS6)?
                .insert(address.octets(), value, 0),
        }
        .with_context(|| format!("ban {address}"))
    }

    /// The entry of `address`.
    pub fn banned(&mut self, address: IpAddr) -> Result<Ban> {
        let value = match address {
            IpAddr::V4(address) => self.bans::<[u8; 4]>(BANS4)?.get(&address.octets(), 0),
            IpAddr::V6(address) => self.bans::<[u8; 16]>(BANS6)?.get(&address.octets(), 0),
        };
        Ok(Ban::from_bytes(
            value.with_context(|| format!("ban of {address}"))?,
        ))
    }

    /// Takes the ban of `address` away.
    pub fn unban(&mut self, address: IpAddr) -> Result<()> {
        match address {
            IpAddr::V4(address) => self.bans::<[u8; 4]>(BANS4)?.remove(&address.octets()),
            IpAddr::V6(address) => self.bans::<[u8; 16]>(BANS6)?.remove(&address.octets()),
        }
        .with_context(|| format!("unban {address}"))
    }

    /// Puts a prefix on the never-ban list.
    pub fn never(&mut self, prefix: IpAddr, length: u32) -> Result<()> {
        self.insert_prefix([NEVER4, NEVER6], prefix, length, 0)
    }

    /// Takes a prefix from the never-ban list.
    pub fn not_never(&mut self, prefix: IpAddr, length: u32) -> Result<()> {
        self.remove_prefix([NEVER4, NEVER6], prefix, length)
    }

    /// Bans a prefix as the members of `group` say. What is in use says [`Object::in_use`].
    pub fn wide(&mut self, prefix: IpAddr, length: u32, group: u32) -> Result<()> {
        self.insert_prefix([WIDE4, WIDE6], prefix, length, group)
    }

    /// Takes the ban of a prefix away.
    pub fn not_wide(&mut self, prefix: IpAddr, length: u32) -> Result<()> {
        self.remove_prefix([WIDE4, WIDE6], prefix, length)
    }

    /// Says whether prefixes of either family may be banned.
    pub fn in_use(&mut self, wide4: bool, wide6: bool) -> Result<()> {
        let value = InUse {
            wide4: wide4.into(),
            wide6: wide6.into(),
        };
        let mut map: Array<_, [u8; InUse::SIZE]> = Array::try_from(self.map_mut(IN_USE)?)?;
        map.set(0, value.to_bytes(), 0)
            .context("say what is in use")
    }

    /// Adds a member to a group, under the bit of a scope or as [`SUMMARY`].
    pub fn member(&mut self, group: u32, bit: u64, ban: Ban) -> Result<()> {
        self.bans::<[u8; More::SIZE]>(MORE)?
            .insert(more(group, bit), ban.to_bytes(), 0)
            .with_context(|| format!("member {bit:#x} of group {group}"))
    }

    /// A member of a group.
    pub fn member_of(&mut self, group: u32, bit: u64) -> Result<Ban> {
        let value = self
            .bans::<[u8; More::SIZE]>(MORE)?
            .get(&more(group, bit), 0);
        Ok(Ban::from_bytes(value.with_context(|| {
            format!("member {bit:#x} of group {group}")
        })?))
    }

    /// Takes a member from a group.
    pub fn not_member(&mut self, group: u32, bit: u64) -> Result<()> {
        self.bans::<[u8; More::SIZE]>(MORE)?
            .remove(&more(group, bit))
            .with_context(|| format!("member {bit:#x} of group {group}"))
    }

    /// Says which sets of ports hold the port at `index`, a bit for each.
    pub fn port(&mut self, index: u32, sets: u64) -> Result<()> {
        let mut map: Array<_, u64> = Array::try_from(self.map_mut(PORTS)?)?;
        map.set(index, sets, 0)
            .with_context(|| format!("port {index:#x}"))
    }

    /// The sampled packets of each source in the table of those who send most, IPv4 ones mapped.
    pub fn top(&self) -> Result<Vec<([u8; 16], u64)>> {
        let map: HashMap<_, [u8; 16], u64> = HashMap::try_from(self.map(TOP)?)?;
        Ok(map.iter().collect::<Result<_, _>>()?)
    }

    fn insert_prefix(
        &mut self,
        maps: [&str; 2],
        prefix: IpAddr,
        length: u32,
        value: u32,
    ) -> Result<()> {
        match prefix {
            IpAddr::V4(prefix) => {
                self.trie::<[u8; 4]>(maps[0])?
                    .insert(&Key::new(length, prefix.octets()), value, 0)
            }
            IpAddr::V6(prefix) => {
                self.trie::<[u8; 16]>(maps[1])?
                    .insert(&Key::new(length, prefix.octets()), value, 0)
            }
        }
        .with_context(|| format!("put {prefix}/{length} in {maps:?}"))
    }

    fn remove_prefix(&mut self, maps: [&str; 2], prefix: IpAddr, length: u32) -> Result<()> {
        match prefix {
            IpAddr::V4(prefix) => self
                .trie::<[u8; 4]>(maps[0])?
                .remove(&Key::new(length, prefix.octets())),
            IpAddr::V6(prefix) => self
                .trie::<[u8; 16]>(maps[1])?
                .remove(&Key::new(length, prefix.octets())),
        }
        .with_context(|| format!("take {prefix}/{length} out of {maps:?}"))
    }

    /// The map of bans named `name`, whose keys are `K`.
    pub fn bans<K: aya::Pod>(
        &mut self,
        name: &str,
    ) -> Result<HashMap<&mut MapData, K, [u8; Ban::SIZE]>> {
        Ok(HashMap::try_from(self.map_mut(name)?)?)
    }

    /// The trie of prefixes named `name`, whose addresses are `A`.
    pub fn trie<A: aya::Pod>(&mut self, name: &str) -> Result<LpmTrie<&mut MapData, A, u32>> {
        Ok(LpmTrie::try_from(self.map_mut(name)?)?)
    }
}
