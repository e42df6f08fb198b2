use super::LogId;

/// Whole lines from one file, in the order in which they were written.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// The log entries whose path or pattern the file matches, in ascending order.
    pub logs: &'a [LogId],
    /// One or more lines, each with its `\n`. Bytes as they stand in the file: any encoding, NUL
    /// included.
    pub bytes: &'a [u8],
    /// `bytes` is the beginning of one line, and `\n`: the line was longer than the limit, or its
    /// file was deleted or truncated before it ended. Nothing may be concluded from where it ends:
    /// what its writer let somebody put into the middle of a line may stand there as its end.
    pub cut: bool,
}
