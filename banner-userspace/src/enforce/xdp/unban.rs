//! Ends bans in the pinned maps while no agent runs.

use std::path::Path;

use aya::maps::MapData;
use banner_common::{BANS4, BANS6};
use ipnet::IpNet;

use super::{
    XdpError, bans::Bans, batch, entry::JailKeys, lock, pins::Pins, scopes::Scopes, tables::Tables,
};
use crate::model::PrefixSet;

/// Ends every ban on just this prefix in the pinned maps, when no agent is running; whether there was
/// one.
pub fn unban_pinned(pin_dir: &Path, net: IpNet) -> Result<bool, XdpError> {
    pinned(pin_dir)?.map_or(Ok(false), |mut bans| bans.clear_all(net))
}

/// Ends all bans in the pinned maps, when no agent is running; how many there were.
pub fn unban_all_pinned(pin_dir: &Path) -> Result<usize, XdpError> {
    pinned(pin_dir)?.map_or(Ok(0), |mut bans| bans.clear_everything())
}

/// The bans in the pinned maps, if there are such.
fn pinned(pin_dir: &Path) -> Result<Option<Bans>, XdpError> {
    if let Some(pid) = lock::owner(pin_dir) {
        // It knows what is in the maps, and would not know this.
        return Err(XdpError::Busy {
            path: pin_dir.to_owned(),
            pid: Some(pid),
        });
    }
    let pins = Pins::look(pin_dir);
    if !pins.map(BANS4).exists() {
        return Ok(None);
    }
    let tables =
        Tables::pinned(|map| MapData::from_pin(pins.map(map)).map_err(XdpError::map(map)))?;
    let nobody = PrefixSet::default();
    Bans::adopt(tables, JailKeys::default(), nobody, Scopes::default()).map(Some)
}

impl Bans {
    /// Ends all bans; how many there were.
    fn clear_everything(&mut self) -> Result<usize, XdpError> {
        let own = self.groups.own().map(|(net, scope, ..)| (net, scope));
        let own: Vec<_> = own.collect();
        for &(net, scope) in &own {
            self.clear(net, scope)?;
        }
        // Each address that is left has one ban, in its own entry.
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        self.tables.each_host(|host, _| match host {
            std::net::IpAddr::V4(host) => v4.push(host.octets()),
            std::net::IpAddr::V6(host) => v6.push(host.octets()),
        })?;
        batch::remove(BANS4, &mut self.tables.v4, &v4)?;
        batch::remove(BANS6, &mut self.tables.v6, &v6)?;
        Ok(own.len() + v4.len() + v6.len())
    }
}
