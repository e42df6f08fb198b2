use super::LogId;

/// Whole lines from one file, in the order in which they were written.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The log entries whose path or pattern the file matches, in ascending order.
    pub logs: &'a [LogId],
    /// One or more lines, each with its `\n`. Bytes as they stand in the file: any encoding, NUL
    /// included.
    pub bytes: &'a [u8],
    /// The line was longer than the limit: `bytes` is the beginning of one line, and `\n`. Nothing
    /// may be concluded from where it ends.
    pub cut: bool,
}
