//! `cargo xtask bench`: measures, and prints each figure beside its floor.

use std::ffi::OsString;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{
    command, places,
    setup::{self, Voice},
    test,
};

/// Options of `bench`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to measure; latency, start, idle and tail when nothing is named
    sections: Vec<Section>,
    /// Few and short rounds: whether it works, not how fast it is
    #[arg(long)]
    quick: bool,
}

/// Something to measure.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Time from a log line to a dropped packet
    Latency,
    /// Time to start
    Start,
    /// Cost of idling
    Idle,
    /// What a log may grow by in a second, and when its lines count
    Tail,
    /// Lines to decisions: how fast logs are read, beside `rg -c` and others; needs no root
    Matching,
    /// Bans a second into nftables and ipset
    Enforcers,
    /// A million bans and very many at once, through log, kernel and store, beside other daemons
    Store,
    /// All of the following
    DataPlane,
    /// Time per packet in the program alone
    TestRun,
    /// Packets per second of a flood that each way to drop them takes
    Flood,
    /// What a flood leaves of the server
    Goodput,
    /// Time to put bans in force, one and a million
    SetUp,
    /// Memory of bans and of the agent
    Memory,
}

impl Section {
    /// The word for it, here and in the bench itself.
    fn word(self) -> Option<OsString> {
        Some(self.to_possible_value()?.get_name().into())
    }

    fn is_data_planes(self) -> bool {
        use Section::{DataPlane, Flood, Goodput, Memory, SetUp, TestRun};
        [DataPlane, Flood, Goodput, Memory, SetUp, TestRun].contains(&self)
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    if args.sections.contains(&Section::Matching) {
        matching(args.quick)?;
        if args.sections.len() == 1 {
            return Ok(());
        }
    }
    setup::tests(Voice::Changes)?;
    let mut settings = vec![("PATH".into(), test::path_with_sbin()?)];
    if args.sections.iter().any(|section| section.is_data_planes()) {
        match setup::bench(Voice::Changes) {
            Ok(nginx) => settings.push(("BANNER_NGINX".into(), nginx.into())),
            // The table says what is missing, and what to install.
            Err(error) => eprintln!("some programs are not here to compare with: {error:#}"),
        }
    }
    if args.sections.contains(&Section::Store) {
        match setup::matching(Voice::Changes) {
            Ok(others) => settings.extend(
                others
                    .into_iter()
                    .map(|(name, path)| (name.into(), path.into())),
            ),
            Err(error) => eprintln!("some daemons are not here to compare with: {error:#}"),
        }
    }
    let build = |package, program| {
        test::built(&["build", "--release", "--package", package, "--bin", program])?
            .pop()
            .context("cargo built no program")
    };
    let banner = build("banner-userspace", "banner")?;
    let bench = build("banner-tests", "bench")?;
    settings.push(("BANNER_BIN".into(), banner.into_os_string()));
    let words = (args.sections.iter())
        .filter(|section| **section != Section::Matching)
        .filter_map(|section| section.word());
    command::run(
        command::as_root(&bench, settings)?
            .args(words)
            .args(args.quick.then_some("--quick"))
            .current_dir(places::workspace().join("tests")),
    )
}

/// What is measured in one process and without a kernel is an example of the library.
fn matching(quick: bool) -> Result<()> {
    let others = setup::matching(Voice::Changes).unwrap_or_else(|error| {
        // The table says what is missing.
        eprintln!("some programs are not here to compare with: {error:#}");
        Vec::new()
    });
    let build = [
        "build",
        "--release",
        "--package",
        "banner-userspace",
        "--example",
        "matching",
    ];
    let program = test::built(&build)?
        .pop()
        .context("cargo built no program")?;
    command::run(
        std::process::Command::new(program)
            .args(quick.then_some("--quick"))
            .envs(others),
    )
}
