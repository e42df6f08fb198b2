//! `cargo xtask torture` builds and starts it: what the agent has to stand.

use std::{env, time::Instant};

use anyhow::{Context as _, Result, bail};
use banner_tests::{
    lab,
    topology::Topology,
    torture::{kill, rotate},
};

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [what, rounds, seed] = words[..] else {
        bail!("run it as `cargo xtask torture`");
    };
    let rounds = rounds.parse().context("how many rounds?")?;
    let seed = seed.parse().context("which seed?")?;
    println!("torture {what}: {rounds} rounds, seed {seed}");
    let start = Instant::now();
    match what {
        "kill" => {
            let plan = kill::Plan { rounds, seed };
            let found = lab::run(|lab| kill::run(lab, &Topology::build()?, plan))?;
            println!(
                "{} failures; killed {rounds} times, {} times with the maps gone, {} rotations \
                 meanwhile: {} banned who had to be, 0 lost, 0 lines skipped; {} with one failure \
                 less not banned, 0 failures counted twice",
                found.failures, found.reboots, found.rotations, found.banned, found.spared
            );
        }
        "rotate" => {
            let plan = rotate::Plan {
                rotations: rounds,
                seed,
            };
            let folder = tempfile::tempdir()?;
            let found = rotate::run(folder.path(), plan)?;
            let rate = u128::from(found.lines) * 1000 / found.took.as_millis().max(1);
            println!(
                "{} lines at {rate} a second; renamed {}, of them compressed {}; deleted {}; \
                 copied and truncated {}: 0 lines lost, 0 twice, but for {} that were truncated \
                 between two looks, the last ones of their file each time",
                found.lines,
                found.renamed,
                found.compressed,
                found.deleted,
                found.truncated,
                found.gone
            );
        }
        _ => bail!("no torture {what}"),
    }
    println!("passed in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
