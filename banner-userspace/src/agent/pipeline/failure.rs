//! Failures, counted.

use ipnet::IpNet;

use super::{Jail, named::Unnamed};
use crate::{
    filter::{Hit, Key},
    model::{JailId, Now, Offence, OnNames, Wall},
    track::Lines,
};

impl Jail {
    /// Counts what a filter has found.
    pub(super) fn failure(
        &mut self,
        jail: JailId,
        hit: &Hit,
        line: &[u8],
        lines: &mut Lines,
        now: Now,
    ) -> Option<Offence> {
        self.counts.failures += 1;
        let at = self.counts.trust(hit.stamp).unwrap_or(now.wall);
        let who = match &hit.key {
            Key::Address(host) => Some((*host).into()),
            Key::Prefix(net) => self.setup.together.bannable(*net),
            Key::Name(name) if self.setup.names == OnNames::Resolve => {
                let failed = Unnamed {
                    at,
                    pattern: hit.pattern,
                    line,
                    origin: lines.origin(),
                };
                self.name(jail, name, &failed);
                return None;
            }
            Key::Name(_) | Key::Id(_) => None,
        };
        let Some(who) = who else {
            self.counts.unbannable += 1;
            return None;
        };
        let failed = Failed {
            who,
            at,
            pattern: hit.pattern,
            line,
        };
        self.count(jail, &failed, lines, now)
    }

    /// Counts a failure; an offence, if it was one too many.
    pub(super) fn count(
        &mut self,
        jail: JailId,
        failed: &Failed<'_>,
        lines: &mut Lines,
        now: Now,
    ) -> Option<Offence> {
        let Failed { who, at, .. } = *failed;
        self.counts.last = Some((who, at));
        if self.spared.covers(who) {
            // Nothing that it does counts against its neighbours.
            return None;
        }
        let counted_as = self.setup.together.first(who);
        let counted = self.tracker.add(counted_as, at, now.wall);
        // Also one that came too late to count: it is rare, and says as much about the host.
        lines.add(jail, counted_as, at, failed.pattern, failed.line);
        let failures = counted?;
        self.counts.offences += 1;
        Some(Offence {
            jail,
            who,
            failures,
            evidence: lines.of(jail, counted_as, failures),
        })
    }
}

/// A failure of a host, or of a prefix that a filter found.
pub(super) struct Failed<'a> {
    pub(super) who: IpNet,
    pub(super) at: Wall,
    pub(super) pattern: usize,
    pub(super) line: &'a [u8],
}
