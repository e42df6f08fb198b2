//! A whole directory of fail2ban's, hostile in every file, imported; what comes out is read again.

use std::path::Path;

use banner_userspace::{
    config::{self, InMemory},
    import::fail2ban::Fail2ban,
};

use crate::{
    budget,
    ini::{READ, folder, write},
    parts,
};

/// The files that the parts of an input are.
pub const FILES: [&str; 8] = [
    "jail.conf",
    "jail.local",
    "filter.d/x.conf",
    "jail.d/y.conf",
    "action.d/z.conf",
    "filter.d/x.local",
    "filter.d/common.conf",
    "fail2ban.conf",
];

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let folder = folder();
    let parts = data.splitn(FILES.len(), |byte| *byte == parts::BREAK);
    for (name, part) in FILES.iter().zip(parts) {
        write(folder.path(), name, part);
    }
    let name = || String::from_utf8_lossy(data).into_owned();
    let converted = budget::within(READ, &name, || {
        Fail2ban::open(folder.path())
            .expect("the folder")
            .convert(true)
    });
    match converted {
        Ok(converted) => {
            let files: InMemory = converted.files.into_iter().collect();
            // Some of it may be refused, but it is YAML with known keys.
            if let Err(problems) = config::load_from(Path::new("banner.yaml"), &files) {
                let problems = problems.to_string();
                assert!(
                    !problems.contains("is no key") && !problems.contains("not YAML"),
                    "{problems}"
                );
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
