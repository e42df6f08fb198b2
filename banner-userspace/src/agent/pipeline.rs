//! Lines in, offences out: matching and counting for all jails. Pure.

use std::{collections::HashMap, sync::Arc, time::Duration};

use jiff::tz::TimeZone;

use crate::{
    filter::{Filter, FilterState, Hit, Key, Line, Sieve, Stamp, Verdict},
    model::{Chunk, JailId, LogId, Now, Offence, Wall},
    track::{Lines, Tracker},
};

/// What the pipeline has to know of a jail.
#[derive(Debug)]
pub struct JailSetup {
    /// Recognises its failures. Jails with the same filter share one.
    pub filter: Arc<Filter>,
    /// The log entries that it reads.
    pub logs: Vec<LogId>,
    /// Failures that make an offence…
    pub max_retry: u32,
    /// …within this time.
    pub find_time: Duration,
}

/// What was seen for one jail since the agent started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Failures.
    pub failures: u64,
    /// Lines that would have been failures, but for an ignore pattern.
    pub ignored: u64,
    /// Offences.
    pub offences: u64,
    /// Failures whose line has no stamp; they count as of now. So do the next two.
    pub stamp_missing: u64,
    /// Failures whose stamp is no time.
    pub stamp_unreadable: u64,
    /// Failures whose stamp lies ahead.
    pub stamp_future: u64,
    /// Failures of what is no address: prefixes, names, ids. Nobody is banned for them.
    pub unbannable: u64,
}

/// Matches and counts.
#[derive(Debug)]
pub struct Pipeline {
    jails: Vec<Jail>,
    lines: Lines,
    zone: TimeZone,
    /// Who reads the chunks of each set of logs.
    readers: HashMap<Vec<LogId>, Readers>,
}

/// The jails that read a chunk, those with the same filter together, and what finds the lines
/// that their filters have to look at.
#[derive(Debug)]
struct Readers {
    filters: Vec<Reader>,
    sieve: Sieve,
}

#[derive(Debug)]
struct Reader {
    filter: Arc<Filter>,
    /// What these logs have shown it.
    state: FilterState,
    jails: Vec<JailId>,
}

#[derive(Debug)]
struct Jail {
    setup: JailSetup,
    tracker: Tracker,
    counts: Counts,
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
            }
        });
        Self {
            jails: jails.collect(),
            lines: Lines::none(),
            zone,
            readers: HashMap::new(),
        }
    }

    /// From now on offences come with the lines that led to them, if `lines` keeps any.
    pub fn keep(&mut self, lines: Lines) {
        self.lines = lines;
    }

    /// What is kept of lines that led to no offence yet.
    pub fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Judges the lines of a chunk for every jail that reads one of its logs.
    pub fn chunk(&mut self, chunk: &Chunk<'_>, now: Now, offences: &mut Vec<Offence>) {
        if !self.readers.contains_key(chunk.logs) {
            let readers = Readers::new(&self.jails, chunk.logs, &self.zone);
            self.readers.insert(chunk.logs.to_vec(), readers);
        }
        let Some(Readers { filters, sieve }) = self.readers.get_mut(chunk.logs) else {
            return;
        };
        let (jails, lines) = (&mut self.jails, &mut self.lines);
        let mut each = |line: &[u8], time, reader: &mut Reader| {
            let line = Line {
                bytes: line.strip_suffix(b"\r").unwrap_or(line),
                cut: chunk.cut,
                at: time,
            };
            let verdict = reader.filter.judge_in(&mut reader.state, line, now.wall);
            for &id in &reader.jails {
                let jail = &mut jails[usize::from(id.0)];
                match &verdict {
                    Verdict::Miss => {}
                    Verdict::Ignored => jail.counts.ignored += 1,
                    Verdict::Fail(hit) => {
                        offences.extend(jail.failure(id, hit, line.bytes, lines, now));
                    }
                }
            }
        };
        if chunk.cut {
            // What is missing may be what a pattern cannot do without.
            let line = chunk.bytes.strip_suffix(b"\n").unwrap_or(chunk.bytes);
            let time = chunk.time_of(line);
            return filters
                .iter_mut()
                .for_each(|reader| each(line, time, reader));
        }
        sieve.lines(chunk.bytes, |line, wanted| {
            let time = chunk.time_of(line);
            for n in wanted.iter() {
                if let Some(reader) = filters.get_mut(n) {
                    each(line, time, reader);
                }
            }
        });
    }

    /// What a jail counts, to be watched or restored.
    pub fn tracker_mut(&mut self, jail: JailId) -> Option<&mut Tracker> {
        let jail = self.jails.get_mut(usize::from(jail.0))?;
        Some(&mut jail.tracker)
    }

    /// What was seen for a jail.
    pub fn counts(&self, jail: JailId) -> Option<(Counts, &Tracker)> {
        let jail = self.jails.get(usize::from(jail.0))?;
        Some((jail.counts, &jail.tracker))
    }

    /// How often a backtracking pattern of a jail's filter gave up on a line.
    pub fn exhausted(&self, jail: JailId) -> u64 {
        let readers = self.readers.values().flat_map(|readers| &readers.filters);
        let own = readers.filter(|reader| reader.jails.contains(&jail));
        own.map(|reader| reader.state.exhausted()).sum()
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
            let filter = &jail.setup.filter;
            let same = |reader: &&mut Reader| Arc::ptr_eq(&reader.filter, filter);
            match filters.iter_mut().find(same) {
                Some(reader) => reader.jails.push(JailId(n)),
                None => filters.push(Reader {
                    state: FilterState::new(filter, zone),
                    filter: Arc::clone(filter),
                    jails: vec![JailId(n)],
                }),
            }
        }
        let sieve = Sieve::new(filters.iter().map(|reader| &*reader.filter));
        Self { filters, sieve }
    }
}

impl Jail {
    fn failure(
        &mut self,
        jail: JailId,
        hit: &Hit,
        line: &[u8],
        lines: &mut Lines,
        now: Now,
    ) -> Option<Offence> {
        self.counts.failures += 1;
        let at = self.counts.trust(hit.stamp).unwrap_or(now.wall);
        let Key::Address(host) = hit.key else {
            self.counts.unbannable += 1;
            return None;
        };
        let counted = self.tracker.add(host, at, now.wall);
        // Also one that came too late to count: it is rare, and says as much about the host.
        lines.add(jail, host, at, hit.pattern, line);
        let failures = counted?;
        self.counts.offences += 1;
        Some(Offence {
            jail,
            host,
            failures,
            evidence: lines.of(jail, host, failures),
        })
    }
}

impl Counts {
    /// The time that a stamp gives, if it can be trusted; counts it, if not.
    fn trust(&mut self, stamp: Stamp) -> Option<Wall> {
        match stamp {
            Stamp::At(at) => return Some(at),
            Stamp::Missing => self.stamp_missing += 1,
            Stamp::Unreadable => self.stamp_unreadable += 1,
            Stamp::Future => self.stamp_future += 1,
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        filter::{FilterSpec, Prefixes},
        model::Mono,
    };

    const NOON: i64 = 1_795_176_000; // 2026-11-20T12:00:00Z

    fn filter(pattern: &str) -> Arc<Filter> {
        let spec = FilterSpec {
            prefix: Some("syslog".into()),
            fail: vec![pattern.into()],
            ignore: vec!["nagios".into()],
            ..FilterSpec::default()
        };
        Arc::new(Filter::compile(&spec, &Prefixes::default()).unwrap())
    }

    fn pipeline(jails: Vec<(Arc<Filter>, &[u16])>) -> Pipeline {
        let jails = jails.into_iter().map(|(filter, logs)| JailSetup {
            filter,
            logs: logs.iter().map(|&log| LogId(log)).collect(),
            max_retry: 2,
            find_time: Duration::from_mins(10),
        });
        Pipeline::new(jails.collect(), 100, TimeZone::UTC)
    }

    fn feed(pipeline: &mut Pipeline, log: u16, text: &str) -> Vec<(u16, String)> {
        let now = Now {
            wall: Wall::from_secs(NOON),
            mono: Mono(0),
        };
        let mut offences = Vec::new();
        let logs = [LogId(log)];
        let chunk = Chunk::new(&logs, text.as_bytes());
        pipeline.chunk(&chunk, now, &mut offences);
        offences
            .iter()
            .map(|offence| (offence.jail.0, offence.host.to_string()))
            .collect()
    }

    #[test]
    fn what_nobody_can_be_banned_for_and_what_a_pattern_gave_up_on_are_counted() {
        let mut pipeline = pipeline(vec![
            (filter("^user (?P<id>\\w+)$"), &[0]),
            (filter(r"^bad (\w+) \1 <HOST>$"), &[1]),
        ]);
        assert_eq!(feed(&mut pipeline, 0, "user eve\nuser eve\n"), []);
        assert_eq!(pipeline.counts(JailId(0)).unwrap().0.unbannable, 2);
        let long = format!("bad {} 192.0.2.7\n", "a".repeat(9000));
        assert_eq!(feed(&mut pipeline, 1, &long), []);
        assert_eq!([0, 1].map(|jail| pipeline.exhausted(JailId(jail))), [0, 1]);
    }

    #[test]
    fn every_jail_that_reads_the_log_counts_for_itself() {
        let bad = filter("^bad <HOST>$");
        let mut pipeline = pipeline(vec![
            (bad.clone(), &[0, 1]),
            (bad, &[1]),
            (filter("^<HOST>$"), &[1]),
        ]);
        assert_eq!(feed(&mut pipeline, 0, "bad 192.0.2.7\nbad 192.0.2.8\n"), []);
        let offences = feed(
            &mut pipeline,
            1,
            "x\nbad 192.0.2.7\r\nbad 2001:db8::1\n2001:db8::1\n",
        );
        assert_eq!(offences, [(0, "192.0.2.7".into())]);
        assert_eq!(
            feed(&mut pipeline, 1, "2001:db8::1\n"),
            [(2, "2001:db8::1".into())]
        );
        assert_eq!(
            feed(&mut pipeline, 9, "bad 192.0.2.8\n"),
            [],
            "nobody reads it"
        );
    }

    #[test]
    fn the_stamp_of_the_line_decides_and_those_not_trusted_are_counted() {
        let mut pipeline = pipeline(vec![(filter("^bad <HOST>$"), &[0])]);
        let offences = feed(
            &mut pipeline,
            0,
            "Nov 20 11:49:59 h x: bad 192.0.2.7\n\
             Nov 20 11:59:59 h x: bad 192.0.2.7\n\
             Nov 20 13:00:00 h x: bad 192.0.2.8\n\
             2026-99-20T10:00:00Z h x: bad 192.0.2.9\n\
             bad 192.0.2.10\n\
             Nov 20 11:59:59 h x: bad nagios 192.0.2.7\n",
        );
        assert_eq!(offences, []);
        let (counts, tracker) = pipeline.counts(JailId(0)).unwrap();
        assert_eq!((tracker.stale(), tracker.hosts()), (1, 4));
        let trust = (
            counts.stamp_missing,
            counts.stamp_unreadable,
            counts.stamp_future,
        );
        assert_eq!((counts.failures, trust), (5, (1, 1, 1)));
    }
}
