//! Waiting for a condition with a deadline. Nothing else in this package sleeps.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};

/// How long a condition may take that normally holds within milliseconds: long enough for a
/// machine with more work than processors.
pub const PATIENCE: Duration = Duration::from_mins(1);

const POLL: Duration = Duration::from_millis(4);

/// Polls `probe` until it gives a value; after `within`, fails with `what`, which completes the
/// sentence "waited for …".
pub fn wait_for<T>(
    what: &str,
    within: Duration,
    mut probe: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let begin = Instant::now();
    loop {
        // Read before the probe, so that a probe that the scheduler held up counts as one made in
        // time.
        let late = begin.elapsed() >= within;
        if let Some(value) = probe().with_context(|| format!("while waiting for {what}"))? {
            return Ok(value);
        }
        if late {
            bail!("waited {within:?} for {what}, in vain");
        }
        thread::sleep(POLL);
    }
}

/// Polls `holds` until it is true. See [`wait_for`].
pub fn wait_until(
    what: &str,
    within: Duration,
    mut holds: impl FnMut() -> Result<bool>,
) -> Result<()> {
    wait_for(what, within, || Ok(holds()?.then_some(())))
}
