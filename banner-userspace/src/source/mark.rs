//! Where reading may resume after a restart.

pub use crate::model::{Fingerprint, Mark};
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
    /// Whether it speaks of a file with this inode.
    ///
    /// A device number may change when the machine starts anew (device mapper, btrfs), so
    /// where the fingerprint is long enough to tell, it is not asked for.
    pub(super) fn may_be(&self, inode: Inode) -> bool {
        self.inode == inode.inode
            && (self.device == inode.device || self.fingerprint.length >= TELLING)
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
    fn a_changed_device_number_needs_a_telling_fingerprint() {
        let mark = |length| Mark {
            path: "/x".into(),
            device: 1,
            inode: 5,
            offset: 1000,
            fingerprint: Fingerprint { hash: 0, length },
        };
        assert!(mark(3).may_be(Inode {
            device: 1,
            inode: 5
        }));
        assert!(!mark(3).may_be(Inode {
            device: 2,
            inode: 5
        }));
        assert!(mark(256).may_be(Inode {
            device: 2,
            inode: 5
        }));
        assert!(!mark(256).may_be(Inode {
            device: 1,
            inode: 6
        }));
    }
}
