//! An account that only the lab knows.

use std::{
    fmt::Write as _, fs, io::Write as _, os::unix::fs::OpenOptionsExt as _, path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::lab::Lab;

/// The account that can log in.
pub const USER: &str = "tester";
/// Its password.
pub const PASSWORD: &str = "correct-horse-battery";

/// A uid that no package of a distribution takes; it owns nothing but its home.
const UID: u32 = 61_337;

/// How a login ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The server let the user in.
    Accepted,
    /// It said no.
    Refused,
}

/// Adds the account to copies of the account files that are bound over the machine's within the lab;
/// and those of `services`, each with its home, where the machine has none of that name.
pub fn add(lab: &Lab, services: &[(&str, &str)]) -> Result<()> {
    let passwd = lab.replace("/etc/passwd")?;
    let shadow = lab.replace("/etc/shadow")?;
    let home = lab.dir().join("home");
    fs::create_dir(&home).context("make the account's home")?;
    let mut accounts = format!("{USER}:x:{UID}:{UID}::{}:/bin/sh\n", home.display());
    let there = fs::read_to_string(&passwd)?;
    for (uid, (name, home)) in (UID + 1..).zip(services) {
        if !there
            .lines()
            .any(|line| line.split(':').next() == Some(name))
        {
            writeln!(accounts, "{name}:x:{uid}:65534::{home}:/usr/sbin/nologin")?;
        }
    }
    append(&passwd, &accounts)?;
    let hash = Command::new("openssl")
        .args(["passwd", "-6", "-salt", "banner", PASSWORD])
        .output()
        .context("run openssl to hash the password")?;
    let hash = String::from_utf8(hash.stdout).context("a hash is ASCII")?;
    ensure!(hash.starts_with("$6$"), "openssl gave no hash");
    append(
        &shadow,
        &format!("{USER}:{}:20000:0:99999:7:::\n", hash.trim_end()),
    )
}

fn append(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .append(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("open {}", path.display()))?;
    file.write_all(text.as_bytes())
        .with_context(|| format!("write {}", path.display()))
}
