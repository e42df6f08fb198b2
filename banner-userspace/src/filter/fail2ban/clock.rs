//! When a line was written, and what is left of it without its stamp.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use super::buffer::Parts;
use crate::{
    filter::{
        spec::{FilterError, Part, Stamps},
        stamp::{Detector, DetectorState},
    },
    model::Wall,
};

/// How long the stamp of a line holds for lines after it that have none.
const HOLDS: Duration = Duration::from_mins(1);

/// No clock that is right shows an earlier year to this program.
const EARLIEST: i16 = 2026;

/// A line in three parts: what stands before its stamp, the stamp, and the rest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut<'l> {
    pub(super) before: &'l str,
    pub(super) stamp: &'l str,
    pub(super) behind: &'l str,
}

impl<'l> Cut<'l> {
    fn whole(line: &'l str) -> Self {
        Self {
            before: "",
            stamp: "",
            behind: line,
        }
    }

    pub(super) fn owned(&self) -> Parts {
        Parts {
            before: self.before.into(),
            stamp: self.stamp.into(),
            behind: self.behind.into(),
        }
    }
}

/// What one log has shown of its stamps.
#[derive(Debug)]
pub(in crate::filter) struct Clock {
    zone: TimeZone,
    /// Made when the first line comes: it has to know the year.
    detector: Option<Detector>,
    seen: DetectorState,
    last: Option<Wall>,
}

impl Clock {
    pub(in crate::filter) fn new(zone: TimeZone) -> Self {
        Self {
            zone,
            detector: None,
            seen: DetectorState::default(),
            last: None,
        }
    }

    /// Cuts the stamp out of a line; `None` when fail2ban would drop the line for its stamp. The
    /// time is that of the stamp, or of the line before if that is fresh.
    pub(super) fn divide<'l>(
        &mut self,
        stamps: &Stamps,
        line: &'l str,
        known: Option<Wall>,
        now: Wall,
    ) -> Option<(Cut<'l>, Option<Wall>)> {
        let whole = Cut::whole(line);
        if known.is_some() {
            self.last = known;
            return Some((whole, known));
        }
        let detector = self
            .detector
            .get_or_insert_with(|| detector(stamps, self.zone.clone(), now));
        let Some(found) = detector.find(&mut self.seen, line, now) else {
            return Some((whole, self.fresh(now)));
        };
        if found.lost {
            return None;
        }
        let cut = Cut {
            before: line.get(..found.start).unwrap_or_default(),
            stamp: line.get(found.start..found.end).unwrap_or_default(),
            behind: line.get(found.end..).unwrap_or_default(),
        };
        if found.at.is_some() {
            self.last = found.at;
            return Some((cut, found.at));
        }
        // No stamp of its own, or one that cannot be read: the stamp of the line before stands for
        // it, and nothing is cut out. Where there is none to stand in, an empty stamp is now.
        match self.fresh(now) {
            Some(last) => Some((whole, Some(last))),
            None if cut.stamp.is_empty() => Some((cut, Some(now))),
            None => Some((cut, None)),
        }
    }

    /// The time of the line before, if it is of the last minute. Epoch itself counts for nothing.
    fn fresh(&self, now: Wall) -> Option<Wall> {
        self.last
            .filter(|last| *last > now.before(HOLDS) && last.0 != 0)
    }
}

/// Without the patterns where they are wrong, which [`check`] has told.
fn detector(stamps: &Stamps, zone: TimeZone, now: Wall) -> Detector {
    // Who asks what would be said in the past means this program.
    let year = Timestamp::from_nanosecond(i128::from(now.0))
        .map_or(EARLIEST, |now| zone.to_datetime(now).year().max(EARLIEST));
    Detector::new(stamps, year, None, zone.clone())
        .or_else(|_| Detector::new(&Stamps::None, year, None, zone))
        .unwrap_or_else(|_| unreachable!("no patterns, none of them wrong"))
}

/// What is wrong with stamp patterns.
pub(in crate::filter) fn check(stamps: &Stamps) -> Result<(), FilterError> {
    match Detector::new(stamps, 2026, None, TimeZone::UTC) {
        Ok(_) => Ok(()),
        Err(error) => Err(FilterError {
            part: Part::Stamp(error.pattern),
            message: error.message,
        }),
    }
}
