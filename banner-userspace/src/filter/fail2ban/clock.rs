//! When a line was written, and what is left of it without its stamp.

use std::{sync::OnceLock, time::Duration};

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
        forms: &Forms,
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
            .get_or_insert_with(|| forms.detector(&self.zone, now));
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

/// How stamps look, for all logs of a filter.
#[derive(Debug)]
pub(in crate::filter) struct Forms {
    stamps: Stamps,
    /// As they are in the earliest year…
    first: Detector,
    /// …and as they are in another decade, made when the first line comes then.
    later: OnceLock<Detector>,
}

impl Forms {
    /// Tells what is wrong with stamp patterns.
    pub(in crate::filter) fn new(stamps: &Stamps) -> Result<Self, FilterError> {
        let first =
            Detector::new(stamps, EARLIEST, None, TimeZone::UTC).map_err(|error| FilterError {
                part: Part::Stamp(error.pattern),
                message: error.message,
            })?;
        Ok(Self {
            stamps: stamps.clone(),
            first,
            later: OnceLock::new(),
        })
    }

    fn detector(&self, zone: &TimeZone, now: Wall) -> Detector {
        // Who asks what would be said in the past means this program.
        let year = Timestamp::from_nanosecond(i128::from(now.0))
            .map_or(EARLIEST, |now| zone.to_datetime(now).year().max(EARLIEST));
        let later = || {
            let made = || self.made(year, zone.clone());
            self.later.get_or_init(made).shared(year, zone)
        };
        (self.first.shared(year, zone))
            .or_else(later)
            .unwrap_or_else(|| self.made(year, zone.clone()))
    }

    fn made(&self, year: i16, zone: TimeZone) -> Detector {
        Detector::new(&self.stamps, year, None, zone)
            .unwrap_or_else(|_| unreachable!("patterns that were right in another year"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_share_the_forms_of_stamps_and_a_later_decade_has_its_own() {
        let forms = Forms::new(&Stamps::Known).unwrap();
        let mut clock = Clock::new(TimeZone::UTC);
        let mut seconds = |line: &str, now: &str| {
            let now: Timestamp = now.parse().unwrap();
            let now = Wall::from_secs(now.as_second());
            let mut fresh = Clock::new(TimeZone::UTC);
            for clock in [&mut clock, &mut fresh] {
                clock.detector = None;
                clock.seen = DetectorState::default();
                let (cut, at) = clock.divide(&forms, line, None, now).unwrap();
                assert_eq!(
                    (cut.stamp.is_empty(), at.is_some()),
                    (false, true),
                    "{line}"
                );
            }
            fresh.last.map(Wall::as_secs)
        };
        let at = seconds("2026-11-20 12:00:00 a", "2026-11-20T12:00:00Z");
        assert_eq!(at, Some(1_795_176_000));
        let at = seconds("2034-11-20 12:00:00 a", "2034-11-20T12:00:00Z");
        assert_eq!(at, Some(2_047_636_800));
        let at = seconds("2026-11-20 12:00:00 a", "2026-11-20T12:00:00Z");
        assert_eq!(at, Some(1_795_176_000));
        assert!(forms.later.get().is_some());
    }
}
