use ipnet::IpNet;

use crate::{filter::Stamp, model::Wall};

/// What was seen for one jail since the agent started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Failures.
    pub failures: u64,
    /// Lines that would have been failures, but for an ignore pattern.
    pub ignored: u64,
    /// Offences.
    pub offences: u64,
    /// Failures whose line has no stamp; they count as of now. So do the next two.
    pub stamp_missing: u64,
    /// Failures whose stamp is no time.
    pub stamp_unreadable: u64,
    /// Failures whose stamp lies ahead.
    pub stamp_future: u64,
    /// Failures of what is no address, names and ids, and of prefixes that are too wide. Nobody is banned
    /// for them.
    pub unbannable: u64,
    /// The last failure of an address or prefix, and when it was.
    pub last: Option<(IpNet, Wall)>,
}

impl Counts {
    /// The time that a stamp gives, if it can be trusted; counts it, if not.
    pub(super) fn trust(&mut self, stamp: Stamp) -> Option<Wall> {
        match stamp {
            Stamp::At(at) => return Some(at),
            Stamp::Missing => self.stamp_missing += 1,
            Stamp::Unreadable => self.stamp_unreadable += 1,
            Stamp::Future => self.stamp_future += 1,
        }
        None
    }
}
