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
    if let Some(forms) = spec.stamp_forms() {
        return of(lines, |line| match forms.seen_in(line) {
            Some((form, true)) => form.to_owned(),
            Some((_, false)) => UNREADABLE.to_owned(),
            None => NONE.to_owned(),
        });
    }
    let year = Timestamp::from_nanosecond(i128::from(now.0))
        .map_or(1970, |now| zone.to_datetime(now).year());
    let Ok(detector) = Detector::new(&spec.stamps, year, None, zone.clone()) else {
        return BTreeMap::new();
    };
    let mut state = DetectorState::default();
    of(lines, |line| {
        let text = String::from_utf8_lossy(line);
        match detector.find(&mut state, &text, now) {
            Some(found) if found.at.is_some() => found.name.to_owned(),
            Some(_) => UNREADABLE.to_owned(),
            None => NONE.to_owned(),
        }
    })
}

const UNREADABLE: &str = "unreadable";
const NONE: &str = "none";

fn of(lines: &Kept, mut form: impl FnMut(&[u8]) -> String) -> BTreeMap<String, u64> {
    let mut seen = BTreeMap::new();
    for line in lines.iter() {
        *seen.entry(form(line)).or_default() += 1;
    }
    seen
}
