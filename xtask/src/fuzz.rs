//! `cargo xtask fuzz`: libFuzzer on what reads files and logs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};

use crate::{
    command, fail2ban, places,
    setup::{self, Fuzzer, Voice},
    test,
};

/// Options of `fuzz`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What to break; all of these, one after the other, when none is named
    #[arg(value_parser = TARGETS)]
    targets: Vec<String>,
    /// How long each is tried
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,
    /// What the random choices begin with; printed when it is not given
    #[arg(long)]
    seed: Option<u32>,
    /// Try this input only, such as one that a run has left in target/fuzz/found
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
}

/// The targets of package `banner-fuzz`.
const TARGETS: [&str; 10] = [
    "translator",
    "ini",
    "directory",
    "stamps",
    "lines",
    "configuration",
    "record",
    "entry",
    "message",
    "frame",
];

/// An input that takes longer is a finding, in seconds. What a line or a file may take is looked at by
/// the targets themselves.
const TIMEOUT: u32 = 60;

/// A run that takes more memory is a finding, in MB.
const MEMORY: u32 = 1024;

pub(crate) fn run(args: &Args) -> Result<()> {
    let fuzzer = setup::fuzz(Voice::Changes)?;
    let targets: Vec<&str> = if args.targets.is_empty() {
        TARGETS.to_vec()
    } else {
        args.targets.iter().map(String::as_str).collect()
    };
    if args.input.is_some() && args.targets.len() != 1 {
        bail!("an input is for one target: name it");
    }
    let seeds = test::built(&["build", "--package", "banner-fuzz", "--example", "seeds"])?
        .pop()
        .context("cargo built no program")?;
    let mut found = Vec::new();
    for target in targets {
        let program = build(&fuzzer, target)?;
        let outcome = match &args.input {
            Some(input) => command::run(Command::new(&program).arg(input)),
            None => fuzz(args, target, &program, &seeds),
        };
        if let Err(error) = outcome {
            eprintln!("{target}: {error:#}");
            found.push(target);
        }
    }
    if !found.is_empty() {
        bail!(
            "fuzz: something was found in {}; the inputs are in {}",
            found.join(", "),
            folder().join("found").display()
        );
    }
    eprintln!("fuzz: nothing found");
    Ok(())
}

fn folder() -> PathBuf {
    places::workspace().join("target/fuzz")
}

/// Builds a target with every branch counted; returns its program.
fn build(fuzzer: &Fuzzer, target: &str) -> Result<PathBuf> {
    let folder = folder().join("build");
    let mut cargo = fuzzer.toolchain.cargo();
    cargo
        .args(["fuzz", "build", target, "--fuzz-dir", "fuzz"])
        // There is no unsafe code here to be watched, and without it this is twice as fast.
        .args(["--sanitizer", "none", "--features", "libfuzzer"])
        .arg("--target-dir")
        .arg(&folder)
        .current_dir(places::workspace());
    command::without_build_settings(&mut cargo)
        .envs(fuzzer.toolchain.settings())
        .env("PATH", fuzzer.path()?)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "0");
    command::run(&mut cargo).with_context(|| format!("building {target}"))?;
    Ok(folder
        .join(&fuzzer.toolchain.version.host)
        .join("release")
        .join(target))
}

fn fuzz(args: &Args, target: &str, program: &Path, seeds: &Path) -> Result<()> {
    let corpus = folder().join("corpus").join(target);
    let found = folder().join("found").join(target);
    let words = folder().join(format!("{target}.words"));
    for folder in [&corpus, &found] {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    let mut write = Command::new(seeds);
    write.arg(target).arg(&corpus).arg(&words);
    // fail2ban's own files make good beginnings, where conformance has got them.
    if let Some(package) = fail2ban::cached()? {
        write.env("BANNER_FAIL2BAN", package);
    }
    command::run(&mut write)?;
    let seed = args.seed.unwrap_or_else(random);
    let prefix = format!("-artifact_prefix={}/", found.display());
    let mut run = Command::new(program);
    run.arg(&corpus)
        .args([prefix, format!("-dict={}", words.display())])
        .args([
            format!("-seed={seed}"),
            format!("-max_total_time={}", args.seconds),
            format!("-timeout={TIMEOUT}"),
            format!("-rss_limit_mb={MEMORY}"),
            "-max_len=20000".into(),
            "-print_final_stats=1".into(),
        ])
        .current_dir(folder());
    command::run(&mut run)
}

/// A seed that is another one each time.
fn random() -> u32 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.map_or(1, |time| time.subsec_nanos()).max(1)
}
