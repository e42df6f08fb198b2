//! The marks of versions that had no database: `marks.json`, taken over once.

use std::{fs, io, path::Path};

use serde::Deserialize;

use crate::model::Mark;

/// Of the file's form; another one is not read.
const VERSION: u32 = 1;

#[derive(Debug, Deserialize)]
struct Marks {
    version: u32,
    marks: Vec<Mark>,
}

/// The marks that an agent of an earlier version left; `None`: it left none.
pub(super) fn take_over(path: &Path) -> Result<Option<Vec<Mark>>, String> {
    let error = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let text = match fs::read(path) {
        // In a place where there can be none, there is none.
        Err(missing)
            if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory]
                .contains(&missing.kind()) =>
        {
            return Ok(None);
        }
        text => text.map_err(|why| error(&why))?,
    };
    let marks: Marks =
        serde_json::from_slice(&text).map_err(|why| error(&format!("cannot understand: {why}")))?;
    if marks.version != VERSION {
        let version = marks.version;
        let why = format!("cannot understand: it has version {version}, not {VERSION}");
        return Err(error(&why));
    }
    Ok(Some(marks.marks))
}

/// Removes them, once they are kept elsewhere.
pub(super) fn forget(path: &Path) -> Result<(), String> {
    match fs::remove_file(path) {
        Err(error)
            if ![io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) =>
        {
            Err(format!("{}: cannot be removed: {error}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_an_earlier_version_are_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marks.json");
        assert_eq!(take_over(&path), Ok(None));
        let text = r#"{"version": 1, "marks": [{"path": "/var/log/auth.log", "device": 1,
            "inode": 2, "offset": 3, "fingerprint": {"hash": 18446744073709551615, "length": 5}}]}"#;
        fs::write(&path, text).unwrap();
        let marks = take_over(&path).unwrap().unwrap();
        assert_eq!((marks.len(), marks[0].offset), (1, 3));
        assert_eq!(marks[0].fingerprint.hash, u64::MAX);
        forget(&path).unwrap();
        forget(&path).unwrap();
        assert_eq!(take_over(&path), Ok(None));
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("marks.json");
        for text in ["", "{", r#"{"version": 2, "marks": []}"#] {
            fs::write(&path, text).unwrap();
            let error = take_over(&path).unwrap_err();
            assert!(error.contains("marks.json: cannot understand"), "{error}");
        }
    }
}
