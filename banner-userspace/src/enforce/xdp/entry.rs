//! Bans as map entries, and back.

use banner_common::{Ban as Entry, CHECKED, OBSERVE, Quiet, Seen, jail_key};
use ipnet::IpNet;

use super::{clock::Reading, groups::Scope};
use crate::model::{Ban, JailId, Mode, PortsId, PrefixSet, Until, is_host};

/// The jails by their keys in map entries.
#[derive(Clone, Debug, Default)]
pub(super) struct JailKeys(Vec<u32>);

impl JailKeys {
    /// `names` by [`JailId`].
    pub(super) fn new<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        Self(names.map(jail_key).collect())
    }

    /// What goes into a map. A host that is on the never-ban list is for the program to look up there,
    /// and so is every prefix.
    pub(super) fn entry(
        &self,
        ban: &Ban,
        scope: Scope,
        never: &PrefixSet,
        reading: &Reading,
    ) -> Entry {
        let mut flags = match ban.mode {
            Mode::Enforce => 0,
            Mode::Observe => OBSERVE,
        };
        if is_host(ban.net) && !never.contains(ban.net.addr()) {
            flags |= CHECKED;
        }
        if let (Until::At(_), Some(quiet)) = (ban.until, ban.quiet) {
            flags |= reading.quiet(quiet).flags();
        }
        let jail = ban.jail.and_then(|jail| self.0.get(usize::from(jail.0)));
        Entry {
            expires: reading.expires(ban.until),
            jail: jail.copied().unwrap_or(0),
            flags,
            scope,
            seen: Seen::default(),
        }
    }

    /// What an entry says.
    pub(super) fn ban(&self, net: IpNet, ports: PortsId, entry: &Entry, reading: &Reading) -> Ban {
        let mode = if entry.flags & OBSERVE == 0 {
            Mode::Enforce
        } else {
            Mode::Observe
        };
        let jail = self.0.iter().position(|&key| key == entry.jail);
        let jail = jail.and_then(|jail| u16::try_from(jail).ok()).map(JailId);
        let until = reading.until(entry.expires);
        let quiet = Quiet::of(entry.flags).filter(|_| until != Until::Forever);
        Ban {
            net,
            ports,
            jail,
            mode,
            until,
            quiet: quiet.map(|quiet| reading.quiet_time(quiet)),
        }
    }
}
