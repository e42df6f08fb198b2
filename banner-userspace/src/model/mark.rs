use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// How far one file has been given out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// The log that it is, or was before it was renamed or deleted.
    pub path: PathBuf,
    /// `st_dev`.
    pub device: u64,
    /// `st_ino`.
    pub inode: u64,
    /// Of the first byte that was not given out as part of a line. It stands at the beginning of a
    /// line, or inside one that was given out cut and the rest of which is to be passed over.
    pub offset: u64,
    /// Tells whether the file is still the same.
    pub fingerprint: Fingerprint,
}

/// A digest of the beginning of a file. It outlives a rename and not a truncation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv), of the first `length` bytes.
    pub hash: u64,
    /// min(256, offset of the mark).
    pub length: u16,
}
