//! How long something takes of the processor, and how long it may.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// How often as long as in a release build it may take where every branch is counted, and in a build
/// that is not optimised.
const SLOWER: u32 = if cfg!(feature = "libfuzzer") {
    12
} else if cfg!(debug_assertions) {
    100
} else {
    1
};

/// The longest time for one line, in a release build.
pub const LINE: Duration = Duration::from_millis(1);

/// Runs `what`, and again while it takes longer than `limit` (that of a release build), because others
/// use the machine, too.
///
/// # Panics
/// It takes longer each time.
pub fn within<T>(limit: Duration, name: &dyn Fn() -> String, mut what: impl FnMut() -> T) -> T {
    let limit = limit * SLOWER;
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begin = used();
        let value = what();
        best = best.min(used().saturating_sub(begin));
        if best <= limit {
            return value;
        }
    }
    panic!("slow: {best:?} where {limit:?} are allowed: {}", name());
}

/// The processor time that this thread has used.
fn used() -> Duration {
    let now =
        clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock that every Linux has");
    Duration::from(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "slow: ")]
    fn what_takes_too_long_is_said() {
        let mut sum = 0_u64;
        within(Duration::from_nanos(1), &|| "a loop".into(), || {
            for n in 0..1_000_000 {
                sum = std::hint::black_box(sum ^ n);
            }
        });
    }
}
