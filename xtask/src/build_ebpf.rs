//! `cargo xtask build-ebpf`: the committed eBPF objects and their check.

use std::{env, fs, path::PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    command,
    committed::Committed,
    linker::Linker,
    object, places,
    record::{self, Builders, Record},
    setup::{self, Voice},
    test::{self, Kernel},
    toolchain::Toolchain,
};

/// Options of `build-ebpf`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when a committed object is not what the sources give
    #[arg(long)]
    check: bool,
}

const TARGET: &str = "bpfel-unknown-none";

/// What decides the code, besides the sources. Part of the sum over the sources.
///
/// Debug information is what BTF is made from. One unit and no optimisation across crates by rustc:
/// bpf-linker sees all of them at once and optimises there. No memory builtins: a call to one that
/// LLVM might put into the packet path then fails the build instead of slowing it down unseen.
const FLAGS: [&str; 3] = [
    "-Cdebuginfo=2",
    "-Clink-arg=--btf",
    "-Clink-arg=--disable-memory-builtins",
];
const PROFILE: [&str; 7] = [
    "profile.release.opt-level=3",
    "profile.release.lto=false",
    "profile.release.codegen-units=1",
    "profile.release.debug=2",
    "profile.release.debug-assertions=false",
    "profile.release.overflow-checks=false",
    "profile.release.strip=false",
];

/// The flags that the record's sum is over.
pub(crate) fn flags() -> Vec<String> {
    FLAGS
        .iter()
        .chain(&PROFILE)
        .map(|&flag| flag.to_owned())
        .collect()
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // Without a toolchain first: what was never rebuilt need not be built to be refused.
    let mut recorded = Vec::new();
    if args.check {
        for object in &Committed::ALL {
            recorded.push(Record::check_committed(object, &flags())?);
        }
    }
    let preferred = Record::read(&Committed::AGENTS)
        .ok()
        .map(|record| record.toolchain.rustc);
    let (toolchain, linker) = setup::ebpf(preferred.as_deref(), Voice::Changes)?;
    let builders = Builders {
        rustc: toolchain.version.line.clone(),
        rustc_llvm: toolchain.version.llvm.clone(),
        linker: linker.version.clone(),
        linker_llvm: linker.llvm.clone(),
    };
    build(&toolchain, &linker)?;
    for (n, object) in Committed::ALL.iter().enumerate() {
        let built = built(object, &toolchain)?;
        match recorded.get(n) {
            Some((record, committed)) => check(object, record, committed, &builders, &built)?,
            None => write(object, builders.clone(), &built)?,
        }
    }
    Ok(())
}

fn write(committed: &Committed, toolchain: Builders, object: &[u8]) -> Result<()> {
    let path = committed.path();
    let before = fs::read(&path).ok();
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(&path, object).with_context(|| format!("writing {}", path.display()))?;
    Record {
        object: record::sha256(object),
        sources: record::sources(&places::workspace(), committed, &flags())?,
        toolchain,
    }
    .write(committed)?;
    let verb = if before.as_deref() == Some(object) {
        "is as it was"
    } else {
        "has changed"
    };
    eprintln!("{} {verb} ({} bytes)", path.display(), object.len());
    Ok(())
}

fn check(
    committed: &Committed,
    record: &Record,
    bytes: &[u8],
    builders: &Builders,
    object: &[u8],
) -> Result<()> {
    let path = committed.path();
    let fresh = folder().join(format!("{}.bpf.o", committed.program));
    fs::write(&fresh, object).with_context(|| format!("writing {}", fresh.display()))?;
    if object == bytes {
        eprintln!("{} is what the sources give, byte for byte", path.display());
        return Ok(());
    }
    if *builders == record.toolchain {
        bail!(
            "{} is not what the sources give with the recorded toolchain: run `cargo xtask \
             build-ebpf`; the object of this check is {}",
            path.display(),
            fresh.display()
        );
    }
    eprintln!(
        "recorded: {:?}\nhere:     {builders:?}\n\
         With another toolchain other bytes are no fault; comparing what both objects do.",
        record.toolchain
    );
    for object in [path, fresh] {
        let kernel = Kernel {
            filter: Some(committed.tests.to_owned()),
            object: Some((committed.setting, object.clone())),
        };
        let summary = test::kernel_tests(&kernel)?;
        eprintln!("{}: {summary}", object.display());
        ensure!(
            summary.is_good() && summary.skipped == 0,
            "the tests named {} do not pass for {}",
            committed.tests,
            object.display()
        );
    }
    eprintln!("both objects pass the tests named {}", committed.tests);
    Ok(())
}

/// A target folder of its own: the compiler is another one, and each would throw out the other's
/// work.
fn folder() -> PathBuf {
    places::workspace().join("target/bpf")
}

/// Links all objects from the sources.
fn build(toolchain: &Toolchain, linker: &Linker) -> Result<()> {
    let workspace = places::workspace();
    let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
    for (path, name) in renamed_paths(toolchain)? {
        flags.push(format!("--remap-path-prefix={}={name}", path.display()));
    }
    let mut cargo = toolchain.cargo();
    cargo
        .args(["build", "--release", "--locked", "--package", "banner-ebpf"])
        .args(["--target", TARGET, "-Z", "build-std=core", "--target-dir"])
        .arg(folder())
        .arg("--config")
        .arg(format!(
            "target.{TARGET}.linker='{}'",
            linker.program.display()
        ))
        .args(PROFILE.iter().flat_map(|setting| ["--config", setting]))
        .current_dir(&workspace);
    command::run(
        command::without_build_settings(&mut cargo)
            .envs(toolchain.settings())
            .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f")),
    )
    .context("building the eBPF objects")
}

/// The stripped object as it was just built.
fn built(committed: &Committed, toolchain: &Toolchain) -> Result<Vec<u8>> {
    let output = folder()
        .join(TARGET)
        .join("release")
        .join(committed.program);
    let bytes = fs::read(&output).with_context(|| format!("reading {}", output.display()))?;
    let object = object::stripped(&bytes)?;
    let own: Vec<_> = renamed_paths(toolchain)?
        .into_iter()
        .map(|(path, _)| path)
        .chain(env::home_dir())
        .map(|path| path.display().to_string())
        .collect();
    let anywhere = ["/home/", "/usr/lib/rustlib", "index.crates.io"];
    object::check_paths(&object, own.iter().map(String::as_str).chain(anywhere))?;
    Ok(object)
}

/// Folders whose paths the compiler writes into debug information, and what stands there instead.
/// Where one lies in another the inner one comes last: the last match wins.
fn renamed_paths(toolchain: &Toolchain) -> Result<Vec<(PathBuf, String)>> {
    let mut paths = vec![(places::workspace(), "banner".to_owned())];
    if let Some(cargo) = places::cargo_home() {
        let sources = cargo.join("registry/src");
        paths.push((cargo, "cargo".to_owned()));
        // One folder for each registry, its name made from the registry's address.
        for entry in fs::read_dir(&sources).into_iter().flatten().flatten() {
            paths.push((entry.path(), "registry".to_owned()));
        }
    }
    let core = toolchain.source()?;
    if let Ok(target) = core.canonicalize() {
        paths.push((target, "rust".to_owned()));
    }
    paths.push((core, "rust".to_owned()));
    Ok(paths)
}
