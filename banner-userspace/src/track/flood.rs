//! Tests of counting far more hosts than there is room for.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::Duration,
};

use proptest::prelude::*;

use super::Tracker;
use crate::model::Wall;

fn host(n: u128) -> IpAddr {
    Ipv6Addr::from(0x2001_0db8 << 96 | n).into()
}

fn at(secs: i64) -> Wall {
    Wall::from_secs(secs)
}

/// What limits.tracked is by default.
const CAPACITY: usize = 100_000;

/// A hundred attackers fail five times each in an hour; between their failures so many others fail,
/// each of them so often. Returns how many of the attackers are found out at their fifth failure.
fn found(others: u128, times: u32, tracker: &mut Tracker) -> usize {
    let mut now = 1_000_000;
    let mut next = 1 << 64;
    let mut found = 0;
    for round in 1..=5 {
        for attacker in 0..100 {
            let offence = tracker.add(host(attacker), at(now), at(now));
            assert_eq!(offence.is_some(), offence == Some(5) && round == 5);
            found += usize::from(offence.is_some());
        }
        for _ in 0..others {
            next += 1;
            for _ in 0..times {
                assert_eq!(tracker.add(host(next), at(now), at(now)), None);
            }
        }
        now += 700;
    }
    found
}

fn tracker(find_time: Duration, capacity: usize) -> Tracker {
    Tracker::new(5, find_time, capacity)
}

#[test]
fn a_million_other_hosts_hide_no_slow_attacker() {
    let mut tracker = tracker(Duration::from_hours(1), CAPACITY);
    assert_eq!(found(250_000, 1, &mut tracker), 100);
    // Of more than a million; some buckets are full.
    assert!(tracker.forgotten() < 10_000, "{}", tracker.forgotten());
    assert!(tracker.hosts() <= CAPACITY);
    // 65 bytes for each host, some for its failures, and 16 times eight for those that made room, up
    // to the next power of two.
    let (hosts, cold) = tracker.places();
    assert!(
        hosts <= CAPACITY + 1 && cold == (1 << 17) * 16 * 8,
        "{hosts} {cold}"
    );
}

#[test]
fn nor_do_those_who_fail_twice_each() {
    let mut tracker = tracker(Duration::from_hours(1), CAPACITY / 10);
    assert_eq!(found(15_000, 2, &mut tracker), 100);
}

#[test]
fn a_flood_that_is_over_leaves_room() {
    let mut tracker = tracker(Duration::from_mins(30), CAPACITY / 10);
    for n in 0..30_000 {
        let host = host(n / 3 + (1 << 64));
        tracker.add(host, at(1000), at(1000));
    }
    assert_eq!(tracker.hosts(), CAPACITY / 10);
    // Those who have three failures are over by then: they make room for those who have one.
    for n in 0..5_000 {
        tracker.add(host(n), at(9000), at(9000));
    }
    for n in 0..5_000 {
        let counted = tracker
            .hosts
            .get(host(n).into())
            .expect("a host that counts");
        assert_eq!(counted.failures.list(), [at(9000)]);
    }
    assert_eq!(tracker.forgotten(), 0);
}

/// Steps of a few hosts more than there is room for.
fn steps() -> impl Strategy<Value = Vec<(u8, i64, i64)>> {
    prop::collection::vec((0u8..40, 0i64..5, 0i64..25), 1..400)
}

proptest! {
    /// As long as nothing was forgotten, the count is exact, however few hosts there is room for.
    #[test]
    fn who_makes_room_goes_on_from_there(max_retry in 1u32..6, find in 1i64..40, steps in steps()) {
        let find_time = Duration::from_secs(find.unsigned_abs());
        let mut tracker = Tracker::new(max_retry, find_time, 3);
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
            let found = tracker.add(host(n.into()), at(stamp), at(now));
            if tracker.forgotten() > 0 {
                break;
            }
            prop_assert_eq!(found, expected);
        }
    }

    /// Also where much is forgotten nobody is found out who has not failed so often.
    #[test]
    fn nobody_is_found_out_for_what_others_did(max_retry in 2u32..6, steps in steps()) {
        let find = 30;
        let mut tracker = Tracker::new(max_retry, Duration::from_secs(30), 1);
        let mut since: HashMap<u8, Vec<i64>> = HashMap::new();
        let mut now = 1_000;
        for (n, step, age) in steps {
            now += step;
            let stamp = now - age;
            let failures = since.entry(n).or_default();
            failures.push(stamp);
            if let Some(found) = tracker.add(host(n.into()), at(stamp), at(now)) {
                let young = failures.iter().filter(|&&at| at > now - find).count();
                prop_assert!(found >= max_retry && found as usize <= young);
                failures.clear();
            }
        }
    }
}
