//! Ends of bans that renew: others know them.

use super::{Decider, Decision, Outcome};
use crate::model::{Ban, Mono, Until};

impl Decider {
    /// As [`Self::expire`]; of a ban that renews, `end` says when it ends by those who enforce it, where that is known.
    pub fn expire_unless(
        &mut self,
        now: Mono,
        most: usize,
        end: &mut dyn FnMut(&Ban) -> Option<Until>,
        out: &mut Outcome,
    ) {
        for _ in 0..most {
            let Some(first) = self.bans.first_over(now) else {
                return;
            };
            let end = first.quiet.and_then(|_| end(&first));
            if let Some(end) = end.filter(|end| *end > first.until) {
                self.put_off(&first, end, out);
            } else if let Some((over, change)) = self.bans.pop_over(now) {
                out.changes.extend(change);
                out.decisions.push(Decision::Over(over));
            }
        }
    }

    /// Takes note of the end that a ban has by those who enforce it.
    pub fn put_off(&mut self, ban: &Ban, end: Until, out: &mut Outcome) {
        let ban = self.bans.put_off(ban, end);
        out.decisions.extend(ban.map(Decision::Renewed));
    }
}
