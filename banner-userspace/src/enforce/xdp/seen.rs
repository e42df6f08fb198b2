//! What bans have done, and who sends most.

use std::net::{IpAddr, Ipv6Addr};

use aya::maps::HashMap;
use banner_common::{Seen, TOP};

use super::{Xdp, XdpError, bans::Bans, clock::Reading};
use crate::model::{self, Mono, Until};

/// What a ban has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Packets that it was applied to: exactly up to 255, behind that sampled
    /// ([`banner_common::Seen`]).
    pub packets: u64,
    /// When the last one came, to within 256 jiffies; `None` where there was none.
    pub last: Option<Mono>,
    /// When it ends, where that is put off by packets.
    pub until: Option<Until>,
}

/// Somebody whose packets meet bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talker {
    /// Who.
    pub host: IpAddr,
    /// Packets, sampled, since the kernel has kept count of this host.
    pub packets: u64,
}

impl Xdp {
    /// What each of these bans has done. For one that is not in force, nothing. A packet that a
    /// prefix's ban drops counts there even if a longer prefix around its source is banned for other
    /// ports; one that meets two bans of the same ports counts for that of the longer prefix.
    pub fn activity(&self, entries: &[model::Entry]) -> Result<Vec<Activity>, XdpError> {
        let reading = self.clock.read(&self.shared)?;
        let activity = |entry: &model::Entry| {
            let seen = self.bans.seen(entry)?.unwrap_or_default();
            Ok(Activity {
                packets: seen.packets(),
                last: seen.last(reading.jiffies()).map(|last| reading.time(last)),
                until: self.end_of(entry, &reading)?,
            })
        };
        entries.iter().map(activity).collect()
    }

    /// When a ban that renews ends as things stand; `None` where there is none.
    pub fn end(&self, entry: &model::Entry) -> Result<Option<Until>, XdpError> {
        self.end_of(entry, &self.clock.read(&self.shared)?)
    }

    fn end_of(&self, entry: &model::Entry, reading: &Reading) -> Result<Option<Until>, XdpError> {
        let found = self.bans.renewing(entry)?;
        Ok(found.map(|found| reading.until(found.expires)))
    }

    /// The `n` hosts whose packets met bans most often, as far as samples tell, and the packets of
    /// all that are known.
    pub fn top(&self, n: usize) -> Result<(Vec<Talker>, u64), XdpError> {
        let map = self.shared.map(TOP).ok_or(XdpError::Incomplete(TOP))?;
        let map: HashMap<_, [u8; 16], u64> = map.try_into().map_err(XdpError::map(TOP))?;
        let mut talkers = Vec::new();
        for item in &map {
            let (address, packets) = item.map_err(XdpError::map(TOP))?;
            let host = Ipv6Addr::from(address).to_canonical();
            talkers.push(Talker { host, packets });
        }
        talkers.sort_unstable_by_key(|talker| (std::cmp::Reverse(talker.packets), talker.host));
        let all = talkers.iter().map(|talker| talker.packets).sum();
        talkers.truncate(n);
        Ok((talkers, all))
    }
}

impl Bans {
    /// What the kernel has noted of a ban; of a prefix's, what it has in its own group.
    fn seen(&self, entry: &model::Entry) -> Result<Option<Seen>, XdpError> {
        let Some(scope) = self.scopes.scope(entry.ports) else {
            return Ok(None);
        };
        let found = match self.groups.member(entry.net, scope) {
            Some(key) => self.tables.member(key)?,
            None => self.found(entry.net)?.filter(|found| found.scope == scope),
        };
        Ok(found.map(|found| found.seen))
    }
}
