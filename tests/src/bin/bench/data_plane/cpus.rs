//! Which CPU does what.

use std::fs;

use anyhow::{Context as _, Result};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};

/// The CPUs that this process may use, by number.
pub(crate) fn usable() -> Result<Vec<usize>> {
    let set = sched_getaffinity(Pid::from_raw(0)).context("ask for the usable CPUs")?;
    let usable: Vec<_> = (0..CpuSet::count())
        .filter(|&cpu| set.is_set(cpu).unwrap_or(false))
        .collect();
    Ok(usable)
}

/// The CPU that floods come in on: the last one, where a machine does the least else.
pub(crate) fn flooded() -> Result<usize> {
    usable()?.last().copied().context("a CPU to run on")
}

/// The highest number of a CPU of this machine.
pub(crate) fn highest() -> Result<usize> {
    let text = fs::read_to_string("/sys/devices/system/cpu/online")?;
    let last = text.trim().rsplit([',', '-']).next().unwrap_or_default();
    last.parse()
        .with_context(|| format!("the last CPU of {text}"))
}

/// Keeps this thread on one CPU.
pub(crate) fn stay_on(cpu: usize) -> Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set).with_context(|| format!("stay on CPU {cpu}"))
}

/// CPUs that are threads of one core, as the kernel lists them: `0-1 2-3`. Empty when every CPU has
/// a core of its own.
pub(crate) fn siblings() -> Result<String> {
    let mut cores: Vec<String> = Vec::new();
    for cpu in usable()? {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let list = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let list = list.trim().to_owned();
        if list.contains([',', '-']) && !cores.contains(&list) {
            cores.push(list);
        }
    }
    Ok(cores.join(" "))
}
