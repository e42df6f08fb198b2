//! What the tests share: a private place to run in, frames, daemons, the maps of the data plane.
//!
//! A test runs its body in [`lab::run`], which gives it mounts, network and processes of its own.

use anyhow::{Result, ensure};

pub mod account;
pub mod agent;
pub mod bare;
pub mod bpf;
pub mod flood;
pub mod frame;
pub mod journal;
pub mod kernel;
pub mod lab;
pub mod netns;
pub mod nginx;
pub mod pinned;
pub mod process;
pub mod sniffer;
pub mod ssh;
pub mod sshd;
pub mod topology;
pub mod torture;
pub mod vsftpd;
pub mod wait;

/// Every test here loads BPF programs or makes namespaces. A test without the privilege has shown
/// nothing, so it fails.
pub fn require_root() -> Result<()> {
    ensure!(
        nix::unistd::geteuid().is_root(),
        "these tests need root: run `cargo xtask test`"
    );
    Ok(())
}
