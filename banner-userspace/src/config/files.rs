use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Larger is not a configuration file but a wrong path.
pub(crate) const LARGEST: usize = 1 << 20;

/// Where configuration files come from.
pub trait Files {
    /// The content of a file. Of a file beyond 1 MiB only the beginning has to be given, as long
    /// as it is beyond 1 MiB too.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The names in a folder, in any order.
    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>>;

    /// Why a file is no place for a secret; `None`: it is one. Completes "the file …".
    fn exposed(&self, _path: &Path) -> io::Result<Option<String>> {
        Ok(None)
    }
}

/// The file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let most = u64::try_from(LARGEST).map_or(u64::MAX, |largest| largest + 1);
        File::open(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let here = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        here.read_dir()?
            .map(|entry| entry.map(|entry| entry.file_name()))
            .collect()
    }

    fn exposed(&self, path: &Path) -> io::Result<Option<String>> {
        let found = path.metadata()?;
        let name = path.display();
        if !found.is_file() {
            return Ok(Some("is no file".to_owned()));
        }
        // Each process owns its folder there.
        let own = Path::new("/proc/self").metadata()?.uid();
        if found.uid() != 0 && found.uid() != own {
            return Ok(Some(format!("belongs to another user: chown root {name}")));
        }
        if found.mode() & 0o027 != 0 {
            let message = format!("is open to others: chmod 600 {name}, or 640");
            return Ok(Some(message));
        }
        Ok(None)
    }
}

/// Files held in memory, by path; for tests.
#[derive(Clone, Debug, Default)]
pub struct InMemory(pub BTreeMap<PathBuf, Vec<u8>>);

impl<P: Into<PathBuf>, T: Into<Vec<u8>>> FromIterator<(P, T)> for InMemory {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(files: I) -> Self {
        let entry = |(path, text): (P, T)| (path.into(), text.into());
        Self(files.into_iter().map(entry).collect())
    }
}

impl Files for InMemory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0
            .get(path)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<OsString>> {
        let mut names: Vec<OsString> = self
            .0
            .keys()
            .filter_map(|path| path.strip_prefix(folder).ok()?.components().next())
            .map(|component| component.as_os_str().to_owned())
            .collect();
        names.dedup();
        if names.is_empty() {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(names)
    }
}

/// Why a file cannot be read, in words that do not depend on the system.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "may not be read by this user".to_owned(),
        io::ErrorKind::IsADirectory => "is a folder, not a file".to_owned(),
        _ => format!("cannot be read: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_disk_is_read_and_what_is_not_there_is_said_in_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, "a: 1").expect("a file");
        assert_eq!(Disk.read(&file).expect("the file"), b"a: 1");
        assert_eq!(Disk.list(folder.path()).expect("the folder"), ["a.yaml"]);

        let said = |path: &Path| reason(&Disk.read(path).expect_err("no file"));
        assert_eq!(said(folder.path()), "is a folder, not a file");
        assert_eq!(said(&folder.path().join("b")), "does not exist");
        assert!(said(&file.join("c")).starts_with("cannot be read: "));
    }

    #[test]
    fn of_a_large_file_only_as_much_is_read_as_shows_that_it_is_large() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        file.as_file().set_len(1 << 30).expect("a large file");
        assert_eq!(Disk.read(file.path()).expect("the file").len(), LARGEST + 1);
    }

    #[test]
    fn folders_in_memory_have_names_once_and_exist_by_what_they_hold() {
        let files: InMemory = ["a/b/1", "a/b/2", "a/c"]
            .map(|path| (path, ""))
            .into_iter()
            .collect();
        assert_eq!(files.list(Path::new("a")).expect("a"), ["b", "c"]);
        assert_eq!(files.list(Path::new("")).expect("all"), ["a"]);
        let error = files.list(Path::new("x")).expect_err("no such folder");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
