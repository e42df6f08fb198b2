//! The programs that banner is compared with, and whether they are here.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};
use banner_tests::lab::Lab;

/// A program of somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) program: &'static str,
    /// What Debian calls the package.
    pub(crate) package: &'static str,
    /// What makes it print its version; empty where nothing does, and the package is asked.
    version: &'static str,
}

pub(crate) const NFT: Peer = Peer::new("nft", "nftables", "--version");
pub(crate) const IPTABLES_LEGACY: Peer = Peer::new("iptables-legacy", "iptables", "--version");
pub(crate) const IPTABLES_NFT: Peer = Peer::new("iptables-nft", "iptables", "--version");
pub(crate) const IPSET: Peer = Peer::new("ipset", "ipset", "--version");
pub(crate) const XDP_FILTER: Peer = Peer::new("xdp-filter", "xdp-tools", "");
pub(crate) const IPERF3: Peer = Peer::new("iperf3", "iperf3", "--version");
pub(crate) const NGINX: Peer = Peer::new("nginx", "nginx-light", "-v");

/// All of them.
pub(crate) const ALL: [Peer; 7] = [
    NFT,
    IPTABLES_LEGACY,
    IPTABLES_NFT,
    IPSET,
    XDP_FILTER,
    IPERF3,
    NGINX,
];

impl Peer {
    const fn new(program: &'static str, package: &'static str, version: &'static str) -> Self {
        Self {
            program,
            package,
            version,
        }
    }

    /// Where it is; nginx may be unpacked rather than installed, `$BANNER_NGINX` says so.
    pub(crate) fn path(self) -> Option<PathBuf> {
        if self == NGINX
            && let Some(path) = env::var_os("BANNER_NGINX")
        {
            return Some(path.into());
        }
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path)
            .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
            .map(|folder| folder.join(self.program))
            .find(|candidate| candidate.is_file())
    }

    /// What stands in the table when it is not here.
    pub(crate) fn missing(self) -> Option<String> {
        let missing = self.path().is_none();
        missing.then(|| format!("not installed: apt-get install {}", self.package))
    }

    /// A command of its own.
    pub(crate) fn command(self) -> Result<Command> {
        match self.path() {
            Some(path) => Ok(Command::new(path)),
            None => bail!("{} is {}", self.program, self.missing().unwrap_or_default()),
        }
    }

    /// The first line of what it says about its version.
    pub(crate) fn version(self, lab: &Lab) -> Result<String> {
        if let Some(missing) = self.missing() {
            return Ok(missing);
        }
        let mut command = self.command()?;
        command.arg(self.version);
        if self.version.is_empty() {
            command = Command::new("dpkg-query");
            command.args(["--show", self.package]);
        }
        let Ok(said) = lab.run("version", &mut command) else {
            return Ok("does not say its version".to_owned());
        };
        let lines = format!("{}{}", said.stdout, said.stderr);
        Ok(lines.lines().next().unwrap_or("no version").to_owned())
    }
}

/// Runs `command` with `input` in a file whose path is its last argument.
pub(crate) fn feed(lab: &Lab, name: &str, command: &mut Command, input: &str) -> Result<()> {
    let path = lab.dir().join(name);
    std::fs::write(&path, input)?;
    run(lab, name, command.arg(Path::new(&path)))
}

/// Runs `command`, which must succeed.
pub(crate) fn run(lab: &Lab, name: &str, command: &mut Command) -> Result<()> {
    use anyhow::Context as _;
    let line = format!("{command:?}");
    lab.run(name, command)?
        .succeeded()
        .with_context(|| format!("run {line}"))?;
    Ok(())
}
