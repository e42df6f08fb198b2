//! The store's own clock; see the [module](super).

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::model::{Mono, Now, Until};

const MS: u64 = 1_000_000;

/// How the store's clock goes in this boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    /// What it shows more than `CLOCK_MONOTONIC`, in ms.
    ahead: i64,
}

impl Clock {
    /// Goes on from what the last agent left.
    pub(super) fn read(connection: &Connection, boot: &str, now: Now) -> rusqlite::Result<Self> {
        let left = connection.query_row(
            "SELECT boot, wall, mono, time FROM clock WHERE id = 0",
            [],
            |row| {
                Ok(Left {
                    boot: row.get(0)?,
                    wall: row.get(1)?,
                    mono: row.get(2)?,
                    time: row.get(3)?,
                })
            },
        );
        Ok(Self::after(left.optional()?.as_ref(), boot, now))
    }

    fn after(left: Option<&Left>, boot: &str, now: Now) -> Self {
        let wall = now.wall.0 / MS.cast_signed();
        let mono = ms(now.mono);
        let time = match left {
            None => wall,
            // A clock that went backward is that of another container, whose kernel is the same.
            Some(left) if left.boot == boot && left.mono <= mono => {
                left.time.saturating_add(mono - left.mono)
            }
            Some(left) => (left.time).saturating_add(wall.saturating_sub(left.wall).max(0)),
        };
        Self {
            ahead: time.saturating_sub(mono),
        }
    }

    /// Says what it shows now, for the next agent.
    pub(super) fn write(
        self,
        connection: &Connection,
        boot: &str,
        now: Now,
    ) -> rusqlite::Result<()> {
        let mono = ms(now.mono);
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO clock (id, boot, wall, mono, time) VALUES (0, ?, ?, ?, ?)",
            )?
            .execute(params![
                boot,
                now.wall.0 / MS.cast_signed(),
                mono,
                mono.saturating_add(self.ahead)
            ])?;
        Ok(())
    }

    /// An end, as it is kept: `None` is none. Rounded up.
    pub(super) fn kept(self, until: Until) -> Option<i64> {
        match until {
            Until::Forever => None,
            Until::At(end) => Some(
                i64::try_from(end.0.div_ceil(MS))
                    .unwrap_or(i64::MAX)
                    .saturating_add(self.ahead),
            ),
        }
    }

    /// An end that was kept.
    pub(super) fn found(self, kept: Option<i64>) -> Until {
        kept.map_or(Until::Forever, |kept| {
            let end = u64::try_from(kept.saturating_sub(self.ahead)).unwrap_or(0);
            Until::At(Mono(0).after(Duration::from_millis(end)))
        })
    }
}

/// What the last transaction said of the time.
struct Left {
    boot: String,
    wall: i64,
    mono: i64,
    time: i64,
}

fn ms(mono: Mono) -> i64 {
    i64::try_from(mono.0 / MS).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Wall;

    const DAY: i64 = 86_400_000;

    fn now(wall: i64, mono: i64) -> Now {
        let ns = |ms: i64| ms * MS.cast_signed();
        Now {
            wall: Wall(ns(wall)),
            mono: Mono(ns(mono).unsigned_abs()),
        }
    }

    /// How long a ban of an hour still is for the next agent, in ms.
    fn left(boot: &str, wall: i64, mono: i64) -> i64 {
        let clock = Clock::after(None, "a", now(20_000 * DAY, 5000));
        let kept = clock.kept(Until::At(Mono(0).after(Duration::from_secs(3605))));
        let left = Left {
            boot: "a".into(),
            wall: 20_000 * DAY,
            mono: 5000,
            time: 20_000 * DAY,
        };
        let next = Clock::after(Some(&left), boot, now(wall, mono));
        match next.found(kept) {
            Until::At(end) => ms(end) - mono,
            Until::Forever => panic!("it has an end"),
        }
    }

    #[test]
    fn the_wall_clock_means_nothing_while_the_machine_runs() {
        for jump in [-DAY, -1, 0, 1, DAY, 400 * DAY] {
            assert_eq!(left("a", 20_000 * DAY + jump, 65_000), 3_540_000, "{jump}");
        }
    }

    #[test]
    fn after_a_reboot_it_says_how_long_the_machine_was_off_and_never_less_than_nothing() {
        assert_eq!(left("b", 20_000 * DAY + 60_000, 900), 3_540_000);
        assert_eq!(left("b", 20_000 * DAY - DAY, 900), 3_600_000);
        // The end is past; whoever loads it sees that it is over.
        assert_eq!(left("b", 20_001 * DAY, 900), -900);
        assert_eq!(
            left("a", 20_000 * DAY + 60_000, 900),
            3_540_000,
            "another container"
        );
    }

    #[test]
    fn what_has_no_end_gets_none() {
        let clock = Clock::after(None, "a", now(20_000 * DAY, 5000));
        assert_eq!(clock.found(clock.kept(Until::Forever)), Until::Forever);
        let end = Until::At(Mono(7 * MS));
        assert_eq!(clock.found(clock.kept(end)), end);
    }
}
