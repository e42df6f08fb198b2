//! Who else can write to the pin directory.

use std::{fs::File, os::unix::fs::MetadataExt as _, path::Path};

use nix::unistd::geteuid;

use super::{XdpError, pins::pin_error};

/// Whoever else can write to the directory can take the program off, or give the agent maps of
/// their own making. Asked of the open directory, which nobody can exchange any more.
pub(super) fn check_access(file: &File, dir: &Path) -> Result<(), XdpError> {
    let found = file
        .metadata()
        .map_err(pin_error("look at the directory", dir))?;
    let own = geteuid().as_raw();
    match refused_access(found.uid(), found.mode(), own) {
        None => Ok(()),
        Some(found) => Err(XdpError::Access {
            path: dir.to_owned(),
            found,
            own,
        }),
    }
}

/// What is wrong with a directory of this owner and mode for an agent that runs as the user `own`.
/// In a sticky one, as the root of a BPF file system is, others cannot touch what is pinned.
fn refused_access(owner: u32, mode: u32, own: u32) -> Option<String> {
    if owner != own && owner != 0 {
        Some(format!("it belongs to user {owner}"))
    } else if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        Some(format!(
            "its group or others can write to it (mode {:04o})",
            mode & 0o7777
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_agents_user_and_root_may_write_to_the_directory() {
        for (owner, mode, own, allowed) in [
            (0, 0o40_700, 0, true),
            (0, 0o40_755, 0, true),
            (7, 0o40_700, 7, true),
            (0, 0o40_700, 7, true),
            (7, 0o40_700, 0, false),
            (8, 0o40_700, 7, false),
            (0, 0o40_770, 0, false),
            (0, 0o40_702, 0, false),
            (0, 0o40_777, 0, false),
            (0, 0o41_777, 0, true),
        ] {
            let refused = refused_access(owner, mode, own);
            assert_eq!(refused.is_none(), allowed, "{owner} {mode:o} {own}");
        }
    }
}
