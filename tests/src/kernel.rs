//! What the kernel can do that the tests run on, and what older ones cannot.

use anyhow::{Context as _, Result};
use nix::sys::utsname::uname;

/// A version of Linux: the first two numbers.
pub type Version = (u32, u32);

/// The version of the running kernel.
pub fn version() -> Result<Version> {
    let name = uname().context("ask the kernel for its version")?;
    let release = name.release().to_string_lossy();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    next()
        .zip(next())
        .with_context(|| format!("the kernel's version is {release}"))
}

/// Whether the running kernel is `since` or newer. Where it is older, says once per test what
/// `differs`: `cargo xtask vm` collects that.
pub fn has(since: Version, differs: &str) -> Result<bool> {
    let has = version()? >= since;
    if !has {
        let (major, minor) = since;
        println!("DIFFERS: {differs} (since {major}.{minor})");
    }
    Ok(has)
}
