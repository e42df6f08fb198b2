use std::{net::IpAddr, ops::Range};

use anyhow::{Context as _, Result, ensure};
use banner_common::{
    ALL_PORTS, Ban, CHECKED, FOREVER, LINEAR_PROGRAM, OBSERVE, PROGRAM, Reason, SEVERAL, Seen,
    TCX_PROGRAM, jail_key,
};
use banner_tests::bpf::Object;

use super::contents::Contents;

/// A program, and what it returns to drop and to pass.
#[derive(Debug)]
pub(crate) struct Hook {
    pub(super) program: &'static str,
    drop: u32,
    pass: u32,
}

impl Hook {
    pub(super) fn verdict(&self, reason: Reason) -> u32 {
        match reason {
            Reason::Drop => self.drop,
            _ => self.pass,
        }
    }
}

/// Every program that decides; `XDP_DROP`, `XDP_PASS`, `TC_ACT_SHOT` and `TC_ACT_UNSPEC`
/// (`include/uapi/linux/bpf.h`, `pkt_cls.h`).
pub(super) const HOOKS: [Hook; 3] = [
    Hook {
        program: PROGRAM,
        drop: 1,
        pass: 2,
    },
    Hook {
        program: LINEAR_PROGRAM,
        drop: 1,
        pass: 2,
    },
    Hook {
        program: TCX_PROGRAM,
        drop: 2,
        pass: u32::MAX,
    },
];

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Row {
    what: String,
    frame: Vec<u8>,
    contents: Contents,
    reason: Reason,
    /// Which of [`HOOKS`] get the frame.
    hooks: Range<usize>,
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

/// A ban that was over long ago.
pub(crate) const OVER: Ban = until(1);

/// The same ban, of a jail that only observes.
pub(crate) const fn observing(ban: Ban) -> Ban {
    Ban {
        flags: ban.flags | OBSERVE,
        ..ban
    }
}

/// The same ban, of an address that is known not to be on the never-ban list.
pub(crate) const fn checked(ban: Ban) -> Ban {
    Ban {
        flags: ban.flags | CHECKED,
        ..ban
    }
}

/// The same ban, for the ports of one set only.
pub(crate) const fn scoped(ban: Ban, scope: u16) -> Ban {
    Ban { scope, ..ban }
}

/// The entry of an address whose bans are in `group`.
pub(crate) const fn several(group: u32) -> Ban {
    Ban {
        jail: group,
        flags: SEVERAL,
        // What it says otherwise does not count.
        expires: 0,
        ..FOR_EVER
    }
}

/// Which of [`HOOKS`] a test run can give `frame` to.
pub(super) fn hooks(frame: &[u8]) -> Range<usize> {
    // The other programs see packets in one buffer, and one of the test run is a page, less what
    // the kernel keeps in it.
    const BUFFER: usize = 3500;
    // Linux does not test-run tc programs on headers that are cut off, where it looks for them itself.
    let header = match frame {
        [_, _, _, _, _, _, _, _, _, _, _, _, 0x08, 0x00, ..] => 14 + 20,
        [_, _, _, _, _, _, _, _, _, _, _, _, 0x86, 0xdd, ..] => 14 + 40,
        _ => 14,
    };
    if frame.len() > BUFFER {
        0..1
    } else if frame.len() < header {
        0..2
    } else {
        0..3
    }
}

impl Row {
    fn new(what: impl Into<String>, frame: Vec<u8>, reason: Reason) -> Self {
        Self {
            what: what.into(),
            contents: Contents::default(),
            reason,
            hooks: hooks(&frame),
            frame,
        }
    }

    /// A frame that has to be dropped.
    pub(crate) fn drop(what: impl Into<String>, frame: Vec<u8>) -> Self {
        Self::new(what, frame, Reason::Drop)
    }

    /// A frame that has to pass and be counted under `reason`.
    pub(crate) fn pass(what: impl Into<String>, frame: Vec<u8>, reason: Reason) -> Self {
        assert_ne!(reason, Reason::Drop, "what is dropped does not pass");
        Self::new(what, frame, reason)
    }

    /// A frame that is dropped or not, as `reason` says.
    pub(crate) fn of(what: impl Into<String>, frame: Vec<u8>, reason: Reason) -> Self {
        Self::new(what, frame, reason)
    }

    /// Puts `family` before what the row says.
    pub(crate) fn about(mut self, family: &str) -> Self {
        self.what = format!("{family}: {}", self.what);
        self
    }

    /// Adds an entry to the ban map.
    pub(crate) fn ban(mut self, address: impl Into<IpAddr>, ban: Ban) -> Self {
        self.contents.bans.push((address.into(), ban));
        self
    }

    /// Adds a prefix to the never-ban list.
    pub(crate) fn never(mut self, prefix: impl Into<IpAddr>, length: u32) -> Self {
        self.contents.never.push((prefix.into(), length));
        self
    }

    /// Adds a banned prefix.
    pub(crate) fn wide(mut self, (prefix, length): (IpAddr, u32), group: u32) -> Self {
        self.contents.wide.push((prefix, length, group));
        self
    }

    /// Adds the bans of a group, and what they come to together.
    pub(crate) fn group(mut self, group: u32, members: &[Ban], summary: Ban) -> Self {
        self.contents.group(group, members, summary);
        self
    }

    /// Adds bans of a group alone.
    pub(crate) fn members(mut self, group: u32, members: &[Ban]) -> Self {
        self.contents.members(group, members);
        self
    }

    /// Puts ports into a set of ports.
    pub(crate) fn ports(mut self, indices: impl IntoIterator<Item = u32>, scope: u16) -> Self {
        for index in indices {
            self.contents.port(index, scope);
        }
        self
    }

    /// Says whether prefixes may be banned, whatever there is.
    pub(crate) fn in_use(mut self, in_use: bool) -> Self {
        self.contents.in_use = Some(in_use);
        self
    }

    /// Of all programs only the one at this place in [`HOOKS`] gets the frame.
    pub(crate) fn only(mut self, hook: usize) -> Self {
        self.hooks = hook..hook + 1;
        self
    }

    /// How many programs get the frame: not the one for packets in several buffers where the kernel
    /// has none.
    pub(crate) fn runs(&self, object: &Object) -> usize {
        self.hooks(object).count()
    }

    fn hooks(&self, object: &Object) -> impl Iterator<Item = &'static Hook> {
        let frags = object.decides() == PROGRAM;
        HOOKS[self.hooks.clone()]
            .iter()
            .filter(move |hook| frags || hook.program != PROGRAM)
    }

    /// Fills the maps, runs the programs on the frame, empties the maps, compares.
    pub(crate) fn check(&self, object: &mut Object) -> Result<()> {
        let what = &self.what;
        self.contents
            .put(object)
            .with_context(|| format!("{what}: fill the maps"))?;
        let ran: Result<()> = self
            .hooks(object)
            .try_for_each(|hook| self.check_at(object, hook));
        self.contents
            .take(object)
            .with_context(|| format!("{what}: empty the maps"))?;
        ran
    }

    fn check_at(&self, object: &Object, hook: &Hook) -> Result<()> {
        let what = format!("{} ({})", self.what, hook.program);
        let before = object.counters()?;
        let verdict = (object.run(hook.program, &self.frame))
            .with_context(|| format!("{what}: run the program"))?;
        let counters = object.counters()?;
        let right = hook.verdict(self.reason);
        let reason = self.reason.name();
        let length = self.frame.len();
        ensure!(
            counters == before.plus_one(self.reason, length),
            "{what}: should count {length} bytes under {reason}, counted {}",
            counters.since(&before)
        );
        ensure!(
            verdict == right,
            "{what}: verdict {verdict}, should be {right} ({reason})"
        );
        Ok(())
    }
}
