use std::{fmt, ops::Deref, sync::Arc};

use super::Wall;

/// A line that a filter recognised as a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedLine {
    /// When: its stamp, or when it was read where it has none that can be trusted.
    pub at: Wall,
    /// Index of the pattern in `fail` of the jail's filter.
    pub pattern: u16,
    /// The line without its line break, in any encoding; of a long one the beginning.
    pub bytes: LineBytes,
    /// It is only the beginning.
    pub cut: bool,
    /// The container that wrote it, as [`Origin`](super::Origin) is shown, where one did.
    pub origin: Option<Box<str>>,
}

impl MatchedLine {
    /// Bytes that are kept of one line, at most.
    pub const LONGEST: usize = 512;

    /// Bytes that are kept of the name of a container, at most.
    pub const LONGEST_ORIGIN: usize = 255;

    /// Lines that are kept for one offence, at most.
    pub const MOST: usize = 10;
}

/// The lines that led to an offence, the latest last: as many as were kept.
pub type Evidence = Arc<[MatchedLine]>;

/// The bytes of a line. Lines of one offence may share one piece of memory.
#[derive(Clone)]
pub struct LineBytes {
    all: Arc<[u8]>,
    start: usize,
    end: usize,
}

impl LineBytes {
    /// Part of `all`; of a part that is not there what is.
    pub fn part(all: Arc<[u8]>, start: usize, length: usize) -> Self {
        let start = start.min(all.len());
        let end = start.saturating_add(length).min(all.len());
        Self { all, start, end }
    }
}

impl Deref for LineBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.all[self.start..self.end]
    }
}

impl From<&[u8]> for LineBytes {
    fn from(bytes: &[u8]) -> Self {
        Self::part(bytes.into(), 0, bytes.len())
    }
}

impl From<Vec<u8>> for LineBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(&bytes[..])
    }
}

impl PartialEq for LineBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for LineBytes {}

impl fmt::Debug for LineBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.escape_ascii())
    }
}
