//! Who has claimed a pin directory.

use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

/// The process that has locked the directory.
pub(super) fn owner(dir: &Path) -> Option<u32> {
    let locked = fs::metadata(dir).ok()?;
    let device = nix::sys::stat::major(locked.dev()) << 8 | nix::sys::stat::minor(locked.dev());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    lock_owner(&locks, device, locked.ino())
}

/// `1: FLOCK  ADVISORY  WRITE 1234 00:1b:5 0 EOF`: process, device (hexadecimal), inode.
fn lock_owner(locks: &str, device: u64, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        if words.next()? != "FLOCK" {
            return None;
        }
        let pid = words.nth(2)?;
        let mut file = words.next()?.split(':');
        let major = u64::from_str_radix(file.next()?, 16).ok()?;
        let minor = u64::from_str_radix(file.next()?, 16).ok()?;
        let same = major << 8 | minor == device && file.next()?.parse() == Ok(inode);
        if same { pid.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_lock_is_found() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 00:1b:5 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 12 00:1b:6 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 13 00:1b:5 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 14 00:1b:5 0 EOF\n";
        assert_eq!(lock_owner(locks, 0x1b, 5), Some(14));
        assert_eq!(lock_owner(locks, 0x1c, 5), None);
        assert_eq!(lock_owner("", 0, 0), None);
    }
}
