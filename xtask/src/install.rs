//! Getting programs onto this machine: Debian packages and cargo installs.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use anyhow::{Context as _, Result, bail};

use crate::command;

/// Whether this machine installs packages with apt-get.
pub(crate) fn has_apt() -> bool {
    command::find("apt-get").is_some()
}

/// Installs Debian packages. Starts no service for any package in use here; a package that would
/// (a server) must go through [`unpack`].
pub(crate) fn packages(names: &BTreeSet<String>) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let list = names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(" ");
    if !has_apt() {
        bail!(
            "this machine has no apt-get; install by hand what Debian calls: {list}, and run this \
             again"
        );
    }
    let run = || -> Result<()> {
        update()?;
        let mut apt = as_root()?;
        // What is there already stays at its version: this is somebody's machine.
        apt.args([
            "install",
            "-y",
            "-q",
            "--no-install-recommends",
            "--no-upgrade",
        ])
        .args(names);
        command::run(&mut apt)
    };
    run().with_context(|| format!("installing {list}"))
}

/// Whether apt can install `package`, after a look at the newest lists.
pub(crate) fn is_offered(package: &str) -> Result<bool> {
    if !has_apt() {
        return Ok(false);
    }
    update()?;
    let policy = command::read(Command::new("apt-cache").args(["policy", package]))?;
    Ok(policy
        .lines()
        .any(|line| line.trim().starts_with("Candidate:") && !line.contains("(none)")))
}

/// Downloads `package` and unpacks it below `folder`, without installing it.
pub(crate) fn unpack(package: &str, folder: &Path) -> Result<()> {
    let run = || -> Result<()> {
        update()?;
        std::fs::create_dir_all(folder)?;
        let mut download = Command::new("apt-get");
        if command::is_root() {
            // Else apt's own user would need the right to write into the cache.
            download.args(["-o", "APT::Sandbox::User=root"]);
        }
        download
            .args(["-q", "download", package])
            .current_dir(folder);
        command::run(&mut download)?;
        let archive = archive_in(folder)?;
        command::run(Command::new("dpkg").arg("-x").arg(&archive).arg(folder))
    };
    run().with_context(|| format!("unpacking {package} into {}", folder.display()))
}

/// The libraries that an unpacked package depends on.
pub(crate) fn libraries_of(folder: &Path) -> Result<BTreeSet<String>> {
    let archive = archive_in(folder)?;
    let depends = command::read(
        Command::new("dpkg-deb")
            .arg("-f")
            .arg(&archive)
            .arg("Depends"),
    )?;
    Ok(libraries_in(&depends))
}

/// Library packages in a Debian `Depends` field; the first of alternatives.
fn libraries_in(depends: &str) -> BTreeSet<String> {
    depends
        .split(',')
        .filter_map(|dependency| dependency.split(['(', '|', ':']).next())
        .map(str::trim)
        .filter(|name| name.starts_with("lib") || name.starts_with("zlib"))
        .map(str::to_owned)
        .collect()
}

/// The one package file in `folder`.
pub(crate) fn archive_in(folder: &Path) -> Result<PathBuf> {
    let mut archives: Vec<_> = std::fs::read_dir(folder)
        .with_context(|| format!("reading {}", folder.display()))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .collect();
    archives.sort();
    archives
        .pop()
        .with_context(|| format!("no package in {}", folder.display()))
}

/// Fetches apt's lists, once in the life of this program and only when something is missing.
fn update() -> Result<()> {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    command::run(as_root()?.args(["update", "-q"]))
}

fn as_root() -> Result<Command> {
    command::as_root("apt-get", [("DEBIAN_FRONTEND", "noninteractive")])
}

/// Installs release `version` of `name` from source below `folder`, with `options` added.
pub(crate) fn with_cargo(
    name: &str,
    version: &str,
    folder: &Path,
    options: impl FnOnce(&mut Command),
) -> Result<()> {
    eprintln!(
        "building {name} {version} into {} (minutes)",
        folder.display()
    );
    let start = Instant::now();
    let mut cargo = command::cargo();
    cargo
        .args(["install", name, "--version", version, "--locked", "--root"])
        .arg(folder);
    options(&mut cargo);
    command::run(command::without_build_settings(&mut cargo))
        .with_context(|| format!("building {name} {version}"))?;
    eprintln!("built {name} {version} in {} s", start.elapsed().as_secs());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_are_taken_from_a_depends_field() {
        let depends = "adduser, libpam-modules (>= 0.72), lsb-base, libaudit1 (>= 1:2.2.1), \
                       libsystemd0 | libelogind0, debconf (>= 0.5) | debconf-2.0, zlib1g:any";
        let libraries: Vec<_> = libraries_in(depends).into_iter().collect();
        assert_eq!(
            libraries,
            ["libaudit1", "libpam-modules", "libsystemd0", "zlib1g"]
        );
    }
}
