//! Many frames, one after the other, with the maps as they are.

use anyhow::{Context as _, Result, ensure};
use banner_common::{PROGRAM, Reason};
use banner_tests::bpf::Object;

use super::{
    dice::Dice,
    row::{HOOKS, hooks},
};

/// Each frame is given to one of the programs that take it: its verdict is compared, and
/// the counter of the reason that it should have; at the end all counters.
pub(crate) struct Trial {
    /// Packets and bytes that each reason should have counted.
    counted: [(u64, u64); Reason::COUNT as usize],
}

impl Trial {
    /// Begins with what is counted so far.
    pub(crate) fn new(object: &Object) -> Result<Self> {
        let before = object.counters()?;
        let counted = Reason::ALL.map(|reason| (before[reason].packets, before[reason].bytes));
        Ok(Self { counted })
    }

    /// Runs one program on a frame.
    pub(crate) fn run(
        &mut self,
        object: &Object,
        dice: &mut Dice,
        frame: &[u8],
        reason: Reason,
    ) -> Result<()> {
        let range = hooks(frame);
        // The first of them is not there on every kernel.
        let hook = &HOOKS[dice.below(range.end)];
        let hook = if hook.program == PROGRAM {
            &HOOKS[usize::from(object.decides() != PROGRAM)]
        } else {
            hook
        };
        let verdict = object
            .run(hook.program, frame)
            .with_context(|| format!("run {}", hook.program))?;
        let (packets, bytes) = &mut self.counted[reason as usize];
        *packets += 1;
        *bytes += frame.len() as u64;
        let counted = object.counter(reason)?;
        ensure!(
            verdict == hook.verdict(reason) && counted == (*packets, *bytes),
            "{}: verdict {verdict}, should be {} ({}), counted {counted:?} instead of {:?}",
            hook.program,
            hook.verdict(reason),
            reason.name(),
            (*packets, *bytes),
        );
        Ok(())
    }

    /// Compares all counters.
    pub(crate) fn end(&self, object: &Object) -> Result<()> {
        let counters = object.counters()?;
        for reason in Reason::ALL {
            let counted = (counters[reason].packets, counters[reason].bytes);
            let right = self.counted[reason as usize];
            ensure!(
                counted == right,
                "{}: counted {counted:?}, should be {right:?}",
                reason.name()
            );
        }
        Ok(())
    }
}
