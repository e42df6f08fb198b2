//! Looks that cost next to nothing: whether others may have changed what is in force.

use super::{Around, Ways, enforcer};
use crate::model::{Change, Entry};

/// So many bans are looked up in one look. Of a map that was emptied any of them is missing; one that was
/// taken out of many is found when its turn comes, or by the next inquiry.
const SAMPLE: usize = 512;

impl Ways {
    /// Has an inquiry made where something is not as it was.
    pub(in crate::agent) fn glance(&mut self, around: &mut Around<'_>) {
        for way in 0..self.each.len() {
            let each = &self.each[way];
            if !each.open || each.released || each.repair.is_busy() {
                continue;
            }
            let sample = if each.is_xdp() {
                self.sample(way, around)
            } else {
                Vec::new()
            };
            let each = &mut self.each[way];
            let known = each.repair.glance.take();
            let Some(enforcer) = enforcer(each, around.xdp) else {
                continue;
            };
            let (glance, is_there) = (enforcer.glance(), enforcer.holds(&sample));
            each.repair.glance = glance;
            if known.is_some() && glance != known || !is_there {
                each.repair.hurry(around.now.mono);
            }
        }
        self.plan_repair();
    }

    /// Some of the bans that a way should have; others each time.
    fn sample(&mut self, way: usize, around: &Around<'_>) -> Vec<Entry> {
        let mut entries = Vec::new();
        let mut at = self.each[way].repair.sampled;
        let mut count = 0;
        for (ban, behind) in around.decider.bans_from(at).take(SAMPLE) {
            at = behind;
            count += 1;
            let entry = ban.entry();
            let is_wanted = matches!(self.should_be(way, entry, around), Change::Set(_));
            if is_wanted && !self.each[way].repair.is_touched(entry) {
                entries.push(entry);
            }
        }
        let is_last = count < SAMPLE;
        self.each[way].repair.sampled = if is_last {
            crate::decide::Cursor::default()
        } else {
            at
        };
        entries
    }
}
