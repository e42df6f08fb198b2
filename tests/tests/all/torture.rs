//! Short forms of `cargo xtask torture`.

use anyhow::{Result, ensure};
use banner_tests::{
    lab,
    topology::Topology,
    torture::{kill, rotate},
};

#[test]
fn after_kills_at_random_moments_every_failure_has_counted_once() -> Result<()> {
    let plan = kill::Plan { rounds: 5, seed: 5 };
    let found = lab::run(|lab| kill::run(lab, &Topology::build()?, plan))?;
    ensure!(found.banned > 500 && found.spared > 500, "{found:?}");
    Ok(())
}

#[test]
fn after_rotations_at_random_every_line_was_read_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let plan = rotate::Plan {
        rotations: 200,
        seed: 7,
    };
    let found = rotate::run(folder.path(), plan)?;
    let kinds = [
        found.renamed,
        found.deleted,
        found.compressed,
        found.truncated,
    ];
    ensure!(kinds.iter().all(|&count| count > 10), "{found:?}");
    ensure!(
        found.lines > 10_000 && found.gone < found.lines / 2,
        "{found:?}"
    );
    Ok(())
}
