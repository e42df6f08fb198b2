use std::{io, path::PathBuf};

use aya::{EbpfError, maps::MapError, programs::ProgramError};

use super::groups::Full;

/// Why XDP cannot be used, or not so.
#[derive(Debug, thiserror::Error)]
pub enum XdpError {
    /// The kernel lacks something.
    #[error("kernel {found} is too old for XDP bans: {missing}")]
    Kernel {
        /// Its version.
        found: String,
        /// What it lacks, and since when kernels have it.
        missing: &'static str,
    },
    /// The process lacks a capability.
    #[error("no privilege for XDP: {missing} missing; run as root (sudo), or grant {missing}")]
    Privilege {
        /// The names of the capabilities.
        missing: String,
    },
    /// There is no BPF file system where pins should go.
    #[error("{}: not on a BPF file system, so bans could not outlive the agent; {advice}", path.display())]
    NoBpffs {
        /// The pin directory.
        path: PathBuf,
        /// What to do.
        advice: String,
    },
    /// Something about a file in the pin directory.
    #[error("{}: cannot {operation}: {source}", path.display())]
    Pin {
        /// What was tried.
        operation: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// Somebody else can write to the pin directory.
    #[error(
        "{path}: {found}, so others could lift bans there; chown {own} {path} && chmod 0700 {path} \
         if what is in it can be trusted, or give another --pin-dir",
        path = path.display()
    )]
    Access {
        /// The pin directory.
        path: PathBuf,
        /// What is wrong with it.
        found: String,
        /// The user that the agent runs as.
        own: u32,
    },
    /// Another agent uses this pin directory.
    #[error("{}: in use by another banner agent{}", path.display(), owner(*pid))]
    Busy {
        /// The pin directory.
        path: PathBuf,
        /// Its process, where it can be told.
        pid: Option<u32>,
    },
    /// A pinned object is not what this version would have pinned there.
    #[error(
        "{}: {found}, where {expected} was expected; it was not made by this version of banner. \
         `banner detach` removes what banner pinned; a foreign object has to be removed by hand",
        path.display()
    )]
    Foreign {
        /// The pin.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Which interfaces there are, and what programs they have.
    #[error("cannot ask the kernel for its interfaces (netlink): {0}")]
    Interfaces(#[source] io::Error),
    /// An interface was named that has no program of banner's.
    #[error("{name}: no XDP program of banner's there; {}", which(linked))]
    NoLink {
        /// The name.
        name: String,
        /// Names of the interfaces that have one.
        linked: Vec<String>,
    },
    /// Loading the object.
    #[error("cannot load the XDP program: {0}")]
    Load(#[from] EbpfError),
    /// Loading or running the program.
    #[error("cannot use the XDP program: {0}")]
    Program(#[from] ProgramError),
    /// Giving a program a packet to look at.
    #[error("cannot give the XDP program a packet: {0}")]
    TestRun(#[source] io::Error),
    /// Reading or writing a map.
    #[error("cannot use the map {map}: {source}")]
    Map {
        /// Its name.
        map: &'static str,
        /// Why not.
        source: MapError,
    },
    /// The never-ban list is too long for the kernel.
    #[error(
        "{count} {family} prefixes on the never-ban list; {max} is the most; join some of them"
    )]
    NeverListFull {
        /// Address family.
        family: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        max: u32,
    },
    /// A ban for ports that have not been set.
    #[error("there is no set of ports with the number {0}")]
    NoPorts(u8),
    /// Too many sets of ports have one in common.
    #[error(
        "one port is in more than {max} of the sets of ports that jails ban from; join some of them",
        max = banner_common::MAX_SHARED
    )]
    SharedPorts,
    /// A map is full.
    #[error(transparent)]
    Full(#[from] Full),
    /// The log of a program that traces cannot be read.
    #[error("cannot read the log of the program {program}: {why}; it takes root, or CAP_SYS_ADMIN")]
    TraceLog {
        /// The kernel's id of the program.
        program: u32,
        /// In aya's words.
        why: String,
    },
    /// The object lacks something that this program expects in it.
    #[error("the embedded XDP object has no {0}; it was built from other sources")]
    Incomplete(&'static str),
}

fn owner(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

fn which(names: &[String]) -> String {
    if names.is_empty() {
        "no interface has one".into()
    } else {
        format!("those that have one: {}", names.join(", "))
    }
}

impl XdpError {
    pub(super) fn map(map: &'static str) -> impl FnOnce(MapError) -> Self {
        move |source| Self::Map { map, source }
    }
}
