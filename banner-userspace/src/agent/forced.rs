//! Bans by force of what `ignore` protects. While such a ban stands its prefix is taken out of the list that the
//! kernel and other ways are given; jails go on to spare it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use ipnet::IpNet;
use tracing::{info, warn};

use super::{run::Running, saved};
use crate::{
    decide::Refusal,
    model::{Now, PrefixSet},
};

/// So many prefixes at a time: each can leave 128 of one that it is taken out of, and the kernel's list has
/// an end.
const MOST: usize = 16;

/// The file in the state directory.
const NAME: &str = "forced.json";

/// The prefixes, on the disk, too, so that the next agent does not end their bans.
#[derive(Debug)]
pub(super) struct Forced {
    path: PathBuf,
    nets: BTreeSet<IpNet>,
}

impl Forced {
    /// Those that the last agent left, as far as that can be read.
    pub(super) fn load(state_dir: &Path) -> Self {
        let path = state_dir.join(NAME);
        let text = fs::read(&path).unwrap_or_default();
        let nets: Vec<String> = serde_json::from_slice(&text).unwrap_or_default();
        let nets = nets.iter().filter_map(|net| net.parse().ok());
        Self {
            path,
            nets: nets.take(MOST).collect(),
        }
    }

    pub(super) fn set(&self) -> PrefixSet {
        PrefixSet::new(self.nets.iter().copied())
    }

    /// What of a never-ban list is to be given to the kernel: all but these, and what is protected even
    /// from force.
    pub(super) fn out_of(&self, never: &PrefixSet, protected: &PrefixSet) -> PrefixSet {
        if self.nets.is_empty() {
            return never.clone();
        }
        PrefixSet::new(never.without(&self.set()).iter().chain(protected.iter()))
    }

    fn change(&mut self, nets: BTreeSet<IpNet>) -> Result<(), String> {
        if nets.len() > MOST {
            return Err(format!(
                "not more than {MOST} prefixes can be banned by force at a time"
            ));
        }
        let saved = save(&self.path, &nets);
        saved.map_err(|error| format!("{}: cannot be written: {error}", self.path.display()))?;
        self.nets = nets;
        Ok(())
    }
}

/// On the disk when this returns.
fn save(path: &Path, nets: &BTreeSet<IpNet>) -> io::Result<()> {
    if nets.is_empty() {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
    }
    let nets: Vec<String> = nets.iter().map(ToString::to_string).collect();
    saved::save(path, &nets)
}

impl Running {
    /// Why a ban by force is refused, if it is.
    pub(super) fn cannot_force(&self, net: IpNet) -> Option<Refusal> {
        (self.agent.protected.covers(net)).then_some(Refusal::Protected)
    }

    /// Takes these out of the list, as far as something of them is on it. Their bans have to follow.
    pub(super) fn force(&mut self, nets: &[IpNet], now: Now) -> Result<(), String> {
        let agent = &mut self.agent;
        let never = agent.decider.never();
        let listed = nets.iter().copied().filter(|net| never.overlaps(*net));
        let more: BTreeSet<IpNet> = listed
            .filter(|net| !agent.forced.nets.contains(net))
            .collect();
        if more.is_empty() {
            return Ok(());
        }
        agent
            .forced
            .change(agent.forced.nets.union(&more).copied().collect())?;
        for net in &more {
            warn!("{net} is on the never-ban list, and may be banned now by force");
        }
        self.follow_forced(now)
    }

    /// What is banned no more is protected again.
    pub(super) fn release_forced(&mut self, now: Now) {
        let agent = &mut self.agent;
        let standing = agent.forced.nets.iter().copied();
        let standing = standing.filter(|net| !agent.decider.on(*net).is_empty());
        let standing: BTreeSet<IpNet> = standing.collect();
        if standing == agent.forced.nets {
            return;
        }
        for net in agent.forced.nets.difference(&standing) {
            info!("{net} is not banned by force any more, and protected by the never-ban list");
        }
        if let Err(error) = agent.forced.change(standing.clone()) {
            // It may be forced again by an agent that reads the file, if it is banned then.
            warn!("{error}");
            agent.forced.nets = standing;
        }
        if let Err(error) = self.follow_forced(now) {
            warn!("{error}");
        }
    }

    fn follow_forced(&mut self, now: Now) -> Result<(), String> {
        let agent = &mut self.agent;
        agent.decider.set_forced(agent.forced.set());
        let (never, protected) = (agent.decider.never().clone(), agent.protected.clone());
        self.follow_never(never, protected, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(prefixes: &[&str]) -> PrefixSet {
        PrefixSet::new(prefixes.iter().map(|prefix| prefix.parse().unwrap()))
    }

    #[test]
    fn what_is_forced_is_remembered_and_own_addresses_stay_on_the_list() {
        let dir = tempfile::tempdir().unwrap();
        let mut forced = Forced::load(dir.path());
        let never = set(&["192.0.2.0/24", "10.0.0.1/32"]);
        let protected = set(&["192.0.2.1/32", "10.0.0.1/32"]);
        assert_eq!(forced.out_of(&never, &protected), never);
        let nets = |nets: &[&str]| nets.iter().map(|net| net.parse().unwrap()).collect();
        forced
            .change(nets(&["192.0.2.0/30", "10.0.0.0/8"]))
            .unwrap();
        let forced = Forced::load(dir.path());
        let left = forced.out_of(&never, &protected);
        assert!(left.contains("192.0.2.1".parse().unwrap()));
        assert!(!left.contains("192.0.2.2".parse().unwrap()));
        assert!(left.contains("192.0.2.4".parse().unwrap()));
        assert!(left.contains("10.0.0.1".parse().unwrap()));
        let mut forced = Forced::load(dir.path());
        let many = (0..=MOST).map(|n| format!("10.0.{n}.0/24").parse().unwrap());
        assert!(forced.change(many.collect()).is_err());
        forced.change(BTreeSet::new()).unwrap();
        assert!(!dir.path().join(NAME).exists());
        fs::write(dir.path().join(NAME), "{").unwrap();
        assert!(Forced::load(dir.path()).set().is_empty());
    }
}
