//! Copies of Debian's configuration of fail2ban, and their import.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context as _, Result};
use banner_tests::{agent::Seat, lab::Lab, process::Finished};

/// A configuration of fail2ban: Debian's, with a `jail.local` as administrators write it.
fn configuration(lab: &Lab, jail_local: &str) -> Result<PathBuf> {
    let package = env::var_os("BANNER_FAIL2BAN").context(
        "$BANNER_FAIL2BAN names no unpacked package of fail2ban: run `cargo xtask test`, which \
         fetches it",
    )?;
    let stock = PathBuf::from(package).join("etc/fail2ban");
    let own = lab.dir().join("fail2ban");
    let mut copy = Command::new("cp");
    copy.arg("-r").arg(&stock).arg(&own);
    lab.run("cp", &mut copy)?.succeeded()?;
    fs::write(own.join("jail.local"), jail_local)?;
    Ok(own)
}

/// Imports it; gives the main file of what comes out, and what is said.
pub(super) fn import(
    lab: &Lab,
    seat: &Seat<'_>,
    jail_local: &str,
    options: &[&str],
) -> Result<(PathBuf, Finished)> {
    let own = configuration(lab, jail_local)?;
    let output = lab.dir().join("imported");
    let mut import = Command::new(&seat.program);
    import.args(["import", "fail2ban"]).arg(&own);
    import.arg("--output").arg(&output).args(options);
    let said = lab.run("import", &mut import)?;
    Ok((output.join("banner.yaml"), said))
}
