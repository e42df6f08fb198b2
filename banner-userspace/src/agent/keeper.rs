//! Gives the store what changed, at most once a second, as it was at one moment.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use ipnet::IpNet;
use tracing::{error, warn};

use super::{
    clock,
    kept::{boot, retention},
    pipeline::Pipeline,
    report::Names,
};
use crate::{
    config::Config,
    decide::{Cursor, Decider, Decision},
    model::{Ban, Evidence, JailId, Mono, Now},
    source::Sources,
    store::{Batch, Cause, Change, Health, Loaded, Options, Reply, Store, Windows},
};

/// How soon after a ban it is on the disk, if the disk is quick enough.
const SOON: Duration = Duration::from_secs(1);

/// How soon after an unban: an operator is told that it was done.
const AT_ONCE: Duration = Duration::from_millis(50);

/// How soon after lines that were no failures. What was read since is read again after a crash.
const LATER: Duration = Duration::from_secs(5);

/// How often it is asked whether the store is through.
const BUSY: Duration = Duration::from_millis(50);

/// How often it is asked whether a store can be written again.
const TROUBLE: Duration = Duration::from_secs(1);

/// How many changes wait for the store, at most; beyond that it is given all bans that there are.
const MOST: usize = 200_000;

/// How long a stop waits for the store.
const PATIENCE: Duration = Duration::from_secs(5);

/// The agent's side of the store.
#[derive(Debug)]
pub(super) struct Keeper {
    store: Option<Store>,
    path: PathBuf,
    pub(super) jails: Vec<Arc<str>>,
    pub(super) all_ports: Arc<str>,
    changes: Vec<Change>,
    /// The changes do not say all.
    all: bool,
    /// There is something to keep.
    news: bool,
    /// How much was read and counted when the last batch was taken.
    read: u64,
    counted: u64,
    /// When the last batch was taken.
    last: Mono,
    /// When the next one is due.
    pub(super) at: Option<Mono>,
    /// Reasons for bans that were not kept, because too many changes waited.
    lost: u64,
    /// The store knows other jails.
    renamed: bool,
}

impl Keeper {
    /// Begins to read the store. Without one everything works, but for what it is there for.
    pub(super) fn open(config: &Config, state_dir: &Path, problems: &mut Vec<String>) -> Self {
        let now = clock::now();
        let jails: Vec<Arc<str>> = (config.jails.iter())
            .map(|jail| jail.name.as_str().into())
            .collect();
        let path = config.store.path.clone();
        let path = path.unwrap_or_else(|| state_dir.join("banner.db"));
        let options = Options {
            path: path.clone(),
            old_marks: state_dir.join("marks.json"),
            boot: boot(),
            jails: jails.clone(),
            retention: retention(config),
        };
        let store = Store::open(options, now).inspect_err(|error| {
            let problem = format!("nothing is kept on disk: cannot start a thread: {error}");
            error!("{problem}");
            problems.push(problem);
        });
        Self {
            store: store.ok(),
            path,
            jails,
            all_ports: "all".into(),
            changes: Vec::new(),
            all: false,
            news: true,
            read: 0,
            counted: 0,
            last: now.mono,
            // Whether it can be written is to be known from the beginning.
            at: Some(now.mono),
            lost: 0,
            renamed: false,
        }
    }

    /// The configuration is this one from now on.
    pub(super) fn reload(&mut self, config: &Config) {
        let jails = config.jails.iter().map(|jail| jail.name.as_str().into());
        self.jails = jails.collect();
        self.renamed = true;
        if let Some(store) = &self.store {
            store.keep_for(retention(config));
        }
    }

    /// What the last agent left; waits for it.
    pub(super) fn loaded(&self) -> Loaded {
        self.store
            .as_ref()
            .map_or_else(Loaded::default, Store::loaded)
    }

    /// Bans that could be read only now.
    pub(super) fn late(&self) -> Option<Loaded> {
        self.store.as_ref()?.late()
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How the store is.
    pub(super) fn health(&self) -> Health {
        self.store
            .as_ref()
            .map_or_else(Health::default, Store::health)
    }

    /// Reasons for bans that were not kept.
    pub(super) fn lost(&self) -> u64 {
        self.lost
    }

    /// Asks for the reasons of the latest bans of a prefix; false: nobody can be asked now.
    pub(super) fn offences(&self, net: IpNet, most: u32, reply: Reply) -> bool {
        (self.store.as_ref()).is_some_and(|store| store.offences(net, most, reply))
    }

    /// The numbers of jails by their names.
    pub(super) fn jail(&self, name: &str) -> Option<JailId> {
        let place = self.jails.iter().position(|jail| **jail == *name)?;
        u16::try_from(place).ok().map(JailId)
    }

    /// Takes note of decisions.
    pub(super) fn note(
        &mut self,
        decisions: &[Decision],
        decider: &Decider,
        names: Names<'_>,
        now: Now,
    ) {
        if self.store.is_none() || decisions.is_empty() {
            return;
        }
        for decision in decisions {
            match decision {
                Decision::Ban {
                    ban,
                    who,
                    failures,
                    evidence,
                    ..
                }
                | Decision::Explained {
                    ban,
                    who,
                    failures,
                    evidence,
                } => {
                    let kept = self.kept(ban, *failures, names, now);
                    let cause = Cause {
                        who: *who,
                        evidence: Evidence::clone(evidence),
                        past: self.past(ban, decider),
                    };
                    self.changes.push(Change::Put(kept, Some(cause)));
                    self.due(now.mono, SOON);
                }
                Decision::Asked(ban) => {
                    let kept = self.kept(ban, 0, names, now);
                    self.changes.push(Change::Put(kept, None));
                    self.due(now.mono, SOON);
                }
                Decision::Renewed(ban) => {
                    let kept = self.kept(ban, 0, names, now);
                    self.changes.push(Change::PutOff(kept));
                    self.due(now.mono, SOON);
                }
                Decision::Over(ban) | Decision::Displaced(ban) => {
                    self.remove(ban, names);
                    self.due(now.mono, SOON);
                }
                Decision::Lifted(ban) => {
                    self.remove(ban, names);
                    self.due(now.mono, AT_ONCE);
                }
                Decision::Spared { .. } | Decision::Refused(_) => {}
            }
        }
        self.bound();
    }

    /// Somebody's past is forgiven.
    pub(super) fn forgive(&mut self, net: IpNet, now: Mono) {
        if self.store.is_some() {
            self.changes.push(Change::Forgive(net));
            self.due(now, AT_ONCE);
            self.bound();
        }
    }

    /// A ban that the enforcer had and the store had not.
    pub(super) fn found(&mut self, ban: &Ban, names: Names<'_>, now: Now) {
        if self.store.is_some() {
            let kept = self.kept(ban, 0, names, now);
            self.changes.push(Change::Put(kept, None));
            self.due(now.mono, SOON);
            self.bound();
        }
    }

    /// Something may have been read.
    pub(super) fn stir(&mut self, sources: &Sources, pipeline: &Pipeline, now: Mono) {
        if self.store.is_none() {
            return;
        }
        if pipeline.failures() != self.counted {
            self.due(now, SOON);
        } else if sources.stats().bytes != self.read {
            self.due(now, LATER);
        }
    }

    /// Gives the store a batch, if one is due and it is through with the last. What is in it has had
    /// its effect: this is called between two readings, never within one.
    pub(super) fn keep(
        &mut self,
        sources: &Sources,
        pipeline: &mut Pipeline,
        decider: &Decider,
        names: Names<'_>,
        now: Now,
    ) {
        let Some(store) = &self.store else { return };
        if self.at.is_none_or(|at| at > now.mono) {
            return;
        }
        let health = store.health();
        if health.given_up {
            self.changes = Vec::new();
            self.at = None;
            return;
        }
        self.all |= health.wants_all;
        self.news |= self.all;
        if health.problem.is_some() {
            self.at = Some(now.mono.after(TROUBLE));
        } else if !store.is_free() {
            self.at = Some(now.mono.after(BUSY));
        } else {
            self.at = None;
        }
        if !self.news || !store.is_free() {
            return;
        }
        let batch = self.batch(sources, pipeline, decider, names, now);
        if let Some(store) = &self.store {
            store.write(batch);
        }
        // What became of it.
        self.at = Some(now.mono.after(SOON));
    }

    /// Writes the last batch and ends the store.
    pub(super) fn stop(
        mut self,
        sources: &Sources,
        pipeline: &mut Pipeline,
        decider: &Decider,
        names: Names<'_>,
        now: Now,
    ) {
        let health = self.health();
        self.all |= health.wants_all;
        let batch = self.batch(sources, pipeline, decider, names, now);
        let Some(store) = self.store else { return };
        if let Err(why) = store.stop(Some(batch), PATIENCE) {
            warn!("the last second is not kept: {why}");
        }
    }

    fn batch(
        &mut self,
        sources: &Sources,
        pipeline: &mut Pipeline,
        decider: &Decider,
        names: Names<'_>,
        now: Now,
    ) -> Batch {
        let all = std::mem::take(&mut self.all);
        let mut bans = std::mem::take(&mut self.changes);
        if all {
            bans = self.all_of(bans, decider, names, now);
        }
        let jails = (0u16..).map(JailId).zip(&self.jails);
        let windows = jails.filter_map(|(id, name)| {
            let tracker = pipeline.tracker_mut(id)?;
            if all {
                tracker.watch();
            }
            let changes = tracker.changes();
            (changes.all || !changes.hosts.is_empty()).then(|| Windows {
                jail: Arc::clone(name),
                all: changes.all,
                hosts: changes.hosts,
            })
        });
        let windows = windows.collect();
        self.news = false;
        self.last = now.mono;
        self.read = sources.stats().bytes;
        self.counted = pipeline.failures();
        Batch {
            at: now,
            bans,
            all,
            jails: std::mem::take(&mut self.renamed).then(|| self.jails.clone()),
            marks: sources.marks(),
            windows,
            cursors: sources.cursors(),
        }
    }

    /// All bans that there are; of those that changed since, with their reasons.
    fn all_of(
        &self,
        changes: Vec<Change>,
        decider: &Decider,
        names: Names<'_>,
        now: Now,
    ) -> Vec<Change> {
        let bans = decider.bans_from(Cursor::from_number(0));
        let all = bans.map(|(ban, _)| Change::Put(self.kept(&ban, 0, names, now), None));
        all.chain(changes).collect()
    }

    /// So many changes have come that it is less to say what there is.
    fn bound(&mut self) {
        if self.changes.len() > MOST {
            let reasons = self.changes.iter().filter(|change| {
                matches!(change, Change::Put(_, Some(cause)) if !cause.evidence.is_empty())
            });
            self.lost += reasons.count() as u64;
            self.changes = Vec::new();
            self.all = true;
        }
    }

    fn due(&mut self, now: Mono, within: Duration) {
        self.news = true;
        let at = now.max(self.last.after(within));
        self.at = Some(self.at.map_or(at, |earlier| earlier.min(at)));
    }

    fn remove(&mut self, ban: &Ban, names: Names<'_>) {
        self.changes.push(Change::Remove {
            net: ban.net,
            ports: self.ports(ban.ports, names),
            jail: self.name(ban.jail),
        });
    }
}
