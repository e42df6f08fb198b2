//! `cargo xtask bench`: measures, and prints each figure beside its floor.

use std::{ffi::OsString, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::{
    command, conformance, places,
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
    /// The slowest line of each filter, of the library and of fail2ban's; needs no root
    Worst,
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

    /// What is measured in one process and without a kernel is an example of the library.
    fn is_example(self) -> bool {
        matches!(self, Self::Matching | Self::Worst)
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    for section in args.sections.iter().filter(|section| section.is_example()) {
        match section {
            Section::Worst => worst(args.quick)?,
            _ => matching(args.quick)?,
        }
    }
    let example = |section: &Section| section.is_example();
    if !args.sections.is_empty() && args.sections.iter().all(example) {
        return Ok(());
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
        .filter(|section| !section.is_example())
        .filter_map(|section| section.word());
    command::run(
        command::as_root(&bench, settings)?
            .args(words)
            .args(args.quick.then_some("--quick"))
            .current_dir(places::workspace().join("tests")),
    )
}

/// Lines to decisions.
fn matching(quick: bool) -> Result<()> {
    let others = setup::matching(Voice::Changes).unwrap_or_else(|error| {
        // The table says what is missing.
        eprintln!("some programs are not here to compare with: {error:#}");
        Vec::new()
    });
    command::run(
        Command::new(example("matching")?)
            .args(quick.then_some("--quick"))
            .envs(others),
    )
}

/// The slowest lines, of the library's filters and, where Python and the package are to be had, of fail2ban's.
fn worst(quick: bool) -> Result<()> {
    let program = example("worst")?;
    let folder = places::workspace().join("target");
    let list = folder.join("fail2ban-filters.json");
    let mut command = Command::new(program);
    command.args(["--seconds", if quick { "0.05" } else { "2" }]);
    match conformance::list(&list) {
        Ok(()) => {
            command.arg("--imported").arg(&list);
        }
        Err(error) => eprintln!("fail2ban's filters are not tried: {error:#}"),
    }
    let corpus = folder.join("fuzz/corpus/lines");
    if corpus.is_dir() {
        command.arg("--corpus").arg(&corpus);
    } else {
        eprintln!("no lines of the fuzzer's: `cargo xtask fuzz lines` makes some");
    }
    command::run(&mut command)
}

/// An example of the library, built.
fn example(name: &str) -> Result<PathBuf> {
    let package = ["--package", "banner-userspace", "--example", name];
    test::built(&[&["build", "--release"], &package[..]].concat())?
        .pop()
        .context("cargo built no program")
}
