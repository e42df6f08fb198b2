//! Whether a ban that is there lasts for as long as it should.

use std::time::Duration;

use crate::model::Quiet;

/// How much earlier than it should a ban may end without being put in anew: reading takes time.
pub(super) const TOLERANCE: Duration = Duration::from_secs(3);

/// How much later than its quiet time after a packet a ban may end: the kernel puts ends off by 256
/// jiffies more than it must.
const RENEW_SLACK: Duration = Duration::from_secs(3);

/// Whether packets may have put off the end of a ban so far.
pub(super) fn is_put_off(held: Option<Duration>, wanted: Option<Duration>, quiet: Quiet) -> bool {
    let (Some(held), Some(wanted)) = (held, wanted) else {
        return false;
    };
    let quiet = quiet.duration();
    // The kernel has it to within one in 128.
    let latest = (quiet + quiet / 64 + RENEW_SLACK).max(wanted);
    held + TOLERANCE >= wanted && held <= latest + TOLERANCE
}

/// Whether a ban that is in force for so long is as good as one for so long.
pub(super) fn lasts(
    held: Option<Duration>,
    wanted: Option<Duration>,
    longest: Option<Duration>,
) -> bool {
    let wanted = match (wanted, longest) {
        (Some(wanted), Some(longest)) => Some(wanted.min(longest)),
        (wanted, _) => wanted,
    };
    match (held, wanted) {
        (None, None) => true,
        (Some(held), Some(wanted)) => held + TOLERANCE >= wanted && held <= wanted + TOLERANCE,
        _ => false,
    }
}
