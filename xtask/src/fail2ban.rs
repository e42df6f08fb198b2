//! Debian's fail2ban, unpacked into the cache and not installed.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{command, install, places, record};

const PACKAGE: &str = "fail2ban";

/// The folder with the unpacked package, downloaded where it is not there yet. It stays as it is
/// there until somebody removes the folder.
pub(crate) fn folder() -> Result<PathBuf> {
    let folder = places::cache()?.join(PACKAGE);
    if !folder.exists() {
        // Renamed when whole, so that what stands at `folder` is never half a package.
        let work = folder.with_extension(std::process::id().to_string());
        let done = install::unpack(PACKAGE, &work)
            .and_then(|()| verify(&install::archive_in(&work)?))
            .and_then(|()| link_config(&work))
            .and_then(|()| {
                fs::rename(&work, &folder).with_context(|| format!("making {}", folder.display()))
            });
        if done.is_err() && work.exists() {
            fs::remove_dir_all(&work).with_context(|| format!("removing {}", work.display()))?;
        }
        done?;
    }
    Ok(folder)
}

/// The folder with the unpacked package, if it is there already.
pub(crate) fn cached() -> Result<Option<PathBuf>> {
    let folder = places::cache()?.join(PACKAGE);
    Ok(folder.exists().then_some(folder))
}

/// Filters that are there for tests look for `common.conf` where fail2ban's own sources have it.
fn link_config(folder: &Path) -> Result<()> {
    let link = folder.join("usr/config");
    symlink("../etc/fail2ban", &link).with_context(|| format!("making {}", link.display()))
}

/// Name and version of what is unpacked there, as far as the folder tells.
pub(crate) fn version(folder: &Path) -> Result<String> {
    let file = folder.join("usr/lib/python3/dist-packages/fail2ban/version.py");
    let text = fs::read_to_string(&file).with_context(|| {
        format!(
            "{}: is this an unpacked package of fail2ban?",
            file.display()
        )
    })?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("version = "));
    let version = line.with_context(|| format!("{}: no version", file.display()))?;
    Ok(format!("{PACKAGE} {}", version.trim_matches(['"', '\''])))
}

/// apt has compared the archive with its signed lists; this does it once more, because what is
/// unpacked here is run.
fn verify(archive: &Path) -> Result<()> {
    let field = |name| command::read(Command::new("dpkg-deb").args(["-f"]).arg(archive).arg(name));
    let wanted = format!("{}={}", field("Package")?, field("Version")?);
    let known = command::read(Command::new("apt-cache").args(["show", &wanted]))?;
    let bytes = fs::read(archive).with_context(|| format!("reading {}", archive.display()))?;
    let sum = record::sha256(&bytes);
    ensure!(
        known
            .lines()
            .any(|line| line.strip_prefix("SHA256: ") == Some(&*sum)),
        "{} is not what apt's lists say of {wanted}",
        archive.display()
    );
    Ok(())
}
