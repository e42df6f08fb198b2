//! What can be said of a chunk by looking at nothing but its lines.

use std::{ops::Range, sync::Arc};

use jiff::tz::TimeZone;

use crate::{
    filter::{Filter, FilterState, Line, Sieve, Splits, Verdict},
    model::{LogId, Now},
};

/// Who reads a set of logs: all that is needed to judge their lines as far as that goes without
/// knowing other lines.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) logs: Vec<LogId>,
    pub(super) sieve: Arc<Sieve>,
    pub(super) filters: Vec<Arc<Filter>>,
    pub(super) zone: TimeZone,
}

/// What one thread knows of a plan.
#[derive(Debug)]
pub(super) struct Known {
    filters: Vec<Option<Seen>>,
    splits: Splits,
}

/// A filter for one thread, and what it has found out there. `None` in its place: what it says
/// depends on other lines.
#[derive(Debug)]
enum Seen {
    Apart(Box<(Filter, FilterState)>),
    NotApart,
}

/// A chunk that was judged.
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) plan: Arc<Plan>,
    pub(super) bytes: Vec<u8>,
    pub(super) now: Now,
    /// In the order of lines, and for one line in that of filters.
    pub(super) findings: Vec<Finding>,
    /// How often patterns of each filter gave up.
    pub(super) exhausted: Vec<u64>,
}

/// A line that a filter has to look at.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) line: Range<usize>,
    pub(super) filter: usize,
    /// What it says, never a miss; `None`: it has not been asked.
    pub(super) verdict: Option<Verdict>,
}

impl Plan {
    /// Judges whole lines.
    pub(super) fn judge(self: Arc<Self>, bytes: Vec<u8>, now: Now, known: &mut Known) -> Judged {
        let Known {
            filters: seen,
            splits,
        } = known;
        let mut findings = Vec::new();
        self.sieve.lines(&bytes, |line, wanted| {
            let start = line.as_ptr().addr() - bytes.as_ptr().addr();
            splits.next_line();
            for n in wanted.iter() {
                let Some(filter) = self.filters.get(n) else {
                    continue;
                };
                let verdict = match seen[n].get_or_insert_with(|| Seen::new(filter, &self.zone)) {
                    Seen::Apart(apart) => {
                        let (filter, state) = &mut **apart;
                        match filter.judge_sharing(state, whole(line), now.wall, splits.of(n)) {
                            Verdict::Miss => continue,
                            verdict => Some(verdict),
                        }
                    }
                    Seen::NotApart => None,
                };
                findings.push(Finding {
                    line: start..start + line.len(),
                    filter: n,
                    verdict,
                });
            }
        });
        let exhausted = seen.iter_mut().map(|seen| match seen {
            Some(Seen::Apart(apart)) => apart.1.take_exhausted(),
            Some(Seen::NotApart) | None => 0,
        });
        let exhausted = exhausted.collect();
        Judged {
            plan: self,
            bytes,
            now,
            findings,
            exhausted,
        }
    }
}

impl Known {
    pub(super) fn new(plan: &Plan) -> Self {
        Self {
            filters: plan.filters.iter().map(|_| None).collect(),
            splits: Splits::new(plan.filters.iter().map(|filter| &**filter)),
        }
    }
}

impl Seen {
    fn new(filter: &Filter, zone: &TimeZone) -> Self {
        filter.apart().map_or(Self::NotApart, |apart| {
            let state = FilterState::new(&apart, zone);
            Self::Apart(Box::new((apart, state)))
        })
    }
}

/// A line as it stands in a chunk.
pub(super) fn whole(line: &[u8]) -> Line<'_> {
    Line::whole(line.strip_suffix(b"\r").unwrap_or(line))
}
