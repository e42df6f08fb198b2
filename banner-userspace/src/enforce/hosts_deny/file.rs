//! The file, with banner's part and everybody else's.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use crate::enforce::EnforceError;

pub(super) const BEGIN: &str = "# banner: begin; what stands from here to the end mark is banner's";
pub(super) const END: &str = "# banner: end";

/// What is before banner's part, that, and what is behind it. Two beginnings, or one without an end,
/// are nobody's business but the administrator's.
pub(super) fn split(text: &str) -> Result<(&str, &str, &str), String> {
    let Some(begin) = position(text, BEGIN) else {
        return match position(text, END) {
            None => Ok((text, "", "")),
            Some(_) => Err(format!(
                "there is {END:?} without the line {BEGIN:?} before it; remove it"
            )),
        };
    };
    let (before, rest) = text.split_at(begin);
    let end = position(rest, END).ok_or_else(|| {
        format!("there is {BEGIN:?} without the line {END:?} behind it; remove both")
    })?;
    let behind = end + END.len();
    let behind = behind + usize::from(rest[behind..].starts_with('\n'));
    let (block, after) = rest.split_at(behind);
    if position(after, BEGIN).is_some() {
        return Err(format!("there is {BEGIN:?} twice; remove one of them"));
    }
    Ok((before, block, after))
}

/// Where a whole line begins.
fn position(text: &str, line: &str) -> Option<usize> {
    let mut at = 0;
    for found in text.split_inclusive('\n') {
        if found.trim_end_matches(['\n', '\r']) == line {
            return Some(at);
        }
        at += found.len();
    }
    None
}

pub(super) fn replaced(text: &str, block: &str) -> Result<String, String> {
    let (before, _, after) = split(text)?;
    let gap = if before.is_empty() || before.ends_with('\n') || block.is_empty() {
        ""
    } else {
        "\n"
    };
    Ok([before, gap, block, after].concat())
}

pub(super) fn read(path: &Path) -> Result<String, EnforceError> {
    match fs::read(path) {
        // Its lines may be of any encoding: what is no UTF-8 must not be changed.
        Ok(bytes) => String::from_utf8(bytes)
            .map_err(|_| failed(path, "read", &"it is not UTF-8; recode it")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(failed(path, "read", &error)),
    }
}

/// In one step: who reads meanwhile sees the one or the other.
pub(super) fn put(path: &Path, text: &str) -> io::Result<()> {
    let old = fs::metadata(path).ok();
    let mut aside = path.as_os_str().to_owned();
    aside.push(".banner-new");
    let aside = PathBuf::from(aside);
    let _ = fs::remove_file(&aside);
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&aside)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| {
        let mode = old.as_ref().map_or(0o644, |old| old.mode() & 0o7777);
        if let Some(old) = &old {
            fchown(&file, Some(old.uid()), Some(old.gid()))?;
        }
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.sync_all()?;
        fs::rename(&aside, path)
    });
    if written.is_err() {
        let _ = fs::remove_file(&aside);
    }
    written
}

pub(super) fn failed(path: &Path, verb: &str, why: &dyn std::fmt::Display) -> EnforceError {
    EnforceError::File {
        path: path.to_owned(),
        why: format!("cannot {verb} it: {why}"),
    }
}
