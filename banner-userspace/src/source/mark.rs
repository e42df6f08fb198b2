//! Where reading may resume after a restart.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::model::{Fingerprint, Mark};

/// How many bytes at the beginning of a file identify it.
pub(super) const HEAD: usize = 256;

/// From this length a fingerprint alone tells two logs apart: their first lines bear stamps.
const TELLING: u16 = 64;

/// Which file it is, as far as the kernel knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Inode {
    pub(super) device: u64,
    pub(super) inode: u64,
}

impl Fingerprint {
    /// Of these bytes, which are the first of a file; only the first 256 count.
    pub(super) fn of(head: &[u8]) -> Self {
        let head = &head[..head.len().min(HEAD)];
        let hash = head.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            hash,
            length: u16::try_from(head.len()).unwrap_or(u16::MAX),
        }
    }
}

impl Mark {
    /// Whether it may speak of the file with this inode that was found at `path`.
    ///
    /// A fingerprint that is long enough to tell is asked for no more than the inode: a device
    /// number may change when the machine starts anew (device mapper, btrfs), and a rotation may
    /// choose any name. Without it, an inode number alone could be another file's that got it after
    /// this one was deleted, so the device and the beginning of the name have to be the same.
    pub(super) fn may_be(&self, inode: Inode, path: &Path) -> bool {
        let name = |path: &Path| path.file_name().unwrap_or_default().as_bytes().to_vec();
        self.inode == inode.inode
            && (self.fingerprint.length >= TELLING
                || (self.device == inode.device && name(path).starts_with(&name(&self.path))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv_1a() {
        // Test vectors of the authors' reference code.
        for (bytes, hash) in [
            (&b""[..], 0xcbf2_9ce4_8422_2325),
            (b"a", 0xaf63_dc4c_8601_ec8c),
            (b"foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(Fingerprint::of(bytes).hash, hash, "{bytes:?}");
        }
    }

    #[test]
    fn only_the_beginning_counts() {
        let mut bytes = [7; 300];
        let before = Fingerprint::of(&bytes);
        bytes[256] = 8;
        assert_eq!(Fingerprint::of(&bytes), before);
        bytes[255] = 8;
        assert_ne!(Fingerprint::of(&bytes), before);
    }

    #[test]
    fn what_a_short_fingerprint_leaves_open_the_device_and_the_name_must_tell() {
        let same = Inode {
            device: 1,
            inode: 5,
        };
        for (length, inode, path, expected) in [
            (3, same, "/log/x", true),
            (3, same, "/log/x.1", true),
            (3, same, "/log/other", false),
            (3, Inode { device: 2, ..same }, "/log/x", false),
            (64, same, "/log/other", true),
            (64, Inode { device: 2, ..same }, "/log/x", true),
            (64, Inode { inode: 6, ..same }, "/log/x", false),
        ] {
            let mark = Mark {
                path: "/log/x".into(),
                device: 1,
                inode: 5,
                offset: 1000,
                fingerprint: Fingerprint { hash: 0, length },
            };
            assert_eq!(
                mark.may_be(inode, Path::new(path)),
                expected,
                "{length} {path}"
            );
        }
    }
}
