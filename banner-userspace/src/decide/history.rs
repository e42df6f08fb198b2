//! How often somebody was banned before.

use std::{collections::HashMap, time::Duration};

use ipnet::IpNet;
use lru::LruCache;

use crate::model::Wall;

/// What is remembered of the bans that one jail gave one host or prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Who.
    pub net: IpNet,
    /// The name of the jail; it may be none of today's.
    pub jail: String,
    /// How many bans.
    pub count: u32,
    /// When the last one began.
    pub last: Wall,
    /// When it ends or ended; `None`: without an end.
    pub ends: Option<Wall>,
}

/// Bans that were, of a bounded number of hosts and prefixes.
///
/// When there is no room for one more, somebody is forgotten: of those who were banned once, who is
/// not worth remembering for long, as long as they take more than a quarter of the room; else of those
/// who came back. Of either, the one who has not been banned for longest. So a flood of addresses that
/// come once does not wash out those who come again and again.
#[derive(Debug)]
pub struct History {
    capacity: usize,
    /// Banned once by one jail.
    once: LruCache<IpNet, Vec<Row>>,
    /// Banned more often.
    often: LruCache<IpNet, Vec<Row>>,
    rows: usize,
    jails: Names,
    forgotten: u64,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    jail: Jail,
    count: u32,
    last: Wall,
    ends: Option<Wall>,
}

/// The number of a jail's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Jail(u32);

#[derive(Debug, Default)]
struct Names {
    all: Vec<String>,
    numbers: HashMap<String, Jail>,
}

impl Names {
    fn number(&mut self, name: &str) -> Jail {
        if let Some(&known) = self.numbers.get(name) {
            return known;
        }
        let number = Jail(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }
}

impl History {
    /// For at most so many rows, one for each host or prefix and jail.
    pub fn new(capacity: usize) -> Self {
        Self {
            capacity: capacity.max(1),
            once: LruCache::unbounded(),
            often: LruCache::unbounded(),
            rows: 0,
            jails: Names::default(),
            forgotten: 0,
        }
    }

    /// What an agent before this one knew; the longest ago first. What there is no room for is
    /// forgotten, as ever.
    pub fn restore(&mut self, past: &Past) {
        let jail = self.jails.number(&past.jail);
        self.put(
            past.net,
            Row {
                jail,
                count: past.count.max(1),
                last: past.last,
                ends: past.ends,
            },
        );
    }

    /// Everything that is known of a host or just this prefix.
    pub fn of(&self, net: IpNet) -> impl Iterator<Item = Past> {
        let rows = self.rows_of(net).unwrap_or_default().iter();
        rows.map(move |row| Past {
            net,
            jail: self.jails.all[row.jail.0 as usize].clone(),
            count: row.count,
            last: row.last,
            ends: row.ends,
        })
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether nobody is known.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// How many hosts and prefixes were forgotten because there was no room.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// The number of a jail's name, for the others.
    pub(super) fn jail(&mut self, name: &str) -> Jail {
        self.jails.number(name)
    }

    /// How many bans that are not over for longer than `forget` this host or prefix has had, in the
    /// jails that `counts` says.
    pub(super) fn earlier(
        &self,
        net: IpNet,
        forget: Duration,
        now: Wall,
        counts: impl Fn(Jail) -> bool,
    ) -> u32 {
        let rows = self.rows_of(net).unwrap_or_default().iter();
        rows.filter(|row| counts(row.jail) && row.is_known(forget, now))
            .fold(0, |sum, row| sum.saturating_add(row.count))
    }

    /// A ban began. Those of the same jail that are over for longer than `forget` are not counted
    /// with it.
    pub(super) fn add(
        &mut self,
        net: IpNet,
        jail: Jail,
        now: Wall,
        ends: Option<Wall>,
        forget: Duration,
    ) {
        let rows = self.rows_of(net).unwrap_or_default().iter();
        let mut earlier = rows.filter(|row| row.jail == jail && row.is_known(forget, now));
        let earlier = earlier.next().map_or(0, |row| row.count);
        self.put(
            net,
            Row {
                jail,
                count: earlier.saturating_add(1),
                last: now,
                ends,
            },
        );
    }

    /// The last ban of this jail ends then.
    pub(super) fn prolong(&mut self, net: IpNet, jail: Jail, ends: Option<Wall>) {
        let rows = self.once.peek_mut(&net).or(self.often.peek_mut(&net));
        let rows = rows.into_iter().flatten();
        for row in rows.filter(|row| row.jail == jail) {
            row.ends = ends;
        }
    }

    /// Forgives: this host or just this prefix was never banned.
    pub(super) fn forget(&mut self, net: IpNet) {
        let gone = self.once.pop(&net).or_else(|| self.often.pop(&net));
        self.rows -= gone.map_or(0, |rows| rows.len());
    }

    fn rows_of(&self, net: IpNet) -> Option<&[Row]> {
        let rows = self.often.peek(&net).or_else(|| self.once.peek(&net));
        rows.map(Vec::as_slice)
    }

    fn put(&mut self, net: IpNet, row: Row) {
        let known = self.once.pop(&net).or_else(|| self.often.pop(&net));
        let mut rows = known.unwrap_or_default();
        self.rows -= rows.len();
        rows.retain(|other| other.jail != row.jail);
        rows.push(row);
        self.rows += rows.len();
        if rows.len() == 1 && row.count == 1 {
            self.once.put(net, rows);
        } else {
            self.often.put(net, rows);
        }
        self.make_room();
    }

    /// Has room for so many rows from now on.
    pub(super) fn resize(&mut self, capacity: usize) {
        self.capacity = capacity.max(1);
        self.make_room();
    }

    fn make_room(&mut self) {
        while self.rows > self.capacity {
            let many = self.once.len() > self.capacity / 4 || self.often.is_empty();
            let gone = if many {
                &mut self.once
            } else {
                &mut self.often
            }
            .pop_lru();
            let Some((_, rows)) = gone else { return };
            self.rows -= rows.len();
            self.forgotten += 1;
        }
    }
}

impl Row {
    fn is_known(&self, forget: Duration, now: Wall) -> bool {
        self.ends.is_none_or(|ends| ends.after(forget) > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_hours(1);

    fn net(n: u32) -> IpNet {
        IpNet::from(std::net::IpAddr::from((0x0a00_0000 + n).to_be_bytes()))
    }

    fn at(secs: i64) -> Wall {
        Wall::from_secs(secs)
    }

    fn earlier(history: &History, n: u32, now: i64) -> u32 {
        history.earlier(net(n), HOUR, at(now), |_| true)
    }

    #[test]
    fn bans_are_counted_by_jail_until_they_are_over_for_long() {
        let mut history = History::new(10);
        let [a, b] = ["a", "b"].map(|name| history.jail(name));
        for _ in 0..3 {
            history.add(net(1), a, at(0), Some(at(600)), HOUR);
        }
        history.add(net(1), b, at(0), None, HOUR);
        let of = |now, jail| history.earlier(net(1), HOUR, at(now), |row| row == jail);
        assert_eq!((of(4199, a), of(4200, a)), (3, 0));
        assert_eq!(of(1 << 40, b), 1, "a ban without an end is never over");
        assert_eq!(earlier(&history, 1, 0), 4);
        assert_eq!(earlier(&history, 2, 0), 0);
        history.add(net(1), a, at(4200), Some(at(5000)), HOUR);
        assert_eq!(earlier(&history, 1, 4200), 2, "counting began anew");
        history.prolong(net(1), a, Some(at(9000)));
        assert_eq!(earlier(&history, 1, 12_599), 2);
        let past: Vec<_> = history.of(net(1)).map(|p| (p.jail, p.count)).collect();
        assert_eq!(past, [("b".into(), 1), ("a".into(), 1)]);
        history.forget(net(1));
        assert_eq!((earlier(&history, 1, 0), history.len()), (0, 0));
    }

    #[test]
    fn what_is_restored_is_what_was_there() {
        let mut history = History::new(10);
        let past = Past {
            net: net(1),
            jail: "gone".into(),
            count: 7,
            last: at(5),
            ends: Some(at(9)),
        };
        history.restore(&past);
        assert_eq!(history.of(net(1)).collect::<Vec<_>>(), [past]);
        assert_eq!(earlier(&history, 1, 10), 7);
    }

    #[test]
    fn a_flood_of_newcomers_does_not_wash_out_who_comes_again() {
        let mut history = History::new(100);
        let jail = history.jail("a");
        for n in 0..50 {
            for _ in 0..2 {
                history.add(net(n), jail, at(0), None, HOUR);
            }
        }
        for n in 100..100_000 {
            history.add(net(n), jail, at(1), None, HOUR);
        }
        assert_eq!((history.len(), history.forgotten()), (100, 99_850));
        assert!((0..50).all(|n| earlier(&history, n, 2) == 2));
        for n in 200_000..300_000 {
            for _ in 0..2 {
                history.add(net(n), jail, at(2), None, HOUR);
            }
        }
        assert_eq!(history.len(), 100);
        assert_eq!(earlier(&history, 299_999, 2), 2);
        assert_eq!(earlier(&history, 0, 2), 0, "those who came again since");
        assert!(history.once.len() <= 25);
    }

    #[test]
    fn rows_of_several_jails_are_bounded_too() {
        let mut history = History::new(10);
        for n in 0..100 {
            let jail = history.jail(&n.to_string());
            history.add(net(n % 3), jail, at(0), None, HOUR);
            assert!(history.len() <= 10);
        }
    }
}
