//! What waits to be told. Bounded; whoever puts something in never waits.

use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, watch};

use super::{
    digest::Digest,
    event::What,
    target::{Job, Recipients},
};

/// Events of one target that wait; those beyond are counted in a digest.
const CAPACITY: usize = 1000;

/// Sets of recipients that a digest is kept for while the queue is full; jails that share a set
/// share one. What is for further sets goes to the target's own.
const SETS: usize = 256;

#[derive(Debug)]
pub(super) struct Queue {
    inside: Mutex<Inside>,
    wake: Notify,
    closed: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Inside {
    jobs: VecDeque<Job>,
    /// What found no place, by recipients.
    over: Over,
}

/// Digests by recipients.
pub(super) type Over = BTreeMap<Option<Recipients>, Digest>;

/// What comes out.
#[derive(Debug)]
pub(super) enum Next {
    Job(Job),
    Over(Over),
    /// No more will come.
    Closed,
}

impl Queue {
    pub(super) fn new() -> Self {
        Self {
            inside: Mutex::default(),
            wake: Notify::new(),
            closed: watch::Sender::new(false),
        }
    }

    /// Returns whether there was a place. If not, the event is in the next digest.
    pub(super) fn push(&self, job: Job) -> bool {
        let mut inside = self.inside();
        // Who started and who stopped it is never folded; there are few of these.
        let is_rare = matches!(job.event.what, What::Start { .. } | What::Stop { .. });
        let has_place = inside.jobs.len() < CAPACITY || is_rare;
        if has_place {
            inside.jobs.push_back(job);
        } else {
            let over = &mut inside.over;
            let is_known = over.len() < SETS || over.contains_key(&job.to);
            let to = job.to.filter(|_| is_known);
            over.entry(to).or_default().add(&job.event);
        }
        drop(inside);
        self.wake.notify_one();
        has_place
    }

    /// Waits for the next. Nothing is lost when the future is dropped.
    pub(super) async fn next(&self) -> Next {
        loop {
            {
                let mut inside = self.inside();
                if let Some(job) = inside.jobs.pop_front() {
                    return Next::Job(job);
                }
                if !inside.over.is_empty() {
                    return Next::Over(mem::take(&mut inside.over));
                }
                if self.is_closed() {
                    return Next::Closed;
                }
            }
            self.wake.notified().await;
        }
    }

    /// No more will come.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
        self.wake.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.closed.borrow()
    }

    /// Waits until no more will come.
    pub(super) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as this queue.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Events that wait, without those that are counted for a digest.
    pub(super) fn len(&self) -> usize {
        self.inside().jobs.len()
    }

    /// Events that are still in here.
    pub(super) fn left(&self) -> u64 {
        let inside = self.inside();
        let over = inside.over.values().map(Digest::count);
        inside.jobs.len() as u64 + over.sum::<u64>()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        // Nothing panics between two changes.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{event::samples::ban, target::Address};
    use super::*;

    fn job(to: Option<&str>) -> Job {
        Job {
            event: Arc::new(ban("192.0.2.7")),
            to: to.map(|to| Address::parse(to).into_iter().collect()),
        }
    }

    #[tokio::test]
    async fn a_full_queue_counts_what_comes() {
        let queue = Queue::new();
        for _ in 0..CAPACITY {
            assert!(queue.push(job(None)));
        }
        for n in 0..5000 {
            assert!(!queue.push(job((n % 2 == 0).then_some("root"))));
        }
        for n in 0..1000 {
            assert!(!queue.push(job(Some(&format!("user{n}")))));
        }
        assert_eq!(
            (queue.len(), queue.left()),
            (CAPACITY, CAPACITY as u64 + 6000)
        );
        queue.close();
        for _ in 0..CAPACITY {
            assert!(matches!(queue.next().await, Next::Job(_)));
        }
        let Next::Over(over) = queue.next().await else {
            panic!("a digest")
        };
        assert_eq!(over.len(), SETS);
        assert_eq!(over.values().map(|digest| digest.bans).sum::<u64>(), 6000);
        assert_eq!(over[&job(Some("root")).to].bans, 2500);
        assert!(matches!(queue.next().await, Next::Closed));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let queue = Arc::new(Queue::new());
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.next().await }
        });
        tokio::task::yield_now().await;
        queue.push(job(None));
        assert!(matches!(waiting.await.unwrap(), Next::Job(_)));
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move {
                queue.closed().await;
                queue.next().await
            }
        });
        tokio::task::yield_now().await;
        queue.close();
        assert!(matches!(waiting.await.unwrap(), Next::Closed));
    }
}
