//! From options to an agent that is attached and about to read.

use std::{
    collections::{BTreeSet, HashSet},
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    path::PathBuf,
};

use anyhow::{Context as _, bail};
use jiff::tz::TimeZone;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::{error, warn};

use super::{
    clock,
    interfaces::Guards,
    keeper::Keeper,
    kept,
    network::Looks,
    pipeline::{JailSetup, Pipeline},
    recall,
    report::{self, Names},
    ssh_peer,
    tell::Teller,
};
use crate::{
    config::{self, Config},
    control::Server,
    decide::{Decider, History, Outcome, Rules},
    enforce::{Enforcer as _, xdp::Xdp},
    model::{Ban, Entry, Mono, PortSets, PrefixSet},
    netlink::{Network, Watch},
    source::{self, Sources},
};

/// What the command line says.
#[derive(Clone, Debug)]
pub struct Options {
    /// Main configuration file.
    pub config: PathBuf,
    /// Interfaces to protect instead of those in the configuration.
    pub interfaces: Vec<String>,
    /// Where the agent keeps what must outlive it.
    pub state_dir: PathBuf,
    /// The control socket.
    pub socket: PathBuf,
    /// Where maps and links are pinned.
    pub pin_dir: PathBuf,
}

/// An agent that is attached and has its bans in force.
#[derive(Debug)]
pub struct Started {
    pub(super) config: Config,
    pub(super) since: Mono,
    pub(super) xdp: Xdp,
    pub(super) guards: Guards,
    pub(super) decider: Decider,
    /// By the numbers that bans have.
    pub(super) ports: PortSets,
    pub(super) pipeline: Pipeline,
    pub(super) sources: Sources,
    pub(super) watch: Watch,
    pub(super) looks: Looks,
    pub(super) never: PrefixSet,
    /// Never banned beside what the configuration says: the administrator who started the agent.
    pub(super) session: Option<IpAddr>,
    pub(super) server: Option<Server>,
    pub(super) teller: Teller,
    pub(super) keeper: Keeper,
    /// What could not be put into force yet.
    pub(super) pending: BTreeSet<Entry>,
    /// What is wrong and will stay so.
    pub(super) problems: Vec<String>,
}

impl Started {
    /// What numbers stand for.
    pub(super) fn names(&self) -> Names<'_> {
        Names {
            jails: &self.config.jails,
            ports: &self.ports,
        }
    }
}

/// Starts an agent. Order: everything that can be refused is checked before anything is changed;
/// the never-ban list is in force before a ban is; bans are in force before a line is read. What was
/// changed is undone when a later step fails, but for bans that were in force before.
///
/// Needs a tokio runtime around it.
pub fn start(options: &Options) -> anyhow::Result<Started> {
    let since = clock::now().mono;
    raise_descriptor_limit();
    let mut problems = Vec::new();
    let config = config::load(&options.config)?;
    for warning in &config.warnings {
        warn!("{warning}");
    }
    // While the others are made, it is read.
    let mut keeper = Keeper::open(&config, &options.state_dir, &mut problems);
    let watch = Watch::open().context("cannot watch the network for changes (netlink)")?;
    let network = Network::read().context("cannot ask the kernel for its interfaces (netlink)")?;
    let looks = Looks::new(&network, since);
    let mut guards = Guards::new(&options.interfaces, config.interfaces.clone(), &network)?;
    let session = ssh_peer();
    let never = never(&config, &network, session);

    let names = config.jails.iter().map(|jail| &*jail.name);
    let (mut xdp, advice) = Xdp::open(&options.pin_dir, config.limits.bans, names)?;
    for advice in advice {
        warn!("{}", advice.0);
    }
    xdp.set_never(&never)?;
    let mut decider = decider(&config, never.clone());
    let mut ports = config.ports.clone();
    for advice in xdp.set_ports(&mut ports)? {
        warn!("{}", advice.0);
    }
    let loaded = keeper.loaded();
    let kept = recall::bans(&loaded.bans, &keeper, &mut ports, &mut xdp)?;
    let names = Names {
        jails: &config.jails,
        ports: &ports,
    };
    let pending = adopt(&mut xdp, &mut decider, kept, &mut keeper, names)?;
    for past in recall::history(loaded.history) {
        decider.remember(&past);
    }

    guards.start(&mut xdp, &network, clock::now().mono)?;

    let sources = Sources::open(
        &config.logs,
        source::Options {
            max_line: config.limits.line as usize,
            resume: loaded.marks,
        },
    )
    .context("cannot watch files (inotify)")?;
    let server = Server::bind(&options.socket).inspect_err(|error| {
        let problem = format!(
            "{}: no control socket: {error}; bans work, banner status does not",
            options.socket.display()
        );
        error!("{problem}");
        problems.push(problem);
    });
    let mut pipeline = pipeline(&config);
    recall::windows(&loaded.windows, &config.jails, &mut pipeline, clock::now());
    pipeline.keep(kept::lines(&config));
    let server = server.ok();
    xdp.keep();
    Ok(Started {
        teller: Teller::start(&config),
        config,
        since,
        xdp,
        guards,
        decider,
        ports,
        pipeline,
        sources,
        watch,
        looks,
        never,
        session,
        server,
        keeper,
        pending,
        problems,
    })
}

/// Each followed file is a descriptor, and the limit that shells and service managers set is for
/// programs that use select(2). Where it cannot be raised, the file that is one too many is named.
fn raise_descriptor_limit() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

/// The hosts that no jail bans.
pub(super) fn never(config: &Config, network: &Network, session: Option<IpAddr>) -> PrefixSet {
    let configured = config.ignore.iter().copied();
    let session = session.map(Into::into);
    PrefixSet::new(configured.chain(network.indispensable()).chain(session))
}

fn decider(config: &Config, never: PrefixSet) -> Decider {
    let rules = config.jails.iter().map(|jail| Rules {
        jail: jail.name.clone(),
        ban_time: jail.ban_time.duration(),
        escalation: jail.escalation.clone(),
        mode: jail.mode,
        ports: jail.ports,
        ipv4_length: jail.ipv4_length,
        ipv6_length: jail.ipv6_length,
        ignore: PrefixSet::new(jail.ignore.iter().copied()),
    });
    // Keyed anew in each process, from the kernel's random numbers.
    let seed = RandomState::new().hash_one(0);
    Decider::new(rules.collect(), never, config.limits.bans as usize)
        .with_history(History::new(config.limits.history as usize), seed)
}

fn pipeline(config: &Config) -> Pipeline {
    let jails = config.jails.iter().map(|jail| JailSetup {
        filter: jail.filter.clone(),
        logs: jail.logs.clone(),
        max_retry: jail.max_retry,
        find_time: jail.find_time,
    });
    let tracked = config.limits.tracked as usize;
    Pipeline::new(jails.collect(), tracked, TimeZone::system())
}

/// Takes over the bans that are in force from an agent before this one, and those that were kept on
/// disk: after a reboot nothing else has them. What could not be put into force yet.
fn adopt(
    xdp: &mut Xdp,
    decider: &mut Decider,
    kept: Vec<Ban>,
    keeper: &mut Keeper,
    names: Names<'_>,
) -> anyhow::Result<BTreeSet<Entry>> {
    let now = clock::now();
    let mut out = Outcome::default();
    for ban in xdp.in_force(now)? {
        decider.adopt(ban, now.mono, &mut out);
    }
    if let Err(failed) = xdp.apply(&out.changes, now) {
        bail!("cannot tidy up what an earlier agent left: {}", failed[0]);
    }
    out.changes.clear();
    recall::keep_found(&kept, keeper, decider, names, now);
    recall::put_back(kept, decider, now.mono, &mut out);
    let mut pending = BTreeSet::new();
    if let Err(failures) = xdp.apply(&out.changes, now) {
        report::failures(&failures);
        pending = failures
            .iter()
            .map(|failed| failed.change.entry())
            .collect();
    }
    report::decisions(&out.decisions, &HashSet::new(), names, now.mono);
    keeper.note(&out.decisions, decider, names, now);
    Ok(pending)
}
