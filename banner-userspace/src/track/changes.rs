//! Which hosts count otherwise than at the last look, so that a store need not write all of them.

use ipnet::IpNet;

use super::Window;
use crate::model::Wall;

/// What somebody who keeps the windows has to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// There are no others than these: so many changed that they were not noted one by one.
    pub all: bool,
    /// Hosts with the failures that count, in ascending order; none: the host is counted no more.
    pub hosts: Vec<(IpNet, Window)>,
}

/// Hosts that changed.
#[derive(Debug, Default)]
pub(super) enum Changed {
    /// Nobody wants to know.
    #[default]
    Unwatched,
    /// Maybe all.
    All,
    /// These, some of them several times.
    Some(Vec<IpNet>),
}

impl Changed {
    /// Notes one; `most`: of more than that it is as well to look at all.
    pub(super) fn note(&mut self, host: IpNet, most: usize) {
        if let Self::Some(hosts) = self {
            if hosts.len() < most {
                hosts.push(host);
            } else {
                *self = Self::All;
            }
        }
    }
}

impl super::Tracker {
    /// Changes are noted from now on.
    pub fn watch(&mut self) {
        self.changed = Changed::All;
    }

    /// What changed since this was asked last, or all where nothing is known of a last time.
    pub fn changes(&mut self) -> Changes {
        let fresh = Changed::Some(Vec::new());
        match std::mem::replace(&mut self.changed, fresh) {
            Changed::Unwatched => {
                self.changed = Changed::Unwatched;
                Changes {
                    all: false,
                    hosts: Vec::new(),
                }
            }
            Changed::All => {
                let hosts = self.hosts.all().map(|counted| {
                    counted.noted = false;
                    (counted.host, counted.failures.list())
                });
                Changes {
                    all: true,
                    hosts: hosts.collect(),
                }
            }
            Changed::Some(mut changed) => {
                changed.sort_unstable();
                changed.dedup();
                let hosts = changed.into_iter().map(|host| {
                    let counted = self.hosts.get(host).map(|counted| {
                        counted.noted = false;
                        counted.failures.list()
                    });
                    (host, counted.unwrap_or_default())
                });
                Changes {
                    all: false,
                    hosts: hosts.collect(),
                }
            }
        }
    }

    /// Goes on counting a host where an agent before this one stopped. Where fewer failures make an
    /// offence now, the next one does.
    pub fn restore(&mut self, host: IpNet, mut failures: Window, now: Wall) {
        let start = now.before(self.find_time);
        failures.retain(|&failure| failure > start);
        failures.sort_unstable();
        let most = self.max_retry.saturating_sub(1) as usize;
        failures.drain(..failures.len().saturating_sub(most));
        if failures.is_empty() || self.hosts.len() >= self.capacity {
            return;
        }
        let noted = matches!(self.changed, Changed::Some(_));
        let (place, _) = self.hosts.place(host);
        let count = failures.len();
        let counted = self.hosts.at(place);
        counted.failures = failures.into();
        counted.noted = noted;
        self.hosts.heard(place, count);
        self.changed.note(host, self.capacity);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use proptest::prelude::*;

    use super::*;
    use crate::track::Tracker;

    fn tracker() -> Tracker {
        Tracker::new(3, Duration::from_secs(100), 4)
    }

    fn host(n: u8) -> IpNet {
        std::net::IpAddr::from([192, 0, 2, n]).into()
    }

    fn counted(tracker: &mut Tracker) -> BTreeMap<IpNet, Window> {
        let hosts = tracker.hosts.all();
        hosts
            .map(|counted| (counted.host, counted.failures.list()))
            .collect()
    }

    #[test]
    fn nothing_is_noted_for_nobody() {
        let mut tracker = tracker();
        tracker.add(host(1), Wall(1), Wall(1));
        assert_eq!(tracker.changes().hosts, []);
        tracker.watch();
        let changes = tracker.changes();
        assert_eq!(
            (changes.all, changes.hosts),
            (true, vec![(host(1), vec![Wall(1)])])
        );
        assert_eq!(tracker.changes().hosts, []);
    }

    #[test]
    fn counting_goes_on_where_it_stopped() {
        let second = |secs| Wall::from_secs(secs);
        let mut tracker = tracker();
        let failures = vec![second(899), second(950), second(940)];
        tracker.restore(host(1), failures, second(1000));
        tracker.restore(host(2), vec![second(900)], second(1000));
        assert_eq!(tracker.hosts(), 1, "of the other nothing counts any more");
        let now = second(1001);
        assert_eq!(tracker.add(host(1), now, now), Some(3));
        // What is stricter now than it was then bans at the next failure, not at once.
        tracker.restore(host(1), vec![second(990); 9], second(1000));
        assert_eq!(tracker.add(host(1), now, now), Some(3));
    }

    proptest! {
        /// Whoever keeps the changes has what the tracker has, also when hosts are forgotten.
        #[test]
        fn who_follows_the_changes_knows_all_windows(
            steps in prop::collection::vec((0u8..9, 0i64..30, 0u8..8), 1..300),
        ) {
            let mut tracker = tracker();
            tracker.watch();
            let mut kept = BTreeMap::new();
            let mut now = 1000;
            for (n, step, look) in steps {
                now += step;
                tracker.add(host(n), Wall::from_secs(now), Wall::from_secs(now));
                if look > 0 {
                    continue;
                }
                let Changes { all, hosts } = tracker.changes();
                if all {
                    kept.clear();
                }
                for (host, window) in hosts {
                    if window.is_empty() {
                        kept.remove(&host);
                    } else {
                        kept.insert(host, window);
                    }
                }
                prop_assert_eq!(&kept, &counted(&mut tracker));
            }
        }
    }
}
