//! The compiled program.

use std::{
    cell::RefCell,
    io,
    net::IpAddr,
    path::{Path, PathBuf},
};

use aya::{
    Ebpf, EbpfLoader, include_bytes_aligned,
    programs::{ProgramError, ProgramFd, SchedClassifier, Xdp},
};
use banner_common::{
    BANS4, BANS6, COUNTERS, LINEAR_PROGRAM, PROGRAM, TCX_PROGRAM, TRACE, TRACE_ADDRESS,
};
use nix::unistd::{SysconfVar, sysconf};

use super::{
    XdpError, kernel,
    pins::{Pins, Remade},
    shape::SHARED,
};

/// What `cargo xtask build-ebpf` made of `banner-ebpf`; its record is `banner.bpf.toml`.
pub(super) static OBJECT: &[u8] = include_bytes_aligned!("banner.bpf.o");

/// aya-log's ring buffer.
const LOGS: &str = "AYA_LOGS";

/// Its size where something is written to it, in bytes.
const LOG_SIZE: u32 = 1 << 17;

/// The kernel that lets programs see packets in several buffers.
const FRAGS: (u32, u32) = (5, 18);

/// Loads the object over the pinned maps, or over new ones that are pinned then.
#[derive(Debug)]
pub(super) struct Loader {
    pins: Vec<(&'static str, PathBuf)>,
    max_bans: u32,
    /// Whose packets are logged.
    pub(super) traced: Option<IpAddr>,
    /// One for all: aya's reads the kernel's own types when it is made, which takes as long as
    /// everything else here, and they are not needed.
    aya: RefCell<EbpfLoader<'static>>,
    /// What [`Loader::shared`] had verified, and where its counters are pinned, if anywhere: the program of
    /// the first interface, because the verifier takes a good part of a start.
    spare: RefCell<Option<(Loaded, Option<PathBuf>)>>,
}

/// The program for one interface, verified.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) object: Ebpf,
    name: &'static str,
}

impl Loader {
    /// With `remade` maps beside those that are pinned.
    pub(super) fn new(pins: &Pins, max_bans: u32, remade: &[Remade]) -> Self {
        let path = |map| {
            if remade.iter().any(|remade| remade.map == map) {
                pins.resized(map)
            } else {
                pins.map(map)
            }
        };
        let pins = SHARED.map(|map| (map, path(map))).to_vec();
        Self {
            aya: RefCell::new(loader(&pins, max_bans)),
            pins,
            max_bans,
            traced: None,
            spare: RefCell::new(None),
        }
    }

    /// The maps that interfaces share, and the kernel's word that it takes the program. Nothing is
    /// attached of it. `counters` is where the counters of an interface are pinned that will be asked
    /// for, if there are some.
    pub(super) fn shared(&self, counters: Option<PathBuf>) -> Result<Ebpf, XdpError> {
        let shared = self.aya.borrow_mut().load(OBJECT)?;
        let mut object = match &counters {
            Some(counters) => self.load(counters)?,
            None => self.aya.borrow_mut().load(OBJECT)?,
        };
        let name = verify(&mut object)?;
        *self.spare.borrow_mut() = Some((Loaded { object, name }, counters));
        Ok(shared)
    }

    /// The program of one interface, with the counters that are pinned at this path, or new ones that
    /// are pinned then.
    pub(super) fn program(&self, counters: &Path) -> Result<Loaded, XdpError> {
        if self.traced.is_none()
            && let Some((mut spare, pinned)) = self.spare.take()
        {
            match pinned {
                // Not if they were removed since: new ones are wanted then.
                Some(pinned) if pinned == counters && counters.exists() => return Ok(spare),
                None if !counters.exists() => {
                    let map = spare.object.map_mut(COUNTERS);
                    let map = map.ok_or(XdpError::Incomplete(COUNTERS))?;
                    map.pin(counters).map_err(|error| XdpError::Pin {
                        operation: "pin the counters",
                        path: counters.to_owned(),
                        source: io::Error::other(error),
                    })?;
                    return Ok(spare);
                }
                _ => {}
            }
        }
        let mut object = self.load(counters)?;
        let name = verify(&mut object)?;
        Ok(Loaded { object, name })
    }

    /// The program for the ingress hook of tcx.
    pub(super) fn tcx(&self, counters: &Path) -> Result<Loaded, XdpError> {
        let mut loaded = Loaded {
            object: self.load(counters)?,
            name: TCX_PROGRAM,
        };
        loaded.classifier()?.load()?;
        Ok(loaded)
    }

    fn load(&self, counters: &Path) -> Result<Ebpf, XdpError> {
        let Some(address) = self.traced.map(mapped) else {
            let mut loader = self.aya.borrow_mut();
            loader.map_pin_path(COUNTERS, counters.to_owned());
            return Ok(loader.load(OBJECT)?);
        };
        let mut loader = loader(&self.pins, self.max_bans);
        loader.map_pin_path(COUNTERS, counters.to_owned());
        loader.map_max_entries(LOGS, LOG_SIZE);
        loader.override_global(TRACE, &1_u8, true);
        loader.override_global(TRACE_ADDRESS, &address, true);
        Ok(loader.load(OBJECT)?)
    }
}

/// For programs over these maps that log nothing.
fn loader<'n>(pins: &[(&'static str, PathBuf)], max_bans: u32) -> EbpfLoader<'n> {
    let mut loader = EbpfLoader::new();
    // Nothing in the program depends on the layout of kernel structures.
    loader.btf(None);
    for map in [BANS4, BANS6] {
        loader.map_max_entries(map, max_bans);
    }
    for (map, path) in pins {
        loader.map_pin_path(map, path.clone());
    }
    // Nothing is written to it, but it has to be there.
    loader.map_max_entries(LOGS, page_size());
    loader
}

/// Loads the program that this kernel takes. Its name.
fn verify(object: &mut Ebpf) -> Result<&'static str, XdpError> {
    let Err(refused) = program(object, PROGRAM)?.load() else {
        return Ok(PROGRAM);
    };
    if kernel::version(&kernel::release()).is_some_and(|version| version >= FRAGS) {
        return Err(refused.into());
    }
    program(object, LINEAR_PROGRAM)?.load()?;
    Ok(LINEAR_PROGRAM)
}

impl Loaded {
    /// The program.
    pub(super) fn program(&mut self) -> Result<&mut Xdp, XdpError> {
        program(&mut self.object, self.name)
    }

    /// The program for the ingress hook of tcx.
    pub(super) fn classifier(&mut self) -> Result<&mut SchedClassifier, XdpError> {
        let program = self.object.program_mut(self.name);
        let program = program.ok_or(XdpError::Incomplete(self.name))?;
        Ok(program.try_into()?)
    }

    /// Keeps the program loaded.
    pub(super) fn fd(&self) -> Result<ProgramFd, XdpError> {
        let program = self.object.program(self.name);
        let program = program.ok_or(XdpError::Incomplete(self.name))?;
        let fd = program.fd()?.try_clone();
        fd.map_err(|error| ProgramError::IOError(error).into())
    }

    /// The kernel's id of the program.
    pub(super) fn id(&mut self) -> Result<u32, ProgramError> {
        let program = self.object.program(self.name);
        let program = program.ok_or(ProgramError::NotLoaded)?;
        Ok(program.info()?.id())
    }
}

/// An address as the program has it, IPv4 as `::ffff:0:0/96`.
fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}

/// The least that a ring buffer can have, in bytes.
fn page_size() -> u32 {
    let size = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
    size.and_then(|size| u32::try_from(size).ok())
        .unwrap_or(4096)
}

/// The program of this name.
pub(super) fn program<'o>(
    object: &'o mut Ebpf,
    name: &'static str,
) -> Result<&'o mut Xdp, XdpError> {
    let program = object.program_mut(name).ok_or(XdpError::Incomplete(name))?;
    Ok(program.try_into()?)
}
