//! The failures of hosts that had to make room, in eight bytes each.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

use ipnet::IpNet;

use super::Window;
use crate::model::Wall;

/// Failures that lie side by side, in two lines of cache.
const BUCKET: usize = 16;

/// Buckets at most: 64 MiB.
const MOST: usize = 1 << 19;

/// Of one host so many failures are kept, the latest.
const OF_ONE: usize = BUCKET / 2;

/// Failures by a hash of the host. Of a full bucket the oldest failure makes room.
///
/// A host's bucket and 32 more bits of its hash have to agree, so that of half a billion hosts that were
/// not here one is taken for another. The hash is keyed: nobody can look for hosts that are.
#[derive(Debug)]
pub(super) struct Cold {
    /// Empty until something is kept.
    slots: Vec<Slot>,
    buckets: usize,
    hasher: RandomState,
    /// How long a tick is, in ns: a millisecond, or more where the find time is longer than 24 days.
    unit: i64,
    /// When what is over was last looked for everywhere, so that ticks do not come round.
    swept: i64,
    lost: u64,
}

/// A failure.
#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Of the host; 0: there is none.
    tag: u32,
    /// When it was: the lower bits of the ticks since 1970, rounded down, so that a failure never counts
    /// for longer than it should.
    tick: u32,
}

/// Now, and since when failures count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) now: Wall,
    pub(super) start: Wall,
}

impl Cold {
    /// There are 16 places for each of `capacity` hosts.
    pub(super) fn new(capacity: usize, find_time: Duration) -> Self {
        let least = find_time.as_nanos() >> 31;
        Self {
            slots: Vec::new(),
            buckets: capacity.next_power_of_two().min(MOST),
            hasher: RandomState::new(),
            unit: i64::try_from(least).unwrap_or(i64::MAX).max(1_000_000),
            swept: i64::MIN,
            lost: 0,
        }
    }

    /// Keeps the failures of a host that was counted.
    pub(super) fn keep(&mut self, host: IpNet, failures: &Window, span: Span) {
        if self.slots.is_empty() {
            self.slots = vec![Slot::default(); self.buckets * BUCKET];
            self.swept = self.ticks(span.now);
        }
        self.sweep(span);
        let (place, tag) = self.place(host);
        let left_out = failures.len().saturating_sub(OF_ONE);
        self.lost += left_out as u64;
        for &at in &failures[left_out..] {
            if at > span.start {
                self.put(place, tag, at, span);
            }
        }
    }

    fn put(&mut self, place: usize, tag: u32, at: Wall, span: Span) {
        let slot = Slot {
            tag,
            tick: low(self.ticks(at)),
        };
        let at_of = |slot: &Slot| self.at(*slot, span.now);
        let bucket = &self.slots[place..place + BUCKET];
        let found = (0..BUCKET).min_by_key(|&n| {
            // What is empty or over comes before all that counts.
            at_of(&bucket[n]).filter(|at| *at > span.start)
        });
        let Some(n) = found else { return };
        let there = at_of(&bucket[n]).filter(|there| *there > span.start);
        self.lost += u64::from(there.is_some());
        if there.is_none_or(|there| there <= at) {
            self.slots[place + n] = slot;
        }
    }

    /// Takes out what is kept of a host and still counts, in ascending order.
    pub(super) fn take(&mut self, host: IpNet, span: Span) -> Window {
        let mut failures = Window::new();
        if self.slots.is_empty() {
            return failures;
        }
        let (place, tag) = self.place(host);
        for n in place..place + BUCKET {
            if self.slots[n].tag == tag {
                failures.extend(self.at(self.slots[n], span.now));
                self.slots[n] = Slot::default();
            }
        }
        failures.retain(|at| *at > span.start);
        failures.sort_unstable();
        failures
    }

    /// The failures of a host that are kept and still count, in no order.
    pub(super) fn peek(&self, host: IpNet, span: Span) -> impl Iterator<Item = Wall> {
        let (place, tag) = self.place(host);
        let bucket = self.slots.get(place..place + BUCKET).unwrap_or_default();
        let own = bucket.iter().filter(move |slot| slot.tag == tag);
        let times = own.filter_map(move |slot| self.at(*slot, span.now));
        times.filter(move |at| *at > span.start)
    }

    /// Nothing is kept of a host any more.
    pub(super) fn forget(&mut self, host: IpNet) {
        let (place, tag) = self.place(host);
        let bucket = self.slots.get_mut(place..place + BUCKET);
        for slot in bucket.into_iter().flatten().filter(|slot| slot.tag == tag) {
            *slot = Slot::default();
        }
    }

    /// How many failures that still counted made room for others.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Where the bucket of a host begins, and its tag.
    fn place(&self, host: IpNet) -> (usize, u32) {
        let hash = self.hasher.hash_one(host);
        // There are a power of two, at most 2^19.
        let bucket = usize::try_from(hash >> 32).unwrap_or(0) & (self.buckets - 1);
        (bucket * BUCKET, low(hash.cast_signed()).max(1))
    }

    fn ticks(&self, at: Wall) -> i64 {
        at.0.div_euclid(self.unit)
    }

    /// When a failure was. What lies ahead of `now`, because the clock was set back, is taken for very old.
    fn at(&self, slot: Slot, now: Wall) -> Option<Wall> {
        let now = self.ticks(now);
        let age = low(now).wrapping_sub(slot.tick);
        let tick = now - i64::from(age);
        (slot.tag != 0).then(|| Wall(tick.saturating_mul(self.unit)))
    }

    /// Removes all that is over, once in a quarter of the time after which ticks come round.
    fn sweep(&mut self, span: Span) {
        let now = self.ticks(span.now);
        if now.abs_diff(self.swept) < 1 << 30 {
            return;
        }
        self.swept = now;
        for n in 0..self.slots.len() {
            if self.at(self.slots[n], span.now) <= Some(span.start) {
                self.slots[n] = Slot::default();
            }
        }
    }

    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }
}

/// The lower 32 bits.
fn low(number: i64) -> u32 {
    let bytes = number.to_le_bytes();
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(n: u16) -> IpNet {
        std::net::IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n]).into()
    }

    fn span(now: i64, find: i64) -> Span {
        Span {
            now: Wall::from_secs(now),
            start: Wall::from_secs(now - find),
        }
    }

    #[test]
    fn what_is_kept_is_taken_once() {
        let mut cold = Cold::new(10, Duration::from_mins(10));
        assert_eq!(
            (cold.take(host(1), span(1000, 600)), cold.bytes()),
            (vec![], 0)
        );
        let failures = [500, 700, 900].map(Wall::from_secs).to_vec();
        cold.keep(host(1), &failures, span(1000, 600));
        cold.keep(host(2), &failures, span(1000, 600));
        assert_eq!(cold.take(host(1), span(1200, 600)), failures[1..]);
        assert_eq!(cold.take(host(1), span(1200, 600)), []);
        assert_eq!(cold.take(host(2), span(2000, 600)), []);
        assert_eq!(cold.lost(), 0);
    }

    #[test]
    fn of_a_full_bucket_the_oldest_makes_room() {
        let mut cold = Cold::new(1, Duration::from_mins(10));
        for n in 0..20 {
            let at = 1000 + i64::from(n);
            cold.keep(host(n), &vec![Wall::from_secs(at)], span(at, 600));
        }
        assert_eq!(cold.lost(), 4);
        let kept = (0..20).filter(|&n| !cold.take(host(n), span(1030, 600)).is_empty());
        assert_eq!(kept.collect::<Vec<_>>(), (4..20).collect::<Vec<_>>());
    }

    #[test]
    fn ticks_do_not_come_round() {
        let mut cold = Cold::new(4, Duration::from_mins(10));
        let find = 600;
        cold.keep(host(1), &vec![Wall::from_secs(1000)], span(1000, find));
        // 2^32 ms later; somebody else was here meanwhile.
        for day in 1..=49 {
            let now = 1000 + day * 86_400;
            cold.keep(host(2), &vec![Wall::from_secs(now)], span(now, find));
        }
        let round = 1000 + 4_294_967 + 60;
        assert_eq!(cold.take(host(1), span(round, find)), []);
    }

    proptest! {
        /// A failure comes back rounded down by less than a millisecond, whatever the clock shows.
        #[test]
        fn times_are_kept_to_the_millisecond(now: i32, age in 0i64..599_000_000_000) {
            let mut cold = Cold::new(4, Duration::from_mins(10));
            let span = span(i64::from(now), 600);
            let at = Wall(span.now.0 - age);
            cold.keep(host(1), &vec![at], span);
            let taken = cold.take(host(1), span);
            prop_assert_eq!(taken.len(), 1);
            prop_assert!((0..1_000_000).contains(&(at.0 - taken[0].0)));
        }
    }
}
