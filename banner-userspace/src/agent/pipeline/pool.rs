//! Threads that judge big chunks, each on its own; what they find is taken in the order of the chunks.
//!
//! Only what does not depend on other lines is done here: which lines are candidates, and what
//! filters without a memory say of them. So it makes no difference who judges a chunk, or when.

use std::{
    any::Any,
    collections::VecDeque,
    num::NonZero,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        mpsc::{Receiver, Sender, channel},
    },
    thread::{self, JoinHandle},
};

use super::plan::{Judged, Known, Plan};
use crate::model::Now;

/// More threads than this are not begun, whatever the machine has: matching must not take it all.
const MOST: usize = 4;

/// So many chunks for each thread may wait to be judged or to be taken.
const WAITING: usize = 4;

/// Chunks from when they are read until what is in them has been taken.
#[derive(Debug)]
pub(super) struct Pool {
    queue: Arc<Queue>,
    /// How many threads judge, this one included.
    size: usize,
    threads: Vec<JoinHandle<()>>,
    done: (Sender<Done>, Receiver<Done>),
    /// Those that were begun, the oldest first; `None`: not done yet.
    order: VecDeque<Option<Judged>>,
    /// The number of the oldest.
    first: u64,
    own: Memory,
    /// Room that is used again.
    rooms: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

#[derive(Debug)]
struct Job {
    number: u64,
    plan: Arc<Plan>,
    bytes: Vec<u8>,
    now: Now,
}

/// A job's number, and what came of it: a panic goes on in the thread that waits for it.
type Done = (u64, Result<Judged, Box<dyn Any + Send>>);

/// What one thread has learnt for each plan.
#[derive(Debug, Default)]
struct Memory(Vec<(Weak<Plan>, Known)>);

impl Pool {
    /// With as many threads as there are processors for this process. They begin when there is
    /// something to do for them.
    pub(super) fn new() -> Self {
        let processors = thread::available_parallelism().map_or(1, NonZero::get);
        Self::of(processors.min(MOST))
    }

    /// With this many threads, the one that asks included.
    pub(super) fn of(size: usize) -> Self {
        Self {
            queue: Arc::default(),
            size,
            threads: Vec::new(),
            done: channel(),
            order: VecDeque::new(),
            first: 0,
            own: Memory::default(),
            rooms: Vec::new(),
        }
    }

    /// Whether there is anybody but the thread that asks.
    pub(super) fn helps(&self) -> bool {
        self.size > 1
    }

    /// Whether something is to be taken before more is begun.
    pub(super) fn is_full(&self) -> bool {
        self.order.len() >= self.size * WAITING
    }

    /// Begins to judge the lines of a chunk.
    pub(super) fn begin(&mut self, plan: &Arc<Plan>, bytes: &[u8], now: Now) {
        while self.threads.len() + 1 < self.size && self.grow() {}
        let mut room = self.rooms.pop().unwrap_or_default();
        room.extend_from_slice(bytes);
        let number = self.first + self.order.len() as u64;
        self.order.push_back(None);
        self.queue.lock().jobs.push_back(Job {
            number,
            plan: Arc::clone(plan),
            bytes: room,
            now,
        });
        self.queue.ready.notify_one();
    }

    /// The oldest chunk that was begun, when it is judged; `None`: there is no more. Whoever waits
    /// works, too.
    pub(super) fn next(&mut self) -> Option<Judged> {
        loop {
            if let Some(judged) = self.order.front_mut()?.take() {
                self.order.pop_front();
                self.first += 1;
                return Some(judged);
            }
            if let Ok(done) = self.done.1.try_recv() {
                self.note(done);
                continue;
            }
            let job = self.queue.lock().jobs.pop_front();
            let done = match job {
                Some(job) => (job.number, Ok(self.own.judge(job))),
                // Of the two ends of the channel this one has both.
                None => self.done.1.recv().ok()?,
            };
            self.note(done);
        }
    }

    /// Takes the room of a chunk back.
    pub(super) fn give_back(&mut self, mut room: Vec<u8>) {
        if self.rooms.len() < self.size * WAITING {
            room.clear();
            self.rooms.push(room);
        }
    }

    fn note(&mut self, (number, result): Done) {
        let judged = result.unwrap_or_else(|panic| resume_unwind(panic));
        let place = usize::try_from(number - self.first).unwrap_or(usize::MAX);
        if let Some(place) = self.order.get_mut(place) {
            *place = Some(judged);
        }
    }

    /// One thread more. Where the system gives none, those that are there do the work.
    fn grow(&mut self) -> bool {
        let (queue, done) = (Arc::clone(&self.queue), self.done.0.clone());
        let name = format!("match-{}", self.threads.len() + 1);
        match thread::Builder::new()
            .name(name)
            .spawn(move || queue.work(&done))
        {
            Ok(thread) => self.threads.push(thread),
            Err(_) => self.size = self.threads.len() + 1,
        }
        self.threads.len() + 1 < self.size
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.ready.notify_all();
        for thread in self.threads.drain(..) {
            // Its panic was in what it was given, which nobody wants any more.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, done: &Sender<Done>) {
        let mut memory = Memory::default();
        loop {
            let mut state = self.lock();
            let job = loop {
                if state.closed {
                    return;
                }
                if let Some(job) = state.jobs.pop_front() {
                    break job;
                }
                state = (self.ready.wait(state)).unwrap_or_else(PoisonError::into_inner);
            };
            drop(state);
            let number = job.number;
            let judged = catch_unwind(AssertUnwindSafe(|| memory.judge(job)));
            if judged.is_err() {
                memory = Memory::default();
            }
            if done.send((number, judged)).is_err() {
                return;
            }
        }
    }
}

impl Memory {
    fn judge(&mut self, job: Job) -> Judged {
        // Of plans that are gone nothing is remembered.
        self.0.retain(|(plan, _)| plan.strong_count() > 0);
        let plan = Arc::downgrade(&job.plan);
        let place = self.0.iter().position(|(known, _)| known.ptr_eq(&plan));
        let place = place.unwrap_or_else(|| {
            self.0.push((plan, Known::new(&job.plan)));
            self.0.len() - 1
        });
        let (_, known) = &mut self.0[place];
        job.plan.judge(job.bytes, job.now, known)
    }
}
