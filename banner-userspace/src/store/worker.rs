//! What the thread does: open, read, write, and what to do when one of them fails.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, SyncSender, TryRecvError},
    },
    time::Duration,
};

use rusqlite::Connection;
use tracing::{error, info, warn};

use super::{
    batch::{Batch, Loaded},
    clock::Clock,
    database::{self, Trouble},
    load, marks, pending,
    thread::{Job, Options, Shared, lock, next},
    upkeep,
    write::{self, Setting},
};
use crate::model::{Mono, Now, Wall};

/// The first wait before something that failed is tried again, and the longest.
const BACK_OFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_mins(1));

/// A file that is open.
#[derive(Debug)]
struct Open {
    connection: Connection,
    clock: Clock,
    inode: u64,
}

pub(super) struct Worker {
    options: Options,
    inbox: Receiver<Job>,
    shared: Arc<Mutex<Shared>>,
    open: Option<Open>,
    /// The inode of the file that was last open.
    inode: Option<u64>,
    /// A file was read, or found to be of no use.
    begun: bool,
    /// What is not written yet.
    held: Option<Batch>,
    /// When to try again.
    pause: Option<Duration>,
    /// There are changes of which rows are to be made.
    pending: bool,
    /// The log of transactions has grown by very much.
    long_log: bool,
    tidied: Option<Mono>,
    now: Now,
}

impl Worker {
    pub(super) fn new(options: Options, inbox: Receiver<Job>, shared: Arc<Mutex<Shared>>) -> Self {
        Self {
            options,
            inbox,
            shared,
            open: None,
            inode: None,
            begun: false,
            held: None,
            pause: None,
            pending: false,
            long_log: false,
            tidied: None,
            now: Now {
                wall: Wall(0),
                mono: Mono(0),
            },
        }
    }

    /// Until it is told to stop, or nobody is there to tell it.
    pub(super) fn run(
        mut self,
        now: Now,
        found: &SyncSender<Loaded>,
        end: &SyncSender<Result<(), String>>,
    ) {
        self.now = now;
        let loaded = self.begin();
        // Who starts may have given up meanwhile.
        let _ = found.send(loaded.unwrap_or_default());
        loop {
            let pause = if self.pending {
                Some(Duration::ZERO)
            } else {
                self.pause
            };
            match next(&self.inbox, pause) {
                Ok(Job::Write(batch)) => {
                    self.now = batch.at;
                    self.held = Some(batch);
                    self.work();
                }
                Ok(Job::Offences(net, most, reply)) => reply(self.offences(net, most)),
                Ok(Job::Stop(batch)) => {
                    let _ = end.send(self.stop(batch));
                    return;
                }
                Err(TryRecvError::Empty) if self.pending => self.fold(),
                Err(TryRecvError::Empty) => self.work(),
                Err(TryRecvError::Disconnected) => return,
            }
        }
    }

    /// Opens the file for the first time and reads it.
    fn begin(&mut self) -> Option<Loaded> {
        match self.read_all() {
            Ok(loaded) => Some(loaded),
            Err(trouble) => {
                self.fail(trouble);
                // Where one that is corrupt was moved aside, there is place for a new one.
                if self.pause == Some(Duration::ZERO) {
                    self.work();
                }
                None
            }
        }
    }

    fn read_all(&mut self) -> Result<Loaded, Trouble> {
        // One that is not there is made with the first batch: an agent that refuses to start leaves
        // nothing.
        let mut loaded = Loaded::default();
        let nothing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        if !fs::metadata(&self.options.path).is_err_and(|error| nothing(&error)) {
            self.reopen()?;
        }
        if let Some(open) = &self.open {
            loaded = load::load(&open.connection, open.clock, self.now.mono)?;
            self.pending = pending::any(&open.connection)?;
        }
        match marks::take_over(&self.options.old_marks) {
            Ok(None) => {}
            Ok(Some(marks)) => {
                // An earlier version has read on since, and has kept no windows.
                loaded.marks = marks;
                loaded.windows.clear();
            }
            Err(error) => warn!("{error}; those logs are read from their ends"),
        }
        self.begun = true;
        Ok(loaded)
    }

    /// Sees to it that the file is open, and is the one that has its name.
    fn reopen(&mut self) -> Result<(), Trouble> {
        let path = &self.options.path;
        if let Some(open) = &self.open
            && fs::metadata(path).is_ok_and(|found| found.ino() == open.inode)
        {
            return Ok(());
        }
        // Until there is another one, lest it gets the same number.
        let before = self.open.take();
        let connection = database::open(path)?;
        drop(before);
        let inode = inode(path).map_err(|error| Trouble::Passing(error.to_string()))?;
        let clock = Clock::read(&connection, &self.options.boot, self.now)?;
        if self.inode.is_some_and(|before| before != inode) {
            warn!("{}: is another file than before", path.display());
        }
        self.inode = Some(inode);
        self.open = Some(Open {
            connection,
            clock,
            inode,
        });
        Ok(())
    }

    /// Writes what is held, or sees whether that would be possible now.
    fn work(&mut self) {
        let before = self.inode;
        let outcome = match self.reopen() {
            Ok(()) if self.inode != before && (before.is_some() || !self.begun) => {
                self.begin_late()
            }
            Ok(()) => self.write(),
            Err(trouble) => Err(trouble),
        };
        match outcome {
            Ok(()) => self.succeed(),
            Err(trouble) => self.fail(trouble),
        }
    }

    /// The file can be read for the first time, or is another one, though the agent has begun.
    fn begin_late(&mut self) -> Result<(), Trouble> {
        self.held = None;
        let mut loaded = self.read_all()?;
        // Reading has begun elsewhere.
        loaded.marks.clear();
        loaded.windows.clear();
        let mut shared = lock(&self.shared);
        shared.late = Some(loaded);
        shared.health.wants_all = true;
        Ok(())
    }

    fn write(&mut self) -> Result<(), Trouble> {
        if let Some(retention) = lock(&self.shared).retention.take() {
            self.options.retention = retention;
            self.tidied = None;
        }
        let (Some(open), Some(batch)) = (&mut self.open, &self.held) else {
            return Ok(());
        };
        if let Some(jails) = &batch.jails {
            self.options.jails.clone_from(jails);
        }
        let setting = Setting {
            clock: open.clock,
            boot: &self.options.boot,
            jails: &self.options.jails,
            at_once: pending::AT_ONCE,
        };
        write::write(&mut open.connection, batch, setting)?;
        if let Err(error) = marks::forget(&self.options.old_marks) {
            warn!("{error}");
        }
        self.long_log |= batch.all;
        self.pending = pending::any(&open.connection)?;
        if self.long_log && !self.pending {
            cut_log(open)?;
            self.long_log = false;
        }
        let due = |last: Mono| self.now.mono.since(last) >= upkeep::INTERVAL;
        if self.tidied.is_none_or(due) {
            self.tidied = Some(self.now.mono);
            upkeep::tidy(
                &open.connection,
                open.clock,
                self.options.retention,
                self.now,
            )?;
        }
        self.held = None;
        lock(&self.shared).health.commits += 1;
        Ok(())
    }

    /// Makes rows of some changes.
    fn fold(&mut self) {
        let Some(open) = &mut self.open else {
            self.pending = false;
            return;
        };
        let folded = pending::fold(&mut open.connection).and_then(|more| {
            if !more && self.long_log {
                cut_log(open)?;
                self.long_log = false;
            }
            Ok(more)
        });
        match folded {
            Ok(more) => self.pending = more,
            Err(trouble) => self.fail(trouble),
        }
    }

    fn succeed(&mut self) {
        self.pause = None;
        let path = &self.options.path;
        let sizes = [path.clone()].into_iter().chain(database::beside(path));
        let sizes = sizes.filter_map(|path| Some(fs::metadata(path).ok()?.len()));
        let mut shared = lock(&self.shared);
        shared.busy = false;
        shared.health.bytes = sizes.sum();
        if shared.health.problem.take().is_some() {
            info!("{}: is written again", path.display());
        }
    }

    fn fail(&mut self, trouble: Trouble) {
        let path = self.options.path.display();
        // Whatever is wrong, it is opened anew.
        self.open = None;
        self.pending = false;
        let problem = match trouble {
            Trouble::Newer(_) => {
                self.held = None;
                lock(&self.shared).health.given_up = true;
                format!(
                    "{path}: {trouble}; it is left alone. Bans work, but what is known of them is \
                     lost when the machine stops; run the newer banner, or move the file away and \
                     start anew"
                )
            }
            Trouble::Corrupt(why) => match database::move_aside(&self.options.path) {
                Ok(aside) => {
                    self.held = None;
                    self.begun = true;
                    self.pause = Some(Duration::ZERO);
                    lock(&self.shared).health.wants_all = true;
                    error!(
                        "{path}: is corrupt ({why}); it is {} now, and a new one is begun from \
                         what is in force",
                        aside.display()
                    );
                    lock(&self.shared).health.failures += 1;
                    lock(&self.shared).busy = false;
                    return;
                }
                Err(error) => {
                    format!("{path}: is corrupt ({why}), and cannot be moved aside: {error}")
                }
            },
            Trouble::Passing(why) => format!(
                "{path}: cannot be written: {why}; bans work, and what is known of them is kept in \
                 memory until it can. Without it, the next agent begins at the end of each log"
            ),
        };
        self.pause = (!lock(&self.shared).health.given_up).then(|| {
            let pause = self.pause.unwrap_or_default() * 2;
            pause.clamp(BACK_OFF.0, BACK_OFF.1)
        });
        let mut shared = lock(&self.shared);
        shared.busy = self.held.is_some();
        shared.health.failures += 1;
        if shared.health.problem.as_ref() != Some(&problem) {
            error!("{problem}");
            shared.health.problem = Some(problem);
        }
    }

    fn offences(&mut self, net: ipnet::IpNet, most: u32) -> Result<Vec<super::Offences>, String> {
        let Some(open) = &self.open else {
            let problem = lock(&self.shared).health.problem.clone();
            return Err(problem.unwrap_or_else(|| "the store is not open".into()));
        };
        load::offences(&open.connection, net, most).map_err(|trouble| trouble.to_string())
    }

    fn stop(&mut self, last: Option<Batch>) -> Result<(), String> {
        if self.held.is_some() {
            self.work();
        }
        if let Some(batch) = last
            && self.held.is_none()
        {
            self.now = batch.at;
            self.held = Some(batch);
            self.work();
        }
        match lock(&self.shared).health.problem.take() {
            Some(problem) => Err(problem),
            None => Ok(()),
        }
    }
}

/// What very many changes took is not to lie beside the file for long.
fn cut_log(open: &Open) -> Result<(), Trouble> {
    let cut = "PRAGMA wal_checkpoint(TRUNCATE)";
    Ok(open.connection.query_row(cut, [], |_| Ok(()))?)
}

fn inode(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.ino())
}
