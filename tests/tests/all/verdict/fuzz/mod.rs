//! Random and mutated frames, read by etherparse: every one has to get the verdict, and the counter,
//! that follow from what etherparse sees in it.
//!
//! `BANNER_FUZZ_FRAMES` says how many; else it is a million, or what can be tried in a minute.
//! `BANNER_FUZZ_SEED` repeats a run.

mod differences;
mod extensions;
mod frames;
mod oracle;

use std::{
    env,
    fmt::Write as _,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use banner_common::{MAX_PORTS, Reason};
use banner_tests::bpf::Object;

use super::{
    dice::Dice,
    law::{Carries, Law, Sets},
    trial::Trial,
};
use differences::Differences;

/// The variable that says how many frames are tried.
const FRAMES: &str = "BANNER_FUZZ_FRAMES";
const DEFAULT_FRAMES: usize = 1_000_000;
/// So long are they tried where nobody has said how many: a virtual machine without KVM is slow.
const PATIENCE: Duration = Duration::from_mins(1);
/// Fewer say little.
const FEWEST: usize = 20_000;

/// Bans that they meet.
const MOST_BANS: [usize; 4] = [5, 20, 40, 80];
/// The law changes after so many frames.
const TERM: usize = 500;

#[test]
fn frames_are_what_etherparse_sees_in_them() -> Result<()> {
    let asked = match env::var(FRAMES) {
        Ok(text) => Some(text.parse().with_context(|| format!("{FRAMES}={text}"))?),
        Err(_) => None,
    };
    let frames = asked.unwrap_or(DEFAULT_FRAMES);
    let mut dice = Dice::new("random frames")?;
    let mut tried = Tried::default();
    let start = Instant::now();
    let in_time = || asked.is_some() || start.elapsed() < PATIENCE;
    let mut object = Object::load()?;
    let sets = Sets::any(&mut dice, 0..MAX_PORTS);
    sets.contents().put(&mut object)?;
    while tried.frames < frames && (in_time() || tried.frames < FEWEST) {
        let most = *dice.of(&MOST_BANS);
        let law = Law::any(&mut dice, most, &sets);
        let contents = law.contents(&mut dice);
        contents.put(&mut object)?;
        let mut trial = Trial::new(&object)?;
        for _ in 0..TERM.min(frames - tried.frames) {
            tried.one(&object, &mut dice, &law, &mut trial)?;
        }
        trial.end(&object)?;
        contents.take(&mut object)?;
    }
    println!(
        "{} frames in {:.1} s",
        tried.frames,
        start.elapsed().as_secs_f64()
    );
    tried.ensure_all()
}

/// What has been tried so far.
#[derive(Default)]
struct Tried {
    frames: usize,
    reasons: [usize; Reason::COUNT as usize],
    /// Frames that carry a port or ICMP, something else, a later fragment, nothing readable.
    carried: [usize; 4],
    differences: Differences,
}

impl Tried {
    fn one(
        &mut self,
        object: &Object,
        dice: &mut Dice,
        law: &Law<'_>,
        trial: &mut Trial,
    ) -> Result<()> {
        let frame = frames::any(dice);
        let reading = oracle::read(&frame, &mut self.differences);
        self.differences.next_frame();
        let reason = match reading {
            Ok((source, carries)) => {
                self.carried[position(carries)] += 1;
                law.judge(source, carries)
            }
            Err(reason) => reason,
        };
        self.frames += 1;
        self.reasons[reason as usize] += 1;
        if let Err(error) = trial.run(object, dice, &frame, reason) {
            let mut bytes = String::new();
            for byte in &frame {
                write!(bytes, "{byte:02x}")?;
            }
            bail!(
                "frame {}, {bytes}, read as {reading:?}: {error:#}",
                self.frames
            );
        }
        Ok(())
    }

    /// A way that no frame has taken was not tried.
    fn ensure_all(&self) -> Result<()> {
        for reason in Reason::ALL {
            let count = self.reasons[reason as usize];
            println!("  {}: {count}", reason.name());
            ensure!(
                count >= self.frames / 1000,
                "{} hardly ever came",
                reason.name()
            );
        }
        for (what, count) in ["port", "other", "later", "unreadable"]
            .iter()
            .zip(self.carried)
        {
            println!("  {what}: {count}");
            ensure!(count >= self.frames / 50, "{what} hardly ever came");
        }
        self.differences.ensure_tried(self.frames, 5000)
    }
}

fn position(carries: Carries) -> usize {
    match carries {
        Carries::Index(_) => 0,
        Carries::Other => 1,
        Carries::Later => 2,
        Carries::Unreadable => 3,
    }
}
