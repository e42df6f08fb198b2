//! When to try again.

use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};

/// Before the second attempt.
const FIRST: Duration = Duration::from_secs(1);

/// Between attempts, at most.
const LONGEST: Duration = Duration::from_mins(5);

/// How long to wait after so many failed attempts: twice as long each time, of which the upper
/// half is left to chance, so that machines that failed together do not come back together.
pub(super) fn pause(attempts: u32, random: u32) -> Duration {
    let factor = 1_u32.checked_shl(attempts.saturating_sub(1).min(31));
    let whole = FIRST
        .saturating_mul(factor.unwrap_or(u32::MAX))
        .min(LONGEST);
    let half = whole / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// A number that nobody can foresee.
pub(super) fn random() -> u32 {
    let mut bytes = [0; 4];
    // Without it machines come back together; nothing worse.
    let _ = SystemRandom::new().fill(&mut bytes);
    u32::from_ne_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound() {
        let longest = |attempts| pause(attempts, u32::MAX).as_secs();
        let found: Vec<_> = (1..12).map(longest).collect();
        assert_eq!(found, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
    }

    proptest! {
        #[test]
        fn at_least_half_is_waited(attempts in 0..u32::MAX, random: u32) {
            let [least, found, most] = [0, random, u32::MAX].map(|r| pause(attempts, r));
            prop_assert!(least <= found && found <= most && most <= LONGEST);
            prop_assert!(least * 2 >= most);
        }
    }
}
