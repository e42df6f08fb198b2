//! No BPF file system where the pins should go.

use std::{fs, path::Path};

use anyhow::{Result, ensure};
use banner_tests::topology::Family;
use nix::{
    mount::{MntFlags, umount2},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};

use super::site::{assert_dropped, assert_has, site};

/// Where the agent mounts one by itself.
const BPFFS: &str = "/sys/fs/bpf";

#[test]
fn a_pin_directory_that_is_on_no_bpf_file_system_is_refused_with_what_to_do() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        let ground = site.lab.dir().join("pins");
        fs::create_dir(&ground)?;
        for dir in [ground.clone(), ground.join("a/b"), site.log.join("pins")] {
            seat.pins = dir;
            let dir = seat.pins.display();
            let advice = format!("mkdir -p {dir} && mount -t bpf -o mode=0700 bpf {dir}");
            assert_has(
                &seat.refusal()?,
                &[
                    &format!("{dir}: not on a BPF file system"),
                    &advice,
                    "--pin-dir below /sys/fs/bpf",
                ],
            )?;
            ensure!(fs::read_dir(&ground)?.count() == 0, "something was made");
            for interface in site.interfaces() {
                ensure!(!site.topology.server.has_xdp(interface)?, "{interface}");
            }
        }
        Ok(())
    })
}

#[test]
fn where_it_belongs_a_missing_bpf_file_system_is_mounted_and_that_is_said() -> Result<()> {
    let before = mounts()?;
    site(|site| {
        // The machine may have one there. The lab's mounts are private, so it keeps it.
        while is_bpffs()? {
            umount2(BPFFS, MntFlags::MNT_DETACH)?;
        }
        let mut seat = site.seat()?;
        seat.pins = Path::new(BPFFS).join("banner");
        let mut agent = seat.start()?;
        agent.wait_to_say(&["mounted the BPF file system at /sys/fs/bpf"])?;
        // As in `ip netns exec`: what is pinned there goes with the last process.
        agent.wait_to_say(&["mount namespace of its own", "will not outlive it"])?;
        ensure!(is_bpffs()?);
        site.fail(site.topology.attacker.address(Family::V4))?;
        site.prove_alive(&mut agent)?;
        assert_dropped(&site.topology.attacker, &seat.pinned())?;
        ensure!(agent.terminate()?.success());
        // The next one finds it mounted.
        let next = seat.start()?;
        let said = next.lines()?.join("\n");
        ensure!(!said.contains("mounted"), "{said}");
        Ok(())
    })?;
    ensure!(mounts()? == before, "the machine's own mounts have changed");
    Ok(())
}

fn is_bpffs() -> Result<bool> {
    Ok(statfs(BPFFS)?.filesystem_type() == BPF_FS_MAGIC)
}

/// What is mounted there.
fn mounts() -> Result<Vec<String>> {
    let all = fs::read_to_string("/proc/thread-self/mountinfo")?;
    let here = all.lines().filter(|line| line.contains(BPFFS));
    Ok(here.map(ToOwned::to_owned).collect())
}
