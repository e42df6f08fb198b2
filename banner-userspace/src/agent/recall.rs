//! At start: bans from where they are in force and from the store, and going on with counting.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tracing::{info, warn};

use super::{
    clock, keeper::Keeper, pipeline::Pipeline, report::Names, run::Running, start::Started,
};
use crate::{
    config::Jail,
    decide::{Cursor, Decider, Outcome, Past},
    enforce::xdp::{Xdp, XdpError},
    model::{Ban, Entry, JailId, Mono, Now, PortSets, PortsId},
    store::{History, KeptBan, Windows},
};

/// Bans that are kept, in the numbers of this agent; those of which the ports cannot be numbered are
/// named and left out.
pub(super) fn bans(
    kept: &[KeptBan],
    keeper: &Keeper,
    ports: &mut PortSets,
    xdp: Option<&mut Xdp>,
) -> Result<Vec<Ban>, XdpError> {
    let before = ports.clone();
    let mut lists: HashMap<Arc<str>, Option<PortsId>> = HashMap::new();
    let mut jails: HashMap<Arc<str>, Option<JailId>> = HashMap::new();
    let mut bans = Vec::with_capacity(kept.len());
    for ban in kept {
        let known = lists.get(&ban.ports).copied();
        let id = known.unwrap_or_else(|| {
            let id = number(&ban.ports, ports);
            if id.is_none() {
                let list = &ban.ports;
                warn!("bans for the ports {list} are not put back: there is no number left");
            }
            lists.insert(Arc::clone(&ban.ports), id);
            id
        });
        let Some(id) = id else { continue };
        let jail = ban.jail.as_ref().and_then(|name| {
            let known = jails.get(name).copied();
            known.unwrap_or_else(|| {
                let id = keeper.jail(name);
                jails.insert(Arc::clone(name), id);
                id
            })
        });
        bans.push(Ban {
            net: ban.net,
            ports: id,
            jail,
            mode: ban.mode,
            until: ban.until,
        });
    }
    if *ports != before
        && let Some(xdp) = xdp
    {
        for advice in xdp.set_ports(ports)? {
            warn!("{}", advice.0);
        }
    }
    Ok(bans)
}

fn number(list: &str, ports: &mut PortSets) -> Option<PortsId> {
    if list == "all" {
        return Some(PortsId::ALL);
    }
    ports.intern(&list.parse().ok()?).ok()
}

/// Puts back what is kept and not in force. How many bans that are.
pub(super) fn put_back(
    kept: Vec<Ban>,
    decider: &mut Decider,
    now: Mono,
    out: &mut Outcome,
) -> usize {
    let before = decider.len();
    for ban in kept {
        decider.recall(ban, now, out);
    }
    let back = decider.len() - before;
    if back > 0 {
        info!("{back} bans were not in force any more and are put back");
    }
    back
}

/// Tells the keeper of bans that are in force and were not kept, as after a crash.
pub(super) fn keep_found(
    kept: &[Ban],
    keeper: &mut Keeper,
    decider: &mut Decider,
    names: Names<'_>,
    now: Now,
) {
    // One that was over before the agent died may have been followed by another.
    let kept = kept.iter().filter(|ban| !ban.until.is_over(now.mono));
    let kept: HashSet<(Entry, Option<JailId>)> = kept.map(|ban| (ban.entry(), ban.jail)).collect();
    let found = decider.bans_from(Cursor::from_number(0));
    let found = found.map(|(ban, _)| ban);
    let unknown: Vec<Ban> = found
        .filter(|ban| !kept.contains(&(ban.entry(), ban.jail)))
        .collect();
    for ban in unknown {
        keeper.found(&ban, names, now);
        decider.expect_reason(&ban);
    }
}

/// What is remembered of earlier bans.
pub(super) fn history(past: Vec<History>) -> impl Iterator<Item = Past> {
    past.into_iter().map(|past| Past {
        net: past.net,
        jail: (*past.jail).to_owned(),
        count: past.count,
        last: past.last,
        ends: past.ends,
    })
}

/// Goes on with counting, and follows it from now on.
pub(super) fn windows(windows: &[Windows], jails: &[Jail], pipeline: &mut Pipeline, now: Now) {
    for (id, jail) in (0u16..).map(JailId).zip(jails) {
        let Some(tracker) = pipeline.tracker_mut(id) else {
            continue;
        };
        let own = windows.iter().filter(|windows| *windows.jail == *jail.name);
        let mut hosts: Vec<_> = own.flat_map(|windows| &windows.hosts).collect();
        // Who has been quiet for longest is forgotten first.
        hosts.sort_by_key(|(_, failures)| failures.last().copied());
        for (host, failures) in hosts {
            tracker.restore(*host, failures.clone(), now.wall);
        }
        tracker.watch();
    }
}

impl Running {
    /// Puts a batch into the store, if it is time.
    pub(super) fn keep(&mut self, now: Now) {
        if let Some(late) = self.agent.keeper.late() {
            self.put_back_late(&late.bans, now);
            for past in history(late.history) {
                self.agent.decider.remember(&past);
            }
        }
        let Started {
            keeper,
            config,
            ports,
            sources,
            pipeline,
            decider,
            ..
        } = &mut self.agent;
        let names = Names {
            jails: &config.jails,
            ports,
        };
        keeper.keep(sources, pipeline, decider, names, now);
    }

    /// The store can be read at last.
    fn put_back_late(&mut self, kept: &[KeptBan], now: Now) {
        let agent = &mut self.agent;
        let kept = match bans(kept, &agent.keeper, &mut agent.ports, agent.xdp.as_mut()) {
            Ok(kept) => kept,
            Err(error) => {
                warn!("bans of the last agent are not put back: {error}");
                return;
            }
        };
        if let Err(error) = agent.ways.set_ports(&agent.ports) {
            warn!("{error}");
        }
        let mut out = Outcome::default();
        put_back(kept, &mut agent.decider, clock::now().mono, &mut out);
        self.enforce(&out, now);
    }
}
