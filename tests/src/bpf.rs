//! The BPF object without the agent: loaded, its maps filled, its programs test-run.

use std::{
    borrow::Borrow,
    env, fs,
    net::IpAddr,
    ops::Index,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader, TestRun as _, TestRunOptions,
    maps::{HashMap, LpmTrie, MapData, PerCpuArray, lpm_trie::Key},
    programs::{ProgramInfo, SchedClassifier, Xdp, XdpMode},
};
use banner_common::{
    BANS4, BANS6, Ban, CLOCK_PROGRAM, COUNTERS, ClockReading, DEFAULT_MAX_BANS, LINEAR_PROGRAM,
    NEVER4, NEVER6, PROGRAM, Reason, TCX_PROGRAM, Tally,
};

use crate::require_root;

/// Packets and bytes by reason, summed over the CPUs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters([Tally; Reason::COUNT as usize]);

impl Index<Reason> for Counters {
    type Output = Tally;

    fn index(&self, reason: Reason) -> &Tally {
        &self.0[reason as usize]
    }
}

impl Counters {
    /// Reads the counter map.
    pub fn read(map: &PerCpuArray<impl Borrow<MapData>, [u8; Tally::SIZE]>) -> Result<Self> {
        let mut counters = Self::default();
        for reason in Reason::ALL {
            let sum = &mut counters.0[reason as usize];
            for bytes in map.get(&(reason as u32), 0)?.iter() {
                let tally = Tally::from_bytes(*bytes);
                sum.packets += tally.packets;
                sum.bytes += tally.bytes;
            }
        }
        Ok(counters)
    }

    /// Counters that have seen one packet of `bytes` bytes more than these.
    #[must_use]
    pub fn plus_one(mut self, reason: Reason, bytes: usize) -> Self {
        let tally = &mut self.0[reason as usize];
        tally.packets += 1;
        tally.bytes += bytes as u64;
        self
    }
}

/// The object at `$BANNER_BPF_OBJECT`, or else the committed one.
pub fn object() -> Result<(PathBuf, Vec<u8>)> {
    let path = env::var_os("BANNER_BPF_OBJECT").map_or_else(committed, PathBuf::from);
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    Ok((path, bytes))
}

/// A loaded object of its own; the kernel drops it with this value.
#[derive(Debug)]
pub struct Object {
    ebpf: Ebpf,
}

impl Object {
    /// Loads the object at `$BANNER_BPF_OBJECT`, or else the committed one, and all its programs.
    pub fn load() -> Result<Self> {
        Self::load_with_room(DEFAULT_MAX_BANS)
    }

    /// The same with room for `bans` addresses in each family.
    pub fn load_with_room(bans: u32) -> Result<Self> {
        require_root()?;
        let (path, bytes) = object()?;
        let mut ebpf = EbpfLoader::new()
            .map_max_entries(BANS4, bans)
            .map_max_entries(BANS6, bans)
            .load(&bytes)
            .with_context(|| format!("load {}", path.display()))?;
        for name in [PROGRAM, LINEAR_PROGRAM, CLOCK_PROGRAM] {
            let program: &mut Xdp = ebpf
                .program_mut(name)
                .with_context(|| format!("no program {name} in {}", path.display()))?
                .try_into()?;
            program
                .load()
                .with_context(|| format!("load program {name}"))?;
        }
        let program: &mut SchedClassifier = ebpf
            .program_mut(TCX_PROGRAM)
            .with_context(|| format!("no program {TCX_PROGRAM} in {}", path.display()))?
            .try_into()?;
        program
            .load()
            .with_context(|| format!("load program {TCX_PROGRAM}"))?;
        Ok(Self { ebpf })
    }

    /// The map named `name`.
    pub fn map(&self, name: &str) -> Result<&aya::maps::Map> {
        self.ebpf
            .map(name)
            .with_context(|| format!("no map {name}"))
    }

    /// The map named `name`, to be filled.
    pub fn map_mut(&mut self, name: &str) -> Result<&mut aya::maps::Map> {
        self.ebpf
            .map_mut(name)
            .with_context(|| format!("no map {name}"))
    }

    /// The kernel's word on every program that is loaded.
    pub fn infos(&self) -> Result<Vec<(&str, ProgramInfo)>> {
        let loaded = self
            .ebpf
            .programs()
            .filter(|(_, program)| program.fd().is_ok());
        loaded
            .map(|(name, program)| Ok((name, program.info()?)))
            .collect()
    }

    /// Names of all maps in the object.
    pub fn map_names(&self) -> Vec<&str> {
        self.ebpf.maps().map(|(name, _)| name).collect()
    }

    /// Runs the deciding program once on `frame` and returns its verdict.
    pub fn verdict(&self, frame: &[u8]) -> Result<u32> {
        let options = TestRunOptions {
            data_in: Some(frame),
            ..TestRunOptions::new()
        };
        Ok(self.program(PROGRAM)?.test_run(options)?.return_value)
    }

    /// The program that decides.
    pub fn deciding(&self) -> Result<&Xdp> {
        self.program(PROGRAM)
    }

    /// Runs the clock program.
    pub fn clock(&self) -> Result<ClockReading> {
        let mut out = [0; 64];
        let options = TestRunOptions {
            data_in: Some(&[0; 64]),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        self.program(CLOCK_PROGRAM)?.test_run(options)?;
        let reading = out.first_chunk().context("64 bytes hold a reading")?;
        Ok(ClockReading::from_bytes(*reading))
    }

    /// Attaches the deciding program to `interface` of the thread's network namespace, for as long
    /// as this value lives.
    pub fn attach(&mut self, interface: &str, mode: XdpMode) -> Result<()> {
        self.attach_program(PROGRAM, interface, mode)
    }

    /// Attaches the program named `name`. See [`Object::attach`].
    pub fn attach_program(&mut self, name: &str, interface: &str, mode: XdpMode) -> Result<()> {
        let program = self
            .ebpf
            .program_mut(name)
            .with_context(|| format!("no program {name}"))?;
        let program: &mut Xdp = program.try_into()?;
        program
            .attach(interface, mode)
            .with_context(|| format!("attach to {interface}"))?;
        Ok(())
    }

    /// Pins the deciding program.
    pub fn pin_program(&mut self, path: &Path) -> Result<()> {
        self.pin_named_program(PROGRAM, path)
    }

    /// Pins the program named `name`.
    pub fn pin_named_program(&mut self, name: &str, path: &Path) -> Result<()> {
        let program = self.ebpf.program_mut(name);
        program
            .context("the object has the program")?
            .pin(path)
            .with_context(|| format!("pin it at {}", path.display()))
    }

    fn program(&self, name: &str) -> Result<&Xdp> {
        let program = self
            .ebpf
            .program(name)
            .with_context(|| format!("no program {name}"))?;
        Ok(program.try_into()?)
    }

    /// The counters.
    pub fn counters(&self) -> Result<Counters> {
        Counters::read(&PerCpuArray::try_from(self.map(COUNTERS)?)?)
    }

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
        match prefix {
            IpAddr::V4(prefix) => {
                self.trie::<[u8; 4]>(NEVER4)?
                    .insert(&Key::new(length, prefix.octets()), 0, 0)
            }
            IpAddr::V6(prefix) => {
                self.trie::<[u8; 16]>(NEVER6)?
                    .insert(&Key::new(length, prefix.octets()), 0, 0)
            }
        }
        .with_context(|| format!("never ban {prefix}/{length}"))
    }

    /// Takes a prefix from the never-ban list.
    pub fn not_never(&mut self, prefix: IpAddr, length: u32) -> Result<()> {
        match prefix {
            IpAddr::V4(prefix) => self
                .trie::<[u8; 4]>(NEVER4)?
                .remove(&Key::new(length, prefix.octets())),
            IpAddr::V6(prefix) => self
                .trie::<[u8; 16]>(NEVER6)?
                .remove(&Key::new(length, prefix.octets())),
        }
        .with_context(|| format!("take {prefix}/{length} from the never-ban list"))
    }

    /// The map of banned addresses named `name`, whose keys are `A`.
    pub fn bans<A: aya::Pod>(
        &mut self,
        name: &str,
    ) -> Result<HashMap<&mut MapData, A, [u8; Ban::SIZE]>> {
        let map = self.map_mut(name)?;
        Ok(HashMap::try_from(map)?)
    }

    fn trie<A: aya::Pod>(&mut self, name: &str) -> Result<LpmTrie<&mut MapData, A, u32>> {
        let map = self.map_mut(name)?;
        Ok(LpmTrie::try_from(map)?)
    }
}

fn committed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../banner-userspace/src/enforce/xdp/banner.bpf.o")
}
