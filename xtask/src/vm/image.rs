//! The initramfs: programs where they lie on this machine, with the libraries they are linked to.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Component, Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use cpio::newc;

use crate::command;

/// A file system in the making. Everything belongs to root.
#[derive(Default)]
pub(super) struct Image {
    entries: BTreeMap<PathBuf, Entry>,
}

enum Entry {
    Folder,
    Link(PathBuf),
    /// A file of this machine.
    Copy(PathBuf),
    /// Bytes of a file that can be executed when `true`.
    Bytes(Vec<u8>, bool),
}

/// File types in a mode (include/uapi/linux/stat.h).
const FOLDER: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const LINK: u32 = 0o120_000;

impl Image {
    /// The program at `path` of this machine, at the same path, with its libraries and the symbolic
    /// links on the way to them.
    pub(super) fn program(&mut self, path: &Path) -> Result<()> {
        self.copy(path)?;
        let linked = command::read(Command::new("ldd").arg(path))
            .with_context(|| format!("libraries of {}", path.display()))?;
        for library in libraries(&linked) {
            self.copy(&library)?;
        }
        Ok(())
    }

    /// The file at `path` of this machine, at the same path.
    pub(super) fn copy(&mut self, path: &Path) -> Result<()> {
        let mut place = PathBuf::from("/");
        let mut components = path.components();
        while let Some(component) = components.next() {
            match component {
                Component::Normal(name) => place.push(name),
                Component::ParentDir => {
                    place.pop();
                    continue;
                }
                _ => continue,
            }
            let kind = fs::symlink_metadata(&place)
                .with_context(|| format!("looking at {}", place.display()))?;
            if kind.is_symlink() {
                let target = fs::read_link(&place)
                    .with_context(|| format!("reading the link {}", place.display()))?;
                let folder = place.parent().unwrap_or(Path::new("/"));
                let rest = folder.join(&target).join(components.as_path());
                self.entries.insert(place, Entry::Link(target));
                return self.copy(&rest);
            }
            let entry = if kind.is_dir() {
                Entry::Folder
            } else {
                Entry::Copy(place.clone())
            };
            self.entries.insert(place.clone(), entry);
        }
        Ok(())
    }

    /// A file at `path` with these bytes, that can be executed when `executable`.
    pub(super) fn file(&mut self, path: &str, bytes: Vec<u8>, executable: bool) {
        self.folders(Path::new(path).parent());
        self.entries
            .insert(path.into(), Entry::Bytes(bytes, executable));
    }

    /// An empty folder at `path`.
    pub(super) fn folder(&mut self, path: &str) {
        self.folders(Some(Path::new(path)));
    }

    fn folders(&mut self, path: Option<&Path>) {
        for folder in path.into_iter().flat_map(Path::ancestors) {
            if folder != Path::new("/") {
                self.entries
                    .entry(folder.to_path_buf())
                    .or_insert(Entry::Folder);
            }
        }
    }

    /// Writes it to `path` as the kernel reads it (Documentation/driver-api/early-userspace), and
    /// returns its size in bytes.
    pub(super) fn write(&self, path: &Path) -> Result<u64> {
        let writing = || format!("writing {}", path.display());
        let mut file = BufWriter::new(File::create(path).with_context(writing)?);
        for (number, (place, entry)) in (1..).zip(&self.entries) {
            let name = place.strip_prefix("/").unwrap_or(place);
            let (mode, bytes) = match entry {
                Entry::Folder => (FOLDER | 0o755, Vec::new()),
                Entry::Link(target) => {
                    (LINK | 0o777, target.as_os_str().as_encoded_bytes().to_vec())
                }
                Entry::Copy(from) => {
                    let bytes =
                        fs::read(from).with_context(|| format!("reading {}", from.display()))?;
                    (REGULAR | 0o755, bytes)
                }
                Entry::Bytes(bytes, true) => (REGULAR | 0o755, bytes.clone()),
                Entry::Bytes(bytes, false) => (REGULAR | 0o644, bytes.clone()),
            };
            let length = u32::try_from(bytes.len())
                .with_context(|| format!("{} is too large", place.display()))?;
            let builder = newc::Builder::new(&name.to_string_lossy())
                .ino(number)
                .mode(mode)
                .nlink(1);
            let mut writer = builder.write(&mut file, length);
            writer.write_all(&bytes).with_context(writing)?;
            writer.finish().with_context(writing)?;
        }
        newc::trailer(&mut file).with_context(writing)?;
        file.flush().with_context(writing)?;
        Ok(fs::metadata(path).with_context(writing)?.len())
    }
}

/// The paths in what `ldd` prints: after `=>`, or alone for the loader.
fn libraries(linked: &str) -> Vec<PathBuf> {
    linked
        .lines()
        .filter_map(|line| {
            let file = line.rsplit("=> ").next()?;
            let path = file.split(" (0x").next()?.trim();
            path.starts_with('/').then(|| path.into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_what_ldd_prints() {
        let linked = "\tlinux-vdso.so.1 (0x00007ffe)\n\
                      \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f83)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f84)\n";
        let expected = [
            "/lib/x86_64-linux-gnu/libc.so.6",
            "/lib64/ld-linux-x86-64.so.2",
        ];
        assert_eq!(libraries(linked), expected.map(PathBuf::from));
    }

    #[test]
    fn links_on_the_way_are_kept_and_followed() {
        let machine = tempfile::tempdir().unwrap();
        let root = machine.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("usr/bin")).unwrap();
        fs::write(root.join("usr/bin/tool-2"), "#!").unwrap();
        std::os::unix::fs::symlink("tool-2", root.join("usr/bin/tool")).unwrap();
        std::os::unix::fs::symlink("usr/bin", root.join("bin")).unwrap();
        let mut image = Image::default();
        image.copy(&root.join("bin/tool")).unwrap();
        let found: Vec<_> = image
            .entries
            .iter()
            .filter_map(|(place, entry)| {
                let place = place.strip_prefix(&root).ok()?.display();
                match entry {
                    Entry::Link(target) => Some(format!("{place} -> {}", target.display())),
                    Entry::Copy(_) => Some(place.to_string()),
                    _ => None,
                }
            })
            .collect();
        assert_eq!(
            found,
            ["bin -> usr/bin", "usr/bin/tool -> tool-2", "usr/bin/tool-2"]
        );
    }
}
