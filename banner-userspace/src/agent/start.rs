//! From options to an agent that is attached and about to read.

use std::{
    collections::BTreeSet,
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    path::PathBuf,
};

use anyhow::Context as _;
use jiff::tz::TimeZone;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::mpsc;
use tracing::{error, warn};

use super::{
    again::Again,
    begin::{adopt, attach, try_xdp},
    clock,
    forced::Forced,
    interfaces::Guards,
    keeper::Keeper,
    kept,
    network::Looks,
    pipeline::{Counted, JailSetup, Pipeline, Together},
    recall,
    report::Names,
    spared_names::SparedNames,
    ssh_peer,
    tell::Teller,
    ways::{Answer, Ways},
};
use crate::{
    config::{self, Config},
    control::Server,
    decide::{Decider, History, Rules},
    enforce::{self, Claim, ClaimError, Notices, xdp::Xdp},
    model::{Entry, Mono, PortSets, PrefixSet},
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
    pub(super) options: Options,
    pub(super) config: Config,
    pub(super) since: Mono,
    pub(super) pin_dir: PathBuf,
    /// None where it cannot be, or is not wanted.
    pub(super) xdp: Option<Xdp>,
    /// Why it cannot be.
    pub(super) xdp_problem: Option<String>,
    /// When it is tried again.
    pub(super) xdp_again: Option<Again>,
    /// Why it is not trusted to drop packets though it seems to be there.
    pub(super) xdp_distrust: Option<String>,
    pub(super) ways: Ways,
    /// What inquiries of ways found out.
    pub(super) answers: Option<mpsc::UnboundedReceiver<Answer>>,
    /// Tells of changes to tables of nftables.
    pub(super) notices: Option<Notices>,
    pub(super) guards: Guards,
    pub(super) decider: Decider,
    /// By the numbers that bans have.
    pub(super) ports: PortSets,
    pub(super) pipeline: Pipeline,
    pub(super) sources: Sources,
    pub(super) watch: Watch,
    pub(super) looks: Looks,
    /// What the kernel and other ways are never to drop: all that is never banned but what is by force.
    pub(super) never: PrefixSet,
    /// What of it not even force bans.
    pub(super) protected: PrefixSet,
    pub(super) forced: Forced,
    /// Never banned beside what the configuration says: the administrator who started the agent.
    pub(super) session: Option<IpAddr>,
    /// Hosts that are never banned, by their names.
    pub(super) named: SparedNames,
    pub(super) server: Option<Server>,
    pub(super) teller: Teller,
    pub(super) keeper: Keeper,
    /// What could not be put into force yet.
    pub(super) pending: BTreeSet<Entry>,
    /// What is wrong and will stay so.
    pub(super) problems: Vec<String>,
    /// The state directory is this agent's.
    claim: Option<Claim>,
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
    let config = configuration(options)?;
    // While the others are made, it is read.
    let mut keeper = Keeper::open(&config, &options.state_dir, &mut problems);
    let watch = Watch::open().context("cannot watch the network for changes (netlink)")?;
    let network = Network::read().context("cannot ask the kernel for its interfaces (netlink)")?;
    let looks = Looks::new(&network, since);
    let mut guards = Guards::new(&options.interfaces, config.interfaces.clone(), &network)?;
    let session = ssh_peer();
    let spared = SparedNames::load(&options.state_dir, &config.ignore_names);
    let all = never(&config, &network, session, &spared);
    let protected = protected(&network, session);
    let forced = Forced::load(&options.state_dir);
    let never = forced.out_of(&all, &protected);

    let mut ports = config.ports.clone();
    let (mut ways, answers) = Ways::new(&config, options.state_dir.clone());
    let notices = notices(&ways);
    let (mut xdp, xdp_problem) = try_xdp(&options.pin_dir, &config, &never, &mut ports, &ways)?;
    // Two agents with the same ways would take away each other's bans.
    let claim = claimed(enforce::claim(&options.state_dir))?;
    let mut decider = decider(&config, all.clone(), forced.set());
    let jails: Vec<String> = config.jails.iter().map(|jail| jail.name.clone()).collect();
    let found = ways.found(&mut ports, &jails, clock::now());
    if let Some(xdp) = &mut xdp {
        xdp.set_ports(&mut ports)?;
    }
    let loaded = keeper.loaded();
    let kept = recall::bans(&loaded.bans, &keeper, &mut ports, xdp.as_mut())?;
    let names = Names {
        jails: &config.jails,
        ports: &ports,
    };
    let (pending, tidy) = adopt(xdp.as_mut(), found, &mut decider, kept, &mut keeper, names)?;
    for past in recall::history(loaded.history) {
        decider.remember(&past);
    }

    let nowhere = !attach(xdp.as_mut(), &mut guards, &network, &ways)?;
    let now = clock::now().mono;
    let xdp_again = xdp_problem.is_some().then(|| Again::after(None, now));

    let sources = Sources::open(
        &config.logs,
        source::Options {
            max_line: config.limits.line as usize,
            resume: loaded.marks,
            cursors: loaded.cursors,
            journalctl: None,
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
    let mut pipeline = pipeline(&config, &all);
    recall::windows(&loaded.windows, &config.jails, &mut pipeline, clock::now());
    let server = server.ok();
    let mut started = Started {
        options: options.clone(),
        pin_dir: options.pin_dir.clone(),
        teller: Teller::start(&config),
        config,
        since,
        xdp,
        xdp_problem,
        xdp_again,
        xdp_distrust: None,
        ways,
        answers: Some(answers),
        notices,
        guards,
        decider,
        ports,
        pipeline,
        sources,
        watch,
        looks,
        never,
        protected,
        forced,
        session,
        named: spared,
        server,
        keeper,
        pending,
        problems,
        claim,
    };
    started.begin_ways(nowhere, tidy)?;
    if started.claim.is_none() {
        started.claim = claimed(enforce::make_and_claim(&options.state_dir))?;
    }
    if let Some(xdp) = &mut started.xdp {
        xdp.keep();
    }
    Ok(started)
}

/// What tells of changes by others, where some way needs it; without the privilege for it, nothing does.
fn notices(ways: &Ways) -> Option<Notices> {
    let notices = ways.have_tables().then(Notices::open)?;
    let told = notices.inspect_err(|error| {
        warn!(
            "nothing tells of changes that others make to nftables: {error}; it takes CAP_NET_ADMIN"
        );
    });
    told.ok()
}

/// A directory that cannot be locked is no reason not to ban.
fn claimed(claim: Result<Option<Claim>, ClaimError>) -> anyhow::Result<Option<Claim>> {
    match claim {
        Err(error @ ClaimError::Io { .. }) => {
            warn!("{error}");
            Ok(None)
        }
        claim => Ok(claim?),
    }
}

/// Each followed file is a descriptor, and the limit that shells and service managers set is for
/// programs that use select(2). Where it cannot be raised, the file that is one too many is named.
fn raise_descriptor_limit() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, most, most);
    }
}

fn configuration(options: &Options) -> anyhow::Result<Config> {
    let config = config::load(&options.config)?;
    for warning in &config.warnings {
        warn!("{warning}");
    }
    Ok(config)
}

/// The hosts that no jail bans.
pub(super) fn never(
    config: &Config,
    network: &Network,
    session: Option<IpAddr>,
    named: &SparedNames,
) -> PrefixSet {
    let configured = config.ignore.iter().copied().chain(named.nets());
    PrefixSet::new(configured.chain(protected(network, session).iter()))
}

/// Those that nobody bans, however much he wants to: he could lose the machine.
pub(super) fn protected(network: &Network, session: Option<IpAddr>) -> PrefixSet {
    PrefixSet::new(network.indispensable().chain(session.map(Into::into)))
}

fn decider(config: &Config, never: PrefixSet, forced: PrefixSet) -> Decider {
    // Keyed anew in each process, from the kernel's random numbers.
    let seed = RandomState::new().hash_one(0);
    let mut decider = Decider::new(rules(config), never, config.limits.bans as usize)
        .with_history(History::new(config.limits.history as usize), seed);
    decider.set_forced(forced);
    decider
}

/// What each jail bans by.
pub(super) fn rules(config: &Config) -> Vec<Rules> {
    let rules = config.jails.iter().map(|jail| Rules {
        jail: jail.name.clone(),
        ban_time: jail.ban_time.duration(),
        escalation: jail.escalation.clone(),
        renew: jail.renew,
        mode: jail.mode,
        ports: jail.ports,
        ipv4_length: jail.ipv4_length,
        ipv6_length: jail.ipv6_length,
        ignore: PrefixSet::new(jail.ignore.iter().copied()),
    });
    rules.collect()
}

fn pipeline(config: &Config, never: &PrefixSet) -> Pipeline {
    let tracked = config.limits.tracked as usize;
    let mut pipeline = Pipeline::new(setups(config).collect(), tracked, TimeZone::system());
    pipeline.keep(kept::lines(config));
    pipeline.spare(never, &config.jails);
    pipeline
}

/// What each jail reads and counts.
pub(super) fn setups(config: &Config) -> impl Iterator<Item = JailSetup> {
    config.jails.iter().map(|jail| JailSetup {
        filter: jail.filter.clone(),
        of: Counted::by(jail, &config.jails),
        logs: jail.logs.clone(),
        max_retry: jail.max_retry,
        find_time: jail.find_time,
        together: Together {
            ipv4: jail.count_ipv4_length,
            ipv6: jail.count_ipv6_length,
        },
        names: jail.names,
    })
}
