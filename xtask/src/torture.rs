//! `cargo xtask torture`: what the agent has to stand, beside a model that knows what is right.

use std::{process::Command, time::SystemTime};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{
    command, places,
    setup::{self, Voice},
    test,
};

/// Options of `torture`.
#[derive(clap::Args)]
pub(crate) struct Args {
    what: What,
    /// How often the agent is killed, or the log rotated
    #[arg(long)]
    rounds: Option<u32>,
    /// Of what is chosen at random; it is printed, so that a run can be repeated
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// SIGKILL at random moments under 1 000 failures a second, with rotations and lost maps
    Kill,
    /// Rename, delete, compress, copy and truncate a log that is written to at full speed
    Rotate,
    /// End the store's log of transactions at every frame, torn or whole
    Power,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let (word, rounds) = match args.what {
        What::Power => return power(),
        What::Kill => ("kill", 500),
        What::Rotate => ("rotate", 10_000),
    };
    setup::tests(Voice::Changes)?;
    let build = |package, program| {
        test::built(&["build", "--release", "--package", package, "--bin", program])?
            .pop()
            .context("cargo built no program")
    };
    let banner = build("banner-userspace", "banner")?;
    let torture = build("banner-tests", "torture")?;
    let settings = vec![
        ("PATH".into(), test::path_with_sbin()?),
        ("BANNER_BIN".into(), banner.into_os_string()),
    ];
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let seed = args.seed.unwrap_or(now.map_or(1, |since| since.as_secs()));
    let rounds = args.rounds.unwrap_or(rounds);
    command::run(
        command::as_root(&torture, settings)?
            .args([word, &rounds.to_string(), &seed.to_string()])
            .current_dir(places::workspace().join("tests")),
    )
}

/// Every place is tried, so there is nothing to choose.
fn power() -> Result<()> {
    let mut cargo = Command::new("cargo");
    cargo
        .args([
            "test",
            "--package",
            "banner-userspace",
            "--lib",
            "store::tests::cuts",
        ])
        .current_dir(places::workspace());
    command::run(&mut cargo)
}
