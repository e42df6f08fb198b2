//! Lines in, offences out: matching and counting for all jails. Pure.

mod bans;
mod counts;
mod failure;
mod named;
mod plan;
mod pool;
mod reload;
mod spare;
mod together;

use self::{
    plan::{Judged, Plan},
    pool::Pool,
};

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::tz::TimeZone;

use crate::{
    filter::{Filter, FilterState, Line, Sieve, Splits, Verdict},
    model::{Chunk, JailId, LogId, Now, Offence, OnNames, PrefixSet},
    track::{Lines, Tracker},
};

pub use bans::Counted;
pub use counts::Counts;
pub use named::Named;
pub use together::Together;

/// What the pipeline has to know of a jail.
#[derive(Debug)]
pub struct JailSetup {
    /// Recognises its failures. Jails with the same filter share one. None: what is in its logs does
    /// not count.
    pub filter: Option<Arc<Filter>>,
    /// The jails whose bans are its failures.
    pub of: Counted,
    /// The log entries that it reads.
    pub logs: Vec<LogId>,
    /// Failures that make an offence…
    pub max_retry: u32,
    /// …within this time.
    pub find_time: Duration,
    /// Whose failures are counted together.
    pub together: Together,
    /// What becomes of failures of names.
    pub names: OnNames,
}

/// Matches and counts.
#[derive(Debug)]
pub struct Pipeline {
    jails: Vec<Jail>,
    lines: Lines,
    zone: TimeZone,
    /// Who reads the chunks of each set of logs.
    readers: HashMap<Vec<LogId>, Readers>,
    pool: Pool,
    /// [`BIG`], but in tests.
    big: usize,
}

/// Chunks of fewer bytes are judged at once: what is written little by little must not wait for
/// another thread to wake up.
const BIG: usize = 32 << 10;

/// The jails that read a chunk, those with the same filter together, and what finds the lines
/// that their filters have to look at.
#[derive(Debug)]
struct Readers {
    filters: Vec<Reader>,
    sieve: Arc<Sieve>,
    splits: Splits,
    /// What other threads have to know.
    plan: Option<Arc<Plan>>,
}

#[derive(Debug)]
struct Reader {
    filter: Arc<Filter>,
    /// What these logs have shown it.
    state: FilterState,
    /// How often patterns gave up in other threads.
    exhausted: u64,
    jails: Vec<JailId>,
}

#[derive(Debug)]
struct Jail {
    setup: JailSetup,
    tracker: Tracker,
    counts: Counts,
    /// Failures of names that are to be looked up.
    named: Vec<Named>,
    /// Where hosts are counted together: whose failures do not count.
    spared: PrefixSet,
}

impl Pipeline {
    /// `jails` by [`JailId`]; each counts at most `capacity` hosts at a time. `zone` is that of
    /// stamps without one.
    pub fn new(jails: Vec<JailSetup>, capacity: usize, zone: TimeZone) -> Self {
        let jails = jails.into_iter().map(|setup| {
            let tracker = Tracker::new(setup.max_retry, setup.find_time, capacity);
            Jail {
                setup,
                tracker,
                counts: Counts::default(),
                named: Vec::new(),
                spared: PrefixSet::default(),
            }
        });
        Self {
            jails: jails.collect(),
            lines: Lines::none(),
            zone,
            readers: HashMap::new(),
            pool: Pool::new(),
            big: BIG,
        }
    }

    /// Uses this many threads, the one that calls included, where [`new`](Self::new) takes as many as
    /// there are processors, and no more than a few. What is decided is the same.
    #[must_use]
    pub fn with_threads(mut self, threads: usize) -> Self {
        self.pool = Pool::of(threads);
        self
    }

    /// From now on offences come with the lines that led to them, if `lines` keeps any.
    pub fn keep(&mut self, lines: Lines) {
        self.lines = lines;
    }

    /// What is kept of lines that led to no offence yet.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Judges the lines of a chunk for every jail that reads one of its logs, at once or, where
    /// there are many, together with other threads. [`finish`](Self::finish) has the offences that
    /// are not there then.
    pub fn feed(&mut self, chunk: &Chunk<'_>, now: Now, offences: &mut Vec<Offence>) {
        if !self.pool.helps()
            || chunk.bytes.len() < self.big
            || chunk.cut
            || !chunk.times.is_empty()
            || chunk.origin.is_some()
        {
            return self.chunk(chunk, now, offences);
        }
        let zone = self.zone.clone();
        let readers = self.readers_of(chunk.logs);
        if readers.filters.is_empty() {
            return;
        }
        let plan = readers.plan.get_or_insert_with(|| {
            let filters = readers.filters.iter();
            Arc::new(Plan {
                logs: chunk.logs.to_vec(),
                sieve: Arc::clone(&readers.sieve),
                filters: filters.map(|reader| Arc::clone(&reader.filter)).collect(),
                zone,
            })
        });
        let plan = Arc::clone(plan);
        if self.pool.is_full()
            && let Some(judged) = self.pool.next()
        {
            self.take(judged, offences);
        }
        self.pool.begin(&plan, chunk.bytes, now);
    }

    /// Gives out the offences of all that was fed.
    pub fn finish(&mut self, offences: &mut Vec<Offence>) {
        while let Some(judged) = self.pool.next() {
            self.take(judged, offences);
        }
    }

    /// Judges the lines of a chunk at once.
    pub fn chunk(&mut self, chunk: &Chunk<'_>, now: Now, offences: &mut Vec<Offence>) {
        self.finish(offences);
        self.readers_of(chunk.logs);
        self.lines.come_from(chunk.origin);
        let Some(readers) = self.readers.get_mut(chunk.logs) else {
            return;
        };
        let Readers {
            filters,
            sieve,
            splits,
            ..
        } = readers;
        let count = filters.len();
        let (jails, lines) = (&mut self.jails, &mut self.lines);
        let mut each = |line: &[u8], time, n, splits: &mut Splits| {
            let Some(reader) = filters.get_mut(n) else {
                return;
            };
            let line = Line {
                cut: chunk.cut,
                at: time,
                ..plan::whole(line)
            };
            let Reader { filter, state, .. } = reader;
            let verdict = filter.judge_sharing(state, line, now.wall, splits.of(n));
            reader.count(&verdict, line.bytes, now, jails, lines, offences);
        };
        if chunk.cut {
            // What is missing may be what a pattern cannot do without.
            let line = chunk.bytes.strip_suffix(b"\n").unwrap_or(chunk.bytes);
            let time = chunk.time_of(line);
            splits.next_line();
            return (0..count).for_each(|n| each(line, time, n, splits));
        }
        sieve.lines(chunk.bytes, |line, wanted| {
            let time = chunk.time_of(line);
            splits.next_line();
            wanted.iter().for_each(|n| each(line, time, n, splits));
        });
    }

    /// Takes what was found in a chunk, and asks the filters that know other lines.
    fn take(&mut self, judged: Judged, offences: &mut Vec<Offence>) {
        let now = judged.now;
        self.lines.come_from(None);
        let (jails, lines) = (&mut self.jails, &mut self.lines);
        if let Some(Readers { filters, .. }) = self.readers.get_mut(&judged.plan.logs) {
            for finding in judged.findings {
                let (Some(reader), Some(line)) = (
                    filters.get_mut(finding.filter),
                    judged.bytes.get(finding.line),
                ) else {
                    continue;
                };
                let line = plan::whole(line);
                let verdict = finding.verdict.unwrap_or_else(|| {
                    let Reader { filter, state, .. } = reader;
                    filter.judge_in(state, line, now.wall)
                });
                reader.count(&verdict, line.bytes, now, jails, lines, offences);
            }
            for (reader, count) in filters.iter_mut().zip(judged.exhausted) {
                reader.exhausted += count;
            }
        }
        self.pool.give_back(judged.bytes);
    }

    fn readers_of(&mut self, logs: &[LogId]) -> &mut Readers {
        // Looked up twice, so that the key is not copied for each chunk.
        if !self.readers.contains_key(logs) {
            let readers = Readers::new(&self.jails, logs, &self.zone);
            self.readers.insert(logs.to_vec(), readers);
        }
        self.readers.get_mut(logs).expect("it has just been put in")
    }

    /// What a jail counts, to be watched or restored.
    pub fn tracker_mut(&mut self, jail: JailId) -> Option<&mut Tracker> {
        let jail = self.jails.get_mut(usize::from(jail.0))?;
        Some(&mut jail.tracker)
    }

    /// Failures of all jails.
    pub fn failures(&self) -> u64 {
        self.jails.iter().map(|jail| jail.counts.failures).sum()
    }

    /// What was seen for a jail.
    pub fn counts(&self, jail: JailId) -> Option<(Counts, &Tracker)> {
        let jail = self.jails.get(usize::from(jail.0))?;
        Some((jail.counts, &jail.tracker))
    }

    /// How often a pattern of a jail's filter gave up on a line.
    pub fn exhausted(&self, jail: JailId) -> u64 {
        let readers = self.readers.values().flat_map(|readers| &readers.filters);
        let own = readers.filter(|reader| reader.jails.contains(&jail));
        own.map(|reader| reader.state.exhausted() + reader.exhausted)
            .sum()
    }
}

impl Readers {
    fn new(jails: &[Jail], logs: &[LogId], zone: &TimeZone) -> Self {
        let mut filters: Vec<Reader> = Vec::new();
        for (n, jail) in jails.iter().enumerate() {
            let Ok(n) = u16::try_from(n) else { continue };
            if !jail.setup.logs.iter().any(|log| logs.contains(log)) {
                continue;
            }
            let Some(filter) = &jail.setup.filter else {
                continue;
            };
            let same = |reader: &&mut Reader| Arc::ptr_eq(&reader.filter, filter);
            match filters.iter_mut().find(same) {
                Some(reader) => reader.jails.push(JailId(n)),
                None => filters.push(Reader {
                    state: FilterState::new(filter, zone),
                    filter: Arc::clone(filter),
                    exhausted: 0,
                    jails: vec![JailId(n)],
                }),
            }
        }
        let sieve = Sieve::new(filters.iter().map(|reader| &*reader.filter));
        let splits = Splits::new(filters.iter().map(|reader| &*reader.filter));
        Self {
            splits,
            filters,
            sieve: Arc::new(sieve),
            plan: None,
        }
    }
}

impl Reader {
    /// What it says of a line counts for its jails.
    fn count(
        &self,
        verdict: &Verdict,
        line: &[u8],
        now: Now,
        jails: &mut [Jail],
        lines: &mut Lines,
        offences: &mut Vec<Offence>,
    ) {
        for &id in &self.jails {
            let jail = &mut jails[usize::from(id.0)];
            match verdict {
                Verdict::Miss => {}
                Verdict::Ignored => jail.counts.ignored += 1,
                Verdict::Fail(hit) => offences.extend(jail.failure(id, hit, line, lines, now)),
            }
        }
    }
}

#[cfg(test)]
mod bans_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod thread_tests;
