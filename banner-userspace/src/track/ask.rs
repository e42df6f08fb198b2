//! What is counted of one host, and that it is counted no more.

use ipnet::IpNet;

use super::{Tracker, cold::Span};
use crate::model::{Wall, is_host};

impl Tracker {
    /// How many failures of a host or prefix count at `now`, also where it has made room for others.
    pub fn failures(&self, host: impl Into<IpNet>, now: Wall) -> usize {
        let host = host.into();
        let start = now.before(self.find_time);
        match self.hosts.peek(host) {
            Some(counted) => {
                let times = counted.failures.list();
                times.into_iter().filter(|at| *at > start).count()
            }
            None => self.cold.peek(host, Span { now, start }).count(),
        }
    }

    /// The hosts with the most failures that count at `now`, so many of them at most.
    pub fn heaviest(&self, most: usize, now: Wall) -> Vec<(IpNet, usize)> {
        let start = now.before(self.find_time);
        let counted = self.hosts.iter().map(|counted| {
            let times = counted.failures.list();
            let count = times.into_iter().filter(|at| *at > start).count();
            (counted.host, count)
        });
        let mut hosts: Vec<_> = counted.filter(|(_, count)| *count > 0).collect();
        hosts.sort_unstable_by_key(|&(host, count)| (std::cmp::Reverse(count), host));
        hosts.truncate(most);
        hosts
    }

    /// Counts nothing of this prefix and the hosts of it any more. Of a prefix that is no host, those that have
    /// made room are not looked for.
    pub fn forget(&mut self, net: IpNet) {
        let gone: Vec<IpNet> = if is_host(net) {
            self.cold.forget(net);
            vec![net]
        } else {
            let all = self.hosts.all().map(|counted| counted.host);
            all.filter(|host| net.contains(host)).collect()
        };
        for host in gone {
            if self.hosts.peek(host).is_some() {
                let (place, _) = self.hosts.place(host);
                self.hosts.remove(place);
                self.changed.note(host, self.capacity);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn host(n: u8) -> IpNet {
        std::net::IpAddr::from([192, 0, 2, n]).into()
    }

    fn at(secs: i64) -> Wall {
        Wall::from_secs(secs)
    }

    #[test]
    fn who_made_room_is_still_known_and_asking_changes_nothing() {
        let mut tracker = Tracker::new(5, Duration::from_secs(10), 2);
        tracker.add(host(1), at(100), at(100));
        tracker.add(host(1), at(101), at(101));
        for n in 2..4 {
            for _ in 0..3 {
                tracker.add(host(n), at(102), at(102));
            }
        }
        assert_eq!(tracker.hosts(), 2);
        for _ in 0..2 {
            assert_eq!(tracker.failures(host(1), at(103)), 2);
        }
        assert_eq!(tracker.failures(host(1), at(110)), 1);
        assert_eq!(tracker.failures(host(9), at(103)), 0);
    }

    #[test]
    fn those_with_the_most_failures_come_first() {
        let mut tracker = Tracker::new(5, Duration::from_secs(10), 9);
        for (n, seconds) in [(1, 100), (2, 101), (2, 102), (3, 95), (4, 102)] {
            tracker.add(host(n), at(seconds), at(102));
        }
        let heaviest = tracker.heaviest(2, at(105));
        assert_eq!(heaviest, [(host(2), 2), (host(1), 1)]);
        assert_eq!(tracker.heaviest(9, at(111)), [(host(2), 1), (host(4), 1)]);
    }

    #[test]
    fn who_is_forgotten_begins_anew_and_who_follows_the_changes_is_told() {
        let mut tracker = Tracker::new(3, Duration::from_secs(100), 4);
        tracker.watch();
        for n in [1, 2, 3] {
            tracker.add(host(n), at(1), at(1));
            tracker.add(host(n), at(1), at(1));
        }
        tracker.changes();
        tracker.forget(host(1));
        tracker.forget(host(9));
        assert_eq!(tracker.changes().hosts, [(host(1), vec![])]);
        assert_eq!(tracker.failures(host(1), at(2)), 0);
        assert_eq!(tracker.add(host(1), at(2), at(2)), None);
        assert_eq!(tracker.add(host(2), at(2), at(2)), Some(3));
        tracker.forget("192.0.2.0/24".parse().unwrap());
        assert_eq!(tracker.hosts(), 0);
        assert_eq!(tracker.add(host(3), at(3), at(3)), None);

        let mut tracker = Tracker::new(3, Duration::from_secs(100), 1);
        tracker.add(host(1), at(1), at(1));
        tracker.add(host(2), at(1), at(1));
        tracker.add(host(2), at(1), at(1));
        assert_eq!((tracker.hosts(), tracker.failures(host(1), at(2))), (1, 1));
        tracker.forget(host(1));
        assert_eq!(tracker.failures(host(1), at(2)), 0, "who made room, too");
    }
}
