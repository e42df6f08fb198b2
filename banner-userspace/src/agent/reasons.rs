//! Why bans were decided on: the latest, for those who ask.

use ipnet::IpNet;
use lru::LruCache;

use crate::{
    decide::Decision,
    model::{Entry, Evidence, JailId, Now, Wall},
};

/// So many are remembered; with their lines each takes up to 6 KB.
const MOST: usize = 2_000;

/// Why a ban was decided on.
#[derive(Clone, Debug)]
pub(super) struct Why {
    pub(super) jail: Option<JailId>,
    /// None: somebody asked for it.
    pub(super) who: Option<IpNet>,
    pub(super) at: Wall,
    pub(super) failures: u32,
    pub(super) count: u32,
    pub(super) time: Option<u64>,
    pub(super) evidence: Evidence,
}

/// The latest reasons, one for each entry and jail.
#[derive(Debug)]
pub(super) struct Reasons(LruCache<(Entry, Option<JailId>), Why>);

impl Default for Reasons {
    fn default() -> Self {
        Self(LruCache::unbounded())
    }
}

impl Reasons {
    /// Takes note of what was decided.
    pub(super) fn note(&mut self, decisions: &[Decision], now: Now) {
        for decision in decisions {
            let (ban, why) = match decision {
                Decision::Ban {
                    ban,
                    who,
                    failures,
                    count,
                    time,
                    evidence,
                    ..
                } => (
                    ban,
                    Why {
                        jail: ban.jail,
                        who: Some(*who),
                        at: now.wall,
                        failures: *failures,
                        count: *count,
                        time: time.map(|time| time.as_secs()),
                        evidence: evidence.clone(),
                    },
                ),
                Decision::Asked(ban) => (
                    ban,
                    Why {
                        jail: ban.jail,
                        who: None,
                        at: now.wall,
                        failures: 0,
                        count: 0,
                        time: super::status::remaining(ban.until, now.mono),
                        evidence: Evidence::default(),
                    },
                ),
                _ => continue,
            };
            self.0.put((ban.entry(), ban.jail), why);
            if self.0.len() > MOST {
                self.0.pop_lru();
            }
        }
    }

    /// Why this jail has a ban on this entry.
    pub(super) fn of(&self, entry: Entry, jail: Option<JailId>) -> Option<&Why> {
        self.0.peek(&(entry, jail))
    }
}
