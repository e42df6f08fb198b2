//! The clock program tells jiffies and monotonic time of the same moment.

use std::time::Duration;

use anyhow::Result;
use banner_tests::{
    bpf::Object,
    wait::{PATIENCE, wait_for},
};
use nix::time::{ClockId, clock_gettime};

fn monotonic_ns() -> Result<u64> {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
    Ok(u64::try_from(now.as_nanos())?)
}

#[test]
fn its_monotonic_time_is_the_clock_that_user_space_reads() -> Result<()> {
    let object = Object::load()?;
    for _ in 0..100 {
        let before = monotonic_ns()?;
        let reading = object.clock()?;
        let after = monotonic_ns()?;
        assert!(
            (before..=after).contains(&reading.monotonic),
            "{} is not within {before}..={after}",
            reading.monotonic
        );
    }
    Ok(())
}

#[test]
fn its_jiffies_advance_at_a_rate_that_kernels_are_built_with() -> Result<()> {
    let object = Object::load()?;
    let first = object.clock()?;
    let last = wait_for("200 ms to pass", PATIENCE, || {
        let reading = object.clock()?;
        Ok((reading.monotonic - first.monotonic >= 200_000_000).then_some(reading))
    })?;
    let jiffies = last.jiffies - first.jiffies;
    let ns = last.monotonic - first.monotonic;
    // CONFIG_HZ is 100 to 1000; one jiffy of slack, because both readings fall within one.
    let slowest = ns * 100 / 1_000_000_000 - 1;
    let fastest = ns * 1000 / 1_000_000_000 + 1;
    assert!(
        (slowest..=fastest).contains(&jiffies),
        "{jiffies} jiffies in {ns} ns"
    );
    Ok(())
}
