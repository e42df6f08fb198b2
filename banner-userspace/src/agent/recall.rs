//! At start: bans from where they are in force and from the store, and going on with counting.

use std::sync::Arc;

use tracing::{info, warn};

use super::{
    clock, keeper::Keeper, pipeline::Pipeline, report::Names, run::Running, start::Started,
};
use crate::{
    config::Jail,
    decide::{Cursor, Decider, Known, Outcome, Past},
    enforce::xdp::{Xdp, XdpError},
    model::{Ban, JailId, Mono, Now, PortSets, PortsId},
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
    let mut lists = Numbers::default();
    let mut jails = Numbers::default();
    let mut bans = Vec::with_capacity(kept.len());
    for ban in kept {
        let id = lists.of(&ban.ports, |list| {
            let id = number(list, ports);
            if id.is_none() {
                warn!("bans for the ports {list} are not put back: there is no number left");
            }
            id
        });
        let Some(id) = id else { continue };
        let jail = ban.jail.as_ref();
        let jail = jail.and_then(|name| jails.of(name, |name| keeper.jail(name)));
        bans.push(Ban {
            net: ban.net,
            ports: id,
            jail,
            mode: ban.mode,
            until: ban.until,
            quiet: ban.quiet,
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

/// Numbers of names. A million bans have few names, and mostly that of the ban before.
struct Numbers<N>(Vec<(Arc<str>, Option<N>)>);

impl<N> Default for Numbers<N> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<N: Copy> Numbers<N> {
    fn of(&mut self, name: &Arc<str>, number: impl FnOnce(&str) -> Option<N>) -> Option<N> {
        let is_it = |(known, _): &(Arc<str>, _)| Arc::ptr_eq(known, name) || known == name;
        if let Some(at) = self.0.iter().position(is_it) {
            self.0.swap(0, at);
            return self.0[0].1;
        }
        let number = number(name);
        self.0.push((Arc::clone(name), number));
        number
    }
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
    decider.expect(&kept);
    out.changes.reserve(kept.len());
    for ban in kept {
        decider.recall(ban, now, out);
    }
    let back = decider.len() - before;
    if back > 0 {
        info!("{back} bans were not in force any more and are put back");
    }
    back
}

/// Tells the keeper of bans that are in force and were not kept, as after a crash. What is kept and not
/// in force.
pub(super) fn keep_found(
    mut kept: Vec<Ban>,
    keeper: &mut Keeper,
    decider: &mut Decider,
    names: Names<'_>,
    now: Now,
) -> Vec<Ban> {
    if decider.is_empty() {
        return kept;
    }
    let mut known = Known::default();
    kept.retain(|ban| match decider.behind(ban) {
        // One that was over before the agent died may have been followed by another.
        Some(place) if !ban.until.is_over(now.mono) => known.mark(place),
        _ => true,
    });
    let found = decider.bans_from(Cursor::from_number(0));
    let unknown = found.filter(|(_, place)| !known.has(*place));
    let unknown: Vec<Ban> = unknown.map(|(ban, _)| ban).collect();
    for ban in unknown {
        keeper.found(&ban, names, now);
        decider.expect_reason(&ban);
    }
    kept
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
