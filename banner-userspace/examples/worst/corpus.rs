//! Lines that a fuzzer has made.

use std::{collections::BTreeSet, fs, path::Path};

use crate::LIMIT;

/// Shorter lines take no time to speak of.
const LEAST: usize = 64;

/// The lines of all logs in a folder of inputs of the fuzzer's target `lines`, the longest first. Two bytes
/// before each log say what is done with it.
pub(crate) fn lines(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap_or_else(|why| panic!("{}: {why}", folder.display()));
    let mut lines = BTreeSet::new();
    for entry in entries.flatten() {
        let Ok(bytes) = fs::read(entry.path()) else {
            continue;
        };
        let log = bytes.get(2..).unwrap_or_default();
        let parts = log
            .split(|byte| *byte == b'\n')
            .filter(|line| line.len() >= LEAST);
        lines.extend(parts.map(|line| line[..line.len().min(LIMIT)].to_vec()));
    }
    let mut lines: Vec<Vec<u8>> = lines.into_iter().collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.len()));
    lines
}
