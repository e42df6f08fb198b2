//! Ends that the kernel has put off.

use banner_common::{Ban as Entry, OBSERVE, Quiet};
use ipnet::IpNet;

use super::{XdpError, bans::Bans, clock::Reading};
use crate::model;

impl Bans {
    /// What the kernel has made of the ends of bans whose groups a change of this one's may write.
    pub(super) fn look_at_ends(&mut self, net: IpNet) -> Result<(), XdpError> {
        for (net, scope, key) in self.groups.renewing_near(net) {
            if let Some(found) = self.tables.member(key)? {
                self.groups.put_off(net, scope, found.expires);
            }
        }
        Ok(())
    }

    /// What the kernel has of a ban that renews.
    pub(super) fn renewing(&self, entry: &model::Entry) -> Result<Option<Entry>, XdpError> {
        let Some(scope) = self.scopes.scope(entry.ports) else {
            return Ok(None);
        };
        let found = match self.groups.place(entry.net, scope) {
            Some(key) => self.tables.member(key)?,
            None => self.found(entry.net)?.filter(|found| found.scope == scope),
        };
        Ok(found.filter(|found| Quiet::of(found.flags).is_some()))
    }
}

/// What goes into a map in place of an entry whose end the kernel may have put off since.
pub(super) fn not_sooner(entry: Entry, held: &Entry, reading: &Reading) -> Entry {
    let alike = (entry.flags ^ held.flags) & OBSERVE == 0;
    if !alike || Quiet::of(entry.flags).is_none() || Quiet::of(held.flags).is_none() {
        return entry;
    }
    // No packet can have put it off to later.
    let latest = held.expires.min(entry.latest(reading.jiffies()));
    let expires = entry.expires.max(latest);
    Entry { expires, ..entry }
}
