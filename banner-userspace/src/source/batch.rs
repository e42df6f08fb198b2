//! Lines that were made, not read: gathered, so that they are given out many at a time.

use crate::model::{Chunk, LineTime, LogId, Origin, Wall};

/// Lines that are to be given out together.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    times: Vec<LineTime>,
}

/// Above this the room is given back.
const KEEP: usize = 256 * 1024;

impl Batch {
    /// Whether there is nothing in it.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds one line. Line breaks in it become `\n`, the two characters: what one message says must not be
    /// taken for two.
    pub(super) fn add(&mut self, line: &[u8], at: Option<Wall>) {
        if self.times.last().map(|time| time.at) != Some(at) {
            let from = self.bytes.len();
            self.times.push(LineTime { from, at });
        }
        let mut parts = line.split(|byte| *byte == b'\n');
        self.bytes
            .extend_from_slice(parts.next().unwrap_or_default());
        for part in parts {
            self.bytes.extend_from_slice(b"\\n");
            self.bytes.extend_from_slice(part);
        }
        self.bytes.push(b'\n');
    }

    /// Gives out what is in it, and is empty then.
    pub(super) fn give(
        &mut self,
        logs: &[LogId],
        origin: Option<&Origin>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        self.give_as(false, logs, origin, sink);
    }

    /// As [`give`](Self::give), for one line that is not whole.
    pub(super) fn give_cut(
        &mut self,
        logs: &[LogId],
        origin: Option<&Origin>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        self.give_as(true, logs, origin, sink);
    }

    fn give_as(
        &mut self,
        cut: bool,
        logs: &[LogId],
        origin: Option<&Origin>,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) {
        if !self.is_empty() {
            sink(Chunk {
                logs,
                bytes: &self.bytes,
                cut,
                times: &self.times,
                origin,
            });
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEEP);
        self.times.clear();
        self.times.shrink_to(KEEP / 64);
    }
}
