//! The systemd journal, as journalctl tells of it.
//!
//! One journalctl follows all that is wanted of one journal: the union of what the entries of the
//! configuration match. It writes into a pipe, so it waits when nobody reads. When it ends it is started
//! again behind the last entry that was given out.

mod child;
pub mod entry;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use self::child::{Child, Piece};
use self::entry::{Entry, FIELDS};
use super::batch::Batch;
use super::lines::{End, Lines};
use super::state::Problem;
use super::stream::{Poller, Stream, StreamState, Tally, Turn};
use crate::model::{Chunk, Log, LogId, Mono, Now, Term, Wall};

/// How long a journalctl has to run before it is said that all is well again.
const SETTLED: Duration = Duration::from_secs(5);

/// The longest entry that is read, as JSON in bytes. What is longer is counted as lost.
const LONGEST: usize = 4 << 20;

/// What journalctl is asked for.
#[derive(Debug)]
pub(super) struct Query {
    /// `journalctl`, or what stands for it in a test.
    pub(super) program: PathBuf,
    /// A folder of journal files; none: the journal of this machine.
    pub(super) directory: Option<PathBuf>,
    /// The entries of the configuration, and what each of them wants: alternatives, none for all.
    pub(super) wants: Vec<(LogId, Vec<Vec<Term>>)>,
}

/// One journal.
#[derive(Debug)]
pub(super) struct Journal {
    query: Query,
    poller: Poller,
    number: u32,
    child: Option<Child>,
    /// Of the last entry that was given out.
    cursor: Option<String>,
    /// Where reading began, before there was an entry.
    since: Option<Wall>,
    /// Something came from the journalctl that runs.
    alive: bool,
    started: Mono,
    ready: bool,
    lines: Lines,
    limit: usize,
    out: Out,
    buffer: Vec<u8>,
    problem: Option<Problem>,
}

/// What is to be given out.
#[derive(Debug, Default)]
struct Out {
    batch: Batch,
    /// The entries of the configuration that match what is in the batch.
    logs: Vec<LogId>,
    tally: Tally,
}

impl Query {
    /// What the cursor is kept under, and what the journal is called.
    pub(super) fn name(&self) -> String {
        match &self.directory {
            Some(directory) => format!("journal in {}", directory.display()),
            None => "journal".to_owned(),
        }
    }

    /// The arguments of journalctl; where to begin are those in `from`.
    fn arguments(&self, from: String) -> Vec<String> {
        let mut fields: BTreeSet<&str> = FIELDS.into();
        let terms = || self.wants.iter().flat_map(|(_, all)| all.iter());
        fields.extend(terms().flatten().map(|term| &*term.field));
        let fields: Vec<_> = fields.into_iter().collect();
        let mut arguments = vec![
            "--output=json".to_owned(),
            format!("--output-fields={}", fields.join(",")),
            "--follow".to_owned(),
            "--no-tail".to_owned(),
            "--all".to_owned(),
            "--quiet".to_owned(),
            "--no-pager".to_owned(),
            from,
        ];
        if let Some(directory) = &self.directory {
            arguments.push(format!("--directory={}", directory.display()));
        }
        if self.wants.iter().all(|(_, all)| !all.is_empty()) {
            let alternatives: BTreeSet<_> = terms().collect();
            for (n, terms) in alternatives.into_iter().enumerate() {
                arguments.extend((n > 0).then(|| "+".to_owned()));
                arguments.extend(terms.iter().map(Term::to_string));
            }
        }
        arguments
    }
}

impl Journal {
    /// The stream of this number, behind the entry with this cursor. Lines of more than `limit` bytes are cut.
    pub(super) fn new(
        query: Query,
        cursor: Option<String>,
        poller: Poller,
        number: u32,
        limit: usize,
    ) -> Self {
        let is_time = |cursor: &String| cursor.starts_with("t=");
        Self {
            query,
            poller,
            number,
            child: None,
            since: cursor.clone().filter(is_time).and_then(|time| since(&time)),
            cursor: cursor.filter(|cursor| !is_time(cursor)),
            alive: false,
            started: Mono(0),
            ready: false,
            lines: Lines::default(),
            limit,
            out: Out::default(),
            buffer: Vec::new(),
            problem: None,
        }
    }

    fn start(&mut self, now: Now) {
        let since = *self.since.get_or_insert(now.wall);
        let from = match &self.cursor {
            Some(cursor) => format!("--after-cursor={cursor}"),
            None => format!(
                "--since=@{}.{:06}",
                since.as_secs(),
                since.0.rem_euclid(1_000_000_000) / 1000
            ),
        };
        self.lines = Lines::default();
        self.alive = false;
        let arguments = self.query.arguments(from);
        let started = Child::start(&self.query.program, &arguments).and_then(|child| {
            for (fd, token) in child.descriptors().into_iter().zip(0..) {
                self.poller.add(fd, self.number, token)?;
            }
            Ok(child)
        });
        match started {
            Ok(child) => {
                self.child = Some(child);
                self.started = now.mono;
                self.ready = true;
            }
            Err(error) => {
                let program = self.query.program.display();
                self.fail(format!("cannot start {program}: {error}"), now.mono);
            }
        }
    }

    /// Notes why there is no journalctl; it is tried again.
    fn fail(&mut self, error: String, now: Mono) {
        match &mut self.problem {
            // It has just been due, and its next time is set.
            Some(problem) => problem.error = error,
            None => self.problem = Some(Problem::passing(error, now)),
        }
        self.ready = false;
        self.child = None;
    }

    /// journalctl has ended.
    fn ended(&mut self, now: Mono) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let said = child.finish();
        // A journal that was put in the place of another one does not know its cursors.
        if !self.alive
            && said.contains("cursor")
            && let Some(cursor) = self.cursor.take()
        {
            self.since = since(&cursor);
        }
        self.fail(said, now);
    }
}

/// The time behind the entry with this cursor.
fn since(cursor: &str) -> Option<Wall> {
    let micros = i64::try_from(entry::time_of(cursor)?).ok()?;
    micros.checked_add(1)?.checked_mul(1000).map(Wall)
}

impl Out {
    fn take(
        &mut self,
        json: &[u8],
        query: &Query,
        limit: usize,
        sink: &mut dyn FnMut(Chunk<'_>),
    ) -> Option<String> {
        let Some(entry) = Entry::parse(json) else {
            self.tally.strange += 1;
            return None;
        };
        let wants = query.wants.iter();
        let matching = wants.filter(|(_, alternatives)| entry.matches(alternatives));
        let logs = || matching.clone().map(|(id, _)| *id);
        if !logs().eq(self.logs.iter().copied()) {
            self.batch.give(&self.logs, None, sink);
            self.logs = logs().collect();
        }
        if !self.logs.is_empty() {
            let mut line = entry.line();
            self.tally.lines += 1;
            if line.len() > limit {
                self.tally.cut += 1;
                line.truncate(limit);
                self.batch.give(&self.logs, None, sink);
                self.batch.add(&line, entry.at());
                self.batch.give_cut(&self.logs, None, sink);
            } else {
                self.batch.add(&line, entry.at());
            }
        }
        entry.cursor().map(str::to_owned)
    }
}

impl Stream for Journal {
    fn wake(&mut self, _token: u32) {
        self.ready = true;
    }

    fn poll(&mut self, now: Now, budget: usize, sink: &mut dyn FnMut(Chunk<'_>)) -> Turn {
        let due = match &mut self.problem {
            Some(problem) => problem.is_due(now.mono),
            None => true,
        };
        if self.child.is_none() && due {
            self.start(now);
        }
        let mut turn = Turn::default();
        while self.ready && turn.bytes < budget {
            let Some(child) = &mut self.child else { break };
            match child.read(&mut self.buffer, budget - turn.bytes) {
                Piece::Nothing => self.ready = false,
                Piece::End => self.ended(now.mono),
                Piece::Bytes(count) => {
                    turn.bytes += count;
                    self.out.tally.bytes += count as u64;
                    let Self {
                        lines,
                        out,
                        query,
                        cursor,
                        buffer,
                        limit,
                        alive,
                        ..
                    } = self;
                    lines.take(&buffer[..count], LONGEST, &mut |bytes, end| {
                        if end == End::Cut {
                            out.tally.lost += 1;
                            return;
                        }
                        for json in bytes
                            .split(|byte| *byte == b'\n')
                            .filter(|json| !json.is_empty())
                        {
                            if let Some(place) = out.take(json, query, *limit, sink) {
                                *cursor = Some(place);
                                *alive = true;
                            }
                        }
                    });
                    self.out.batch.give(&self.out.logs, None, sink);
                }
            }
        }
        if self.child.is_some() && self.started.after(SETTLED) <= now.mono {
            self.problem = None;
        }
        // One that is no more may have said that it is ready: see `tests/stale.rs`.
        self.ready &= self.child.is_some();
        turn.more = self.ready;
        turn
    }

    fn retry(&self) -> Option<Mono> {
        match (&self.child, &self.problem) {
            (None, None) => Some(Mono(0)),
            (None, Some(problem)) => problem.retry,
            (Some(_), Some(_)) => Some(self.started.after(SETTLED)),
            (Some(_), None) => None,
        }
    }

    fn state(&self) -> StreamState {
        let note = self
            .child
            .as_ref()
            .map(|child| format!("journalctl is process {}", child.id()));
        StreamState {
            name: self.query.name(),
            logs: self.query.wants.iter().map(|(id, _)| *id).collect(),
            tally: self.out.tally,
            note,
            problem: self.problem.clone(),
        }
    }

    fn want(&mut self, id: LogId, log: &Log) -> bool {
        let Log::Journal(journal) = log else {
            return false;
        };
        if journal.directory != self.query.directory {
            return false;
        }
        self.query.wants.push((id, journal.matches.clone()));
        self.query.wants.sort();
        // The next one tells of more, and begins behind the last entry.
        self.child = None;
        true
    }

    fn unwant(&mut self, id: LogId) -> bool {
        let before = self.query.wants.len();
        self.query.wants.retain(|(own, _)| *own != id);
        before > 0 && self.query.wants.is_empty()
    }

    fn cursor(&self) -> Option<(String, String)> {
        let place = match (&self.cursor, self.since) {
            (Some(cursor), _) => cursor.clone(),
            // Before there is an entry, a time stands for it.
            (None, Some(since)) => format!("t={:x}", since.0 / 1000 - 1),
            (None, None) => return None,
        };
        Some((self.query.name(), place))
    }
}
