//! Lines for which a filter takes long.
//!
//! Whoever can make one line cost milliseconds can keep the agent busy with few lines. Samples whose
//! words are made long find patterns that try many ways to match.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::{
    agent,
    filter::{Filter, FilterState, Line},
};

/// More than this for a line is slow.
const SLOW: Duration = Duration::from_millis(1);

/// How long a filter is tried.
const TIME: Duration = Duration::from_secs(2);

/// What words are made of.
const FILLINGS: [&str; 5] = ["a", "a ", "1", ".", "a: "];

/// A line that takes long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Slow {
    /// How long it takes.
    pub(in crate::cli) time: Duration,
    /// Its beginning and end, and how often what is repeated between them.
    pub(in crate::cli) line: String,
}

/// The slowest line that was found, if it is slow; lines are at most `limit` bytes long.
pub(in crate::cli) fn slowest(filter: &Filter, limit: usize) -> Option<Slow> {
    let begin = agent::now().mono;
    let mut slowest: Option<Slow> = None;
    for sample in &filter.spec().samples {
        let Some(line) = sample.lines.last() else {
            continue;
        };
        let words: Vec<&str> = line.split(' ').collect();
        for at in 0..words.len() {
            for filling in FILLINGS {
                let room = limit.saturating_sub(line.len());
                let times = room / filling.len();
                let before = words[..at].join(" ");
                let after = words[at..].join(" ");
                let long = format!("{before} {}{after}", filling.repeat(times));
                let time = time(filter, long.as_bytes());
                let is_worse = slowest.as_ref().is_none_or(|slow| time > slow.time);
                if time > SLOW && is_worse {
                    slowest = Some(Slow {
                        time,
                        line: format!("{before} <{filling:?} {times} times>{after}"),
                    });
                }
                if agent::now().mono.since(begin) > TIME {
                    return slowest;
                }
            }
        }
    }
    slowest
}

/// The best of three, because others use the machine, too.
fn time(filter: &Filter, line: &[u8]) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let mut state = FilterState::new(filter, &TimeZone::UTC);
        let begin = agent::now();
        let _ = filter.judge_in(&mut state, Line::whole(line), begin.wall);
        best = best.min(agent::now().mono.since(begin.mono));
        if best <= SLOW {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Expect, FilterSpec, Key, Prefixes, Sample};

    #[test]
    fn a_pattern_that_tries_many_ways_is_found() {
        let host = Key::Address("192.0.2.7".parse().unwrap());
        let spec = FilterSpec {
            // Look-around needs the engine that tries.
            fail: vec![r"^(?:(?!zz)(?:a|a )+)+ from <HOST>$".into()],
            samples: vec![Sample::new("a from 192.0.2.7", Expect::Fail(host))],
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        let slow = slowest(&filter, 4096).expect("a slow line");
        assert!(slow.time > SLOW);
        assert!(slow.line.contains("times>"), "{}", slow.line);
    }
}
