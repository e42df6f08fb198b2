//! bpf-linker: turns the compiler's bitcode into a BPF object.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail};

use crate::{command, install, places};

/// The release that is built, and recorded beside the object.
pub(crate) const VERSION: &str = "0.13.0";

/// Majors of LLVM that this release can be built for.
const KNOWN_LLVM: [&str; 3] = ["21", "22", "23"];

/// Where bpf-linker is, and what it is.
#[derive(Clone, Debug)]
pub(crate) struct Linker {
    /// The program.
    pub(crate) program: PathBuf,
    /// What it says of its version.
    pub(crate) version: String,
    /// Version of the LLVM that it was built for.
    pub(crate) llvm: String,
}

impl Linker {
    /// The linker for bitcode of LLVM `major`: the one that `setup` built, else one on `PATH`
    /// (releases of bpf-linker carry an LLVM of their own, newer than most compilers').
    pub(crate) fn find(major: &str) -> Result<Option<Self>> {
        let built = folder(major)?.join("bin/bpf-linker");
        if let Some(version) = version_of(&built) {
            let llvm = config(major).and_then(|config| config_says(&config, "--version").ok());
            let llvm = llvm.unwrap_or_else(|| major.to_owned());
            return Ok(Some(Self {
                program: built,
                version,
                llvm,
            }));
        }
        let on_path = command::find("bpf-linker");
        Ok(on_path.and_then(|program| {
            version_of(&program).map(|version| Self {
                program,
                version,
                llvm: "as released with it".to_owned(),
            })
        }))
    }

    /// Builds the linker into the cache. Needs the development files of LLVM `major`.
    pub(crate) fn build(major: &str) -> Result<()> {
        if !KNOWN_LLVM.contains(&major) {
            bail!(
                "bpf-linker {VERSION} cannot be built for LLVM {major}, which the compiler uses; \
                 put a newer bpf-linker on PATH (cargo binstall bpf-linker)"
            );
        }
        let Some(config) = config(major) else {
            bail!(
                "bpf-linker is missing, and so is llvm-config of LLVM {major} to build it with; \
                 either install LLVM {major}'s development files, or put a released bpf-linker on \
                 PATH (cargo binstall bpf-linker)"
            );
        };
        let prefix = config_says(&config, "--prefix")?;
        let feature = format!("llvm-{major}");
        install::with_cargo("bpf-linker", VERSION, &folder(major)?, |cargo| {
            cargo
                .args(["--no-default-features", "--features", &feature])
                .env("LLVM_PREFIX", &prefix);
        })
    }
}

/// What a build of bpf-linker for LLVM `major` needs on Debian: file to look for, package.
pub(crate) fn needs(major: &str) -> Vec<(PathBuf, String)> {
    let prefix = format!("/usr/lib/llvm-{major}");
    let needs = [
        (
            format!("{prefix}/bin/llvm-config"),
            format!("llvm-{major}-dev"),
        ),
        (
            format!("{prefix}/include/llvm-c/Core.h"),
            format!("llvm-{major}-dev"),
        ),
        (
            format!("{prefix}/lib/libPolly.a"),
            format!("libpolly-{major}-dev"),
        ),
        ("/usr/include/zstd.h".into(), "libzstd-dev".into()),
        ("/usr/include/zlib.h".into(), "zlib1g-dev".into()),
        (
            "/usr/include/libxml2/libxml/parser.h".into(),
            "libxml2-dev".into(),
        ),
    ];
    needs.map(|(file, package)| (file.into(), package)).into()
}

fn folder(major: &str) -> Result<PathBuf> {
    Ok(places::cache()?.join(format!("bpf-linker-{VERSION}-llvm-{major}")))
}

/// `llvm-config` of LLVM `major`, wherever the distribution puts it.
fn config(major: &str) -> Option<PathBuf> {
    let candidates = [
        Some(PathBuf::from(format!(
            "/usr/lib/llvm-{major}/bin/llvm-config"
        ))),
        command::find(&format!("llvm-config-{major}")),
        command::find(&format!("llvm-config{major}")),
        command::find("llvm-config"),
    ];
    candidates.into_iter().flatten().find(|config| {
        config_says(config, "--version")
            .is_ok_and(|version| version.split('.').next() == Some(major))
    })
}

fn config_says(config: &Path, option: &str) -> Result<String> {
    command::read(Command::new(config).arg(option))
        .with_context(|| format!("asking {} {option}", config.display()))
}

/// `None` when it is not there or does not run, for instance after an upgrade of LLVM.
fn version_of(program: &Path) -> Option<String> {
    fs::metadata(program).ok()?;
    command::read(Command::new(program).arg("--version")).ok()
}
