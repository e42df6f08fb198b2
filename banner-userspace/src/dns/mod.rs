//! Addresses of names that stand in logs: asked for by threads of their own, so that a server that never
//! answers holds up nothing, and within bounds, because it is strangers who choose the names.

mod name;
mod threads;

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    num::NonZeroUsize,
    sync::Arc,
    time::Duration,
};

use lru::LruCache;
use tokio::sync::mpsc;

use self::threads::Threads;
pub use self::{
    name::Name,
    threads::{Answer, Error, LookUp},
};
use crate::model::Mono;

/// Bounds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that ask. Each is held up for as long as it takes the C library to give up, which
    /// resolv.conf says: 10 s and more.
    pub threads: usize,
    /// Names that are asked for or wait for it.
    pub names: usize,
    /// What waits for their addresses.
    pub items: usize,
    /// Names whose addresses are remembered.
    pub cached: usize,
    /// How long anything waits.
    pub patience: Duration,
    /// How long addresses are remembered. The C library does not tell how long they hold.
    pub fresh: Duration,
    /// How long it is remembered that there are none, or no answer.
    pub none: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            threads: 4,
            names: 1_000,
            items: 10_000,
            cached: 10_000,
            patience: Duration::from_secs(30),
            fresh: Duration::from_mins(5),
            none: Duration::from_mins(1),
        }
    }
}

/// Addresses of one name that count, at most.
pub const ADDRESSES: usize = 8;

/// What became of the items that were given to a [`Resolver`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Their name has addresses.
    pub resolved: u64,
    /// It has none, or the servers failed.
    pub unresolved: u64,
    /// No answer in time.
    pub unanswered: u64,
    /// Refused, because too many waited.
    pub dropped: u64,
}

/// Looks up names, and keeps what waits for their addresses. Reads no clock.
#[derive(Debug)]
pub struct Resolver<T> {
    limits: Limits,
    threads: Threads,
    cache: LruCache<Name, Known>,
    waiting: HashMap<Name, Waiting<T>>,
    /// In the order in which their time is over.
    order: VecDeque<(Mono, Name)>,
    items: usize,
    stats: Stats,
}

/// What is known of a name.
#[derive(Debug)]
struct Known {
    until: Mono,
    addresses: Arc<[IpAddr]>,
}

#[derive(Debug)]
struct Waiting<T> {
    until: Mono,
    items: Vec<T>,
}

/// What comes of an item.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked<T> {
    /// The name is known: its addresses, none if it has none.
    Known(T, Arc<[IpAddr]>),
    /// It waits for an answer.
    Waits,
    /// There is no room for it.
    Dropped(T),
}

impl<T> Resolver<T> {
    /// Threads begin with the first name. Answers come out of the channel.
    pub fn new(limits: Limits, look_up: LookUp) -> (Self, mpsc::Receiver<Answer>) {
        // As many as can be asked for, so that no thread has to wait.
        let (answers, inbox) = mpsc::channel(limits.names.max(1));
        let cached = NonZeroUsize::new(limits.cached).unwrap_or(NonZeroUsize::MIN);
        let resolver = Self {
            limits,
            threads: Threads::new(limits.threads, look_up, answers),
            cache: LruCache::new(cached),
            waiting: HashMap::new(),
            order: VecDeque::new(),
            items: 0,
            stats: Stats::default(),
        };
        (resolver, inbox)
    }

    /// The same with what the C library knows: resolv.conf, hosts, and what else nsswitch.conf says.
    pub fn system() -> (Self, mpsc::Receiver<Answer>) {
        Self::of_system(Limits::default())
    }

    /// The same with other bounds.
    pub fn of_system(limits: Limits) -> (Self, mpsc::Receiver<Answer>) {
        Self::new(limits, threads::getaddrinfo())
    }

    /// Wants to know the addresses of a name for an item.
    pub fn ask(&mut self, name: Name, item: T, now: Mono) -> Asked<T> {
        if let Some(known) = self.cache.get(&name) {
            if known.until > now {
                let addresses = Arc::clone(&known.addresses);
                self.count(&addresses, 1);
                return Asked::Known(item, addresses);
            }
            self.cache.pop(&name);
        }
        if self.items >= self.limits.items {
            self.stats.dropped += 1;
            return Asked::Dropped(item);
        }
        if let Some(waiting) = self.waiting.get_mut(&name) {
            waiting.items.push(item);
            self.items += 1;
            return Asked::Waits;
        }
        if self.waiting.len() >= self.limits.names || self.threads.ask(&name).is_err() {
            self.stats.dropped += 1;
            return Asked::Dropped(item);
        }
        let until = now.after(self.limits.patience);
        self.order.push_back((until, name.clone()));
        let items = vec![item];
        self.waiting.insert(name, Waiting { until, items });
        self.items += 1;
        Asked::Waits
    }

    /// Takes an answer: the items that waited for it, and the addresses. One that is too late is
    /// remembered for those who ask next.
    pub fn answered(&mut self, answer: Answer, now: Mono) -> (Vec<T>, Arc<[IpAddr]>) {
        let Answer { name, addresses } = answer;
        let mut found = Vec::new();
        for address in addresses.unwrap_or_default() {
            let address = address.to_canonical();
            if !found.contains(&address) && found.len() < ADDRESSES {
                found.push(address);
            }
        }
        let addresses: Arc<[IpAddr]> = found.into();
        self.remember(name.clone(), &addresses, now);
        let waited = self.waiting.remove(&name);
        let items = waited.map_or_else(Vec::new, |waited| waited.items);
        self.items -= items.len();
        self.count(&addresses, items.len());
        (items, addresses)
    }

    /// Items that have waited for long enough.
    pub fn give_up(&mut self, now: Mono) -> Vec<T> {
        let mut over = Vec::new();
        while let Some((until, _)) = self.order.front()
            && *until <= now
            && let Some((until, name)) = self.order.pop_front()
        {
            // Answered since, and maybe asked for again.
            if self
                .waiting
                .get(&name)
                .is_none_or(|waiting| waiting.until != until)
            {
                continue;
            }
            self.threads.forget(&name);
            if let Some(waited) = self.waiting.remove(&name) {
                self.items -= waited.items.len();
                self.stats.unanswered += waited.items.len() as u64;
                over.extend(waited.items);
            }
            self.remember(name, &Arc::default(), now);
        }
        over
    }

    /// When [`give_up`](Self::give_up) next has something to do.
    pub fn deadline(&self) -> Option<Mono> {
        self.order.front().map(|(until, _)| *until)
    }

    /// How many items wait.
    pub fn waiting(&self) -> usize {
        self.items
    }

    /// What became of items so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn remember(&mut self, name: Name, addresses: &Arc<[IpAddr]>, now: Mono) {
        let time = if addresses.is_empty() {
            self.limits.none
        } else {
            self.limits.fresh
        };
        let known = Known {
            until: now.after(time),
            addresses: Arc::clone(addresses),
        };
        self.cache.put(name, known);
    }

    fn count(&mut self, addresses: &[IpAddr], items: usize) {
        let count = if addresses.is_empty() {
            &mut self.stats.unresolved
        } else {
            &mut self.stats.resolved
        };
        *count += items as u64;
    }
}

#[cfg(test)]
mod tests;
