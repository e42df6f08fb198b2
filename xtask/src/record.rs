//! The record beside the committed eBPF object: what it was built from and with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{committed::Committed, places};

/// Packages of this workspace whose dependencies decide the objects' bytes.
const PACKAGES: [&str; 2] = ["banner-common", "banner-ebpf"];

/// What the file beside an object holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// SHA-256 of the object.
    pub(crate) object: String,
    /// SHA-256 over its sources, build flags and the versions of its dependencies.
    pub(crate) sources: String,
    pub(crate) toolchain: Builders,
}

/// Everything that has a hand in the object's bytes besides the sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Builders {
    /// First line of `rustc -vV`.
    pub(crate) rustc: String,
    /// The compiler's LLVM.
    pub(crate) rustc_llvm: String,
    pub(crate) linker: String,
    /// The linker's LLVM.
    pub(crate) linker_llvm: String,
}

impl Record {
    /// The record of a committed object.
    pub(crate) fn read(object: &Committed) -> Result<Self> {
        let path = path(object);
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    }

    pub(crate) fn write(&self, object: &Committed) -> Result<()> {
        let path = path(object);
        let text = toml::to_string(self).context("writing the record")?;
        let head = format!(
            "# What {}.bpf.o was built from and with. Written by `cargo xtask build-ebpf`.\n",
            object.program
        );
        fs::write(&path, head + &text).with_context(|| format!("writing {}", path.display()))
    }

    /// Fails unless the committed object is the recorded one and was built from the sources as they
    /// are. Needs no BPF toolchain.
    pub(crate) fn check_committed(
        committed: &Committed,
        flags: &[String],
    ) -> Result<(Self, Vec<u8>)> {
        let record = Self::read(committed)?;
        let path = committed.path();
        let object = fs::read(&path).with_context(|| {
            format!(
                "{} cannot be read; `cargo xtask build-ebpf` builds it",
                path.display()
            )
        })?;
        ensure!(
            sha256(&object) == record.object,
            "{} is not the object that {} describes: run `cargo xtask build-ebpf`",
            path.display(),
            self::path(committed).display()
        );
        ensure!(
            sources(&places::workspace(), committed, flags)? == record.sources,
            "the sources of {} have changed since it was built: run `cargo xtask build-ebpf` and \
             commit what it writes",
            path.display()
        );
        Ok((record, object))
    }
}

fn path(object: &Committed) -> PathBuf {
    object.path().with_extension("toml")
}

/// SHA-256 of `bytes` in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 over everything in the workspace at `root` that decides the object's bytes.
pub(crate) fn sources(root: &Path, object: &Committed, flags: &[String]) -> Result<String> {
    let mut files = BTreeSet::new();
    for source in object.sources {
        let path = root.join(source);
        if path.is_dir() {
            collect(&path, &mut files)?;
        } else {
            files.insert(path);
        }
    }
    if let Some(except) = object.except {
        files.retain(|file| !file.starts_with(root.join(except)));
    }
    let mut hash = Sha256::new();
    let mut add = |part: &[u8]| {
        // Lengths, so that no two lists of parts run together to the same bytes.
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    };
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(&file);
        add(name.as_os_str().as_encoded_bytes());
        add(&fs::read(&file).with_context(|| format!("reading {}", file.display()))?);
    }
    for flag in flags {
        add(flag.as_bytes());
    }
    for dependency in dependencies(root)? {
        add(dependency.as_bytes());
    }
    Ok(hexadecimal(&hash.finalize()))
}

fn collect(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("reading {}", folder.display()))?
            .path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.insert(path);
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
    #[serde(default)]
    dependencies: Vec<String>,
}

/// The packages from elsewhere that the object is made of: name, version and checksum of each.
fn dependencies(root: &Path) -> Result<BTreeSet<String>> {
    let path = root.join("Cargo.lock");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let lock: Lock = toml::from_str(&text).with_context(|| format!("in {}", path.display()))?;
    Ok(reachable(&lock))
}

fn reachable(lock: &Lock) -> BTreeSet<String> {
    let mut by_name: BTreeMap<&str, Vec<&Locked>> = BTreeMap::new();
    for package in &lock.package {
        by_name.entry(&package.name).or_default().push(package);
    }
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::new();
    let mut waiting: Vec<String> = PACKAGES.map(str::to_owned).into();
    while let Some(dependency) = waiting.pop() {
        // `name`, or `name version` where the lock holds several.
        let mut words = dependency.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        for package in by_name.get(name).into_iter().flatten() {
            if version.is_some_and(|version| version != package.version)
                || !seen.insert((&package.name, &package.version))
            {
                continue;
            }
            if let Some(checksum) = &package.checksum {
                found.insert(format!("{name} {} {checksum}", package.version));
            }
            waiting.extend(package.dependencies.iter().cloned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        [[package]]
        name = "banner-ebpf"
        version = "0.1.0"
        dependencies = ["aya-ebpf", "banner-common"]
        [[package]]
        name = "banner-common"
        version = "0.1.0"
        [[package]]
        name = "aya-ebpf"
        version = "0.2.1"
        checksum = "aa"
        dependencies = ["syn 2.0.0"]
        [[package]]
        name = "syn"
        version = "1.0.0"
        checksum = "bb"
        [[package]]
        name = "syn"
        version = "2.0.0"
        checksum = "cc"
        [[package]]
        name = "tokio"
        version = "1.0.0"
        checksum = "dd"
    "#;

    #[test]
    fn only_what_the_object_depends_on_counts() {
        let found: Vec<_> = reachable(&toml::from_str(LOCK).unwrap())
            .into_iter()
            .collect();
        assert_eq!(found, ["aya-ebpf 0.2.1 aa", "syn 2.0.0 cc"]);
    }

    fn workspace() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for package in PACKAGES {
            for folder in ["src/deep", "src/bench"] {
                let folder = root.path().join(package).join(folder);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join("a.rs"), "fn a() {}").unwrap();
            }
            fs::write(root.path().join(package).join("Cargo.toml"), "[package]").unwrap();
        }
        fs::write(root.path().join("Cargo.lock"), LOCK).unwrap();
        root
    }

    #[test]
    fn the_sum_follows_sources_flags_and_dependencies_and_nothing_else() {
        let root = workspace();
        let flags = ["-Ca".to_owned()];
        let sum = || sources(root.path(), &Committed::AGENTS, &flags).unwrap();
        let first = sum();
        assert_eq!(
            sources(workspace().path(), &Committed::AGENTS, &flags).unwrap(),
            first,
            "in another folder"
        );
        let without_flags = sources(root.path(), &Committed::AGENTS, &[]).unwrap();
        assert_ne!(without_flags, first);

        fs::write(root.path().join("Cargo.lock"), LOCK.replace("dd", "ee")).unwrap();
        assert_eq!(sum(), first, "a dependency of something else");
        fs::write(root.path().join("Cargo.lock"), LOCK.replace("cc", "ee")).unwrap();
        assert_ne!(sum(), first, "a dependency of the object");
        fs::write(root.path().join("Cargo.lock"), LOCK).unwrap();

        let file = root.path().join("banner-common/src/deep/a.rs");
        fs::write(&file, "fn b() {}").unwrap();
        assert_ne!(sum(), first, "another source");
        fs::write(&file, "fn a() {}").unwrap();
        fs::write(file.with_file_name("b.rs"), "").unwrap();
        assert_ne!(sum(), first, "one more source");
        fs::remove_file(file.with_file_name("b.rs")).unwrap();

        let bench_sum = || sources(root.path(), &Committed::BENCH, &flags).unwrap();
        let bench_first = bench_sum();
        let file = root.path().join("banner-ebpf/src/bench/a.rs");
        fs::write(&file, "fn b() {}").unwrap();
        assert_eq!(sum(), first, "a source of the other object");
        assert_ne!(bench_sum(), bench_first, "a source of its own");
        let bench_second = bench_sum();
        fs::write(root.path().join("banner-common/src/deep/a.rs"), "").unwrap();
        assert_eq!(bench_sum(), bench_second, "a source of the agent's object");
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let record = Record {
            object: sha256(b"abc"),
            sources: sha256(b""),
            toolchain: Builders {
                rustc: "rustc 1.96.0 (x)".into(),
                rustc_llvm: "22.1.8".into(),
                linker: "bpf-linker 0.13.0".into(),
                linker_llvm: "22.1.8".into(),
            },
        };
        // FIPS 180-2, appendix B.1.
        assert!(
            record
                .object
                .starts_with("ba7816bf8f01cfea414140de5dae2223")
        );
        let text = toml::to_string(&record).unwrap();
        assert_eq!(toml::from_str::<Record>(&text).unwrap(), record);
    }
}
