//! Lines for which a filter takes long.

use std::time::Duration;

use crate::{
    agent,
    filter::{Filter, Slowest},
};

/// More than this for a line is slow.
pub(super) const SLOW: Duration = Duration::from_millis(1);

/// How long a filter is tried.
const TIME: Duration = Duration::from_secs(2);

/// The slowest of many lines of at most `limit` bytes; none: there is nothing to make lines of.
pub(super) fn slowest(filter: &Filter, limit: usize) -> Option<Slowest> {
    let now = agent::now().wall;
    filter.slowest(
        filter.stretched(limit, now),
        now,
        TIME,
        agent::processor_time,
    )
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
