//! Counts failures per host in an exact sliding window, within bounded memory.

mod ask;
mod changes;
mod cold;
mod evidence;
#[cfg(test)]
mod flood;
mod hosts;
mod times;

use std::time::Duration;

use ipnet::IpNet;

pub use changes::Changes;
pub use evidence::Lines;

use self::{
    changes::Changed,
    cold::{Cold, Span},
    hosts::Hosts,
};
use crate::model::Wall;

/// The failures of the hosts that one jail counts.
///
/// At most `capacity` hosts are counted at a time, in 65 bytes and more each. When one more comes, a
/// host makes room: one whose failures are over, else one of those with the fewest failures, so that a
/// flood of hosts that fail once or twice does not drive out those who come back. Of the host that
/// makes room the times of its failures are kept in 8 bytes each, 16 times as many as there are
/// hosts, and when it comes back it goes on from there. What that has no room for either is forgotten,
/// and [`Tracker::forgotten`] says how often that happened.
#[derive(Debug)]
pub struct Tracker {
    max_retry: u32,
    find_time: Duration,
    capacity: usize,
    hosts: Hosts,
    cold: Cold,
    changed: Changed,
    stale: u64,
}

/// Times of the failures that still count, in ascending order; fewer than `max_retry`.
pub type Window = Vec<Wall>;

impl Tracker {
    /// An offence is `max_retry` failures within `find_time`.
    pub fn new(max_retry: u32, find_time: Duration, capacity: usize) -> Self {
        Self {
            max_retry,
            find_time,
            capacity: capacity.max(1),
            hosts: Hosts::default(),
            cold: Cold::new(capacity.max(1), find_time),
            changed: Changed::default(),
            stale: 0,
        }
    }

    /// Counts a failure of `host` at time `at`; a prefix is counted for itself, whatever its hosts do. At the failure that makes it an offence, says how
    /// many it took, and begins to count anew.
    ///
    /// A failure counts when it is younger than the find time at `now`; lines that arrive late or
    /// out of order fall where their stamps put them.
    pub fn add(&mut self, host: impl Into<IpNet>, at: Wall, now: Wall) -> Option<u32> {
        let host = host.into();
        let start = now.before(self.find_time);
        if at <= start {
            self.stale += 1;
            return None;
        }
        let span = Span { now, start };
        let (place, is_new) = self.hosts.place(host);
        let counted = self.hosts.at(place);
        if is_new {
            for failure in self.cold.take(host, span) {
                counted.failures.add(failure, start);
            }
        }
        if !std::mem::replace(&mut counted.noted, true) {
            self.changed.note(host, self.capacity);
        }
        let failures = counted.failures.add(at, start);
        let count = u32::try_from(failures).unwrap_or(u32::MAX);
        if count >= self.max_retry {
            self.hosts.remove(place);
            return Some(count);
        }
        self.hosts.heard(place, failures);
        if self.hosts.len() > self.capacity
            && let Some(spared) = self.hosts.remove_lightest(start)
        {
            if !spared.noted {
                self.changed.note(spared.host, self.capacity);
            }
            self.cold.keep(spared.host, &spared.failures.list(), span);
        }
        None
    }

    /// An offence is this from now on, and so many hosts are counted. What is counted counts on; where the
    /// time or the number of hosts changes, what little is known of hosts beyond that number does not.
    pub fn set(&mut self, max_retry: u32, find_time: Duration, capacity: usize) {
        self.max_retry = max_retry;
        let capacity = capacity.max(1);
        if (find_time, capacity) == (self.find_time, self.capacity) {
            return;
        }
        self.find_time = find_time;
        self.capacity = capacity;
        self.cold = Cold::new(capacity, find_time);
        while self.hosts.len() > capacity
            && let Some(spared) = self.hosts.remove_lightest(Wall(i64::MIN))
        {
            self.changed.note(spared.host, capacity);
        }
    }

    /// How many hosts are being counted.
    pub fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// How many failures that still counted were forgotten, because too many hosts had some.
    pub fn forgotten(&self) -> u64 {
        self.cold.lost()
    }

    /// Places that hosts have taken so far, and bytes for those that made room.
    #[cfg(test)]
    fn places(&self) -> (usize, usize) {
        (self.hosts.places(), self.cold.bytes())
    }

    /// How many failures came too late to count. Many of them mean that the log's time zone is not
    /// this machine's.
    pub fn stale(&self) -> u64 {
        self.stale
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn host(n: u8) -> IpNet {
        std::net::IpAddr::from([192, 0, 2, n]).into()
    }

    fn at(secs: i64) -> Wall {
        Wall::from_secs(secs)
    }

    fn tracker(max_retry: u32, find_secs: u64) -> Tracker {
        Tracker::new(max_retry, Duration::from_secs(find_secs), 100)
    }

    #[test]
    fn the_last_of_max_retry_failures_is_an_offence_and_counting_begins_anew() {
        let mut tracker = tracker(3, 10);
        for _ in 0..2 {
            assert_eq!(tracker.add(host(1), at(100), at(100)), None);
            assert_eq!(tracker.add(host(1), at(100), at(100)), None);
            assert_eq!(tracker.add(host(1), at(101), at(101)), Some(3));
        }
        assert_eq!(
            tracker.add(host(2), at(101), at(101)),
            None,
            "hosts are counted apart"
        );
    }

    #[test]
    fn the_window_slides_and_its_end_is_exact() {
        let mut tracker = tracker(2, 10);
        assert_eq!(tracker.add(host(1), at(100), at(100)), None);
        assert_eq!(
            tracker.add(host(1), at(110), at(110)),
            None,
            "ten seconds later"
        );
        assert_eq!(
            tracker.add(host(1), at(119), at(119)),
            Some(2),
            "nine seconds later"
        );
    }

    #[test]
    fn one_retry_is_an_offence_at_once() {
        assert_eq!(tracker(1, 10).add(host(1), at(5), at(5)), Some(1));
    }

    #[test]
    fn late_lines_count_where_their_stamps_put_them() {
        let mut tracker = tracker(3, 10);
        assert_eq!(tracker.add(host(1), at(109), at(109)), None);
        assert_eq!(tracker.add(host(1), at(95), at(109)), None, "too old");
        assert_eq!(tracker.stale(), 1);
        assert_eq!(tracker.add(host(1), at(105), at(110)), None);
        assert_eq!(tracker.add(host(1), at(101), at(110)), Some(3));
    }

    #[test]
    fn memory_is_bounded_and_who_makes_room_is_not_forgotten_at_once() {
        let mut tracker = Tracker::new(3, Duration::from_secs(100), 2);
        tracker.add(host(1), at(1), at(1));
        tracker.add(host(2), at(2), at(2));
        tracker.add(host(1), at(3), at(3));
        tracker.add(host(3), at(4), at(4));
        assert_eq!((tracker.hosts(), tracker.forgotten()), (2, 0));
        assert_eq!(
            tracker.add(host(1), at(5), at(5)),
            Some(3),
            "the busy one is remembered"
        );
        assert_eq!(tracker.add(host(2), at(6), at(6)), None);
        assert_eq!(tracker.add(host(2), at(6), at(6)), Some(3));
    }

    #[test]
    fn other_bounds_hold_from_the_next_failure_on_and_what_was_counted_counts() {
        let mut tracker = tracker(5, 100);
        for n in [1, 2, 3] {
            for second in 0..3 {
                assert_eq!(tracker.add(host(n), at(second), at(second)), None);
            }
        }
        tracker.set(3, Duration::from_secs(10), 2);
        assert_eq!(tracker.hosts(), 2);
        assert_eq!(tracker.failures(host(1), at(3)), 0, "the quietest one");
        assert_eq!(tracker.failures(host(3), at(3)), 3);
        assert_eq!(tracker.failures(host(3), at(11)), 1);
        assert_eq!(tracker.add(host(3), at(3), at(3)), Some(4));
        tracker.set(3, Duration::from_secs(2), 2);
        assert_eq!(tracker.add(host(2), at(4), at(4)), None, "too long ago");
    }

    proptest! {
        /// The window against a list of everything that ever happened.
        #[test]
        fn agrees_with_a_naive_count(
            max_retry in 1u32..6,
            find in 1i64..20,
            steps in prop::collection::vec((0u8..3, 0i64..5, 0i64..25), 1..200),
        ) {
            let mut tracker = tracker(max_retry, find.unsigned_abs());
            let mut all: HashMap<u8, Vec<i64>> = HashMap::new();
            let mut now = 1_000;
            for (n, step, age) in steps {
                now += step;
                let stamp = now - age;
                let failures = all.entry(n).or_default();
                let mut expected = None;
                if stamp > now - find {
                    failures.push(stamp);
                    let young = failures.iter().filter(|&&at| at > now - find).count();
                    if young >= max_retry as usize {
                        expected = Some(u32::try_from(young).unwrap());
                        failures.clear();
                    }
                }
                prop_assert_eq!(tracker.add(host(n), at(stamp), at(now)), expected);
            }
        }
    }
}
