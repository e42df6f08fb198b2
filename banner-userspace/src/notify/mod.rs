//! Tells people and programs: by mail, by HTTP requests, by commands.
//!
//! A thread of its own, with a queue for each target. Who tells never waits: what finds no place in a
//! queue is counted, and told of in the next digest. A target that does not answer holds up no other.

mod backoff;
mod connect;
mod digest;
mod event;
mod failure;
mod lane;
mod message;
mod parcel;
mod program;
mod queue;
mod smtp;
mod target;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod webhook;
mod words;
mod worker;

use std::{
    io,
    sync::{Arc, mpsc as channel},
    thread,
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{mpsc, oneshot},
    task::JoinSet,
};

pub use digest::{Digest, DigestRule};
pub use event::{Banned, Event, Kind, Standing, Unbanned, What};
pub use failure::Failure;
pub use lane::TargetStatus;
pub use target::{
    Address, Carrier, Mail, Recipients, Route, Secret, Smtp, Target, Tls, Url, Way, Webhook,
};
pub use template::{Field, Template, TemplateError};

use crate::model::Now;
use lane::Lane;
use parcel::Sender;
use target::Job;

/// Threads that wait for names to be resolved. A resolver that never answers holds each for as long
/// as the system's settings say; messages wait for a free one until their deadline.
const RESOLVERS: usize = 4;

/// How long what is given up may take to end.
const LAST: Duration = Duration::from_secs(1);

/// The targets, and the thread that tells them.
#[derive(Debug)]
pub struct Notifier {
    clock: fn() -> Now,
    lanes: Vec<Arc<Lane>>,
    thread: Option<Thread>,
}

#[derive(Debug)]
struct Thread {
    /// Targets that are to be served.
    more: mpsc::UnboundedSender<Arc<Lane>>,
    /// Whoever has not been told by now is not told; what runs for that is ended.
    give_up: oneshot::Sender<()>,
    /// Ends when all has been told, or given up.
    done: channel::Receiver<()>,
}

impl Notifier {
    /// Starts the thread, if there is a target.
    pub fn start(targets: Vec<Target>, clock: fn() -> Now) -> io::Result<Self> {
        let mut notifier = Self::nobody(clock);
        notifier.replace(targets)?;
        Ok(notifier)
    }

    /// Tells nobody.
    pub fn nobody(clock: fn() -> Now) -> Self {
        Self {
            clock,
            lanes: Vec::new(),
            thread: None,
        }
    }

    /// Serves these targets from now on. Those that stay as they are keep what waits for them; what
    /// waits for those that are gone is still told.
    pub fn replace(&mut self, targets: Vec<Target>) -> io::Result<()> {
        if self.thread.is_none() && !targets.is_empty() {
            self.thread = Some(Thread::start(Sender::new(self.clock))?);
        }
        let before = std::mem::take(&mut self.lanes);
        for target in targets {
            let kept = before.iter().find(|lane| lane.target == target);
            let lane = kept.cloned().unwrap_or_else(|| {
                let lane = Arc::new(Lane::new(target));
                if let Some(thread) = &self.thread {
                    // It ends after this only.
                    let _ = thread.more.send(Arc::clone(&lane));
                }
                lane
            });
            self.lanes.push(lane);
        }
        let is_gone = |lane: &&Arc<Lane>| !self.lanes.iter().any(|kept| Arc::ptr_eq(kept, lane));
        for lane in before.iter().filter(is_gone) {
            lane.queue.close();
        }
        Ok(())
    }

    /// Whether a target wants to hear of such events.
    pub fn wants(&self, kind: Kind) -> bool {
        let lanes = &self.lanes;
        lanes.iter().any(|lane| lane.target.events.contains(&kind))
    }

    /// Tells those targets that routes lead to and that want to hear of it. Never waits.
    pub fn tell<'r>(&self, event: &Arc<Event>, routes: impl IntoIterator<Item = &'r Route>) {
        for route in routes {
            if let Some(lane) = self.lanes.get(route.target) {
                Self::push(lane, event, route.to.as_ref());
            }
        }
    }

    /// Tells every target that wants to hear of it. Never waits.
    pub fn tell_all(&self, event: &Arc<Event>) {
        for lane in &self.lanes {
            Self::push(lane, event, None);
        }
    }

    fn push(lane: &Lane, event: &Arc<Event>, to: Option<&Recipients>) {
        let kind = event.what.kind();
        if kind.is_none_or(|kind| lane.target.events.contains(&kind)) {
            let job = Job {
                event: Arc::clone(event),
                to: to.cloned(),
            };
            if !lane.queue.push(job) {
                lane.counts.folded(1);
            }
        }
    }

    /// What became of what was told, in the order of the targets.
    pub fn status(&self) -> Vec<TargetStatus> {
        self.lanes.iter().map(|lane| lane.status()).collect()
    }

    /// Tells what waits, for at most so long; returns how many events nobody was told of.
    pub fn stop(self, grace: Duration) -> u64 {
        for lane in &self.lanes {
            lane.queue.close();
        }
        let Some(thread) = self.thread else {
            return 0;
        };
        drop(thread.more);
        // Its end is seen as that of the other side.
        match thread.done.recv_timeout(grace) {
            Err(channel::RecvTimeoutError::Timeout) => {
                let left = self.lanes.iter().map(|lane| lane.left()).sum();
                let _ = thread.give_up.send(());
                // Long enough to kill what hangs, which would outlive this process.
                let _ = thread.done.recv_timeout(LAST);
                left
            }
            Ok(()) | Err(channel::RecvTimeoutError::Disconnected) => 0,
        }
    }
}

impl Thread {
    fn start(sender: Sender) -> io::Result<Self> {
        let runtime = runtime()?;
        let (more, mut lanes) = mpsc::unbounded_channel::<Arc<Lane>>();
        let (end, done) = channel::channel::<()>();
        let (give_up, enough) = oneshot::channel();
        let work = async move {
            let mut workers = JoinSet::new();
            while let Some(lane) = lanes.recv().await {
                let sender = sender.clone();
                workers.spawn(async move { worker::work(&lane, &sender).await });
            }
            while workers.join_next().await.is_some() {}
        };
        thread::Builder::new()
            .name("notify".into())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        () = work => {}
                        Ok(()) = enough => {}
                    }
                });
                // Ends what was given up. Names that are being resolved hold nobody up.
                runtime.shutdown_background();
                drop(end);
            })?;
        Ok(Self {
            more,
            give_up,
            done,
        })
    }
}

fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(RESOLVERS)
        .thread_name("notify-dns")
        .build()
}

/// Sends an event to a target once, now, whatever events it wants.
///
/// # Errors
/// Why it did not arrive.
pub fn send_now(
    target: &Target,
    event: &Event,
    to: Option<&Recipients>,
    clock: fn() -> Now,
) -> Result<(), Failure> {
    let runtime = runtime().map_err(Failure::passing)?;
    let sender = Sender::new(clock);
    let sent = runtime.block_on(async {
        let parcel = sender.pack(target, event, to).await;
        parcel.send().await
    });
    runtime.shutdown_background();
    sent
}
