//! When an attempt that failed is made again.

use std::time::Duration;

use crate::model::Mono;

/// The pause after the first failure.
const FIRST: Duration = Duration::from_secs(5);

/// No pause is longer.
const LONGEST: Duration = Duration::from_mins(5);

/// When to try again; each pause is twice as long as the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Again {
    at: Mono,
    pause: Duration,
}

impl Again {
    /// After a failure at `now`, and maybe one before it.
    pub(super) fn after(earlier: Option<Self>, now: Mono) -> Self {
        let pause = earlier.map_or(FIRST, |earlier| (earlier.pause * 2).min(LONGEST));
        Self {
            at: now.after(pause),
            pause,
        }
    }

    /// When.
    pub(super) fn at(self) -> Mono {
        self.at
    }

    /// Whether it is time.
    pub(super) fn is_due(self, now: Mono) -> bool {
        self.at <= now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut now = Mono(0);
        let mut again = None;
        for seconds in [5, 10, 20, 40, 80, 160, 300, 300] {
            let next = Again::after(again, now);
            let due = now.after(Duration::from_secs(seconds));
            assert!(!next.is_due(Mono(due.0 - 1)), "{seconds}");
            assert!(next.is_due(due), "{seconds}");
            (now, again) = (due, Some(next));
        }
    }
}
