//! Bans in XDP: the only room that knows aya.
//!
//! [`Xdp::open`] finds or makes the pinned maps and loads the program, [`Xdp::attach`] puts it on an
//! interface. Links and maps are pinned, so that after [`Xdp::keep`], in whatever way the process
//! ends, nothing changes of what packets meet.

mod access;
mod advice;
mod attach;
mod bans;
mod batch;
mod bpffs;
mod clock;
mod counters;
mod detach;
pub mod doctor;
mod entry;
mod error;
mod groups;
mod holder;
mod inquiry;
mod kernel;
mod links;
mod migrate;
mod names;
mod never;
mod object;
mod packet;
mod pins;
mod ports;
mod refusal;
mod renewing;
mod replace;
mod scopes;
mod seen;
mod selftest;
mod shape;
mod tables;
mod tcx;
mod trace;
mod unban;

use std::{collections::BTreeMap, panic::resume_unwind, path::Path, thread};

use aya::Ebpf;

pub use advice::{advice, kind};
pub use attach::{Attachment, Place};
pub use counters::Counters;
pub use detach::{Detached, detach};
pub use error::XdpError;
pub use holder::Holder;
pub use kernel::Advice;
pub use links::{Survey, Whereabouts};
pub use refusal::AttachError;
pub use seen::{Activity, Talker};
pub use trace::{TraceLog, Traced};
pub use unban::{unban_all_pinned, unban_pinned};

use self::{
    bans::Bans, clock::Clock, counters::Counted, entry::JailKeys, never::NeverMaps, object::Loader,
    pins::Pins, scopes::Scopes, tables::Tables,
};
use super::{EnforceError, Enforcer, Failed, Inquiry, Tested, Trial, lock};
use crate::model::{Ban, Change, Entry, Now, PortSets, PrefixSet};

/// The XDP program with its maps.
#[derive(Debug)]
pub struct Xdp {
    pins: Pins,
    loader: Loader,
    /// The maps, and the clock.
    shared: Ebpf,
    clock: Clock,
    bans: Bans,
    never: NeverMaps,
    links: Vec<Attachment>,
    counted: Vec<Counted>,
    /// Counted on interfaces that are gone.
    past: Counters,
    /// Counted of tests since this was opened, by the kernel's ids of the maps of counters.
    tested: BTreeMap<u32, Counters>,
    displaced: u64,
}

impl Xdp {
    /// Loads the program, over the maps pinned in `pin_dir` where an agent before this one left
    /// some. `max_bans` is the number of entries of each map of single hosts; `jails` are the names of
    /// the jails by their [`JailId`](crate::model::JailId).
    ///
    /// Nothing of what an earlier agent left is changed before the kernel has taken the program.
    pub fn open<'n>(
        pin_dir: &Path,
        max_bans: u32,
        jails: impl Iterator<Item = &'n str>,
    ) -> Result<(Self, Vec<Advice>), XdpError> {
        kernel::check()?;
        let (pins, mut advice) = Pins::claim(pin_dir)?;
        let remade = pins.check(max_bans)?;
        let loader = Loader::new(&pins, max_bans, &remade);
        let counters = pins.all_counters()?.into_iter().next();
        // While the kernel looks at the program. A new map says nothing.
        let (shared, scopes) = thread::scope(|scope| {
            let path = pins.map(banner_common::PORTS);
            let pinned = path.exists();
            let read = pinned.then(|| scope.spawn(move || Scopes::pinned(&path)));
            let shared = loader.shared(counters.map(|(_, path)| path));
            let scopes = read.map(|read| read.join().unwrap_or_else(|why| resume_unwind(why)));
            (shared, scopes)
        });
        let mut shared = shared?;
        let scopes = scopes.transpose()?.unwrap_or_default();
        pins.sweep(&remade)?;
        let clock = Clock::new(&mut shared)?;
        let never = NeverMaps::new(&mut shared)?;
        let listed = never.read()?;
        let mut tables = Tables::of(&mut shared)?;
        let now = clock.read(&shared)?.jiffies();
        let displaced = migrate::copy(&pins, &remade, &mut tables, &listed, now)?;
        if displaced > 0 {
            advice.push(Advice(format!(
                "{displaced} bans of an earlier agent, those that end soonest, find no place any \
                 more and are over; raise limits.bans"
            )));
        }
        let bans = Bans::adopt(tables, JailKeys::new(jails), listed, scopes)?;
        let mut xdp = Self {
            pins,
            loader,
            shared,
            clock,
            bans,
            never,
            links: Vec::new(),
            counted: Vec::new(),
            past: Counters::default(),
            tested: BTreeMap::new(),
            displaced,
        };
        if !remade.is_empty() {
            xdp.swap_remade(&remade)?;
            xdp.loader = Loader::new(&xdp.pins, max_bans, &[]);
        }
        Ok((xdp, advice))
    }

    /// What is pinned outlives this value from now on. Before that, dropping it leaves the pin
    /// directory as it was, if no earlier agent's program was replaced.
    pub fn keep(&mut self) {
        self.pins.keep();
    }

    /// The never-ban list of the kernel becomes `prefixes`. New ones are in force before old ones
    /// go.
    ///
    /// The program does not ask the list about hosts whose entries say that they are not on it. So
    /// these entries change before the list does, and no entry ever says what is not so.
    pub fn set_never(&mut self, prefixes: &PrefixSet) -> Result<(), XdpError> {
        never::check(prefixes)?;
        let old = self.never.read()?;
        let new: Vec<_> = prefixes.iter().filter(|&net| !old.covers(net)).collect();
        // Also if this fails halfway.
        self.bans.never = PrefixSet::new(old.iter().chain(prefixes.iter()));
        self.bans.uncheck(&new)?;
        self.never.replace(prefixes)?;
        self.bans.never = prefixes.clone();
        Ok(())
    }

    /// The names of the jails from now on, by their [`JailId`](crate::model::JailId).
    pub fn set_jails<'n>(&mut self, names: impl Iterator<Item = &'n str>) {
        self.bans.jails = JailKeys::new(names);
    }

    /// Bans of an earlier agent that found no place when this one was opened.
    pub fn displaced(&self) -> u64 {
        self.displaced
    }

    /// Where the program is attached.
    pub fn attachments(&self) -> &[Attachment] {
        &self.links
    }
}

impl Enforcer for Xdp {
    fn name(&self) -> &'static str {
        "xdp"
    }

    fn look(&mut self) -> Result<bool, EnforceError> {
        Ok(true)
    }

    fn open(&mut self) -> Result<(), EnforceError> {
        self.read_again()
    }

    fn set_never(&mut self, never: &PrefixSet) -> Result<(), EnforceError> {
        Ok(Self::set_never(self, never)?)
    }

    fn set_jails(&mut self, jails: &[String]) {
        Self::set_jails(self, jails.iter().map(String::as_str));
    }

    fn set_ports(&mut self, ports: &mut PortSets) -> Result<(), EnforceError> {
        Self::set_ports(self, ports)?;
        Ok(())
    }

    fn apply(&mut self, changes: &[Change], _now: Now) -> Result<(), Vec<Failed>> {
        let reading = self.clock.read(&self.shared).map_err(|error| {
            let why = error.to_string();
            let failed = |&change| Failed {
                change,
                why: why.clone(),
            };
            changes.iter().map(failed).collect::<Vec<_>>()
        })?;
        let failed = self.bans.apply(changes, &reading);
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed)
        }
    }

    fn in_force(&mut self, _now: Now) -> anyhow::Result<Vec<Ban>> {
        let reading = self.clock.read(&self.shared)?;
        Ok(self.bans.read(&reading)?)
    }

    fn inquire(&self) -> Inquiry {
        self.inquiry()
    }

    fn test(&mut self, trial: &Trial<'_>) -> Tested {
        self.self_test(trial)
    }

    fn holds(&self, entries: &[Entry]) -> bool {
        self.bans.holds(entries)
    }

    fn remove(&mut self) -> Result<(), EnforceError> {
        detach(self.pins.folder(), &[])?;
        Ok(())
    }
}

/// The process that uses a pin directory, where one does.
pub fn agent(pin_dir: &Path) -> Option<u32> {
    lock::owner(pin_dir)
}

/// What was counted so far, whether or not an agent is running, by the names that the interfaces had
/// when the program was attached.
pub fn pinned_counters(pin_dir: &Path) -> Result<BTreeMap<String, Counters>, XdpError> {
    Counters::pinned(&Pins::look(pin_dir))
}

/// Whether an agent has left maps there.
pub fn is_pinned(pin_dir: &Path) -> bool {
    Pins::look(pin_dir).map(banner_common::BANS4).exists()
}
