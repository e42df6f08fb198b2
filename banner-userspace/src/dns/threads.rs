//! The threads that ask.

use std::{
    collections::VecDeque,
    fmt, io,
    net::{IpAddr, ToSocketAddrs as _},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::mpsc;

use super::Name;

/// Why a name has no addresses, as the system says it.
pub type Error = io::Error;

/// Asks for the addresses of a name, and waits for the answer for as long as it likes.
pub type LookUp = Arc<dyn Fn(&str) -> Result<Vec<IpAddr>, Error> + Send + Sync>;

/// What was found out.
#[derive(Debug)]
pub struct Answer {
    /// The name.
    pub name: Name,
    /// Its addresses.
    pub addresses: Result<Vec<IpAddr>, Error>,
}

/// What getaddrinfo(3) says.
pub(super) fn getaddrinfo() -> LookUp {
    Arc::new(|name| {
        let found = (name, 0).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    })
}

/// Threads that take names from a queue. They are left alone when the process ends, whatever they
/// wait for.
pub(super) struct Threads {
    queue: Arc<Queue>,
    most: usize,
    running: usize,
    look_up: LookUp,
    answers: mpsc::Sender<Answer>,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    names: VecDeque<Name>,
    idle: usize,
    over: bool,
}

impl Threads {
    pub(super) fn new(most: usize, look_up: LookUp, answers: mpsc::Sender<Answer>) -> Self {
        Self {
            queue: Arc::default(),
            most,
            running: 0,
            look_up,
            answers,
        }
    }

    /// Has a name asked for as soon as a thread is free.
    pub(super) fn ask(&mut self, name: &Name) -> io::Result<()> {
        let mut state = self.queue.lock();
        if state.idle <= state.names.len() && self.running < self.most {
            let (queue, look_up) = (Arc::clone(&self.queue), Arc::clone(&self.look_up));
            let answers = self.answers.clone();
            let thread = thread::Builder::new().name("dns".into());
            match thread.spawn(move || queue.serve(&look_up, &answers)) {
                Ok(_) => self.running += 1,
                // Those that there are will do.
                Err(_) if self.running > 0 => {}
                Err(error) => return Err(error),
            }
        }
        state.names.push_back(name.clone());
        self.queue.changed.notify_one();
        Ok(())
    }

    /// Nobody wants to know any more; where it is being asked for already, the answer comes all the same.
    pub(super) fn forget(&self, name: &Name) {
        self.queue.lock().names.retain(|waiting| waiting != name);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.queue.lock().over = true;
        self.queue.changed.notify_all();
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { queue, running, .. } = self;
        (f.debug_struct("Threads").field("queue", queue))
            .field("running", running)
            .finish_non_exhaustive()
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing is done under the lock that could leave half of it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, look_up: &LookUp, answers: &mpsc::Sender<Answer>) {
        while let Some(name) = self.next() {
            let addresses = look_up(name.as_ref());
            if answers.blocking_send(Answer { name, addresses }).is_err() {
                return;
            }
        }
    }

    /// The next name; none: there will be no more.
    fn next(&self) -> Option<Name> {
        let mut state = self.lock();
        state.idle += 1;
        while state.names.is_empty() && !state.over {
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.idle -= 1;
        if state.over {
            return None;
        }
        state.names.pop_front()
    }
}
