//! One agent for each pin directory and for each state directory: a lock on the directory itself, which
//! the kernel drops with the process.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use nix::fcntl::{Flock, FlockArg};

/// The claim on a directory, for as long as this value lives.
#[derive(Debug)]
pub struct Claim {
    _lock: Flock<File>,
}

/// Why a directory is not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Another agent has.
    #[error(
        "{}: in use by another banner agent{}; stop that one, or give this one another --state-dir \
         and other ways to drop packets",
        path.display(),
        process(*pid)
    )]
    Busy {
        /// The directory.
        path: PathBuf,
        /// Its process, where it can be told.
        pid: Option<u32>,
    },
    /// It cannot be opened, made or locked.
    #[error("{}: cannot be locked against a second agent: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// ` (process 7)`
fn process(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})"))
        .unwrap_or_default()
}

/// Claims a directory, if it is there.
pub fn claim(dir: &Path) -> Result<Option<Claim>, ClaimError> {
    let failed = |source| ClaimError::Io {
        path: dir.to_owned(),
        source,
    };
    let file = match File::open(dir) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(Claim { _lock: lock })),
        Err((_, nix::Error::EWOULDBLOCK)) => Err(ClaimError::Busy {
            path: dir.to_owned(),
            pid: owner(dir),
        }),
        Err((_, error)) => Err(failed(error.into())),
    }
}

/// The same; it is made where it is not there.
pub fn make_and_claim(dir: &Path) -> Result<Option<Claim>, ClaimError> {
    let made = DirBuilder::new().recursive(true).mode(0o750).create(dir);
    made.map_err(|source| ClaimError::Io {
        path: dir.to_owned(),
        source,
    })?;
    claim(dir)
}

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
    fn a_directory_is_claimed_once() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state");
        assert!(claim(&state).unwrap().is_none());
        let first = make_and_claim(&state).unwrap();
        let error = claim(&state).unwrap_err();
        let pid = std::process::id();
        assert!(matches!(error, ClaimError::Busy { pid: Some(holder), .. } if holder == pid));
        assert!(
            error.to_string().contains(&format!("(process {pid})")),
            "{error}"
        );
        drop(first);
        assert!(claim(&state).unwrap().is_some());
    }

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
