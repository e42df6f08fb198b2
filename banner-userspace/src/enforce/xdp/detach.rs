//! `banner detach`: the way out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use banner_common::{BANS4, BANS6, COUNTERS};

use super::super::lock::owner;
use super::{
    XdpError, links,
    pins::{Pins, remove},
    shape::SHARED,
};

/// What `banner detach` took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detached {
    /// Names of the interfaces; of those that are gone or elsewhere, as they were when the program
    /// was attached.
    pub interfaces: Vec<String>,
    /// Names of the interfaces that still have the program, because others were asked for.
    pub remaining: Vec<String>,
    /// Number of maps.
    pub maps: usize,
    /// Files that are not banner's, and are still there.
    pub left: Vec<PathBuf>,
    /// An agent that is still running, and whose bans are in force no more.
    pub agent: Option<u32>,
}

/// Takes the program off the `chosen` interfaces, or off every one where none is chosen. The maps, and with
/// them the bans, go with the last link. Works with or without an agent.
pub fn detach(dir: &Path, chosen: &[String]) -> Result<Detached, XdpError> {
    let pins = Pins::look(dir);
    let mut detached = Detached {
        agent: owner(dir),
        ..Detached::default()
    };
    let links = links::named(&pins)?;
    for name in chosen {
        if !links.iter().any(|(linked, _)| linked == name) {
            return Err(XdpError::NoLink {
                name: name.clone(),
                linked: links.into_iter().map(|(linked, _)| linked).collect(),
            });
        }
    }
    for (interface, path) in links {
        if chosen.is_empty() || chosen.contains(&interface) {
            pins.remove_link(&path)?;
            detached.interfaces.push(interface);
        } else {
            detached.remaining.push(interface);
        }
    }
    // An interface may have a link at each hook for a moment.
    for names in [&mut detached.interfaces, &mut detached.remaining] {
        names.sort_unstable();
        names.dedup();
    }
    if !detached.remaining.is_empty() {
        return Ok(detached);
    }
    for name in SHARED {
        detached.maps += usize::from(remove(&pins.map(name))?);
    }
    for name in [BANS4, BANS6] {
        remove(&pins.resized(name))?;
    }
    remove(&pins.map(COUNTERS))?;
    for (_, counters) in pins.all_counters()? {
        remove(&counters)?;
    }
    detached.left = pins
        .files()?
        .into_iter()
        .map(|name| dir.join(name))
        .collect();
    if detached.left.is_empty() {
        // It may be a mount point, or in a directory of somebody else's; empty, it does no harm.
        let _ = fs::remove_dir(dir);
    }
    Ok(detached)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detaching_where_nothing_is_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            detach(&dir.path().join("none"), &[]).unwrap(),
            Detached::default()
        );
        let foreign = dir.path().join("foreign");
        fs::write(&foreign, "").unwrap();
        assert_eq!(
            detach(dir.path(), &[]).unwrap().left.as_slice(),
            std::slice::from_ref(&foreign)
        );
        assert!(foreign.exists());
    }
}
