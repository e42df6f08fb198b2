//! What the programs cost to load and to run, in instructions.

use anyhow::{Context as _, Result, ensure};
use banner_common::{CLOCK_PROGRAM, LINEAR_PROGRAM, PROGRAM, TCX_PROGRAM};
use banner_tests::bpf::Object;

/// Program, instructions that the verifier may look at before it accepts it, and instructions that
/// may be left of it then. Not what they are, but what they may grow to: loading is most of what a
/// start takes, and each interface has its program loaded.
const BUDGETS: [(&str, u32, u32); 4] = [
    (PROGRAM, 20_000, 1_800),
    (LINEAR_PROGRAM, 20_000, 1_800),
    (TCX_PROGRAM, 20_000, 1_800),
    (CLOCK_PROGRAM, 100, 100),
];

#[test]
fn programs_stay_within_their_budgets() -> Result<()> {
    let object = Object::load()?;
    let infos = object.infos()?;
    for (name, most_verified, most_left) in BUDGETS {
        let (_, info) = (infos.iter().find(|(program, _)| *program == name))
            .with_context(|| format!("no program {name}"))?;
        let left = info.size_translated().context("size of the program")? / 8;
        ensure!(left <= most_left, "{name}: {left} instructions");
        // Kernels before 5.16 do not say how many they looked at.
        let Some(verified) = info.verified_instruction_count() else {
            println!("{name}: {left} instructions");
            continue;
        };
        println!("{name}: {left} instructions, verified in {verified}");
        ensure!(verified <= most_verified, "{name}: verified in {verified}");
    }
    Ok(())
}
