//! The line that takes a filter longest, of those that are tried.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::{Filter, FilterState, Line, Stretched};
use crate::model::Wall;

/// How often a line is judged that seems to be the slowest: whoever else uses the machine takes the
/// caches, too. What is random in it is so each time.
const TIMES: u64 = 3;

/// What was found of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slowest {
    /// How long the line takes that takes longest.
    pub time: Duration,
    /// It, for people.
    pub line: String,
    /// How many lines were tried.
    pub tried: usize,
    /// Whether those were all: there was time for them.
    pub all: bool,
}

impl Filter {
    /// Judges `lines`, for as long as `budget`, and finds the slowest; `clock` says how much time has
    /// been used. None: there is no line.
    pub fn slowest(
        &self,
        lines: impl IntoIterator<Item = Stretched>,
        now: Wall,
        budget: Duration,
        clock: impl Fn() -> Duration,
    ) -> Option<Slowest> {
        let begin = clock();
        let mut slowest: Option<Slowest> = None;
        let mut tried = 0;
        let mut all = true;
        for mut line in lines {
            if clock().saturating_sub(begin) > budget {
                all = false;
                break;
            }
            let worst = slowest.as_ref().map_or(Duration::ZERO, |slow| slow.time);
            let time = self.time(&mut line, now, worst, &clock);
            tried += 1;
            if slowest.is_none() || time > worst {
                slowest = Some(Slowest {
                    time,
                    line: line.shown,
                    tried,
                    all,
                });
            }
        }
        slowest.map(|slowest| Slowest {
            tried,
            all,
            ..slowest
        })
    }

    /// The best of a few, unless it is no worse than `worst` before.
    fn time(
        &self,
        stretched: &mut Stretched,
        now: Wall,
        worst: Duration,
        clock: &impl Fn() -> Duration,
    ) -> Duration {
        let mut best = Duration::MAX;
        for seed in 1..=TIMES {
            stretched.vary(seed);
            let line = Line {
                bytes: &stretched.line,
                cut: false,
                at: stretched.at,
            };
            let mut state = FilterState::new(self, &TimeZone::UTC);
            let begin = clock();
            let _ = self.judge_in(&mut state, line, now);
            best = best.min(clock().saturating_sub(begin));
            if best <= worst {
                break;
            }
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::filter::{FilterSpec, Prefixes};

    #[test]
    fn the_slowest_line_is_told_and_whether_all_were_tried() {
        let spec = FilterSpec {
            fail: vec!["^no <HOST>$".into()],
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        let lines = ["a", "b", "c"].map(|line| Stretched::whole(line.as_bytes()));
        // Asked once for the budget, then twice for each time that a line is judged.
        let times = [
            0, 0, 0, 5, 10, 15, 20, 25, 25, 25, 32, 40, 47, 50, 57, 57, 57, 58,
        ];
        let search = |budget| {
            let asked = Cell::new(0);
            let clock = || {
                let at = asked.replace(asked.get() + 1);
                Duration::from_millis(times[at.min(times.len() - 1)])
            };
            filter.slowest(lines.clone(), Wall::from_secs(0), budget, clock)
        };
        let found = search(Duration::from_secs(1)).unwrap();
        assert_eq!((&*found.line, found.tried, found.all), ("b", 3, true));
        assert_eq!(found.time, Duration::from_millis(7));
        let found = search(Duration::from_millis(20)).unwrap();
        assert_eq!((&*found.line, found.tried, found.all), ("a", 1, false));
        let none = filter.slowest([], Wall::from_secs(0), Duration::MAX, || Duration::ZERO);
        assert_eq!(none, None);
    }
}
