//! Files that container runtimes write: what the containers wrote is decoded from them, line by line.
//!
//! To [`Tail`](super::Tail) they are files like any other. What it reads of them comes here before it is
//! given out.

mod join;
mod place;
pub mod record;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use self::join::Joiner;
use self::record::record;
use super::batch::Batch;
use super::glob::{self, Glob, Parsed};
use super::lines::End;
use super::names::Piece;
use super::watch::FileId;
use crate::model::{Chunk, ContainerLog, LogId, Origin};

/// How long a line of such a file may be where text of `limit` bytes is wanted: JSON takes up to six bytes
/// for one, and runtimes cut lines at 16 KiB.
pub(super) fn longest(limit: usize) -> usize {
    limit.max(16 * 1024).saturating_mul(6).saturating_add(4096)
}

/// Files that are no longer followed are forgotten when there are as many of them as this, and as many
/// as there are others.
const FORGET: usize = 64;

/// Decodes what is read of the files of containers.
#[derive(Debug)]
pub(super) struct Containers {
    /// The entries that are about containers, and the names that they want; none: all.
    entries: BTreeMap<LogId, Option<Wanted>>,
    files: HashMap<Arc<Path>, Decoder>,
    limit: usize,
    batch: Batch,
    /// Lines that are not in the form of any runtime.
    strange: u64,
}

/// Of a container's name.
#[derive(Debug)]
enum Wanted {
    Name(String),
    Glob(Glob),
}

/// One file, by its name: what rotation leaves unfinished goes on in the next file.
#[derive(Debug)]
struct Decoder {
    origin: Origin,
    file: FileId,
    joiner: Joiner,
    /// The entries that its file counts for, as far as they are known here…
    all: Vec<LogId>,
    /// …those among them that want what the container wrote…
    decoded: Vec<LogId>,
    /// …and those that want the file as it is.
    plain: Vec<LogId>,
}

impl Wanted {
    fn new(text: &str) -> Self {
        match glob::parse(text) {
            Parsed::Glob(glob) => Self::Glob(glob),
            Parsed::Literal(name) => Self::Name(name),
        }
    }

    fn holds(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Glob(glob) => glob.matches(name.as_bytes()),
        }
    }
}

impl Containers {
    /// Lines that are longer than `limit` bytes are cut.
    pub(super) fn new<'a>(
        entries: impl IntoIterator<Item = (LogId, &'a ContainerLog)>,
        limit: usize,
    ) -> Self {
        let wanted = |log: &ContainerLog| log.container.as_deref().map(Wanted::new);
        Self {
            entries: entries
                .into_iter()
                .map(|(id, log)| (id, wanted(log)))
                .collect(),
            files: HashMap::new(),
            limit: limit.max(1),
            batch: Batch::default(),
            strange: 0,
        }
    }

    /// One more entry.
    pub(super) fn add(&mut self, id: LogId, log: &ContainerLog) {
        let wanted = log.container.as_deref().map(Wanted::new);
        self.entries.insert(id, wanted);
    }

    /// One entry less, if it is about containers.
    pub(super) fn drop(&mut self, id: LogId) {
        self.entries.remove(&id);
    }

    /// How many lines were in no form that is known, and were passed over.
    pub(super) fn strange(&self) -> u64 {
        self.strange
    }

    /// How many of the last bytes of a file wait for the end of their line.
    pub(super) fn held(&self, file: FileId) -> u64 {
        let mut files = self.files.values();
        files
            .find(|decoder| decoder.file == file)
            .map_or(0, |decoder| decoder.joiner.held())
    }

    /// Forgets the files that are not followed any more, when there are many.
    pub(super) fn forget(&mut self, followed: usize, is_followed: impl Fn(&Path) -> bool) {
        if self.files.len() >= FORGET + 2 * followed {
            self.files.retain(|path, _| is_followed(path));
        }
    }

    /// Gives out the lines of a piece, decoded for the entries that are about containers.
    pub(super) fn take(&mut self, piece: Piece<'_>, sink: &mut dyn FnMut(Chunk<'_>)) {
        let is_decoded = |id: &LogId| self.entries.contains_key(id);
        let Some(path) = piece.path.filter(|_| piece.logs.iter().any(is_decoded)) else {
            return sink(piece.into());
        };
        if !self.files.contains_key(path) {
            let decoder = Decoder::new(path, piece.file);
            self.files.insert(Arc::clone(path), decoder);
        }
        let Some(decoder) = self.files.get_mut(path) else {
            return;
        };
        decoder.count_for(piece.logs, &self.entries);
        if decoder.file != piece.file {
            decoder.file = piece.file;
            decoder.joiner.next_file();
        }
        if !decoder.plain.is_empty() {
            let chunk = Chunk::from(piece);
            sink(Chunk {
                logs: &decoder.plain,
                ..chunk
            });
        }
        if !decoder.decoded.is_empty() {
            self.strange += decoder.decode(piece, self.limit, &mut self.batch, sink);
        }
    }
}

impl Decoder {
    fn new(path: &Path, file: FileId) -> Self {
        Self {
            origin: place::origin(path),
            file,
            joiner: Joiner::default(),
            all: Vec::new(),
            decoded: Vec::new(),
            plain: Vec::new(),
        }
    }

    fn count_for(&mut self, logs: &[LogId], entries: &BTreeMap<LogId, Option<Wanted>>) {
        if self.all == logs {
            return;
        }
        self.all = logs.to_vec();
        let is_plain = |id: &&LogId| !entries.contains_key(id);
        self.plain = logs.iter().filter(is_plain).copied().collect();
        let is_wanted = |id: &&LogId| match entries.get(id) {
            None => false,
            Some(None) => true,
            Some(Some(wanted)) => wanted.holds(&self.origin.container),
        };
        self.decoded = logs.iter().filter(is_wanted).copied().collect();
    }

    /// Returns how many lines were in no form that is known.
    fn decode(
        &mut self,
        piece: Piece<'_>,
        limit: usize,
        batch: &mut Batch,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> u64 {
        let mut strange = 0;
        let (logs, origin) = (&self.decoded[..], Some(&self.origin));
        for line in piece.bytes.split_inclusive(|byte| *byte == b'\n') {
            let raw = line.len() as u64;
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let Some(mut record) = record(line) else {
                self.joiner.pass(raw);
                strange += 1;
                continue;
            };
            let is_cut = piece.end != End::Whole;
            if is_cut {
                // Its rest is passed over, and so where it ends in the file is not known here.
                record.partial = false;
                self.joiner.settle();
            }
            let short = record.text.len() <= limit;
            if !record.partial && short && !is_cut && !self.joiner.is_open(record.stream) {
                self.joiner.pass(raw);
                batch.add(&record.text, record.at);
            } else if let Some(line) = self.joiner.add(&record, raw, limit) {
                if line.cut || is_cut {
                    batch.give(logs, origin, sink);
                    batch.add(&line.text, line.at);
                    batch.give_cut(logs, origin, sink);
                } else {
                    batch.add(&line.text, line.at);
                }
            }
        }
        batch.give(logs, origin, sink);
        strange
    }
}
