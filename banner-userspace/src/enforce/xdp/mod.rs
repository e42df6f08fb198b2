//! Bans in XDP: the only room that knows aya.
//!
//! [`Xdp::open`] finds or makes the pinned maps and loads the program, [`Xdp::attach`] puts it on an
//! interface. Links and maps are pinned, so that after [`Xdp::keep`], in whatever way the process
//! ends, nothing changes of what packets meet.

mod advice;
mod attach;
mod bans;
mod bpffs;
mod clock;
mod counters;
pub mod doctor;
mod error;
mod holder;
mod kernel;
mod links;
mod lock;
mod never;
mod object;
mod pins;
mod refusal;
mod shape;
mod tcx;

use std::path::Path;

use aya::Ebpf;
use ipnet::IpNet;

pub use advice::{advice, kind};
pub use attach::{Attachment, Place};
pub use counters::Counters;
pub use error::XdpError;
pub use holder::Holder;
pub use kernel::Advice;
pub use links::{Survey, Whereabouts};
pub use pins::{Detached, detach};
pub use refusal::AttachError;

use self::{
    bans::{BanMaps, JailKeys},
    clock::Clock,
    never::NeverMaps,
    pins::Pins,
};
use super::{Enforcer, Failed};
use crate::model::{Ban, Change, Mono, PortSets, PrefixSet, is_host};

/// The XDP program with its maps.
#[derive(Debug)]
pub struct Xdp {
    pins: Pins,
    program: Ebpf,
    clock: Clock,
    bans: BanMaps,
    never: NeverMaps,
    links: Vec<Attachment>,
    displaced: u64,
}

impl Xdp {
    /// Loads the program, over the maps pinned in `pin_dir` where an agent before this one left
    /// some. `max_bans` is the number of entries of each ban map; `jails` are the names of the jails
    /// by their [`JailId`](crate::model::JailId).
    pub fn open<'n>(
        pin_dir: &Path,
        max_bans: u32,
        jails: impl Iterator<Item = &'n str>,
    ) -> Result<(Self, Vec<Advice>), XdpError> {
        kernel::check()?;
        let (pins, mut advice) = Pins::claim(pin_dir)?;
        let resize = pins.check(max_bans)?;
        let mut program = object::load(&pins, max_bans, resize)?;
        let clock = Clock::new(&mut program)?;
        let mut bans = BanMaps::new(&mut program, JailKeys::new(jails))?;
        let never = NeverMaps::new(&mut program)?;
        let mut displaced = 0;
        if resize {
            displaced = bans.copy_from(&pins, &clock.read(&program)?)?;
        }
        if displaced > 0 {
            advice.push(Advice(format!(
                "{displaced} bans of an earlier agent, those that end soonest, find no place any \
                 more and are over; raise limits.bans"
            )));
        }
        let mut xdp = Self {
            pins,
            program,
            clock,
            bans,
            never,
            links: Vec::new(),
            displaced,
        };
        if resize {
            xdp.swap_resized()?;
        }
        Ok((xdp, advice))
    }

    /// What is pinned outlives this value from now on. Before that, dropping it leaves the pin
    /// directory as it was, if nothing was pinned there.
    pub fn keep(&mut self) {
        self.pins.keep();
    }

    /// The never-ban list of the kernel becomes `prefixes`. New ones are in force before old ones
    /// go.
    pub fn set_never(&mut self, prefixes: &PrefixSet) -> Result<(), XdpError> {
        self.never.replace(prefixes)
    }

    /// The sets of ports that bans refer to by their numbers; in force before a ban is that refers to
    /// a new one. Sets that only bans of an earlier agent refer to are added.
    pub fn set_ports(&mut self, ports: &mut PortSets) -> Result<Vec<Advice>, XdpError> {
        match ports.iter().next() {
            None => Ok(Vec::new()),
            Some((_, ports)) => Err(XdpError::NoEntry(ports.to_string())),
        }
    }

    /// What the program has counted since its counters were first pinned.
    pub fn counters(&self) -> Result<Counters, XdpError> {
        Counters::read(&self.program)
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

    fn apply(&mut self, changes: &[Change], _now: Mono) -> Result<(), Vec<Failed>> {
        let why = |why: &XdpError| why.to_string();
        let reading = self.clock.read(&self.program).map_err(|error| {
            changes
                .iter()
                .map(|&change| Failed {
                    change,
                    why: why(&error),
                })
                .collect::<Vec<_>>()
        })?;
        let failed: Vec<_> = (changes.iter())
            .filter_map(|&change| {
                let error = self.bans.apply(change, &reading).err()?;
                Some(Failed {
                    change,
                    why: why(&error),
                })
            })
            .collect();
        if failed.is_empty() {
            Ok(())
        } else {
            Err(failed)
        }
    }

    fn in_force(&mut self, _now: Mono) -> anyhow::Result<Vec<Ban>> {
        let reading = self.clock.read(&self.program)?;
        Ok(self.bans.read(&reading)?)
    }
}

/// The process that uses a pin directory, where one does.
pub fn agent(pin_dir: &Path) -> Option<u32> {
    lock::owner(pin_dir)
}

/// What was counted so far, whether or not an agent is running; `None` where nothing is pinned.
pub fn pinned_counters(pin_dir: &Path) -> Result<Option<Counters>, XdpError> {
    let pins = Pins::look(pin_dir);
    if !pins.map(banner_common::COUNTERS).exists() {
        return Ok(None);
    }
    Counters::pinned(&pins).map(Some)
}

/// Ends every ban on just this prefix in the pinned maps, when no agent is running; whether there was
/// one.
pub fn unban_pinned(pin_dir: &Path, net: IpNet) -> Result<bool, XdpError> {
    let pins = Pins::look(pin_dir);
    if !pins.map(banner_common::BANS4).exists() {
        return Ok(false);
    }
    if !is_host(net) {
        return Ok(false);
    }
    BanMaps::pinned(&pins, JailKeys::default())?.clear(net.addr())
}
