//! The programs that the bench compares banner with.

use std::{
    env, fs,
    net::IpAddr,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use aya::{
    Ebpf, EbpfLoader,
    maps::{HashMap, MapData},
    programs::{Xdp, XdpMode},
};

use crate::{require_root, topology::Family};

/// Drops everything.
pub const DROP: &str = "bare_drop";

/// Size of a map value in bytes.
pub const VALUE_SIZE: usize = 24;

/// The program that drops the sources in the map of its family and passes all others.
pub fn lookup(family: Family) -> &'static str {
    match family {
        Family::V4 => "bare_lookup4",
        Family::V6 => "bare_lookup6",
    }
}

/// The object at `$BANNER_BENCH_OBJECT`, or else the committed one.
pub(crate) fn object() -> Result<(PathBuf, Vec<u8>)> {
    let committed = || Path::new(env!("CARGO_MANIFEST_DIR")).join("bpf/bench.bpf.o");
    let path = env::var_os("BANNER_BENCH_OBJECT").map_or_else(committed, PathBuf::from);
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    Ok((path, bytes))
}

/// These programs, loaded; the kernel drops them with this value.
#[derive(Debug)]
pub struct Bare {
    ebpf: Ebpf,
}

impl Bare {
    /// Loads them with room for `capacity` sources of each family.
    pub fn load(capacity: u32) -> Result<Self> {
        require_root()?;
        let (path, bytes) = object()?;
        let mut ebpf = EbpfLoader::new()
            .map_max_entries("LOOKUP4", capacity)
            .map_max_entries("LOOKUP6", capacity)
            .load(&bytes)
            .with_context(|| format!("load {}", path.display()))?;
        for name in [DROP, lookup(Family::V4), lookup(Family::V6)] {
            program_mut(&mut ebpf, name)?
                .load()
                .with_context(|| format!("load program {name}"))?;
        }
        Ok(Self { ebpf })
    }

    /// Puts sources into the map of their family.
    pub fn list(&mut self, sources: impl IntoIterator<Item = IpAddr>) -> Result<()> {
        let [v4, v6] = self.ebpf.maps_disjoint_mut(["LOOKUP4", "LOOKUP6"]);
        let lacks = "the object has both maps";
        let mut v4: HashMap<&mut MapData, [u8; 4], [u8; VALUE_SIZE]> =
            v4.context(lacks)?.try_into()?;
        let mut v6: HashMap<&mut MapData, [u8; 16], [u8; VALUE_SIZE]> =
            v6.context(lacks)?.try_into()?;
        for source in sources {
            match source {
                IpAddr::V4(source) => v4.insert(source.octets(), [0; VALUE_SIZE], 0),
                IpAddr::V6(source) => v6.insert(source.octets(), [0; VALUE_SIZE], 0),
            }
            .with_context(|| format!("list {source}"))?;
        }
        Ok(())
    }

    /// The program named `name`.
    pub fn program(&self, name: &str) -> Result<&Xdp> {
        let program = self.ebpf.program(name);
        Ok(program
            .with_context(|| format!("no program {name}"))?
            .try_into()?)
    }

    /// Attaches the program named `name` to `interface` of the thread's network namespace, for as
    /// long as this value lives.
    pub fn attach(&mut self, name: &str, interface: &str, mode: XdpMode) -> Result<()> {
        program_mut(&mut self.ebpf, name)?
            .attach(interface, mode)
            .with_context(|| format!("attach {name} to {interface}"))?;
        Ok(())
    }
}

pub(crate) fn program_mut<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Xdp> {
    let program = ebpf.program_mut(name);
    Ok(program
        .with_context(|| format!("no program {name}"))?
        .try_into()?)
}
