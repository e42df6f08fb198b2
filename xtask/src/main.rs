//! Everything a developer of banner types.

mod bench;
mod build_ebpf;
mod command;
mod committed;
mod conformance;
mod fail2ban;
mod fuzz;
mod install;
mod linker;
mod lint;
mod object;
mod places;
mod record;
mod run;
mod setup;
mod summary;
mod test;
mod tidy;
mod toolchain;
mod torture;
mod vm;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// Builds, runs and checks banner.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
enum Cli {
    /// Install what the other commands need and this machine lacks
    ///
    /// Asks apt-get (through sudo when not root) for packages, and cargo for bpf-linker and
    /// cargo-deny and cargo-fuzz, which go into a cache folder outside target/: `$BANNER_CACHE`, else
    /// `$XDG_CACHE_HOME/banner`, else `~/.cache/banner`. Starts no service: sshd, nginx,
    /// vsftpd and fail2ban, which the tests need, are unpacked into the cache, the servers only where
    /// the system has none. Says what it does and what it found.
    Setup(setup::Args),
    /// Build the eBPF objects that are committed, and the record beside each
    ///
    /// One is what the agent embeds, the other what the bench compares it with. The compiler is a nightly of rustup with rust-src, or a distribution's rustc with the source
    /// of core (Debian: rustc-web, cargo-web, rust-web-src); of several, the recorded one. With
    /// the recorded toolchain each is the same byte for byte wherever it is built. --check fails when
    /// a committed object is not what the sources give; with another toolchain it compares what
    /// both objects do (the tests of their verdicts) instead of their bytes.
    BuildEbpf(build_ebpf::Args),
    /// Build banner for release and run it, as root
    ///
    /// Runs `banner run --interface IF --config config/banner.yaml ARGUMENTS`, through sudo when
    /// not root.
    Run(run::Args),
    /// Run every test: units, the kernel's verdicts, end to end with real daemons
    ///
    /// Tests that need root run as root (through sudo when not root), everything is built as the
    /// calling user. Installs what the tests need. The last line counts all tests: "N passed, N
    /// failed, N skipped". Fails when one fails or none runs.
    Test(test::Args),
    /// Run the tests that touch the kernel on other kernels, in virtual machines
    ///
    /// The kernels are Debian's. They are downloaded into the cache folder (see setup) with apt's
    /// sources and state of their own; the mirror is the one that apt on this machine uses, or
    /// `$BANNER_DEBIAN_MIRROR`. Each boots under qemu with the tests in its initramfs and two virtio
    /// network cards on one cable. Needs no root but for installing qemu. Says at the end what ran
    /// on which kernel, what differs there, and what was left out; the last line counts all tests.
    /// Fails when one fails, when one did not run, and when a machine ended early.
    Vm(vm::Args),
    /// Measure: time from a log line to a dropped packet, time to start, cost of idling, and the data
    /// plane beside what others have
    ///
    /// As root, in network namespaces of its own, on a machine with nothing else to do. Each figure
    /// stands beside its floor and its target; compare figures of one run only. docs/benchmarks.md
    /// says what is measured, and how.
    Bench(bench::Args),
    /// Do to the agent what it has to stand: kill it, rotate its logs, cut the power
    ///
    /// Beside a model: no ban that is older than a second is lost, no failure counts twice, no line is
    /// left out. Builds for release and runs as root, in namespaces of its own. Prints the seed.
    Torture(torture::Args),
    /// Compare banner's verdicts with those of the real fail2ban, line by line
    ///
    /// Takes Debian's fail2ban package into the cache folder (see setup; unpacked, not installed),
    /// and asks both about every line of its annotated sample logs, for every filter and set of
    /// options: verdict, address or id, time, user, and which pattern it was. With --mutations also
    /// about samples with random changes. Fails when a filter is refused or a line gets two answers.
    Conformance(conformance::Args),
    /// Give banner's readers random inputs: libFuzzer
    ///
    /// Targets: the translator of regular expressions, the reader of ini files, whole directories of
    /// fail2ban's, time stamps, the lines of logs, configurations. The first inputs are made of the
    /// library's samples, and of fail2ban's files where `conformance` has fetched them; what was found
    /// interesting is kept in target/fuzz/corpus. An input that makes banner panic, disagree with itself,
    /// take long or take much memory is left in target/fuzz/found, and the command fails.
    Fuzz(fuzz::Args),
    /// Check format, clippy, tidy and dependencies
    ///
    /// Runs all of them, also when one fails: `cargo fmt --check`, clippy on every package with
    /// warnings denied, tidy, and cargo-deny on licences, bans and sources (deny.toml). Advisories
    /// are checked where their database can be fetched; where it cannot, a line says so.
    Lint,
    /// Check the rules on what a line may touch
    ///
    /// Which room of banner-userspace names which, where `aya`, `unsafe`, clocks and I/O stand, that
    /// tests do not sleep, the length of files, that no path or host of one machine is in the
    /// repository, and that the committed eBPF object is the one of these sources. Needs no BPF
    /// toolchain and takes a second.
    Tidy,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        // Not returned from `main`: that prints a backtrace of xtask where the user set
        // RUST_BACKTRACE for the tests.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Cli) -> Result<ExitCode> {
    match command {
        Cli::Setup(args) => setup::run(&args)?,
        Cli::BuildEbpf(args) => build_ebpf::run(&args)?,
        Cli::Run(args) => run::run(&args)?,
        Cli::Test(args) => return test::run(&args),
        Cli::Bench(args) => bench::run(&args)?,
        Cli::Torture(args) => torture::run(&args)?,
        Cli::Vm(args) => return vm::run(&args),
        Cli::Conformance(args) => return conformance::run(&args),
        Cli::Fuzz(args) => fuzz::run(&args)?,
        Cli::Lint => lint::run()?,
        Cli::Tidy => tidy::run()?,
    }
    Ok(ExitCode::SUCCESS)
}
