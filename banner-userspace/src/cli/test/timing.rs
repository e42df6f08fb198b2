//! What each pattern costs, measured on the lines that were read.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::subject::Subject;
use crate::{
    agent,
    filter::{Filter, FilterSpec, FilterState, Line},
    model::Wall,
};

/// How many lines are kept to measure with, and how many bytes.
const LINES: usize = 20_000;
const BYTES: usize = 8 << 20;

/// How long one pattern is measured at most.
const TIME: Duration = Duration::from_millis(200);

/// Lines to measure with: the first that were read.
#[derive(Default)]
pub(super) struct Kept {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Kept {
    pub(super) fn add(&mut self, line: &[u8]) {
        if self.ends.len() < LINES && self.bytes.len() + line.len() <= BYTES {
            self.bytes.extend_from_slice(line);
            self.ends.push(self.bytes.len());
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, end)| &self.bytes[start..*end])
    }
}

/// The cost of a filter with one pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// For a line, on average.
    pub(super) average: Duration,
    /// For the line that took longest.
    pub(super) worst: Duration,
    /// Number of that line, from 1.
    pub(super) line: usize,
}

/// Costs of a filter; `None` where a pattern cannot stand alone or there was no line.
#[derive(Debug, Default)]
pub(super) struct Costs {
    /// Of each pattern, when the filter has no other.
    pub(super) each: Vec<Option<Cost>>,
    /// Of the whole.
    pub(super) all: Option<Cost>,
}

/// Measures them.
pub(super) fn costs(subject: &Subject, lines: &Kept, zone: &TimeZone, at: Option<Wall>) -> Costs {
    let spec = subject.filter.spec();
    let alone = |pattern: &String| {
        let spec = FilterSpec {
            fail: vec![pattern.clone()],
            ignore: Vec::new(),
            samples: Vec::new(),
            ..spec.clone()
        };
        let filter = Filter::compile(&spec, &subject.prefixes).ok()?;
        cost(&filter, lines, zone, at)
    };
    Costs {
        each: spec.fail.iter().map(alone).collect(),
        all: cost(&subject.filter, lines, zone, at),
    }
}

fn cost(filter: &Filter, lines: &Kept, zone: &TimeZone, at: Option<Wall>) -> Option<Cost> {
    let mut state = FilterState::new(filter, zone);
    let judge = |state: &mut FilterState, line, now| {
        let line = Line {
            at,
            ..Line::whole(line)
        };
        let _ = filter.judge_in(state, line, now);
    };
    // Some of what a log needs is made when its first line comes.
    judge(&mut state, lines.iter().next()?, agent::now().wall);
    let begin = agent::now();
    let mut last = begin.mono;
    let mut worst = (Duration::ZERO, 0);
    let mut count = 0;
    for (n, line) in lines.iter().enumerate() {
        judge(&mut state, line, begin.wall);
        let now = agent::now().mono;
        worst = worst.max((now.since(last), n + 1));
        last = now;
        count += 1;
        if now.since(begin.mono) > TIME {
            break;
        }
    }
    (count > 0).then(|| Cost {
        average: last.since(begin.mono) / count,
        worst: worst.0,
        line: worst.1,
    })
}
