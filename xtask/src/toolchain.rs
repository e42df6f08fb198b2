//! The compiler for the eBPF object: stable Rust has no `core` for BPF, so one is needed that
//! builds `core` from source.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};

use crate::command;

/// The oldest release that the workspace compiles with: `rust-version` in `Cargo.toml`.
const OLDEST: (u32, u32) = (1, 95);

/// Folder of a distribution's Rust.
const DISTRIBUTION: &str = "/usr";

/// A compiler that can build `core` for BPF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Toolchain {
    /// How it is called.
    pub(crate) kind: Kind,
    pub(crate) version: Version,
}

/// Where a compiler comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A toolchain of rustup, by its name.
    Rustup(String),
    /// A package of the distribution, in `/usr`. It is a stable release: `-Z build-std` has to be
    /// unlocked.
    Distribution,
}

/// What `rustc -vV` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// The first line: release, commit and date.
    pub(crate) line: String,
    /// The machine that it runs on.
    pub(crate) host: String,
    /// Major and minor number of the release.
    pub(crate) release: (u32, u32),
    /// Version of the LLVM inside.
    pub(crate) llvm: String,
}

impl Version {
    fn parse(verbose: &str) -> Option<Self> {
        let field = |name: &str| verbose.lines().find_map(|line| line.strip_prefix(name));
        let mut numbers = field("release: ")?
            .split('.')
            .map_while(|part| part.parse().ok());
        Some(Self {
            line: verbose.lines().next()?.to_owned(),
            host: field("host: ")?.to_owned(),
            release: (numbers.next()?, numbers.next()?),
            llvm: field("LLVM version: ")?.to_owned(),
        })
    }

    /// Major number of the LLVM inside.
    pub(crate) fn llvm_major(&self) -> &str {
        self.llvm.split('.').next().unwrap_or(&self.llvm)
    }
}

/// A compiler that was found, fit or not.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    kind: Kind,
    /// Whether the source of `core` lies beside it.
    has_core_source: bool,
    /// Whether a cargo lies beside it; distributions package it on its own.
    has_cargo: bool,
    /// `None` when it could not be asked.
    version: Option<Version>,
}

/// Why there is no toolchain.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    seen: Vec<String>,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "no toolchain can build the eBPF object.")?;
        for reason in &self.seen {
            writeln!(f, "  {reason}")?;
        }
        write!(
            f,
            "Either of these will do:\n  \
             rustup toolchain install nightly --component rust-src\n  \
             apt-get install rustc-web cargo-web rust-web-src   (Debian; or another rustc {}.{} or \
             newer in {DISTRIBUTION} with the source of core)",
            OLDEST.0, OLDEST.1
        )
    }
}

impl std::error::Error for Missing {}

/// Picks from what was found: the compiler that `recorded` names if it is there, because only it
/// can reproduce the committed object; else a nightly of rustup; else the distribution's.
pub(crate) fn choose(
    candidates: &[Candidate],
    recorded: Option<&str>,
) -> Result<Toolchain, Missing> {
    let mut fit = Vec::new();
    let mut seen = Vec::new();
    for candidate in candidates {
        match candidate.toolchain() {
            Ok(toolchain) => fit.push(toolchain),
            Err(reason) => seen.push(reason),
        }
    }
    if candidates.is_empty() {
        seen.push("There is no nightly of rustup and no rustc in /usr/bin.".to_owned());
    }
    let as_recorded = |toolchain: &&Toolchain| Some(toolchain.version.line.as_str()) == recorded;
    let of_rustup = |toolchain: &&Toolchain| matches!(toolchain.kind, Kind::Rustup(_));
    fit.iter()
        .find(as_recorded)
        .or_else(|| fit.iter().find(of_rustup))
        .or_else(|| fit.first())
        .cloned()
        .ok_or(Missing { seen })
}

impl Candidate {
    fn toolchain(&self) -> Result<Toolchain, String> {
        let (name, source) = match &self.kind {
            Kind::Rustup(name) => (format!("rustup's {name}"), "the component rust-src"),
            Kind::Distribution => (
                format!("{DISTRIBUTION}/bin/rustc"),
                "the source of core (Debian's package rust-web-src)",
            ),
        };
        let Some(version) = &self.version else {
            return Err(format!("{name} does not say its version."));
        };
        if version.release < OLDEST {
            let (major, minor) = version.release;
            return Err(format!("{name} is {major}.{minor}, which is too old."));
        }
        if !self.has_core_source {
            return Err(format!("{name} is here, but without {source}."));
        }
        if !self.has_cargo {
            return Err(format!("{name} is here, but without its cargo."));
        }
        Ok(Toolchain {
            kind: self.kind.clone(),
            version: version.clone(),
        })
    }
}

/// Looks at this machine: rustup's nightlies and the distribution's compiler.
pub(crate) fn candidates() -> Vec<Candidate> {
    let mut found = Vec::new();
    let listed = command::find("rustup")
        .and_then(|rustup| command::read(Command::new(rustup).args(["toolchain", "list"])).ok())
        .unwrap_or_default();
    let names = listed
        .lines()
        .filter_map(|line| line.split_whitespace().next());
    for name in names.filter(|name| name.starts_with("nightly")) {
        let rustc =
            command::read(Command::new("rustup").args(["which", "rustc", "--toolchain", name]));
        let Ok(rustc) = rustc.map(PathBuf::from) else {
            continue;
        };
        found.extend(Candidate::at(&rustc, Kind::Rustup(name.to_owned())));
    }
    let rustc = Path::new(DISTRIBUTION).join("bin/rustc");
    found.extend(Candidate::at(&rustc, Kind::Distribution));
    found
}

impl Candidate {
    fn at(rustc: &Path, kind: Kind) -> Option<Self> {
        if !rustc.is_file() {
            return None;
        }
        let sysroot = rustc.parent()?.parent()?;
        // `/usr/bin/rustc` may be rustup's proxy, which has no compiler beside it.
        if kind == Kind::Distribution && !sysroot.join("lib/rustlib").is_dir() {
            return None;
        }
        Some(Self {
            kind,
            has_core_source: core_source(sysroot)
                .join("library/core/src/lib.rs")
                .is_file(),
            has_cargo: rustc.with_file_name("cargo").is_file(),
            version: command::read(Command::new(rustc).arg("-vV"))
                .ok()
                .and_then(|verbose| Version::parse(&verbose)),
        })
    }
}

fn core_source(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib/src/rust")
}

impl Toolchain {
    /// The toolchain of this machine that can build the object, or what to install.
    pub(crate) fn find(recorded: Option<&str>) -> Result<Self, Missing> {
        choose(&candidates(), recorded)
    }

    /// Its cargo, ready for arguments.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = match &self.kind {
            Kind::Rustup(name) => {
                let mut rustup = Command::new("rustup");
                rustup.args(["run", name, "cargo"]);
                rustup
            }
            Kind::Distribution => Command::new(Path::new(DISTRIBUTION).join("bin/cargo")),
        };
        cargo.env_remove("CARGO").env_remove("RUSTUP_TOOLCHAIN");
        cargo
    }

    /// Environment variables that its cargo needs.
    pub(crate) fn settings(&self) -> Vec<(&'static str, PathBuf)> {
        match self.kind {
            Kind::Rustup(_) => Vec::new(),
            // The compiler is named because `PATH` may lead to rustup's first.
            Kind::Distribution => vec![
                ("RUSTC", Path::new(DISTRIBUTION).join("bin/rustc")),
                ("RUSTC_BOOTSTRAP", "1".into()),
            ],
        }
    }

    /// Folder of the standard library's source, whose paths the compiler leaves in its output.
    pub(crate) fn source(&self) -> Result<PathBuf> {
        let sysroot = match &self.kind {
            Kind::Rustup(name) => PathBuf::from(
                command::read(
                    Command::new("rustup").args(["run", name, "rustc", "--print", "sysroot"]),
                )
                .context("asking for the toolchain's folder")?,
            ),
            Kind::Distribution => PathBuf::from(DISTRIBUTION),
        };
        Ok(core_source(&sysroot))
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = match &self.kind {
            Kind::Rustup(name) => format!("rustup's {name}"),
            Kind::Distribution => "the distribution's".to_owned(),
        };
        write!(
            f,
            "{} ({origin}, LLVM {})",
            self.version.line, self.version.llvm
        )
    }
}

#[cfg(test)]
mod tests;
