//! XDP and the other ways at the start, with what an earlier agent left.

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

use anyhow::bail;
use tracing::{info, warn};

use super::{
    clock,
    interfaces::Guards,
    keeper::Keeper,
    recall,
    report::{self, Names},
    start::Started,
    ways::Ways,
};
use crate::{
    config::Config,
    decide::{Decider, Outcome},
    enforce::{
        Enforcer as _,
        xdp::{self, Xdp},
    },
    model::{Ban, Change, Entry, PortSets, PrefixSet, Way},
    netlink::Network,
};

/// XDP with the never-ban list in force, over what an earlier agent left.
pub(super) fn open_xdp(
    pin_dir: &Path,
    config: &Config,
    never: &PrefixSet,
    ports: &mut PortSets,
) -> anyhow::Result<Xdp> {
    let wanted = config.enforce.contains(&Way::Xdp)
        || config
            .jails
            .iter()
            .any(|jail| jail.enforce.contains(&Way::Xdp));
    if !wanted && !xdp::is_pinned(pin_dir) {
        bail!("xdp is not wanted");
    }
    let names = config.jails.iter().map(|jail| &*jail.name);
    let (mut xdp, advice) = Xdp::open(pin_dir, config.limits.bans, names)?;
    for advice in advice {
        warn!("{}", advice.0);
    }
    xdp.set_never(never)?;
    for advice in xdp.set_ports(ports)? {
        warn!("{}", advice.0);
    }
    Ok(xdp)
}

/// The same, and why not, where other ways do without it.
pub(super) fn try_xdp(
    pin_dir: &Path,
    config: &Config,
    never: &PrefixSet,
    ports: &mut PortSets,
    ways: &Ways,
) -> anyhow::Result<(Option<Xdp>, Option<String>)> {
    match open_xdp(pin_dir, config, never, ports) {
        Ok(xdp) => Ok((Some(xdp), None)),
        Err(error) if ways.need_xdp() => Err(error),
        Err(error) if ways.want_xdp() => {
            let problem = format!("{error:#}");
            warn!("xdp: {problem}");
            Ok((None, Some(problem)))
        }
        Err(_) => Ok((None, None)),
    }
}

/// Puts XDP on the interfaces; whether it is on one, or will be. That is no matter where it is not
/// wanted, and an error where there is nothing else.
pub(super) fn attach(
    xdp: Option<&mut Xdp>,
    guards: &mut Guards,
    network: &Network,
    ways: &Ways,
) -> anyhow::Result<bool> {
    let Some(xdp) = xdp.filter(|_| ways.want_xdp()) else {
        return Ok(true);
    };
    match guards.start(xdp, network, clock::now().mono) {
        Ok(()) => Ok(true),
        Err(error) if ways.need_xdp() => Err(error),
        Err(error) => {
            warn!("xdp: {error:#}");
            Ok(false)
        }
    }
}

/// Takes over the bans that are in force from an agent before this one, in XDP and in other ways, and
/// those that were kept on disk: after a reboot nothing else has them. What could not be put into force
/// yet, and what is to be told to the other ways.
pub(super) fn adopt(
    mut xdp: Option<&mut Xdp>,
    found: Vec<Ban>,
    decider: &mut Decider,
    kept: Vec<Ban>,
    keeper: &mut Keeper,
    names: Names<'_>,
) -> anyhow::Result<(BTreeSet<Entry>, Vec<Change>)> {
    let now = clock::now();
    let mut out = Outcome::default();
    if let Some(xdp) = &mut xdp {
        let found = xdp.in_force(now)?;
        decider.expect(&found);
        for ban in found {
            decider.adopt(ban, now.mono, &mut out);
        }
        if let Err(failed) = xdp.apply(&out.changes, now) {
            bail!("cannot tidy up what an earlier agent left: {}", failed[0]);
        }
    }
    out.changes.clear();
    let elsewhere: BTreeSet<Entry> = found.iter().map(Ban::entry).collect();
    for ban in found {
        decider.adopt(ban, now.mono, &mut out);
    }
    let tidy: Vec<Change> = elsewhere
        .iter()
        .map(|entry| decider.change_for(*entry))
        .collect();
    out.changes.extend(&tidy);
    let kept = recall::keep_found(kept, keeper, decider, names, now);
    recall::put_back(kept, decider, now.mono, &mut out);
    let mut pending = BTreeSet::new();
    if let Some(xdp) = xdp
        && let Err(failures) = xdp.apply(&out.changes, now)
    {
        report::failures(&failures);
        pending = failures
            .iter()
            .map(|failed| failed.change.entry())
            .collect();
    }
    report::decisions(&out.decisions, &HashSet::new(), names, now.mono);
    keeper.note(&out.decisions, decider, names, now);
    Ok((pending, tidy))
}

impl Started {
    /// Puts all bans into the ways that are used from now on, and takes away what others have.
    pub(super) fn begin_ways(&mut self, nowhere: bool, tidy: Vec<Change>) -> anyhow::Result<()> {
        let now = clock::now();
        let wanted = self.ways.want_xdp();
        if wanted && self.xdp.is_some() {
            self.ways.xdp_is_filled();
        }
        self.rearrange(now);
        let tidy = Outcome {
            changes: tidy,
            ..Outcome::default()
        };
        let (failed, _) = self.with_ways(now, |ways, around| ways.apply(&tidy, around));
        self.pending
            .extend(failed.iter().map(|failed| failed.change.entry()));
        self.ways.begin_repair(now.mono);
        if let Some(why) = self.ways.nothing_works(nowhere) {
            bail!("no way to drop packets: {why}");
        }
        if !wanted && let Some(mut xdp) = self.xdp.take() {
            // The configuration does not name it any more, and others have its bans.
            xdp.remove()?;
            info!("xdp: taken away, because enforce does not name it any more");
        }
        Ok(())
    }
}
