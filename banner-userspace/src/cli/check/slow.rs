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

    fn of(pattern: &str) -> Slowest {
        let host = Key::Address("192.0.2.7".parse().unwrap());
        let spec = FilterSpec {
            fail: vec![pattern.into()],
            samples: vec![Sample::new("a from 192.0.2.7", Expect::Fail(host))],
            ..FilterSpec::default()
        };
        let filter = Filter::compile(&spec, &Prefixes::default()).unwrap();
        slowest(&filter, 256).expect("a line")
    }

    #[test]
    fn a_pattern_that_tries_many_ways_is_found() {
        // Look-around needs the engine that tries.
        let slow = of(r"^(?:(?!zz)(?:a|a )+)+ from <HOST>$");
        // Not so many milliseconds: processors differ.
        let usual = of(r"^(?:a|a )+ from <HOST>$");
        assert!(slow.time > usual.time * 5, "{slow:?} {usual:?}");
        assert!(slow.line.contains("times>"), "{}", slow.line);
    }
}
