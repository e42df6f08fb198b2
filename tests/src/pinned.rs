//! What the agent pinned, read behind its back.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    maps::{Array, HashMap, LpmTrie, Map, MapData, MapError, PerCpuArray, lpm_trie::Key},
    programs::{
        links::{FdLink, PinnedLink},
        loaded_programs,
        xdp::XdpLink,
    },
};
use banner_common::{BANS4, BANS6, Ban, MORE, More, NEVER4, NEVER6, PORTS, port_index};

use crate::bpf::{Counters, Object};

/// The agent's pin folder.
#[derive(Debug)]
pub struct Pinned {
    dir: PathBuf,
}

impl Pinned {
    /// What is pinned in `dir`.
    pub fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    /// The counters of all interfaces.
    pub fn counters(&self) -> Result<Counters> {
        let names = self.names()?.into_iter();
        let mut names = names
            .filter(|name| name.starts_with("counters-"))
            .peekable();
        names.peek().context("no counters are pinned")?;
        names.try_fold(Counters::default(), |mut sum, name| {
            sum.add(&self.read_counters(&name)?);
            Ok(sum)
        })
    }

    /// The counters of one interface.
    pub fn counters_of(&self, interface: &str) -> Result<Counters> {
        self.read_counters(&format!("counters-{interface}"))
    }

    fn read_counters(&self, name: &str) -> Result<Counters> {
        let map = Map::PerCpuArray(self.open(name)?);
        Counters::read(&PerCpuArray::try_from(map)?)
    }

    /// The ban of `address`, over or not.
    pub fn ban(&self, address: IpAddr) -> Result<Option<Ban>> {
        match address {
            IpAddr::V4(address) => self.look_up(BANS4, address.octets()),
            IpAddr::V6(address) => self.look_up(BANS6, address.octets()),
        }
    }

    /// The map of banned IPv4 addresses, for many looks at it.
    pub fn bans4(&self) -> Result<HashMap<MapData, [u8; 4], [u8; Ban::SIZE]>> {
        Ok(Map::HashMap(self.open(BANS4)?).try_into()?)
    }

    /// Whether the never-ban list has a prefix that holds `address`.
    pub fn is_never(&self, address: IpAddr) -> Result<bool> {
        match address {
            IpAddr::V4(address) => self.covers(NEVER4, address.octets()),
            IpAddr::V6(address) => self.covers(NEVER6, address.octets()),
        }
    }

    /// How many entries both ban maps have together.
    pub fn bans(&self) -> Result<usize> {
        let v4: HashMap<_, [u8; 4], [u8; Ban::SIZE]> =
            Map::HashMap(self.open(BANS4)?).try_into()?;
        let v6: HashMap<_, [u8; 16], [u8; Ban::SIZE]> =
            Map::HashMap(self.open(BANS6)?).try_into()?;
        Ok(v4.keys().count() + v6.keys().count())
    }

    /// Fills the map of groups with entries that nobody asks for, until there is room for no more than
    /// `room`. Their number.
    pub fn crowd_groups(&self, room: u32) -> Result<u32> {
        let map = self.open(MORE)?;
        let most = map.info()?.max_entries();
        let mut groups: HashMap<_, [u8; More::SIZE], [u8; Ban::SIZE]> =
            Map::HashMap(map).try_into()?;
        let held = u32::try_from(groups.keys().count())?;
        let crowd = most.saturating_sub(held + room);
        for number in 0..crowd {
            groups.insert(Self::stranger(number), [0; Ban::SIZE], 0)?;
        }
        Ok(crowd)
    }

    /// Takes them away again, as far as the agent has not done so.
    pub fn clear_groups(&self, crowd: u32) -> Result<()> {
        let mut groups: HashMap<_, [u8; More::SIZE], [u8; Ban::SIZE]> =
            Map::HashMap(self.open(MORE)?).try_into()?;
        for number in 0..crowd {
            match groups.remove(&Self::stranger(number)) {
                Err(MapError::SyscallError(error))
                    if error.io_error.kind() == io::ErrorKind::NotFound => {}
                outcome => outcome?,
            }
        }
        Ok(())
    }

    /// The key of a group that no agent would make: its number is odd.
    fn stranger(number: u32) -> [u8; More::SIZE] {
        let mut key = [0; More::SIZE];
        key[..4].copy_from_slice(&(0x8000_0001 | number << 1).to_ne_bytes());
        key
    }

    /// The kernel's number of the link that holds the program at `interface`.
    pub fn link_id(&self, interface: &str) -> Result<u32> {
        self.link_id_in(&format!("link-{interface}"))
    }

    /// The same for the program at the tcx hook.
    pub fn tcx_link_id(&self, interface: &str) -> Result<u32> {
        self.link_id_in(&format!("tcx-{interface}"))
    }

    /// How many instructions the program of each link has.
    pub fn instructions(&self) -> Result<Vec<u32>> {
        let mut counts = Vec::new();
        let mut names = self.names()?;
        names.sort_unstable();
        for name in names.iter().filter(|name| name.starts_with("link-")) {
            let id = self.link_in(name)?.info()?.program_id();
            let program = loaded_programs()
                .flatten()
                .find(|program| program.id() == id)
                .with_context(|| format!("no program {id}"))?;
            counts.push(program.size_translated().context("its size")? / 8);
        }
        Ok(counts)
    }

    fn link_id_in(&self, name: &str) -> Result<u32> {
        Ok(self.link_in(name)?.info()?.id())
    }

    fn link_in(&self, name: &str) -> Result<FdLink> {
        let path = self.dir.join(name);
        let link = PinnedLink::from_pin(&path)
            .with_context(|| format!("open the link pinned at {}", path.display()))?;
        Ok(FdLink::from(link))
    }

    /// Names of everything in the folder; none when there is no folder.
    pub fn names(&self) -> Result<Vec<String>> {
        if !self.dir.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&self.dir)
            .with_context(|| format!("list {}", self.dir.display()))?
            .collect::<Result<Vec<_>, _>>()?;
        Ok(entries
            .iter()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect())
    }

    /// Puts an address onto the never-ban list of the kernel.
    pub fn spare(&self, address: Ipv4Addr) -> Result<()> {
        let map = Map::LpmTrie(self.open(NEVER4)?);
        let mut never: LpmTrie<_, [u8; 4], u32> = map.try_into()?;
        Ok(never.insert(&Key::new(32, address.octets()), 0, 0)?)
    }

    /// Takes a TCP port out of all sets of ports.
    pub fn forget_tcp_port(&self, port: u16) -> Result<()> {
        let mut ports: Array<_, u64> = Map::Array(self.open(PORTS)?).try_into()?;
        Ok(ports.set(port_index(0, port), 0, 0)?)
    }

    /// Puts the deciding program of another object in the place of the one that the link of an
    /// interface has.
    pub fn exchange(&self, interface: &str, object: &mut Object) -> Result<()> {
        let link = self.link_in(&format!("link-{interface}"))?;
        object.attach_to_link(XdpLink::try_from(link)?)
    }

    /// Takes the program off an interface, as `bpftool link detach` does. The link stays, over.
    pub fn force_off(&self, interface: &str) -> Result<()> {
        let link = self.dir.join(format!("link-{interface}"));
        let mut detach = std::process::Command::new("bpftool");
        detach.args(["link", "detach", "pinned"]).arg(link);
        ensure!(detach.status()?.success(), "{detach:?}");
        Ok(())
    }

    fn open(&self, name: &str) -> Result<MapData> {
        let path = self.dir.join(name);
        MapData::from_pin(&path)
            .with_context(|| format!("open the map pinned at {}", path.display()))
    }

    fn covers<const N: usize>(&self, name: &str, address: [u8; N]) -> Result<bool> {
        let trie: LpmTrie<_, [u8; N], u32> = Map::LpmTrie(self.open(name)?).try_into()?;
        let bits = u32::try_from(N * 8).context("bits of an address")?;
        match trie.get(&Key::new(bits, address), 0) {
            Ok(_) => Ok(true),
            Err(MapError::KeyNotFound) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn look_up<A: aya::Pod>(&self, name: &str, address: A) -> Result<Option<Ban>> {
        let bans: HashMap<_, A, [u8; Ban::SIZE]> = Map::HashMap(self.open(name)?).try_into()?;
        match bans.get(&address, 0) {
            Ok(bytes) => Ok(Some(Ban::from_bytes(bytes))),
            Err(MapError::KeyNotFound) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
