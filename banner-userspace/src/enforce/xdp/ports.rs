//! The sets of ports that bans refer to.

use std::path::Path;

use aya::maps::{Array, Map, MapData};
use banner_common::{PORTS, SEVERAL};

use super::{
    Advice, Xdp, XdpError,
    bans::Bans,
    batch::{read_array, write_array},
    groups::Scope,
    scopes::{Scopes, are_few},
};
use crate::model::PortSets;

impl Xdp {
    /// The sets of ports that bans refer to by their numbers; in force before a ban is that refers to
    /// a new one. Sets that only bans of an earlier agent refer to are added.
    pub fn set_ports(&mut self, ports: &mut PortSets) -> Result<Vec<Advice>, XdpError> {
        self.bans.set_ports(ports)
    }
}

impl Scopes {
    /// Those of the map that is pinned here.
    pub(super) fn pinned(path: &Path) -> Result<Self, XdpError> {
        let map = MapData::from_pin(path).map_err(XdpError::map(PORTS))?;
        let map = Array::try_from(Map::Array(map)).map_err(XdpError::map(PORTS))?;
        Ok(Self::read(&read_array(PORTS, &map)?))
    }
}

impl Bans {
    fn set_ports(&mut self, ports: &mut PortSets) -> Result<Vec<Advice>, XdpError> {
        let mut advice = Vec::new();
        let strangers = self.scopes.strangers(ports);
        if !strangers.is_empty() {
            let referred = self.scopes_in_use()?;
            for (scope, set) in strangers {
                if referred >> scope & 1 == 0 {
                    continue;
                }
                let mut with = ports.clone();
                let fits = with.intern(&set).is_ok()
                    && are_few(&Scopes::default().assigned(&with).masks());
                if fits {
                    *ports = with;
                    continue;
                }
                let count = self.forget(scope)?;
                advice.push(Advice(format!(
                    "{count} bans of an earlier agent for the ports {set} are over: with those of \
                     the configuration there are too many different sets of ports, or too many \
                     that have one in common"
                )));
            }
        }
        let new = self.scopes.assigned(ports);
        if new.are_as(&self.scopes) {
            self.scopes = new;
            return Ok(advice);
        }
        let (old_masks, masks) = (self.scopes.masks(), new.masks());
        if !are_few(&masks) {
            return Err(XdpError::SharedPorts);
        }
        write_array(PORTS, &mut self.tables.ports, &old_masks, &masks)?;
        self.scopes = new;
        Ok(advice)
    }

    /// The scopes of all bans, as bits.
    fn scopes_in_use(&self) -> Result<u64, XdpError> {
        let mut scopes = 0;
        self.tables.each_host(|_, entry| {
            if entry.flags & SEVERAL == 0 {
                scopes |= 1_u64 << (entry.scope & 63);
            }
        })?;
        let own = self.groups.own();
        Ok(own.fold(scopes, |scopes, (_, scope, ..)| {
            scopes | 1_u64 << (scope & 63)
        }))
    }

    /// Ends the bans in one scope; how many.
    fn forget(&mut self, scope: Scope) -> Result<usize, XdpError> {
        let mut nets = Vec::new();
        self.tables.each_host(|host, entry| {
            if entry.flags & SEVERAL == 0 && entry.scope == scope {
                nets.push(host.into());
            }
        })?;
        let own = self.groups.own().filter(|(_, found, ..)| *found == scope);
        nets.extend(own.map(|(net, ..)| net));
        for &net in &nets {
            self.clear(net, scope)?;
        }
        Ok(nets.len())
    }
}
