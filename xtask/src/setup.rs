//! `cargo xtask setup`: installs what is missing.

use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fmt::Display,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{
    command, fail2ban, install,
    linker::{self, Linker},
    places,
    toolchain::Toolchain,
};

/// Options of `setup`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Parts to set up; all of them when none is named
    parts: Vec<Part>,
}

/// What needs something installed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A compiler with core's source, and bpf-linker: for `build-ebpf`
    Ebpf,
    /// Programs that the tests talk to: for `test`
    Tests,
    /// Programs that banner is compared with: for `bench`
    Bench,
    /// qemu and what unpacks kernels: for `vm`
    Vm,
    /// Python, which runs fail2ban: for `conformance`
    Conformance,
    /// A compiler that counts branches, and cargo-fuzz: for `fuzz`
    Fuzz,
    /// rustfmt, clippy and cargo-deny: for `lint`
    Lint,
}

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// What is done and what was there already.
    Everything,
    /// What is done.
    Changes,
}

impl Voice {
    fn present(self, what: impl Display) {
        if self == Self::Everything {
            eprintln!("setup: already here: {what}");
        }
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let parts = match args.parts.as_slice() {
        [] => Part::value_variants(),
        parts => parts,
    };
    for part in parts {
        match part {
            Part::Ebpf => drop(ebpf(None, Voice::Everything)?),
            Part::Tests => drop(tests(Voice::Everything)?),
            Part::Bench => {
                bench(Voice::Everything)?;
                matching(Voice::Everything)?;
            }
            Part::Vm => vm(Voice::Everything)?,
            Part::Conformance => conformance(Voice::Everything)?,
            Part::Fuzz => drop(fuzz(Voice::Everything)?),
            Part::Lint => drop(lint(Voice::Everything)?),
        }
    }
    eprintln!("setup: done");
    Ok(())
}

/// A compiler and a linker for the eBPF object. `recorded` is the compiler that is preferred when
/// there are several.
pub(crate) fn ebpf(recorded: Option<&str>, voice: Voice) -> Result<(Toolchain, Linker)> {
    let toolchain = toolchain(recorded, voice)?;
    let major = toolchain.version.llvm_major();
    if let Some(linker) = Linker::find(major)? {
        voice.present(format!("{}: {}", linker.version, linker.program.display()));
        return Ok((toolchain, linker));
    }
    if install::has_apt() {
        let needs = linker::needs(major);
        let missing = needs.into_iter().filter(|(file, _)| !file.exists());
        install::packages(&missing.map(|(_, package)| package).collect())?;
    }
    Linker::build(major)?;
    let linker = Linker::find(major)?.context("bpf-linker was built and does not run")?;
    Ok((toolchain, linker))
}

/// A compiler that takes options that stable Rust does not have.
fn toolchain(recorded: Option<&str>, voice: Voice) -> Result<Toolchain> {
    match Toolchain::find(recorded) {
        Ok(toolchain) => {
            voice.present(format!("compiler: {toolchain}"));
            Ok(toolchain)
        }
        Err(missing) => {
            eprintln!("setup: {missing}");
            install_toolchain()?;
            Ok(Toolchain::find(recorded)?)
        }
    }
}

/// Debian's package where there is one, because it takes seconds and is the recorded compiler;
/// rustup's nightly elsewhere.
fn install_toolchain() -> Result<()> {
    let debian = ["rustc-web", "cargo-web", "rust-web-src"];
    let offered = install::is_offered(debian[0]).unwrap_or_else(|error| {
        eprintln!("setup: apt does not help: {error:#}");
        false
    });
    if offered {
        return install::packages(&debian.map(str::to_owned).into());
    }
    if command::find("rustup").is_none() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup.args(["toolchain", "install", "nightly", "--profile", "minimal"]);
    command::run(rustup.args(["--component", "rust-src"]))
        .context("installing a nightly with core's source")
}

/// Where the tests find what `setup` provides.
pub(crate) struct TestPrograms {
    /// OpenSSH's server.
    pub(crate) sshd: PathBuf,
    /// nginx.
    pub(crate) nginx: PathBuf,
    /// vsftpd.
    pub(crate) vsftpd: PathBuf,
    /// `systemd-journal-remote`.
    pub(crate) journal_remote: PathBuf,
    /// The folder that fail2ban's package is unpacked in.
    pub(crate) fail2ban: PathBuf,
}

impl TestPrograms {
    /// The variables that say so to the tests.
    pub(crate) fn settings(self) -> [(OsString, OsString); 5] {
        [
            ("BANNER_SSHD", self.sshd),
            ("BANNER_NGINX", self.nginx),
            ("BANNER_VSFTPD", self.vsftpd),
            ("BANNER_JOURNAL_REMOTE", self.journal_remote),
            ("BANNER_FAIL2BAN", self.fail2ban),
        ]
        .map(|(name, path)| (name.into(), path.into()))
    }
}

/// Programs that the tests run, and their Debian packages. None of these starts a service.
const TEST_PROGRAMS: [(&str, &str); 17] = [
    ("journalctl", "systemd"),
    ("python3", "python3"),
    ("aiosmtpd", "python3-aiosmtpd"),
    ("openssl", "openssl"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshpass", "sshpass"),
    ("ip", "iproute2"),
    ("ping", "iputils-ping"),
    ("unshare", "util-linux"),
    ("ethtool", "ethtool"),
    ("tcpdump", "tcpdump"),
    ("bpftool", "bpftool"),
    ("nft", "nftables"),
    ("iptables", "iptables"),
    ("ipset", "ipset"),
    ("tcpdmatch", "tcpd"),
];

/// Programs that start virtual machines, and their Debian packages, beside those that the tests run
/// in them.
const VM_PROGRAMS: [(&str, &str); 2] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("xz", "xz-utils"),
];

/// The programs that the tests run.
pub(crate) fn tests(voice: Voice) -> Result<TestPrograms> {
    programs(&TEST_PROGRAMS, voice)?;
    Ok(TestPrograms {
        sshd: server("sshd", "openssh-server", voice)?,
        nginx: server("nginx", "nginx", voice)?,
        vsftpd: server("vsftpd", "vsftpd", voice)?,
        journal_remote: server_in(
            "lib/systemd",
            "systemd-journal-remote",
            "systemd-journal-remote",
            voice,
        )?,
        fail2ban: fail2ban::folder()?,
    })
}

/// Programs that the bench compares banner with or measures it by, and their Debian packages. None
/// of these starts a service unasked.
const BENCH_PROGRAMS: [(&str, &str); 9] = [
    ("nft", "nftables"),
    ("iptables-legacy", "iptables"),
    ("iptables-nft", "iptables"),
    ("ipset", "ipset"),
    ("xdp-filter", "xdp-tools"),
    ("iperf3", "iperf3"),
    ("rg", "ripgrep"),
    ("taskset", "util-linux"),
    ("ethtool", "ethtool"),
];

/// The programs that the bench runs; returns where nginx is.
pub(crate) fn bench(voice: Voice) -> Result<PathBuf> {
    programs(&BENCH_PROGRAMS, voice)?;
    server("nginx", "nginx", voice)
}

const FAIL2BAN_RS: &str = "1.5.4";

/// What reads logs beside banner in `bench matching`: the settings that tell where it is.
pub(crate) fn matching(voice: Voice) -> Result<Vec<(&'static str, PathBuf)>> {
    programs(&[("rg", "ripgrep"), ("python3", "python3")], voice)?;
    let folder = places::cache()?.join(format!("fail2ban-rs-{FAIL2BAN_RS}"));
    let program = folder.join("bin/fail2ban-rs");
    if command::read(Command::new(&program).arg("--version")).is_ok() {
        voice.present(program.display());
    } else {
        // As its own release profile has it: it is measured.
        install::with_cargo("fail2ban-rs", FAIL2BAN_RS, &folder, |_| {})?;
    }
    let package = fail2ban::folder()?;
    voice.present(package.display());
    Ok(vec![
        ("BANNER_FAIL2BAN_RS", program),
        ("BANNER_FAIL2BAN", package),
    ])
}

/// What virtual machines need, but for the kernels.
pub(crate) fn vm(voice: Voice) -> Result<()> {
    programs(&VM_PROGRAMS, voice)?;
    programs(&TEST_PROGRAMS, voice)
}

/// What runs the fail2ban that banner is compared with.
pub(crate) fn conformance(voice: Voice) -> Result<()> {
    programs(&[("python3", "python3")], voice)
}

/// Installs the packages of those programs that are missing.
fn programs(wanted: &[(&str, &str)], voice: Voice) -> Result<()> {
    let (present, missing): (Vec<_>, Vec<_>) = wanted
        .iter()
        .partition(|(program, _)| command::find(program).is_some());
    install::packages(
        &missing
            .into_iter()
            .map(|&(_, package)| package.into())
            .collect(),
    )?;
    let present: Vec<_> = present.into_iter().map(|&(program, _)| program).collect();
    voice.present(present.join(", "));
    Ok(())
}

/// A server's program of the system, else one unpacked into the cache: installing its package would
/// start the server on this machine.
fn server(program: &str, package: &str, voice: Voice) -> Result<PathBuf> {
    server_in("usr/sbin", program, package, voice)
}

/// The same for a program in another folder.
fn server_in(place: &str, program: &str, package: &str, voice: Voice) -> Result<PathBuf> {
    if let Some(program) = command::find(program) {
        voice.present(program.display());
        return Ok(program);
    }
    let folder = places::cache()?.join(package);
    let path = folder.join(place).join(program);
    if path.is_file() && missing_libraries(&path)?.is_empty() {
        voice.present(path.display());
        return Ok(path);
    }
    if !install::has_apt() {
        install::packages(&BTreeSet::from([package.to_owned()]))?;
    }
    eprintln!(
        "setup: {program} goes into {}, unpacked and not installed, so that no server starts here",
        folder.display()
    );
    if !path.is_file() {
        install::unpack(package, &folder)?;
    }
    if !missing_libraries(&path)?.is_empty() {
        install::packages(&install::libraries_of(&folder)?)?;
    }
    let missing = missing_libraries(&path)?;
    anyhow::ensure!(
        missing.is_empty(),
        "{} lacks libraries that its package does not name: {}",
        path.display(),
        missing.join(", ")
    );
    Ok(path)
}

fn missing_libraries(program: &Path) -> Result<Vec<String>> {
    let linked = command::read(Command::new("ldd").arg(program))?;
    Ok(linked
        .lines()
        .filter(|line| line.contains("not found"))
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect())
}

const CARGO_FUZZ: &str = "0.13.2";

/// What `fuzz` builds with.
pub(crate) struct Fuzzer {
    /// The compiler.
    pub(crate) toolchain: Toolchain,
    /// Where cargo-fuzz is.
    bin: PathBuf,
}

impl Fuzzer {
    /// The `PATH` on which cargo finds `cargo fuzz`.
    pub(crate) fn path(&self) -> Result<OsString> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(self.bin.clone()).chain(env::split_paths(&path));
        env::join_paths(folders).context("extending PATH")
    }
}

/// cargo-fuzz, what it compiles with, and a compiler for libFuzzer, which is C++.
pub(crate) fn fuzz(voice: Voice) -> Result<Fuzzer> {
    programs(&[("c++", "g++")], voice)?;
    let toolchain = toolchain(None, voice)?;
    let folder = places::cache()?.join(format!("cargo-fuzz-{CARGO_FUZZ}"));
    let bin = folder.join("bin");
    if command::read(Command::new(bin.join("cargo-fuzz")).arg("--version")).is_ok() {
        voice.present(bin.join("cargo-fuzz").display());
    } else {
        install::with_cargo("cargo-fuzz", CARGO_FUZZ, &folder, plain)?;
    }
    Ok(Fuzzer { toolchain, bin })
}

/// Not optimised: that takes a third of the time to build.
fn plain(cargo: &mut Command) {
    for setting in ["opt-level=0", "lto=false", "codegen-units=16"] {
        cargo.args(["--config", &format!("profile.release.{setting}")]);
    }
}

const CARGO_DENY: &str = "0.20.2";

/// The programs that `lint` runs; returns where cargo-deny is.
pub(crate) fn lint(voice: Voice) -> Result<PathBuf> {
    let missing: Vec<_> = [("rustfmt", "cargo-fmt"), ("clippy", "cargo-clippy")]
        .into_iter()
        .filter(|(_, program)| {
            command::read(Command::new(program).arg("--version"))
                .inspect(|version| voice.present(version))
                .is_err()
        })
        .map(|(component, _)| component)
        .collect();
    if !missing.is_empty() {
        let mut rustup = Command::new("rustup");
        command::run(rustup.args(["component", "add"]).args(missing))
            .context("adding rustup components; without rustup, install rustfmt and clippy")?;
    }
    let folder = places::cache()?.join(format!("cargo-deny-{CARGO_DENY}"));
    let deny = folder.join("bin/cargo-deny");
    if command::read(Command::new(&deny).arg("--version")).is_ok() {
        voice.present(deny.display());
    } else {
        // A check still takes a second.
        install::with_cargo("cargo-deny", CARGO_DENY, &folder, plain)?;
    }
    Ok(deny)
}
