//! Filesystems whose files are changed by somebody of whom this kernel knows nothing, so that
//! inotify is silent about them.

use std::path::Path;

use nix::sys::statfs::{self, FsType};

/// Numbers from the kernel's `include/uapi/linux/magic.h` and, where it has none, from the
/// filesystem's own header.
const REMOTE: [(FsType, &str); 14] = [
    (statfs::NFS_SUPER_MAGIC, "NFS"),
    (statfs::SMB_SUPER_MAGIC, "SMB"),
    (FsType(0xFF53_4D42), "CIFS"),
    (FsType(0xFE53_4D42), "SMB2"),
    // A FUSE filesystem may be local, but only it knows.
    (statfs::FUSE_SUPER_MAGIC, "FUSE"),
    (FsType(0x0102_1997), "9p"),
    (FsType(0x00C3_6400), "Ceph"),
    (statfs::AFS_SUPER_MAGIC, "AFS"),
    (FsType(0x6B41_4653), "AFS"),
    (statfs::CODA_SUPER_MAGIC, "Coda"),
    (FsType(0x0BD0_0BD0), "Lustre"),
    (FsType(0x4750_4653), "GPFS"),
    (FsType(0x0116_1970), "GFS2"),
    (statfs::OCFS2_SUPER_MAGIC, "OCFS2"),
];

/// The name of the filesystem on which a folder lies, if it is such a one.
pub(super) fn name(folder: &Path) -> Option<&'static str> {
    name_of(statfs::statfs(folder).ok()?.filesystem_type())
}

fn name_of(kind: FsType) -> Option<&'static str> {
    REMOTE
        .iter()
        .find(|(remote, _)| *remote == kind)
        .map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_filesystems_are_known_and_local_ones_are_not() {
        assert_eq!(name_of(statfs::NFS_SUPER_MAGIC), Some("NFS"));
        assert_eq!(name_of(FsType(0xFE53_4D42)), Some("SMB2"));
        for local in [
            statfs::EXT4_SUPER_MAGIC,
            statfs::TMPFS_MAGIC,
            statfs::OVERLAYFS_SUPER_MAGIC,
        ] {
            assert_eq!(name_of(local), None);
        }
    }
}
