//! SIGKILL at random moments under load.

use std::{
    collections::BTreeSet,
    fs::{self, File, OpenOptions},
    io::Write as _,
    net::{IpAddr, Ipv4Addr},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};

use super::Dice;
use crate::{
    agent::{Agent, Seat},
    lab::Lab,
    pinned::Pinned,
    topology::Topology,
    wait::{PATIENCE, wait_until},
};

/// Failures that make a ban.
const MAX_RETRY: u32 = 3;

/// Hosts that fail by turns, so that the failures of each are spread over seconds.
const AT_ONCE: usize = 2000;

/// Failures a second.
const RATE: u64 = 1000;

/// Failures that are written at once.
const BURST: u64 = 10;

/// A ban that is older than that is never lost.
const SURE: Duration = Duration::from_secs(1);

/// How much, and from which seed.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How often the agent is killed.
    pub rounds: u32,
    /// Of what is chosen at random.
    pub seed: u64,
}

/// What happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    /// Failures that were written.
    pub failures: u64,
    /// Hosts that failed as often as makes a ban, and are banned.
    pub banned: usize,
    /// Hosts that failed once less, and are not.
    pub spared: usize,
    /// Kills after which the maps were gone, as after a reboot.
    pub reboots: u32,
    /// Logs that were renamed while no agent ran.
    pub rotations: u32,
}

/// One that fails, and how often it has and will.
struct Host {
    address: Ipv4Addr,
    done: u32,
    target: u32,
}

struct Model {
    dice: Dice,
    log: PathBuf,
    writer: File,
    active: Vec<Host>,
    guilty: BTreeSet<Ipv4Addr>,
    innocent: BTreeSet<Ipv4Addr>,
    next: u32,
    outcome: Outcome,
}

/// Kills the agent as often as the plan says, while hosts fail; every host that fails as often as makes
/// a ban has to be banned at the end, and none that fails once less.
pub fn run(lab: &Lab, topology: &Topology, plan: Plan) -> Result<Outcome> {
    let log = lab.dir().join("auth.log");
    let yaml = format!(
        "defaults: {{ max_retry: {MAX_RETRY}, find_time: 1d, ban_time: 1d }}\n\
         limits: {{ bans: 1048576, tracked: 1000000 }}\n\
         jails:\n  sshd:\n    filter: sshd\n    logs: ['{}']\n",
        log.display()
    );
    let seat = Seat::with_text(lab, &topology.server, &["to-attacker"], &yaml)?;
    let mut model = Model::new(&log, plan)?;
    let mut agent = seat.start()?;
    for round in 0..plan.rounds {
        let what = || format!("round {round} of seed {}", plan.seed);
        agent = model.round(agent, &seat).with_context(what)?;
    }
    model.finish()?;
    let pinned = seat.pinned();
    let guilty = model.guilty.len();
    let settled = wait_until("all lines to be read", 4 * PATIENCE, || {
        agent.is_ready()?;
        Ok(banned(&pinned)?.len() >= guilty)
    });
    let found = banned(&pinned)?;
    let missing: Vec<_> = model.guilty.difference(&found).take(5).collect();
    ensure!(
        missing.is_empty(),
        "{} not banned: a line was skipped, or a ban lost: {missing:?}",
        model.guilty.difference(&found).count()
    );
    settled?;
    let twice: Vec<_> = model.innocent.intersection(&found).take(5).collect();
    ensure!(
        twice.is_empty(),
        "{} banned: a failure was counted twice: {twice:?}",
        model.innocent.intersection(&found).count()
    );
    ensure!(agent.terminate()?.success());
    model.outcome.banned = model.guilty.len();
    model.outcome.spared = model.innocent.len();
    Ok(model.outcome)
}

impl Model {
    fn new(log: &Path, plan: Plan) -> Result<Self> {
        let mut model = Self {
            dice: Dice::new(plan.seed),
            log: log.to_owned(),
            writer: open(log)?,
            active: Vec::new(),
            guilty: BTreeSet::new(),
            innocent: BTreeSet::new(),
            next: u32::from(Ipv4Addr::new(11, 0, 0, 0)),
            outcome: Outcome::default(),
        };
        while model.active.len() < AT_ONCE {
            let host = model.host();
            model.active.push(host);
        }
        Ok(model)
    }

    /// Somebody who has not failed yet.
    fn host(&mut self) -> Host {
        self.next += 1;
        Host {
            address: self.next.into(),
            done: 0,
            target: MAX_RETRY - u32::from(self.dice.below(2) == 0),
        }
    }

    /// Lets hosts fail for some time, kills the agent, maybe changes something, and starts another.
    fn round(&mut self, mut agent: Agent, seat: &Seat<'_>) -> Result<Agent> {
        let load = Duration::from_millis(self.dice.below(1500));
        self.load(load)?;
        let reboot = self.dice.below(8) == 0;
        let pinned = seat.pinned();
        let mut sure = BTreeSet::new();
        if reboot {
            // Committed, or the store takes longer than it may.
            sure = banned(&pinned)?;
            self.load(SURE + Duration::from_millis(500))?;
        }
        agent.is_ready()?;
        agent.kill()?;
        if reboot {
            // What a reboot leaves of the kernel's maps.
            for name in pinned.names()? {
                fs::remove_file(seat.pins.join(name))?;
            }
            self.outcome.reboots += 1;
        }
        if self.dice.below(3) == 0 {
            self.rotate()?;
        }
        self.fail(self.dice.clone().below(50))?;
        let agent = seat.start()?;
        let found = banned(&pinned)?;
        let lost: Vec<_> = sure.difference(&found).take(5).collect();
        ensure!(lost.is_empty(), "bans older than 1 s are lost: {lost:?}");
        Ok(agent)
    }

    /// So many failures a second for so long.
    fn load(&mut self, time: Duration) -> Result<()> {
        let start = Instant::now();
        let mut written = 0;
        while start.elapsed() < time {
            let due = u64::try_from(start.elapsed().as_millis())? * RATE / 1000;
            while written < due {
                self.fail(BURST)?;
                written += BURST;
            }
            thread::park_timeout(Duration::from_millis(1));
        }
        Ok(())
    }

    fn fail(&mut self, count: u64) -> Result<()> {
        let mut text = String::new();
        for _ in 0..count {
            let place = usize::try_from(self.dice.below(self.active.len() as u64))?;
            let host = &mut self.active[place];
            host.done += 1;
            text += &line(host.address);
            if host.done == host.target {
                let next = self.host();
                self.leave(place, next);
            }
        }
        self.outcome.failures += count;
        Ok(self.writer.write_all(text.as_bytes())?)
    }

    fn leave(&mut self, place: usize, next: Host) {
        let host = std::mem::replace(&mut self.active[place], next);
        if host.target == MAX_RETRY {
            self.guilty.insert(host.address);
        } else {
            self.innocent.insert(host.address);
        }
    }

    /// All hosts fail as often as they will.
    fn finish(&mut self) -> Result<()> {
        let mut text = String::new();
        for host in std::mem::take(&mut self.active) {
            for _ in host.done..host.target {
                text += &line(host.address);
                self.outcome.failures += 1;
            }
            if host.target == MAX_RETRY {
                self.guilty.insert(host.address);
            } else {
                self.innocent.insert(host.address);
            }
        }
        Ok(self.writer.write_all(text.as_bytes())?)
    }

    /// As logrotate does it: older files move on.
    fn rotate(&mut self) -> Result<()> {
        let name = |n: u32| self.log.with_extension(format!("log.{n}"));
        for n in (1..4).rev() {
            if name(n).exists() {
                fs::rename(name(n), name(n + 1))?;
            }
        }
        fs::rename(&self.log, name(1))?;
        self.writer = open(&self.log)?;
        self.outcome.rotations += 1;
        Ok(())
    }
}

fn open(log: &Path) -> Result<File> {
    let file = OpenOptions::new().append(true).create(true).open(log);
    file.with_context(|| format!("open {}", log.display()))
}

fn line(host: Ipv4Addr) -> String {
    format!("sshd[7]: Failed password for invalid user root from {host} port 4242 ssh2\n")
}

/// Who is banned in the kernel.
fn banned(pinned: &Pinned) -> Result<BTreeSet<Ipv4Addr>> {
    let map = pinned.bans4()?;
    let mut all = BTreeSet::new();
    for key in map.keys() {
        if let IpAddr::V4(host) = IpAddr::from(key?) {
            all.insert(host);
        }
    }
    Ok(all)
}
