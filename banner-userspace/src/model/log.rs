//! What a jail reads, as the configuration names it.

use std::{fmt, net::SocketAddr, path::PathBuf, str::FromStr};

use ipnet::IpNet;

/// One entry of a jail's `logs`. Equal entries of several jails are one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Log {
    /// Files, by an absolute path or pattern.
    File(String),
    /// Files that a container runtime writes, in its own form.
    Container(ContainerLog),
    /// The systemd journal.
    Journal(JournalLog),
    /// Messages of syslog.
    Syslog(SyslogLog),
    /// A named pipe.
    Fifo(PathBuf),
    /// Standard input.
    Stdin,
}

/// Some entries of the systemd journal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalLog {
    /// Alternatives, of which one must hold; none: all entries.
    pub matches: Vec<Vec<Term>>,
    /// A folder of journal files; none: the journal of this machine.
    pub directory: Option<PathBuf>,
}

/// What a field of an entry must be. Several for one field are alternatives, too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// Name of the field: capitals, digits and underscores.
    pub field: String,
    /// All of its value.
    pub value: String,
}

/// A text that is no `FIELD=VALUE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no FIELD=VALUE, as in _SYSTEMD_UNIT=ssh.service")]
pub struct NotATerm;

impl FromStr for Term {
    type Err = NotATerm;

    fn from_str(text: &str) -> Result<Self, NotATerm> {
        let (field, value) = text.split_once('=').ok_or(NotATerm)?;
        // As `journal_field_valid` of systemd has it.
        let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let begins = |c: char| c.is_ascii_digit();
        if field.is_empty()
            || field.len() > 64
            || field.starts_with(begins)
            || !field.chars().all(allowed)
        {
            return Err(NotATerm);
        }
        Ok(Self {
            field: field.to_owned(),
            value: value.to_owned(),
        })
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.field, self.value)
    }
}

/// Messages of syslog that are sent to an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SyslogLog {
    /// Where they are taken.
    pub listen: Listen,
    /// From whom; none: from everybody who gets there.
    pub from: Vec<IpNet>,
}

/// Where messages are taken.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Listen {
    /// Datagrams; `[::]` is both families.
    Udp(SocketAddr),
    /// Connections; `[::]` is both families.
    Tcp(SocketAddr),
    /// Datagrams, as `/dev/log` takes them.
    UnixDatagram(PathBuf),
    /// Connections.
    UnixStream(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::UnixDatagram(path) => write!(f, "unix://{}", path.display()),
            Self::UnixStream(path) => write!(f, "unix-stream://{}", path.display()),
        }
    }
}

impl fmt::Display for SyslogLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "syslog {}", self.listen)?;
        for (n, net) in self.from.iter().enumerate() {
            write!(f, "{}{net}", if n == 0 { " from " } else { ", " })?;
        }
        Ok(())
    }
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
            Self::Journal(log) => log.fmt(f),
            Self::Syslog(log) => log.fmt(f),
            Self::Fifo(path) => write!(f, "fifo {}", path.display()),
            Self::Stdin => f.write_str("stdin"),
        }
    }
}

impl fmt::Display for JournalLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("journal")?;
        if let Some(directory) = &self.directory {
            write!(f, " in {}", directory.display())?;
        }
        for (n, terms) in self.matches.iter().enumerate() {
            f.write_str(if n == 0 { ": " } else { " + " })?;
            for (n, term) in terms.iter().enumerate() {
                write!(f, "{}{term}", if n == 0 { "" } else { " " })?;
            }
        }
        Ok(())
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
