//! The thread that alone touches the file, and how the agent speaks with it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel},
    },
    thread,
    time::Duration,
};

use ipnet::IpNet;

use super::{
    batch::{Batch, Loaded, Offences},
    database::{self, Trouble},
    worker::Worker,
    write,
};
use crate::model::Now;

/// What the store has to know.
#[derive(Clone, Debug)]
pub struct Options {
    /// The file.
    pub path: PathBuf,
    /// Where an agent of an earlier version left marks, if it did; taken over once, then gone.
    pub old_marks: PathBuf,
    /// The kernel's `boot_id`.
    pub boot: String,
    /// The jails of today.
    pub jails: Vec<Arc<str>>,
    /// How long the past is kept.
    pub retention: Duration,
}

/// How the store is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Why it cannot be written.
    pub problem: Option<String>,
    /// It will not be written any more by this agent.
    pub given_up: bool,
    /// How often that happened, or was tried again in vain.
    pub failures: u64,
    /// Transactions.
    pub commits: u64,
    /// Bytes of the file and of its log, after the last transaction.
    pub bytes: u64,
    /// It has to be given all that there is, because it does not have what it had.
    pub wants_all: bool,
}

/// What becomes of a question.
pub type Reply = Box<dyn FnOnce(Result<Vec<Offences>, String>) + Send>;

pub(super) enum Job {
    Write(Batch),
    Offences(IpNet, u32, Reply),
    Stop(Option<Batch>),
}

/// What both sides see.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) health: Health,
    /// A batch is under way.
    pub(super) busy: bool,
    /// What was found when the file could first be read, though that was late.
    pub(super) late: Option<Loaded>,
    /// How long the past is kept from now on.
    pub(super) retention: Option<Duration>,
}

/// The agent's end of the store. Nothing here waits but [`Store::loaded`] and [`Store::stop`].
#[derive(Debug)]
pub struct Store {
    jobs: SyncSender<Job>,
    shared: Arc<Mutex<Shared>>,
    loaded: Receiver<Loaded>,
    done: Receiver<Result<(), String>>,
}

impl Store {
    /// Begins to read the file, which is made where there is none.
    pub fn open(options: Options, now: Now) -> io::Result<Self> {
        let (jobs, inbox) = sync_channel(16);
        let (found, loaded) = sync_channel(1);
        let (end, done) = sync_channel(1);
        let shared = Arc::default();
        let worker = Worker::new(options, inbox, Arc::clone(&shared));
        thread::Builder::new()
            .name("store".into())
            .spawn(move || worker.run(now, &found, &end))?;
        Ok(Self {
            jobs,
            shared,
            loaded,
            done,
        })
    }

    /// What the last agent left; waits for it. To be asked once. Nothing, where it cannot be read:
    /// [`Store::health`] says why.
    pub fn loaded(&self) -> Loaded {
        self.loaded.recv().unwrap_or_default()
    }

    /// What could be read only now.
    pub fn late(&self) -> Option<Loaded> {
        lock(&self.shared).late.take()
    }

    /// From the next batch on the past is kept for so long.
    pub fn keep_for(&self, retention: Duration) {
        lock(&self.shared).retention = Some(retention);
    }

    /// How it is.
    pub fn health(&self) -> Health {
        lock(&self.shared).health.clone()
    }

    /// Whether it is through with the last batch.
    pub fn is_free(&self) -> bool {
        let shared = lock(&self.shared);
        !shared.busy && !shared.health.given_up
    }

    /// Writes a batch. Only while it [is free](Self::is_free); else, false.
    pub fn write(&self, batch: Batch) -> bool {
        let mut shared = lock(&self.shared);
        if shared.busy || shared.health.given_up {
            return false;
        }
        if batch.all {
            shared.health.wants_all = false;
        }
        shared.busy = self.jobs.try_send(Job::Write(batch)).is_ok();
        shared.busy
    }

    /// Asks why somebody was banned: the latest `most` offences. False: too many are asking.
    pub fn offences(&self, net: IpNet, most: u32, reply: Reply) -> bool {
        self.jobs.try_send(Job::Offences(net, most, reply)).is_ok()
    }

    /// Writes the last batch and ends, if that takes no longer than `patience`.
    pub fn stop(self, batch: Option<Batch>, patience: Duration) -> Result<(), String> {
        let late = || "it is still busy with what came before".to_owned();
        self.jobs.try_send(Job::Stop(batch)).map_err(|_| late())?;
        match self.done.recv_timeout(patience) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(late()),
            Err(RecvTimeoutError::Disconnected) => Err("its thread is gone".into()),
        }
    }
}

pub(super) fn lock(shared: &Mutex<Shared>) -> std::sync::MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The next job, after some time or whenever it comes.
pub(super) fn next(inbox: &Receiver<Job>, pause: Option<Duration>) -> Result<Job, TryRecvError> {
    match pause {
        None => inbox.recv().map_err(|_| TryRecvError::Disconnected),
        Some(pause) => inbox.recv_timeout(pause).map_err(|error| match error {
            RecvTimeoutError::Timeout => TryRecvError::Empty,
            RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
        }),
    }
}

/// Ends bans in a file that no agent uses, so that the next one does not put them back: of one
/// prefix, or all. How many there were; none where there is no file.
pub fn forget(path: &Path, net: Option<IpNet>) -> Result<usize, String> {
    if !path.exists() {
        return Ok(0);
    }
    let forget = || -> Result<usize, Trouble> {
        let mut connection = database::open(path)?;
        write::forget(&mut connection, net)
    };
    forget().map_err(|trouble| format!("{}: {trouble}", path.display()))
}
