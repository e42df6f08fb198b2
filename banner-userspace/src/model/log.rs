//! What a jail reads, as the configuration names it.

use std::{fmt, path::PathBuf};

/// One entry of a jail's `logs`. Equal entries of several jails are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// Files, by an absolute path or pattern.
    File(String),
    /// Files that a container runtime writes, in its own form.
    Container(ContainerLog),
    /// A named pipe.
    Fifo(PathBuf),
    /// Standard input.
    Stdin,
}

/// Files that a container runtime writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContainerLog {
    /// Whose.
    pub runtime: Runtime,
    /// An absolute path or pattern.
    pub pattern: String,
    /// Only of containers with such a name, with `*` and `?`; for runtimes whose paths do not have it.
    pub container: Option<String>,
}

/// Who writes the files of a [`ContainerLog`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// containerd, CRI-O: a line of text with stamp, stream and flag for each piece of a line.
    Cri,
    /// Docker's `json-file`: a JSON object for each piece of a line.
    Docker,
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(pattern) => f.write_str(pattern),
            Self::Container(log) => log.fmt(f),
            Self::Fifo(path) => write!(f, "fifo {}", path.display()),
            Self::Stdin => f.write_str("stdin"),
        }
    }
}

impl fmt::Display for ContainerLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.runtime {
            Runtime::Cri => write!(f, "cri {}", self.pattern)?,
            Runtime::Docker => write!(f, "docker {}", self.pattern)?,
        }
        match &self.container {
            Some(container) => write!(f, " of {container}"),
            None => Ok(()),
        }
    }
}
