//! The stamp parser and the detector: any patterns, any lines.
//!
//! A byte of choice, patterns in fail2ban's notation, and lines.

use std::time::Duration;

use banner_userspace::filter::{Detector, DetectorState, StampReader, Stamps};
use jiff::tz::TimeZone;

use crate::{budget, parts, translator::NOW};

/// How long making a detector may take.
const MAKE: Duration = Duration::from_secs(1);

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let Some((&choice, rest)) = data.split_first() else {
        return;
    };
    let [patterns, lines] = parts::texts(rest);
    let stamps = if choice & 1 == 0 {
        Stamps::Known
    } else {
        Stamps::Patterns(vec![patterns.clone()])
    };
    let zone = match choice >> 1 & 3 {
        0 => TimeZone::UTC,
        1 => TimeZone::fixed(jiff::tz::offset(5)),
        2 => TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").expect("a zone"),
        _ => TimeZone::posix("<+1345>-13:45").expect("a zone"),
    };
    let mut reader = StampReader::new(zone.clone());
    for line in lines.split('\n') {
        budget::within(budget::LINE, &|| format!("{line:?}"), || {
            reader.read(Some(line.as_bytes()), NOW)
        });
    }
    let name = || format!("{patterns:?}");
    let made = budget::within(MAKE, &name, || {
        Detector::new(&stamps, 2026, None, zone.clone())
    });
    let Ok(detector) = made else {
        return;
    };
    let mut state = DetectorState::default();
    for line in lines.split('\n') {
        let name = || format!("{patterns:?} on {line:?}");
        let found = budget::within(budget::LINE, &name, || detector.find(&mut state, line, NOW));
        if let Some(found) = found {
            assert!(line.get(found.start..found.end).is_some(), "{found:?}");
            assert!(found.template < detector.forms().len(), "{found:?}");
        }
    }
}
