//! Where reading stopped, so that the next agent goes on there.

use std::{
    fs::{self, DirBuilder, File},
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::model::Mark;

const FILE: &str = "marks.json";

/// Of the file's form; another one is not read.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct Marks {
    version: u32,
    marks: Vec<Mark>,
}

/// Why marks could not be kept or found.
#[derive(Debug, thiserror::Error)]
#[error("{}: cannot {operation}: {source}", path.display())]
pub struct MarksError {
    operation: &'static str,
    path: PathBuf,
    source: io::Error,
}

/// The marks that the last agent left when it stopped; none when there was none, or when it did not
/// stop by itself.
pub fn load_marks(state_dir: &Path) -> Result<Vec<Mark>, MarksError> {
    let path = state_dir.join(FILE);
    let error = |operation| {
        let path = path.clone();
        move |source| MarksError {
            operation,
            path,
            source,
        }
    };
    let text = match fs::read(&path) {
        // In a place where there can be none, there is none.
        Err(missing)
            if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory]
                .contains(&missing.kind()) =>
        {
            return Ok(Vec::new());
        }
        text => text.map_err(error("read"))?,
    };
    let marks: Marks = serde_json::from_slice(&text)
        .map_err(io::Error::from)
        .map_err(error("understand"))?;
    if marks.version != VERSION {
        let message = format!("it has version {}, not {VERSION}", marks.version);
        return Err(error("understand")(io::Error::other(message)));
    }
    Ok(marks.marks)
}

/// Removes the marks, which what is read from now on makes wrong; makes the directory, and sees
/// whether marks can be left there when the time comes.
pub fn forget_marks(state_dir: &Path) -> Result<(), MarksError> {
    let path = state_dir.join(FILE);
    let write = || {
        make(state_dir)?;
        File::create(fresh(state_dir))?;
        fs::remove_file(fresh(state_dir))?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    };
    write().map_err(|source| MarksError {
        operation: "write",
        path: path.clone(),
        source,
    })
}

fn make(state_dir: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o750)
        .create(state_dir)
}

/// Where marks are written before they replace the last ones.
fn fresh(state_dir: &Path) -> PathBuf {
    state_dir.join(format!("{FILE}.new"))
}

/// Leaves marks for the next agent; they are there as a whole or not at all.
pub fn save_marks(state_dir: &Path, marks: &[Mark]) -> Result<(), MarksError> {
    let path = state_dir.join(FILE);
    let fresh = fresh(state_dir);
    let write = || {
        make(state_dir)?;
        let marks = Marks {
            version: VERSION,
            marks: marks.to_vec(),
        };
        let mut file = File::create(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(&marks)?)?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(state_dir)?.sync_all()
    };
    write().map_err(|source| MarksError {
        operation: "write",
        path: path.clone(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fingerprint;

    fn mark() -> Mark {
        Mark {
            path: "/var/log/auth.log".into(),
            device: 1,
            inode: 2,
            offset: 3,
            fingerprint: Fingerprint {
                hash: u64::MAX,
                length: 5,
            },
        }
    }

    #[test]
    fn marks_are_found_until_they_are_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("new/state");
        assert_eq!(load_marks(&state).unwrap(), []);
        save_marks(&state, &[mark()]).unwrap();
        save_marks(&state, &[mark(), mark()]).unwrap();
        for _ in 0..2 {
            assert_eq!(load_marks(&state).unwrap(), [mark(), mark()]);
        }
        forget_marks(&state).unwrap();
        assert_eq!(load_marks(&state).unwrap(), []);
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        for text in ["", "{", r#"{"version": 2, "marks": []}"#] {
            fs::write(dir.path().join(FILE), text).unwrap();
            let error = load_marks(dir.path()).unwrap_err().to_string();
            assert!(error.contains("marks.json: cannot understand"), "{error}");
            forget_marks(dir.path()).unwrap();
            assert_eq!(load_marks(dir.path()).unwrap(), []);
        }
    }

    #[test]
    fn a_state_directory_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let state = file.join("state");
        assert_eq!(load_marks(&state).unwrap(), []);
        for error in [forget_marks(&state), save_marks(&state, &[])] {
            let error = error.unwrap_err().to_string();
            assert!(error.contains("file/state/marks.json"), "{error}");
        }
    }

    #[test]
    fn forgetting_makes_the_directory_and_leaves_nothing_in_it() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("new/state");
        forget_marks(&state).unwrap();
        assert_eq!(fs::read_dir(&state).unwrap().count(), 0);
    }
}
