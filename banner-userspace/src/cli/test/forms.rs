//! How the time stamps of a log look.

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};

use super::timing::Kept;
use crate::{
    filter::{Detector, DetectorState, FilterSpec},
    model::Wall,
};

/// How many of the lines have a stamp of which form, and how many have none.
pub(super) fn seen(
    spec: &FilterSpec,
    lines: &Kept,
    zone: &TimeZone,
    now: Wall,
) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    let year = Timestamp::from_nanosecond(i128::from(now.0))
        .map_or(1970, |now| zone.to_datetime(now).year());
    let Ok(detector) = Detector::new(&spec.stamps, year, None, zone.clone()) else {
        return seen;
    };
    let mut state = DetectorState::default();
    for line in lines.iter() {
        let text = String::from_utf8_lossy(line);
        let form = match detector.find(&mut state, &text, now) {
            Some(found) if found.at.is_some() => found.name,
            Some(_) => "unreadable",
            None => "none",
        };
        if let Some(count) = seen.get_mut(form) {
            *count += 1;
        } else {
            seen.insert(form.to_owned(), 1);
        }
    }
    seen
}
