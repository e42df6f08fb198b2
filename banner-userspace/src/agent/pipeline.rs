//! Lines in, offences out: matching and counting for all jails. Pure.

use std::{sync::Arc, time::Duration};

use crate::{
    filter::{Filter, Stamp, StampReader, Verdict},
    model::{Chunk, Failure, JailId, LogId, Now, Offence},
    track::Tracker,
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
}

/// Matches and counts.
#[derive(Debug)]
pub struct Pipeline {
    jails: Vec<Jail>,
    stamps: StampReader,
    readers: Vec<JailId>,
}

#[derive(Debug)]
struct Jail {
    setup: JailSetup,
    tracker: Tracker,
    counts: Counts,
}

impl Pipeline {
    /// `jails` by [`JailId`]; each counts at most `capacity` hosts at a time.
    pub fn new(jails: Vec<JailSetup>, capacity: usize, stamps: StampReader) -> Self {
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
            stamps,
            readers: Vec::new(),
        }
    }

    /// Judges every line of a chunk for every jail that reads one of its logs.
    pub fn chunk(&mut self, chunk: &Chunk<'_>, now: Now, offences: &mut Vec<Offence>) {
        self.readers.clear();
        for (n, jail) in self.jails.iter().enumerate() {
            if jail.setup.logs.iter().any(|log| chunk.logs.contains(log))
                && let Ok(n) = u16::try_from(n)
            {
                self.readers.push(JailId(n));
            }
        }
        for line in chunk.bytes.split_inclusive(|&byte| byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.line(line, chunk.cut, now, offences);
        }
    }

    fn line(&mut self, line: &[u8], cut: bool, now: Now, offences: &mut Vec<Offence>) {
        let mut last: Option<(*const Filter, Verdict<'_>)> = None;
        for &id in &self.readers {
            let jail = &mut self.jails[usize::from(id.0)];
            // Jails with the same filter stand together more often than not.
            let filter = Arc::as_ptr(&jail.setup.filter);
            let verdict = match last {
                Some((judge, verdict)) if judge == filter => verdict,
                _ => jail.setup.filter.judge(line, cut),
            };
            last = Some((filter, verdict));
            match verdict {
                Verdict::Miss => {}
                Verdict::Ignored => jail.counts.ignored += 1,
                Verdict::Fail(hit) => {
                    let stamp = self.stamps.read(hit.stamp, now.wall);
                    let at = jail.counts.trust(stamp).unwrap_or(now.wall);
                    let failure = Failure {
                        jail: id,
                        host: hit.host,
                        at,
                    };
                    offences.extend(jail.count(&failure, now));
                }
            }
        }
    }

    /// What was seen for a jail.
    pub fn counts(&self, jail: JailId) -> Option<(Counts, &Tracker)> {
        let jail = self.jails.get(usize::from(jail.0))?;
        Some((jail.counts, &jail.tracker))
    }
}

impl Jail {
    fn count(&mut self, failure: &Failure, now: Now) -> Option<Offence> {
        self.counts.failures += 1;
        let failures = self.tracker.add(failure.host, failure.at, now.wall)?;
        self.counts.offences += 1;
        Some(Offence {
            jail: failure.jail,
            host: failure.host,
            failures,
        })
    }
}

impl Counts {
    /// The time that a stamp gives, if it can be trusted; counts it, if not.
    fn trust(&mut self, stamp: Stamp) -> Option<crate::model::Wall> {
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
    use jiff::tz::TimeZone;

    use super::*;
    use crate::{
        filter::{FilterSpec, Prefixes},
        model::{Mono, Wall},
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
        Pipeline::new(jails.collect(), 100, StampReader::new(TimeZone::UTC))
    }

    fn feed(pipeline: &mut Pipeline, log: u16, text: &str) -> Vec<(u16, String)> {
        let now = Now {
            wall: Wall::from_secs(NOON),
            mono: Mono(0),
        };
        let mut offences = Vec::new();
        let chunk = Chunk {
            logs: &[LogId(log)],
            bytes: text.as_bytes(),
            cut: false,
        };
        pipeline.chunk(&chunk, now, &mut offences);
        offences
            .iter()
            .map(|offence| (offence.jail.0, offence.host.to_string()))
            .collect()
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
