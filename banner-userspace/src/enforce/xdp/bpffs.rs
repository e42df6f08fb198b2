//! The BPF file system under the pin directory.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

use nix::{
    mount::{MsFlags, mount},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};

use super::{Advice, XdpError};

/// Where it belongs.
const BPFFS: &str = "/sys/fs/bpf";

/// Sees to it that `dir` is, or will be when it is made, on a BPF file system.
pub(super) fn ensure(dir: &Path) -> Result<Vec<Advice>, XdpError> {
    let is_bpffs = |path: &Path| statfs(path).is_ok_and(|fs| fs.filesystem_type() == BPF_FS_MAGIC);
    if !dir.is_absolute() {
        return Err(no_bpffs(dir, "give an absolute path as --pin-dir".into()));
    }
    let ground = dir.ancestors().find(|path| path.exists());
    let ground = ground.unwrap_or(Path::new("/"));
    if is_bpffs(ground) {
        return Ok(Vec::new());
    }
    if ground != Path::new(BPFFS) {
        let advice = format!(
            "mount one (mkdir -p {dir} && mount -t bpf -o mode=0700 bpf {dir}), or give a --pin-dir \
             below {BPFFS}",
            dir = dir.display()
        );
        return Err(no_bpffs(dir, advice));
    }
    mount(
        Some("bpf"),
        BPFFS,
        Some("bpf"),
        MsFlags::empty(),
        Some("mode=0700"),
    )
    .map_err(|error| {
        let advice = format!(
            "mounting it failed ({}); as root: mount -t bpf -o mode=0700 bpf {BPFFS}",
            io::Error::from(error)
        );
        no_bpffs(dir, advice)
    })?;
    let mut advice = vec![Advice(format!("mounted the BPF file system at {BPFFS}"))];
    let namespace = |process: &str| fs::metadata(format!("/proc/{process}/ns/mnt"));
    let whether = match (namespace("self"), namespace("1")) {
        (Ok(own), Ok(init)) if own.ino() == init.ino() => return Ok(advice),
        (Ok(_), Ok(_)) => ["this process has", "and"],
        _ => ["if this process has", "which cannot be told here,"],
    };
    advice.push(Advice(format!(
        "{} a mount namespace of its own (ip netns exec makes one), {} bans will not outlive it \
         unless --pin-dir names a BPF file system that does, or {BPFFS} is mounted before",
        whether[0], whether[1]
    )));
    Ok(advice)
}

fn no_bpffs(dir: &Path, advice: String) -> XdpError {
    XdpError::NoBpffs {
        path: dir.to_owned(),
        advice,
    }
}
