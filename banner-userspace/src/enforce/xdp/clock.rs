//! The one place where the agent's monotonic time becomes the kernel's jiffies and back.
//!
//! jiffies advance with `CLOCK_MONOTONIC`, one per tick (`tick_do_update_jiffies64`), so that the
//! two neither drift apart nor care when the wall clock is set; both stand still in suspend.

use std::time::Duration;

use aya::{Ebpf, TestRun as _, TestRunOptions, programs::Xdp};
use banner_common::{CLOCK_PROGRAM, ClockReading, FOREVER, Quiet};
use nix::time::{ClockId, clock_getres};

use super::{XdpError, object};
use crate::model::{self, Mono, Until};

/// Reads the kernel's clocks through the clock program.
#[derive(Debug)]
pub(super) struct Clock {
    tick: u64,
}

/// The two clocks at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    clocks: ClockReading,
    /// Length of a jiffy in ns.
    tick: u64,
}

impl Clock {
    /// Loads the clock program.
    pub(super) fn new(object: &mut Ebpf) -> Result<Self, XdpError> {
        object::program(object, CLOCK_PROGRAM)?.load()?;
        // The resolution of the coarse clocks is the length of a tick (LOW_RES_NSEC, TICK_NSEC).
        let tick = clock_getres(ClockId::CLOCK_MONOTONIC_COARSE)
            .map(Duration::from)
            .ok();
        let tick = tick.and_then(|tick| u64::try_from(tick.as_nanos()).ok());
        let tick = tick.filter(|&tick| tick > 0);
        Ok(Self {
            tick: tick.ok_or(XdpError::Incomplete("length of a jiffy"))?,
        })
    }

    /// Both clocks, now.
    pub(super) fn read(&self, object: &Ebpf) -> Result<Reading, XdpError> {
        let program = object
            .program(CLOCK_PROGRAM)
            .ok_or(XdpError::Incomplete(CLOCK_PROGRAM))?;
        let program: &Xdp = program.try_into()?;
        let mut frame = [0; 64];
        program.test_run(TestRunOptions {
            data_in: Some(&[0; 64]),
            data_out: Some(&mut frame),
            ..TestRunOptions::new()
        })?;
        let mut bytes = [0; ClockReading::SIZE];
        bytes.copy_from_slice(&frame[..ClockReading::SIZE]);
        Ok(Reading {
            clocks: ClockReading::from_bytes(bytes),
            tick: self.tick,
        })
    }
}

impl Reading {
    /// The first jiffy at which `until` is reached, to within one tick.
    pub(super) fn expires(&self, until: Until) -> u64 {
        let Until::At(Mono(end)) = until else {
            return FOREVER;
        };
        let ticks = end
            .saturating_sub(self.clocks.monotonic)
            .div_ceil(self.tick);
        // A ban that lasts for longer than jiffies count would otherwise be one without an end.
        self.clocks.jiffies.saturating_add(ticks).min(FOREVER - 1)
    }

    /// For how many jiffies somebody has to be quiet, as flags.
    pub(super) fn quiet(&self, quiet: model::Quiet) -> Quiet {
        let ns = u64::try_from(quiet.duration().as_nanos()).unwrap_or(u64::MAX);
        Quiet::at_least(ns.div_ceil(self.tick))
    }

    /// The inverse: in whole seconds, so that it becomes the same again.
    pub(super) fn quiet_time(&self, quiet: Quiet) -> model::Quiet {
        let ns = quiet.jiffies().saturating_mul(self.tick);
        model::Quiet::new(Duration::from_secs(ns / 1_000_000_000))
    }

    /// The kernel's time, as bans have it.
    pub(super) fn jiffies(&self) -> u64 {
        self.clocks.jiffies
    }

    /// When a jiffy began or will begin, to within one tick.
    pub(super) fn time(&self, jiffy: u64) -> Mono {
        let ClockReading { jiffies, monotonic } = self.clocks;
        let ahead = jiffy.saturating_sub(jiffies).saturating_mul(self.tick);
        let behind = jiffies.saturating_sub(jiffy).saturating_mul(self.tick);
        Mono(monotonic.saturating_add(ahead).saturating_sub(behind))
    }

    /// The inverse of [`Reading::expires`].
    pub(super) fn until(&self, expires: u64) -> Until {
        if expires == FOREVER {
            return Until::Forever;
        }
        Until::At(self.time(expires))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const READING: Reading = Reading {
        clocks: ClockReading {
            jiffies: 4_294_967_296,
            monotonic: 300_000_000_000,
        },
        tick: 4_000_000,
    };

    #[test]
    fn deadlines_become_jiffies() {
        for (end, expires) in [
            (300_000_000_000, 4_294_967_296),
            (300_000_000_001, 4_294_967_297),
            (300_004_000_000, 4_294_967_297),
            (301_000_000_000, 4_294_967_546),
            (299_000_000_000, 4_294_967_296),
        ] {
            assert_eq!(READING.expires(Until::At(Mono(end))), expires);
        }
        assert_eq!(READING.expires(Until::Forever), FOREVER);
        assert_ne!(READING.expires(Until::At(Mono(u64::MAX))), FOREVER);
    }

    #[test]
    fn jiffies_become_times() {
        assert_eq!(READING.time(4_294_967_296), Mono(300_000_000_000));
        assert_eq!(READING.time(4_294_967_297), Mono(300_004_000_000));
        assert_eq!(READING.time(4_294_967_046), Mono(299_000_000_000));
        assert_eq!(READING.time(0), Mono(0));
    }

    #[test]
    fn what_is_read_from_flags_becomes_the_same_flags() {
        for tick in [1_000_000, 3_333_333, 4_000_000, 10_000_000] {
            let reading = Reading { tick, ..READING };
            for seconds in (1..20_000).chain((20_000..40_000_000).step_by(4_999)) {
                let time = model::Quiet::new(Duration::from_secs(seconds));
                let quiet = reading.quiet(time);
                let back = reading.quiet_time(quiet);
                assert_eq!(reading.quiet(back), quiet, "{seconds} s, {tick} ns");
                let longer = back.seconds() - time.seconds();
                assert!(
                    longer <= 1 + time.seconds() / 128,
                    "{seconds} s became {back:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_to_within_a_tick(end in 300_000_000_000_u64..u64::MAX / 2) {
            let Until::At(Mono(back)) = READING.until(READING.expires(Until::At(Mono(end)))) else {
                panic!("a ban with an end has none now");
            };
            prop_assert!(back >= end && back - end < READING.tick);
        }
    }
}
