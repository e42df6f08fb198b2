use std::sync::Arc;

use super::Wall;

/// A line that a filter recognised as a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchedLine {
    /// When: its stamp, or when it was read where it has none that can be trusted.
    pub at: Wall,
    /// Index of the pattern in `fail` of the jail's filter.
    pub pattern: u16,
    /// The line without its line break, in any encoding; of a long one the beginning.
    pub bytes: Box<[u8]>,
    /// It is only the beginning.
    pub cut: bool,
}

impl MatchedLine {
    /// Bytes that are kept of one line, at most.
    pub const LONGEST: usize = 512;

    /// Lines that are kept for one offence, at most.
    pub const MOST: usize = 10;
}

/// The lines that led to an offence, the latest last: as many as were kept.
pub type Evidence = Arc<[MatchedLine]>;
