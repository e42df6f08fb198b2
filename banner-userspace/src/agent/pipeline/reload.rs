//! Other jails than before.

use std::sync::Arc;

use super::{Counts, Jail, JailSetup, Pipeline, Reader, Readers};
use crate::{
    model::{Offence, PrefixSet},
    track::Tracker,
};

impl Pipeline {
    /// Reads and counts for these jails from now on: `jails` and whether each was there before under
    /// its [`JailId`](crate::model::JailId); such a one counts on. What filters have learnt of logs they go
    /// on to know. The offences of all that was fed before come first.
    pub fn reload(
        &mut self,
        jails: Vec<(JailSetup, bool)>,
        capacity: usize,
        offences: &mut Vec<Offence>,
    ) {
        self.finish(offences);
        let mut earlier = std::mem::take(&mut self.jails).into_iter();
        for (setup, stays) in jails {
            let known = earlier.next().filter(|_| stays);
            let fresh = || Tracker::new(setup.max_retry, setup.find_time, capacity);
            let (mut tracker, counts, named) = known.map_or_else(
                || (fresh(), Counts::default(), Vec::new()),
                |jail| (jail.tracker, jail.counts, jail.named),
            );
            tracker.set(setup.max_retry, setup.find_time, capacity);
            self.jails.push(Jail {
                setup,
                tracker,
                counts,
                named,
                spared: PrefixSet::default(),
            });
        }
        for (logs, readers) in &mut self.readers {
            let mut fresh = Readers::new(&self.jails, logs, &self.zone);
            for reader in &mut fresh.filters {
                let same = |old: &&mut Reader| Arc::ptr_eq(&old.filter, &reader.filter);
                if let Some(old) = readers.filters.iter_mut().find(same) {
                    std::mem::swap(&mut reader.state, &mut old.state);
                    reader.exhausted = old.exhausted;
                }
            }
            *readers = fresh;
        }
    }
}
