//! The reader of fail2ban's files: any text as a filter and as the jails.

use std::{fs, path::Path, time::Duration};

use banner_userspace::import::fail2ban::{Fail2ban, Which};

use crate::{budget, parts};

/// How long reading files that are not large may take.
pub(crate) const READ: Duration = Duration::from_secs(2);

/// Does with an input what can be done: its parts are a filter, and what jails say.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == parts::BREAK);
    let [filter, jails] = [(); 2].map(|()| parts.next().unwrap_or_default());
    let folder = folder();
    let path = folder.path();
    write(path, "filter.d/x.conf", filter);
    write(path, "jail.conf", jails);
    let name = || String::from_utf8_lossy(data).into_owned();
    budget::within(READ, &name, || {
        let fail2ban = Fail2ban::open(path).expect("the folder");
        if let Err(error) = fail2ban.filter("x", &[]) {
            assert!(!error.to_string().is_empty());
        }
        let all = Which {
            all: true,
            files: true,
        };
        match fail2ban.jails(all) {
            Ok(jails) => jails.jails.iter().for_each(|jail| {
                jail.options().for_each(drop);
            }),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    });
}

/// A folder in memory, where there is such a thing.
pub(crate) fn folder() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    made.expect("a folder")
}

/// Writes a file below `folder`.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap_or(folder)).expect("a folder");
    fs::write(path, bytes).expect("a file");
}
