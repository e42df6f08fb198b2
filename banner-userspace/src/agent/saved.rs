//! Small files of the state directory.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use serde::Serialize;

/// Replaces a file as a whole. It is on the disk when this returns.
pub(super) fn save(path: &Path, content: &impl Serialize) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let aside = path.with_extension("new");
    let mut file = File::create(&aside)?;
    file.write_all(&serde_json::to_vec(content)?)?;
    file.sync_all()?;
    fs::rename(&aside, path)
}
