use std::net::IpAddr;

use anyhow::{Context as _, Result, ensure};
use banner_common::{ALL_PORTS, Ban, FOREVER, OBSERVE, Reason, Seen, jail_key};
use banner_tests::bpf::Object;

/// `XDP_DROP` (include/uapi/linux/bpf.h).
pub(crate) const DROP: u32 = 1;
/// `XDP_PASS`.
pub(crate) const PASS: u32 = 2;

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    frame: Vec<u8>,
    bans: Vec<(IpAddr, Ban)>,
    never: Vec<(IpAddr, u32)>,
    verdict: u32,
    reason: Reason,
}

/// A ban that drops until jiffy `expires`.
pub(crate) const fn until(expires: u64) -> Ban {
    Ban {
        expires,
        jail: jail_key("sshd"),
        flags: 0,
        scope: ALL_PORTS,
        seen: Seen(0),
    }
}

/// A ban that drops and has no end.
pub(crate) const FOR_EVER: Ban = until(FOREVER);

/// The same ban, of a jail that only observes.
pub(crate) const fn observing(ban: Ban) -> Ban {
    Ban {
        flags: OBSERVE,
        ..ban
    }
}

impl Row {
    fn new(what: impl Into<String>, frame: Vec<u8>, verdict: u32, reason: Reason) -> Self {
        Self {
            what: what.into(),
            frame,
            bans: Vec::new(),
            never: Vec::new(),
            verdict,
            reason,
        }
    }

    /// A frame that has to be dropped.
    pub(crate) fn drop(what: impl Into<String>, frame: Vec<u8>) -> Self {
        Self::new(what, frame, DROP, Reason::Drop)
    }

    /// A frame that has to pass and be counted under `reason`.
    pub(crate) fn pass(what: impl Into<String>, frame: Vec<u8>, reason: Reason) -> Self {
        Self::new(what, frame, PASS, reason)
    }

    /// Puts `family` before what the row says.
    pub(crate) fn about(mut self, family: &str) -> Self {
        self.what = format!("{family}: {}", self.what);
        self
    }

    /// Adds an entry to the ban map.
    pub(crate) fn ban(mut self, address: impl Into<IpAddr>, ban: Ban) -> Self {
        self.bans.push((address.into(), ban));
        self
    }

    /// Adds a prefix to the never-ban list.
    pub(crate) fn never(mut self, prefix: impl Into<IpAddr>, length: u32) -> Self {
        self.never.push((prefix.into(), length));
        self
    }

    /// Fills the maps, runs the program on the frame, empties the maps, compares.
    pub(crate) fn check(&self, object: &mut Object) -> Result<()> {
        for (address, ban) in &self.bans {
            object.ban(*address, *ban)?;
        }
        for (prefix, length) in &self.never {
            object.never(*prefix, *length)?;
        }
        let before = object.counters()?;
        let verdict = object.verdict(&self.frame);
        let counters = object.counters()?;
        for (address, _) in &self.bans {
            object.unban(*address)?;
        }
        for (prefix, length) in &self.never {
            object.not_never(*prefix, *length)?;
        }

        let what = &self.what;
        let verdict = verdict.with_context(|| format!("{what}: run the program"))?;
        ensure!(
            verdict == self.verdict,
            "{what}: verdict {verdict}, should be {} ({})",
            self.verdict,
            self.reason.name()
        );
        let expected = before.plus_one(self.reason, self.frame.len());
        ensure!(
            counters == expected,
            "{what}: should count {} bytes under {}: {before:?} became {counters:?}",
            self.frame.len(),
            self.reason.name()
        );
        Ok(())
    }
}
