//! What is pinned.

use std::path::Path;

use aya::maps::{HashMap, Map, MapData};
use banner_common::{BANS4, BANS6, Ban};
use serde::Serialize;

use super::super::{links, pins::Pins, shape::Shape};
use crate::enforce::lock::owner;

/// More bans than these are not counted one by one.
const MOST_COUNTED: usize = 1_000_000;

/// A pin directory.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PinnedReport {
    /// Where.
    pub directory: String,
    /// The process that uses it.
    pub agent: Option<u32>,
    /// Maps and what they are.
    pub maps: Vec<(String, String)>,
    /// Names of the interfaces that links are for.
    pub links: Vec<String>,
    /// Bans of IPv4 and IPv6, over or not; none where they cannot be read.
    pub bans: Option<[usize; 2]>,
    /// Why something could not be read.
    pub problem: Option<String>,
}

pub(super) fn look(dir: &Path) -> PinnedReport {
    let pins = Pins::look(dir);
    let mut report = PinnedReport {
        directory: dir.display().to_string(),
        agent: owner(dir),
        ..PinnedReport::default()
    };
    match links::named(&pins) {
        Ok(links) => report.links = links.into_iter().map(|(name, _)| name).collect(),
        Err(error) => report.problem = Some(error.to_string()),
    }
    for name in pins.files().unwrap_or_default() {
        if let Ok(Some(shape)) = Shape::pinned(&pins.map(&name)) {
            report.maps.push((name, shape.to_string()));
        }
    }
    if !report.maps.is_empty() {
        let counts = (
            count::<[u8; 4]>(&pins, BANS4),
            count::<[u8; 16]>(&pins, BANS6),
        );
        report.bans = counts.0.zip(counts.1).map(|(v4, v6)| [v4, v6]);
    }
    report
}

fn count<A: aya::Pod>(pins: &Pins, name: &str) -> Option<usize> {
    let map = Map::HashMap(MapData::from_pin(pins.map(name)).ok()?);
    let bans: HashMap<_, A, [u8; Ban::SIZE]> = map.try_into().ok()?;
    Some(bans.keys().take(MOST_COUNTED).flatten().count())
}
