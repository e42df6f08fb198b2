//! Messages on their way out, as lines of the entries that take them.

use super::message::message;
use crate::model::{Chunk, LogId, Wall};
use crate::source::batch::Batch;
use crate::source::stream::Tally;

/// What is to be given out.
#[derive(Debug, Default)]
pub(super) struct Out {
    pub(super) batch: Batch,
    pub(super) logs: Vec<LogId>,
    pub(super) tally: Tally,
}

impl Out {
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        cut: bool,
        logs: &[LogId],
        now: Wall,
        limit: usize,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        let found = message(bytes);
        let (line, at) = (found.line, found.at);
        if line.is_empty() {
            return;
        }
        if self.logs != logs {
            self.batch.give(&self.logs, None, sink);
            self.logs = logs.to_vec();
        }
        self.tally.lines += 1;
        // RFC 5424 allows to leave out the time; then it is that of the arrival.
        let at = at.or(found.timeless.then_some(now));
        if cut || line.len() > limit {
            self.tally.cut += 1;
            self.batch.give(logs, None, sink);
            self.batch.add(&line[..line.len().min(limit)], at);
            self.batch.give_cut(logs, None, sink);
        } else {
            self.batch.add(&line, at);
        }
    }
}
