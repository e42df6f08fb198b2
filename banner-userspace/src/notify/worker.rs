//! Tells one target what waits for it, one after the other.

use std::{collections::BTreeMap, future::pending};

use tracing::{info, warn};

use super::{
    backoff::{pause, random},
    digest::Fold,
    event::Event,
    lane::Lane,
    parcel::Sender,
    queue::Next,
    target::Recipients,
};
use crate::model::Mono;

/// Works until the queue is closed and empty.
pub(super) async fn work(lane: &Lane, sender: &Sender) {
    let mut folds = BTreeMap::<Option<Recipients>, Fold>::new();
    loop {
        let due = folds.values().filter_map(Fold::due).min();
        let next = tokio::select! {
            next = lane.queue.next() => Some(next),
            () = sleep_until(due, sender) => None,
        };
        let now = (sender.clock)().mono;
        let fold = || Fold::new(lane.target.digest, now);
        let closed = matches!(next, Some(Next::Closed));
        match next {
            Some(Next::Job(job)) => {
                let fold = folds.entry(job.to.clone()).or_insert_with(fold);
                if fold.admits(&job.event, now) {
                    deliver(lane, sender, &job.event, job.to.as_ref()).await;
                } else {
                    lane.counts.folded(1);
                }
            }
            Some(Next::Over(over)) => {
                for (to, digest) in over {
                    folds.entry(to).or_insert_with(fold).merge(digest);
                }
            }
            Some(Next::Closed) | None => {}
        }
        // Also after a delivery that took long.
        let now = (sender.clock)().mono;
        for (to, fold) in &mut folds {
            if fold.due().is_some_and(|due| closed || due <= now)
                && let Some(event) = fold.take(now)
            {
                deliver(lane, sender, &event, to.as_ref()).await;
            }
        }
        if closed {
            return;
        }
        folds.retain(|_, fold| !fold.is_idle(now));
    }
}

async fn sleep_until(due: Option<Mono>, sender: &Sender) {
    match due {
        Some(due) => tokio::time::sleep(due.since((sender.clock)().mono)).await,
        None => pending().await,
    }
}

/// Sends a message, again and again until it has arrived, or for as long as the target wants.
async fn deliver(lane: &Lane, sender: &Sender, event: &Event, to: Option<&Recipients>) {
    lane.counts.begin(event.weight());
    let parcel = sender.pack(&lane.target, event, to).await;
    let end = (sender.clock)().mono.after(lane.target.retry_for);
    let mut attempts = 0;
    let mut in_haste = lane.queue.is_closed();
    loop {
        attempts += 1;
        let failure = match parcel.send().await {
            Ok(()) => {
                if lane.counts.sent() {
                    info!("notify {}: works again", lane.target.name);
                }
                return;
            }
            Err(failure) => failure,
        };
        if lane.counts.failed(&failure) {
            warn!("notify {}: {failure}", lane.target.name);
        }
        let wait = pause(attempts, random());
        if failure.permanent || (sender.clock)().mono.after(wait) > end {
            lane.counts.dropped();
            let word = event.what.word();
            warn!(
                "notify {}: a message is lost ({word}): {failure}",
                lane.target.name
            );
            return;
        }
        lane.counts.retried();
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            // One attempt more, at once, when the agent stops.
            () = lane.queue.closed(), if !in_haste => in_haste = true,
        }
    }
}
