//! The only reader of clocks.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};

use crate::model::{Mono, Now, Wall};

/// Both clocks, now.
pub fn now() -> Now {
    let wall = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => nanos(since),
        Err(before) => -nanos(before.duration()),
    };
    // The kernel has had this clock for as long as it has had Rust programs.
    let mono = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
    Now {
        wall: Wall(wall),
        mono: Mono(u64::try_from(mono.as_nanos()).unwrap_or(u64::MAX)),
    }
}

/// The processor time that this thread has used: what others do on the machine does not count.
pub fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}
