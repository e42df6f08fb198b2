//! The pin directory: which files there are, whose they are, and how to be rid of them.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use banner_common::{BANS4, BANS6, COUNTERS};
use nix::fcntl::{Flock, FlockArg};

use super::super::lock::owner;
use super::{
    Advice, XdpError,
    access::check_access,
    bpffs, migrate,
    names::{LINK_PREFIX, TCX_PREFIX, hooked_interface, interface_in, link_name, linked_interface},
    shape::{Shape, counters, first_counters, shapes},
};

const COUNTERS_PREFIX: &str = "counters-";
/// A BPF file system takes no name with a dot in it.
const RESIZED_SUFFIX: &str = "-resized";

/// A pin directory. While one [`Pins`] that was claimed lives, no other agent can claim it.
#[derive(Debug)]
pub(super) struct Pins {
    dir: PathBuf,
    _lock: Option<Flock<File>>,
    undo: Option<Undo>,
}

/// What is put into the directory goes again when the [`Pins`] is dropped, unless [`Pins::keep`] was
/// called before.
#[derive(Debug)]
struct Undo {
    made_directory: bool,
    /// What was there before.
    files: Vec<String>,
}

/// A pinned ban map that cannot stay as it is: another one takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remade {
    /// Its name.
    pub(super) map: &'static str,
    /// Size of the values that it has.
    pub(super) value: usize,
    /// Entries that the other one has room for.
    pub(super) places: usize,
}

impl Pins {
    /// Makes the directory, and the BPF file system under it where it can, and locks it. A
    /// directory that others can write to is refused.
    pub(super) fn claim(dir: &Path) -> Result<(Self, Vec<Advice>), XdpError> {
        let advice = bpffs::ensure(dir)?;
        let made_directory = !dir.exists();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(pin_error("create the directory", dir))?;
        let file = File::open(dir).map_err(pin_error("open the directory", dir))?;
        check_access(&file, dir)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                let mut pins = Self {
                    dir: dir.to_owned(),
                    _lock: Some(lock),
                    undo: None,
                };
                pins.undo = Some(Undo {
                    made_directory,
                    files: pins.files()?,
                });
                Ok((pins, advice))
            }
            Err((_, nix::Error::EWOULDBLOCK)) => Err(XdpError::Busy {
                path: dir.to_owned(),
                pid: owner(dir),
            }),
            Err((_, error)) => Err(pin_error("lock the directory", dir)(error.into())),
        }
    }

    /// Without a lock, to look.
    pub(super) fn look(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            _lock: None,
            undo: None,
        }
    }

    /// What is pinned outlives this value from now on.
    pub(super) fn keep(&mut self) {
        self.undo = None;
    }

    /// The pin directory.
    pub(super) fn folder(&self) -> &Path {
        &self.dir
    }

    /// Where a map is pinned.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Where a map is pinned that will take the place of one of another size.
    pub(super) fn resized(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}{RESIZED_SUFFIX}"))
    }

    /// Where the XDP link of an interface is pinned.
    pub(super) fn link(&self, interface: &str) -> PathBuf {
        self.dir.join(link_name(LINK_PREFIX, interface))
    }

    /// Where the tcx link of an interface is pinned.
    pub(super) fn tcx(&self, interface: &str) -> PathBuf {
        self.dir.join(link_name(TCX_PREFIX, interface))
    }

    /// The pinned links: interface names as they were when they were pinned, and paths.
    pub(super) fn links(&self) -> Result<Vec<(String, PathBuf)>, XdpError> {
        let mut links = Vec::new();
        for name in self.files()? {
            if let Some(interface) = linked_interface(&name) {
                links.push((interface, self.dir.join(&name)));
            }
        }
        Ok(links)
    }

    /// Whether the pinned maps are what the program wants, or what it can make that of. The ban maps
    /// that have to be made anew.
    pub(super) fn check(&self, max_bans: u32) -> Result<Vec<Remade>, XdpError> {
        let mut remade = Vec::new();
        for (map, wanted) in shapes(max_bans) {
            let path = self.map(map);
            match Shape::pinned(&path)? {
                Some(found) if found != wanted => {
                    let value = found.value();
                    if !found.is_kin(&wanted) || !migrate::can_read(map, value) {
                        return Err(foreign(path, &found, &wanted));
                    }
                    remade.push(Remade {
                        map,
                        value,
                        places: max_bans as usize,
                    });
                }
                _ => {}
            }
        }
        let each = self.files()?.into_iter();
        let each = each.filter(|name| name.starts_with(COUNTERS_PREFIX));
        let each = each.map(|name| (self.dir.join(name), counters()));
        for (path, wanted) in each.chain([(self.map(COUNTERS), first_counters())]) {
            if let Some(found) = Shape::pinned(&path)?
                && found != wanted
            {
                return Err(foreign(path, &found, &wanted));
            }
        }
        // Left by an agent that died while it made maps anew.
        for name in [BANS4, BANS6] {
            remove(&self.resized(name))?;
        }
        Ok(remade)
    }

    /// The new maps take the place of those that they were made for, after all links have programs
    /// that use them. Whoever dies in between leaves the old ones with the same bans.
    pub(super) fn settle(&mut self, remade: &[Remade]) -> Result<(), XdpError> {
        for Remade { map, .. } in remade {
            let resized = self.resized(map);
            fs::rename(&resized, self.map(map)).map_err(pin_error("rename", &resized))?;
        }
        remove(&self.map(COUNTERS))?;
        Ok(())
    }

    /// Where the counters of the interface are pinned whose link is.
    pub(super) fn counters(&self, link: &Path) -> PathBuf {
        let link = link.file_name().and_then(|name| name.to_str());
        let interface = link.and_then(hooked_interface).unwrap_or_default();
        self.dir.join(format!("{COUNTERS_PREFIX}{interface}"))
    }

    /// The pinned counters: interface names as they were when they were pinned, and paths.
    pub(super) fn all_counters(&self) -> Result<Vec<(String, PathBuf)>, XdpError> {
        let counters = |name: String| {
            let interface = interface_in(name.strip_prefix(COUNTERS_PREFIX)?);
            Some((interface, self.dir.join(&name)))
        };
        Ok(self.files()?.into_iter().filter_map(counters).collect())
    }

    /// A link goes, and the counters of its program with it unless the other hook of the interface
    /// has a program that uses them, too.
    pub(super) fn remove_link(&self, link: &Path) -> Result<(), XdpError> {
        remove(link)?;
        let counters = self.counters(link);
        if self.are_in_use(&counters)? {
            return Ok(());
        }
        remove(&counters).map(drop)
    }

    /// Whether a link is pinned whose program uses these counters.
    pub(super) fn are_in_use(&self, counters: &Path) -> Result<bool, XdpError> {
        let links = self.links()?;
        Ok(links
            .iter()
            .any(|(_, link)| self.counters(link) == counters))
    }

    /// A link and the counters of its program have another name.
    pub(super) fn rename_link(&mut self, from: &Path, to: &Path) -> Result<(), XdpError> {
        fs::rename(from, to).map_err(pin_error("rename", from))?;
        self.renamed(from, to);
        let (from, to) = (self.counters(from), self.counters(to));
        if self.are_in_use(&from)? {
            return Ok(());
        }
        match fs::rename(&from, &to) {
            Ok(()) => self.renamed(&from, &to),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(pin_error("rename", &from)(error)),
        }
        Ok(())
    }

    /// What was there before still was, under its new name; what gets the old one was not.
    fn renamed(&mut self, from: &Path, to: &Path) {
        if let Some(undo) = &mut self.undo
            && let Some(file) = (undo.files.iter_mut()).find(|file| self.dir.join(file) == from)
            && let Some(name) = to.file_name().and_then(|name| name.to_str())
        {
            name.clone_into(file);
        }
    }

    /// What an agent left that died between two steps goes: counters without a link, and those that
    /// were before each interface had its own, when the maps are of today.
    pub(super) fn sweep(&self, remade: &[Remade]) -> Result<(), XdpError> {
        if remade.is_empty() {
            remove(&self.map(COUNTERS))?;
        }
        for (_, counters) in self.all_counters()? {
            if !self.are_in_use(&counters)? {
                remove(&counters)?;
            }
        }
        Ok(())
    }

    /// Names of everything in the directory.
    pub(super) fn files(&self) -> Result<Vec<String>, XdpError> {
        let error = pin_error("read the directory", &self.dir);
        let entries = match fs::read_dir(&self.dir) {
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(error)?,
        };
        let mut names: Vec<_> = (entries.flatten())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .collect();
        names.sort_unstable();
        Ok(names)
    }
}

fn foreign(path: PathBuf, found: &Shape, expected: &Shape) -> XdpError {
    XdpError::Foreign {
        path,
        found: found.to_string(),
        expected: expected.to_string(),
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        let Some(undo) = self.undo.take() else {
            return;
        };
        let Undo {
            made_directory,
            files,
        } = undo;
        // Why this is undone has been told; what cannot be undone does no harm.
        for name in self.files().unwrap_or_default() {
            if !files.contains(&name) {
                let _ = fs::remove_file(self.dir.join(name));
            }
        }
        if made_directory {
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

/// Removes a file; whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, XdpError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(pin_error("remove", path)(error)),
    }
}

pub(super) fn pin_error(
    operation: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> XdpError {
    let path = path.to_owned();
    move |source| XdpError::Pin {
        operation,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::names::link_aside, *};

    #[test]
    fn interface_names_become_file_names_and_back() {
        for name in ["eth0", "eth0.100", "a%2Eb", "a%.b"] {
            let file = link_name(LINK_PREFIX, name);
            assert!(!file.contains('.'), "{file}");
            assert_eq!(linked_interface(&file).as_deref(), Some(name));
            let file = link_name(TCX_PREFIX, name);
            assert_eq!(linked_interface(&file).as_deref(), Some(name));
        }
        let pins = Pins::look(Path::new("/p"));
        let aside = link_aside(&pins.link("eth0.100"), 7);
        assert_eq!(aside, Path::new("/p/link-eth0%2E100:7"));
        let aside = linked_interface("link-eth0%2E100:7");
        assert_eq!(aside.as_deref(), Some("eth0.100"));
        assert_eq!(linked_interface("BANS4"), None);
    }

    #[test]
    fn an_undo_leaves_what_was_there_before_under_its_new_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut pins = Pins::look(dir.path());
        for earlier in ["counters-eth0", "link-eth0"] {
            fs::write(dir.path().join(earlier), "").unwrap();
        }
        pins.undo = Some(Undo {
            made_directory: false,
            files: pins.files().unwrap(),
        });
        let (from, to) = (pins.link("eth0"), pins.link("wan"));
        pins.rename_link(&from, &to).unwrap();
        for own in [&from, &pins.counters(&from), &pins.tcx("wan")] {
            fs::write(own, "").unwrap();
        }
        drop(pins);
        let left = Pins::look(dir.path()).files().unwrap();
        assert_eq!(left, ["counters-wan", "link-wan"]);
    }

    #[test]
    fn a_directory_elsewhere_is_refused_with_advice() {
        let dir = tempfile::tempdir().unwrap();
        let error = Pins::claim(&dir.path().join("pins")).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("mount -t bpf -o mode=0700 bpf"),
            "{message}"
        );
        assert!(message.contains(dir.path().to_str().unwrap()), "{message}");
        assert!(!dir.path().join("pins").exists());
    }
}
