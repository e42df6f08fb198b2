//! Configurations: any text as each of the files.

use std::{path::Path, time::Duration};

use banner_userspace::config::{self, InMemory};

use crate::{budget, parts};

/// The files that the parts of an input are.
pub const FILES: [&str; 4] = [
    "banner.yaml",
    "filters.d/x.yaml",
    "jails.d/y.yaml",
    "prefixes.yaml",
];

/// How long reading a configuration may take.
const READ: Duration = Duration::from_secs(2);

/// Does with an input what can be done.
///
/// # Panics
/// Something is wrong with what is tried.
pub fn run(data: &[u8]) {
    let parts = data.splitn(FILES.len(), |byte| *byte == parts::BREAK);
    let files: InMemory = FILES.iter().zip(parts).collect();
    let name = || String::from_utf8_lossy(data).into_owned();
    let read = budget::within(READ, &name, || {
        config::load_from(Path::new("banner.yaml"), &files)
    });
    match read {
        Ok(config) => {
            let limit = Duration::from_secs(2);
            for filter in config.jails.iter().filter_map(|jail| jail.filter.as_ref()) {
                budget::within(limit, &name, || filter.check_samples());
            }
        }
        Err(problems) => {
            assert!(problems.count() > 0);
            assert!(!problems.to_string().is_empty());
        }
    }
}
