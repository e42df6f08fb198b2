//! The data plane: what a packet, a ban and a million of them cost, beside what they cost elsewhere.

mod bans;
mod cpus;
mod figures;
mod flood;
pub(crate) mod generator;
mod goodput;
mod memory;
pub(crate) mod paced;
mod peers;
mod receiver;
pub(crate) mod requests;
mod scene;
mod set_up;
mod test_run;

use std::{fs, time::Duration};

use anyhow::{Context as _, Result};
use banner_tests::lab;

/// How long everything takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Enough rounds to quote the medians.
    Full,
    /// A look at whether everything works; the figures are rough.
    Quick,
}

impl Pace {
    fn pick<T>(self, full: T, quick: T) -> T {
        match self {
            Self::Full => full,
            Self::Quick => quick,
        }
    }

    /// How long one flood is counted.
    fn slice(self) -> Duration {
        Duration::from_millis(self.pick(300, 100))
    }
}

/// The parts, in the order in which they run.
pub(crate) const SECTIONS: [&str; 5] = ["test-run", "flood", "goodput", "set-up", "memory"];

/// Measures one of [`SECTIONS`].
pub(crate) fn measure(section: &str, pace: Pace) -> Result<()> {
    match section {
        "test-run" => test_run::measure(pace),
        "flood" => flood::measure(pace),
        "goodput" => goodput::measure(pace),
        "set-up" => set_up::measure(pace),
        "memory" => memory::measure(pace),
        _ => unreachable!("main passes only sections"),
    }
}

/// Says on which machine, and how quiet it is.
pub(crate) fn introduce(pace: Pace) -> Result<()> {
    let read = |path: &str| fs::read_to_string(path).with_context(|| format!("read {path}"));
    let cpuinfo = read("/proc/cpuinfo")?;
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown", |(_, model)| model);
    let cpus = cpus::usable()?;
    println!("# The data plane\n");
    println!("kernel {}", read("/proc/sys/kernel/osrelease")?.trim());
    println!(
        "{} CPUs: {model}; floods on CPU {}",
        cpus.len(),
        cpus::flooded()?
    );
    let siblings = cpus::siblings()?;
    if !siblings.is_empty() {
        println!("CPUs that share a core: {siblings}: two of them do not do twice the work");
    }
    println!("JIT: {}", read("/proc/sys/net/core/bpf_jit_enable")?.trim());
    lab::run(|lab| {
        for peer in peers::ALL {
            println!("{}: {}", peer.program, peer.version(lab)?);
        }
        Ok(())
    })?;
    let load = read("/proc/loadavg")?;
    let load = load.trim();
    println!("load average: {load}");
    let first: f64 = load
        .split(' ')
        .next()
        .context("a load average")?
        .parse()
        .with_context(|| format!("load average {load}"))?;
    if first > 0.3 {
        println!(
            "WARNING: this machine is not quiet; other work takes CPU time and caches from what is \
             measured. Do not quote these figures."
        );
    }
    if pace == Pace::Quick {
        println!("WARNING: --quick: few short rounds. Do not quote these figures.");
    }
    Ok(())
}
