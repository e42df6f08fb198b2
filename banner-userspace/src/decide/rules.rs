//! By what a jail bans.

use std::time::Duration;

use ipnet::IpNet;

use crate::model::{Escalation, Mode, PortsId, PrefixSet, Quiet, bannable};

/// What one jail does with an offence.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The name of the jail.
    pub jail: String,
    /// How long a ban lasts; `None`: without an end.
    pub ban_time: Option<Duration>,
    /// How that grows with earlier bans, if it does.
    pub escalation: Option<Escalation>,
    /// A ban ends when who is banned has been quiet for as long as it lasts.
    pub renew: bool,
    /// Drop, or only report.
    pub mode: Mode,
    /// For which ports.
    pub ports: PortsId,
    /// How long the prefix around an offender is that is banned with it; 32: none but the host.
    pub ipv4_length: u8,
    /// The same for IPv6; 128: none but the host.
    pub ipv6_length: u8,
    /// Never banned by this jail, beside those never banned by any.
    pub ignore: PrefixSet,
}

impl Default for Rules {
    /// Drops everything of the host alone, for an hour.
    fn default() -> Self {
        Self {
            jail: String::new(),
            ban_time: Some(Duration::from_hours(1)),
            escalation: None,
            renew: false,
            mode: Mode::Enforce,
            ports: PortsId::ALL,
            ipv4_length: 32,
            ipv6_length: 128,
            ignore: PrefixSet::default(),
        }
    }
}

impl Rules {
    /// For how long somebody has to be quiet who is banned for `time`.
    pub fn quiet(&self, time: Option<Duration>) -> Option<Quiet> {
        time.filter(|_| self.renew).map(Quiet::new)
    }

    /// What to ban for an offence of this host or prefix, and whether that is less than the prefix that
    /// it should be: no address that the jail ignores is banned with another.
    pub(super) fn net(&self, who: IpNet) -> (IpNet, bool) {
        let length = match who {
            IpNet::V4(_) => self.ipv4_length,
            IpNet::V6(_) => self.ipv6_length,
        };
        let around = IpNet::new(who.addr(), length.min(who.prefix_len())).ok();
        let Some(around) = around.and_then(|net| bannable(net).ok()) else {
            return (who, false);
        };
        if self.ignore.overlaps(around) {
            return (who, who != around);
        }
        (around, false)
    }
}
