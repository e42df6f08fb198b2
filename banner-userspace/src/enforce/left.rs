//! What ways other than XDP have made, written down for those who take it away: the next agent, which
//! may have another configuration, and `banner detach`, which has none.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

use super::{EnforceError, Enforcer, build};
use crate::model::{Change, Now, PortSets, Way};

/// The file in the state directory.
const NAME: &str = "enforcers.json";

/// Why the list cannot be kept.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {operation}: {source}", path.display())]
pub struct LeftError {
    path: PathBuf,
    operation: &'static str,
    source: io::Error,
}

/// The ways that have made something, as far as it can be read.
pub fn load(state_dir: &Path) -> Vec<Way> {
    let text = fs::read(state_dir.join(NAME)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Whether this way is written down; none where that cannot be told, because the list cannot be read, or
/// the whole directory is gone.
pub fn is_listed(state_dir: &Path, way: &Way) -> Option<bool> {
    match fs::read(state_dir.join(NAME)) {
        Ok(text) => {
            let ways: Vec<Way> = serde_json::from_slice(&text).ok()?;
            Some(ways.contains(way))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound && state_dir.is_dir() => Some(false),
        Err(_) => None,
    }
}

/// This way makes something.
pub fn add(state_dir: &Path, way: &Way) -> Result<(), LeftError> {
    let mut ways = load(state_dir);
    if ways.contains(way) {
        return Ok(());
    }
    ways.push(way.clone());
    save(state_dir, &ways)
}

/// What it has made is taken away.
pub fn forget(state_dir: &Path, way: &Way) -> Result<(), LeftError> {
    let mut ways = load(state_dir);
    let before = ways.len();
    ways.retain(|known| known != way);
    if ways.len() == before {
        return Ok(());
    }
    save(state_dir, &ways)
}

/// Takes away all that is written down, whether or not an agent runs: the names of the ways, and how it
/// went.
pub fn remove_all(state_dir: &Path) -> Vec<(String, Result<(), EnforceError>)> {
    let mut outcomes = Vec::new();
    for way in load(state_dir) {
        let Some(mut enforcer) = build(&way, &[]) else {
            continue;
        };
        // First, so that an agent that runs does not put it back.
        let listed = forget(state_dir, &way);
        let removed = enforcer.look().and_then(|_| enforcer.remove());
        if removed.is_err() && listed.is_ok() {
            let _ = add(state_dir, &way);
        }
        outcomes.push((way.name().to_owned(), removed));
    }
    outcomes
}

/// Ends every ban on just this prefix in the ways that are written down, while no agent runs: the names of
/// those that had one, and how it went. Commands cannot be asked what they have.
pub fn unban(state_dir: &Path, net: IpNet, now: Now) -> Vec<(String, Result<(), String>)> {
    let mut outcomes = Vec::new();
    for way in load(state_dir) {
        let Some(mut enforcer) = build(&way, &[]) else {
            continue;
        };
        match unban_in(&mut *enforcer, net, now) {
            Ok(false) => {}
            Ok(true) => outcomes.push((way.name().to_owned(), Ok(()))),
            Err(error) => outcomes.push((way.name().to_owned(), Err(format!("{error:#}")))),
        }
    }
    outcomes
}

/// Whether there was one.
fn unban_in(enforcer: &mut dyn Enforcer, net: IpNet, now: Now) -> anyhow::Result<bool> {
    if !enforcer.look()? {
        return Ok(false);
    }
    enforcer.set_ports(&mut PortSets::default())?;
    let bans = enforcer.in_force(now)?;
    let own = bans.iter().filter(|ban| ban.net == net);
    let changes: Vec<Change> = own.map(|ban| ban.entry().into()).collect();
    if let Err(failed) = enforcer.apply(&changes, now) {
        let failed: Vec<_> = failed.iter().map(ToString::to_string).collect();
        anyhow::bail!("{}", failed.join("; "));
    }
    Ok(!changes.is_empty())
}

fn save(state_dir: &Path, ways: &[Way]) -> Result<(), LeftError> {
    let path = state_dir.join(NAME);
    let failed = |operation| {
        let path = path.clone();
        move |source| LeftError {
            path,
            operation,
            source,
        }
    };
    if ways.is_empty() {
        return match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("remove it")(error))
            }
            _ => Ok(()),
        };
    }
    fs::create_dir_all(state_dir).map_err(failed("make its folder"))?;
    let text = serde_json::to_vec(ways).map_err(|error| failed("write it")(error.into()))?;
    let aside = state_dir.join(format!("{NAME}.new"));
    fs::write(&aside, text).map_err(failed("write it"))?;
    fs::rename(&aside, &path).map_err(failed("rename it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HostsDeny;

    #[test]
    fn what_is_written_down_is_read_and_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        let way = |file: &str| {
            Way::HostsDeny(HostsDeny {
                file: file.into(),
                daemons: "ALL".into(),
            })
        };
        assert_eq!(load(&state), []);
        assert_eq!(is_listed(&state, &way("/a")), None);
        forget(&state, &way("/a")).unwrap();
        assert!(!state.exists());
        for file in ["/a", "/b", "/a"] {
            add(&state, &way(file)).unwrap();
        }
        assert_eq!(load(&state), [way("/a"), way("/b")]);
        assert_eq!(is_listed(&state, &way("/a")), Some(true));
        assert_eq!(is_listed(&state, &way("/c")), Some(false));
        forget(&state, &way("/a")).unwrap();
        forget(&state, &way("/b")).unwrap();
        assert!(!state.join(NAME).exists());
        assert_eq!(is_listed(&state, &way("/a")), Some(false));
        fs::write(state.join(NAME), "{").unwrap();
        assert_eq!(is_listed(&state, &way("/a")), None);
        assert_eq!(load(&state), []);
    }
}
