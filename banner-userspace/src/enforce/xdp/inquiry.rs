//! What is in the maps, found out without holding up the agent.

use std::path::{Path, PathBuf};

use aya::maps::MapData;
use banner_common::{BANS4, MAX_MORE, PORTS, SEVERAL};

use super::{
    Xdp, XdpError,
    bans::Bans,
    batch::read_array,
    clock::Reading,
    groups::{Groups, Scope},
    pins::Pins,
    scopes::Scopes,
    tables::Tables,
};
use crate::{
    enforce::{EnforceError, Found, Held, Inquiry},
    model::{Entry, Mono, Until, is_host},
};

impl Xdp {
    /// Reads all maps, in whatever thread it is called.
    pub(super) fn inquiry(&self) -> Inquiry {
        let pins = self.pins.folder().to_owned();
        let scopes = self.bans.scopes.clone();
        let never = self.never.read();
        let wanted = self.bans.never.clone();
        let reading = self.clock.read(&self.shared);
        Box::new(move || {
            let mut found = Found::default();
            if never? != wanted {
                found.broken = Some("the never-ban maps were changed".into());
            }
            read(&pins, &scopes, &reading?, &mut found)?;
            Ok(found)
        })
    }

    /// Takes the maps for what they hold now, and not for what they were last written, and puts back
    /// what belongs to no ban.
    pub(super) fn read_again(&mut self) -> Result<(), EnforceError> {
        self.bans.read_again()?;
        self.never.replace(&self.bans.never)?;
        Ok(())
    }
}

impl Bans {
    /// Whether the program comes upon all of these.
    pub(super) fn holds(&self, entries: &[Entry]) -> bool {
        // What cannot be read is no sign of others.
        entries.iter().all(|entry| self.has(entry).unwrap_or(true))
    }

    fn has(&self, entry: &Entry) -> Result<bool, XdpError> {
        let Some(scope) = self.scopes.scope(entry.ports) else {
            return Ok(true);
        };
        match self.groups.member(entry.net, scope) {
            Some(key) => Ok(self.tables.member(key)?.is_some()
                // The last bit tells a prefix's own bans from those that are looked up.
                && self.tables.group_of(entry.net)? == Some(key.group & !1)),
            None if is_host(entry.net) => {
                let found = self.tables.host(entry.net.addr())?;
                Ok(found.is_some_and(|found| found.scope == scope && found.flags & SEVERAL == 0))
            }
            None => Ok(true),
        }
    }
}

fn read(
    pins: &Path,
    scopes: &Scopes,
    reading: &Reading,
    found: &mut Found,
) -> Result<(), XdpError> {
    let pins = Pins::look(pins);
    if !pins.map(BANS4).exists() {
        // Somebody's wish: banner detach.
        return Ok(());
    }
    let path = |map: &str| -> PathBuf { pins.map(map) };
    let tables = Tables::pinned(|map| MapData::from_pin(path(map)).map_err(XdpError::map(map)))?;
    let mut strange = 0;
    let mut hold = |net, scope: Scope, expires| match scopes.id(scope) {
        Some(ports) => found.held.push(Held {
            entry: Entry { net, ports },
            left: match reading.until(expires) {
                Until::Forever => None,
                Until::At(end) => Some(end.since(now(reading))),
            },
        }),
        None => strange += 1,
    };
    tables.each_host(|host, entry| {
        if entry.flags & SEVERAL == 0 {
            hold(host.into(), entry.scope, entry.expires);
        }
    })?;
    let mut groups = Groups::new(MAX_MORE as usize);
    let (in_use, steps) = (tables.in_use()?, groups.adopt(tables.groups()?));
    for (net, scope, entry, _) in groups.own() {
        hold(net, scope, entry.expires);
    }
    if steps.len() > 1 || in_use != groups.in_use().to_bytes() {
        found.broken = Some("maps of prefixes were changed".into());
    }
    if read_array(PORTS, &tables.ports)? != scopes.masks() {
        found.broken = Some("the map of ports was changed".into());
    }
    found.strange += strange;
    found.held.sort_unstable_by_key(|held| held.entry);
    found.held.dedup_by_key(|held| held.entry);
    Ok(())
}

/// When the clocks were read.
fn now(reading: &Reading) -> Mono {
    reading.time(reading.jiffies())
}
