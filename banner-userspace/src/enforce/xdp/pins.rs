//! The pin directory: which files there are, whose they are, and how to be rid of them.

use std::{
    fs::{self, DirBuilder, File},
    io,
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::fs::{DirBuilderExt as _, MetadataExt as _},
    },
    path::{Path, PathBuf},
};

use aya::maps::{MapData, MapType};
use banner_common::{BANS4, BANS6, Ban, COUNTERS, MAX_NEVER, NEVER4, NEVER6, Reason, Tally};
use nix::{
    fcntl::{Flock, FlockArg},
    mount::{MsFlags, mount},
    sys::statfs::{BPF_FS_MAGIC, statfs},
};

use super::{Advice, XdpError};

/// Where the BPF file system belongs.
const BPFFS: &str = "/sys/fs/bpf";

const LINK_PREFIX: &str = "link-";
/// A BPF file system takes no name with a dot in it.
const RESIZED_SUFFIX: &str = "-resized";

/// A pin directory. While one [`Pins`] that was claimed lives, no other agent can claim it.
#[derive(Debug)]
pub(super) struct Pins {
    dir: PathBuf,
    _lock: Option<Flock<File>>,
    undo: Option<Undo>,
}

/// The directory was empty when it was claimed: what is put into it goes again when the [`Pins`] is
/// dropped, unless [`Pins::keep`] was called before.
#[derive(Debug)]
struct Undo {
    made_directory: bool,
}

impl Pins {
    /// Makes the directory, and the BPF file system under it where it can, and locks it.
    pub(super) fn claim(dir: &Path) -> Result<(Self, Vec<Advice>), XdpError> {
        let advice = ensure_bpffs(dir)?;
        let made_directory = !dir.exists();
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(pin_error("create the directory", dir))?;
        let file = File::open(dir).map_err(pin_error("open the directory", dir))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => {
                let mut pins = Self {
                    dir: dir.to_owned(),
                    _lock: Some(lock),
                    undo: None,
                };
                pins.undo = (pins.files()?.is_empty()).then_some(Undo { made_directory });
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

    /// Where a map is pinned.
    pub(super) fn map(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Where a map is pinned that will take the place of one of another size.
    pub(super) fn resized(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}{RESIZED_SUFFIX}"))
    }

    /// Where the link of an interface is pinned.
    pub(super) fn link(&self, interface: &str) -> PathBuf {
        self.dir.join(link_name(interface))
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

    /// Whether the pinned maps are what the program wants; `true`: all but the number of bans that
    /// fit, so new ban maps have to be made.
    pub(super) fn check(&self, max_bans: u32) -> Result<bool, XdpError> {
        let mut resize = false;
        for name in [BANS4, BANS6] {
            // Left by an agent that died while it changed the size.
            remove(&self.resized(name))?;
        }
        for (name, wanted) in shapes(max_bans) {
            let Some(found) = Shape::pinned(&self.map(name))? else {
                continue;
            };
            resize |= found.max_entries != wanted.max_entries;
            let same = Shape {
                max_entries: wanted.max_entries,
                ..found.clone()
            } == wanted;
            let sizeable = name == BANS4 || name == BANS6;
            if !same || (!sizeable && found.max_entries != wanted.max_entries) {
                let path = self.map(name);
                let (found, expected) = (found.to_string(), wanted.to_string());
                return Err(XdpError::Foreign {
                    path,
                    found,
                    expected,
                });
            }
        }
        Ok(resize)
    }

    fn files(&self) -> Result<Vec<String>, XdpError> {
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

/// `link-eth0`; a dot, as VLAN interfaces have it in their names, is `%2E`.
fn link_name(interface: &str) -> String {
    format!(
        "{LINK_PREFIX}{}",
        interface.replace('%', "%25").replace('.', "%2E")
    )
}

/// The inverse of [`link_name`].
fn linked_interface(file: &str) -> Option<String> {
    let name = file.strip_prefix(LINK_PREFIX)?;
    Some(name.replace("%2E", ".").replace("%25", "%"))
}

impl Drop for Pins {
    fn drop(&mut self) {
        let Some(Undo { made_directory }) = self.undo.take() else {
            return;
        };
        // Why this is undone has been told; what cannot be undone does no harm.
        for name in self.files().unwrap_or_default() {
            let _ = fs::remove_file(self.dir.join(name));
        }
        if made_directory {
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

/// What `banner detach` took away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detached {
    /// Names of the interfaces, as they were when the program was attached.
    pub interfaces: Vec<String>,
    /// Number of maps.
    pub maps: usize,
    /// Files that are not banner's, and are still there.
    pub left: Vec<PathBuf>,
    /// An agent that is still running, and whose bans are in force no more.
    pub agent: Option<u32>,
}

/// Takes the program off every interface and removes all pins. Works with or without an agent.
pub fn detach(dir: &Path) -> Result<Detached, XdpError> {
    let pins = Pins::look(dir);
    let mut detached = Detached {
        agent: owner(dir),
        ..Detached::default()
    };
    for (interface, path) in pins.links()? {
        remove(&path)?;
        detached.interfaces.push(interface);
    }
    for name in [BANS4, BANS6, NEVER4, NEVER6, COUNTERS] {
        detached.maps += usize::from(remove(&pins.map(name))?);
        remove(&pins.resized(name))?;
    }
    detached.left = pins
        .files()?
        .into_iter()
        .map(|name| dir.join(name))
        .collect();
    if detached.left.is_empty()
        && let Err(error) = fs::remove_dir(dir)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(pin_error("remove the directory", dir)(error));
    }
    Ok(detached)
}

/// Removes a file; whether it was there.
fn remove(path: &Path) -> Result<bool, XdpError> {
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

/// What distinguishes a map for the program that uses it.
#[derive(Clone, Debug, PartialEq)]
struct Shape {
    kind: MapType,
    key: u32,
    value: u32,
    max_entries: u32,
}

/// The shape of every map.
fn shapes(max_bans: u32) -> [(&'static str, Shape); 5] {
    const U32: usize = size_of::<u32>();
    let shape = |kind, key, value: usize, max_entries| Shape {
        kind,
        key,
        value: u32::try_from(value).unwrap_or(u32::MAX),
        max_entries,
    };
    [
        (BANS4, shape(MapType::Hash, 4, Ban::SIZE, max_bans)),
        (BANS6, shape(MapType::Hash, 16, Ban::SIZE, max_bans)),
        (NEVER4, shape(MapType::LpmTrie, 8, U32, 2 * MAX_NEVER)),
        (NEVER6, shape(MapType::LpmTrie, 20, U32, 2 * MAX_NEVER)),
        (
            COUNTERS,
            shape(MapType::PerCpuArray, 4, Tally::SIZE, Reason::COUNT),
        ),
    ]
}

impl Shape {
    /// That of a pinned map; `None` where nothing is pinned.
    fn pinned(path: &Path) -> Result<Option<Self>, XdpError> {
        if !path.exists() {
            return Ok(None);
        }
        let foreign = || XdpError::Foreign {
            path: path.to_owned(),
            found: "something that is no map".into(),
            expected: "a map".into(),
        };
        let map = MapData::from_pin(path).map_err(|_| foreign())?;
        let info = map.info().map_err(|_| foreign())?;
        // The kernel also answers for a program, whose first fields are others.
        let name = format!("/proc/self/fd/{}", map.fd().as_fd().as_raw_fd());
        if fs::read_link(name).is_ok_and(|name| name != Path::new("anon_inode:bpf-map")) {
            return Err(foreign());
        }
        Ok(Some(Self {
            kind: info.map_type().map_err(|_| foreign())?,
            key: info.key_size(),
            value: info.value_size(),
            max_entries: info.max_entries(),
        }))
    }
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            kind,
            key,
            value,
            max_entries,
        } = self;
        write!(
            f,
            "a {kind:?} map of {max_entries} entries ({key}-byte keys, {value}-byte values)"
        )
    }
}

/// Sees to it that `dir` is, or will be when it is made, on a BPF file system.
fn ensure_bpffs(dir: &Path) -> Result<Vec<Advice>, XdpError> {
    let is_bpffs = |path: &Path| statfs(path).is_ok_and(|fs| fs.filesystem_type() == BPF_FS_MAGIC);
    if !dir.is_absolute() {
        return Err(no_bpffs(dir, "give an absolute path as --pin-dir".into()));
    }
    let ground = dir.ancestors().find(|path| path.exists());
    let ground = ground.unwrap_or(Path::new("/"));
    if is_bpffs(ground) {
        return Ok(Vec::new());
    }
    if ground != Path::new(BPFFS) {
        let advice = format!(
            "mount one (mkdir -p {dir} && mount -t bpf bpf {dir}), or give a --pin-dir below {BPFFS}",
            dir = dir.display()
        );
        return Err(no_bpffs(dir, advice));
    }
    mount(
        Some("bpf"),
        BPFFS,
        Some("bpf"),
        MsFlags::empty(),
        Some("mode=0700"),
    )
    .map_err(|error| {
        let advice = format!(
            "mounting it failed ({}); as root: mount -t bpf bpf {BPFFS}",
            io::Error::from(error)
        );
        no_bpffs(dir, advice)
    })?;
    let mut advice = vec![Advice(format!("mounted the BPF file system at {BPFFS}"))];
    let namespace = |process: &str| fs::metadata(format!("/proc/{process}/ns/mnt"));
    let whether = match (namespace("self"), namespace("1")) {
        (Ok(own), Ok(init)) if own.ino() == init.ino() => return Ok(advice),
        (Ok(_), Ok(_)) => "",
        _ => "it cannot be told, but if ",
    };
    advice.push(Advice(format!(
        "{whether}this process has a mount namespace of its own (ip netns exec makes one): bans \
         will not outlive it, unless --pin-dir names a BPF file system that does, or {BPFFS} is \
         mounted before"
    )));
    Ok(advice)
}

fn no_bpffs(dir: &Path, advice: String) -> XdpError {
    XdpError::NoBpffs {
        path: dir.to_owned(),
        advice,
    }
}

/// The process that has locked the directory.
pub(super) fn owner(dir: &Path) -> Option<u32> {
    let locked = fs::metadata(dir).ok()?;
    let device = nix::sys::stat::major(locked.dev()) << 8 | nix::sys::stat::minor(locked.dev());
    let locks = fs::read_to_string("/proc/locks").ok()?;
    lock_owner(&locks, device, locked.ino())
}

/// `1: FLOCK  ADVISORY  WRITE 1234 00:1b:5 0 EOF`: process, device (hexadecimal), inode.
fn lock_owner(locks: &str, device: u64, inode: u64) -> Option<u32> {
    locks.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace().skip(1);
        if words.next()? != "FLOCK" {
            return None;
        }
        let pid = words.nth(2)?;
        let mut file = words.next()?.split(':');
        let major = u64::from_str_radix(file.next()?, 16).ok()?;
        let minor = u64::from_str_radix(file.next()?, 16).ok()?;
        let same = major << 8 | minor == device && file.next()?.parse() == Ok(inode);
        if same { pid.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_a_lock_is_found() {
        let locks = "1: POSIX  ADVISORY  WRITE 11 00:1b:5 0 EOF\n\
                     2: FLOCK  ADVISORY  WRITE 12 00:1b:6 0 EOF\n\
                     2: -> FLOCK  ADVISORY  WRITE 13 00:1b:5 0 EOF\n\
                     3: FLOCK  ADVISORY  WRITE 14 00:1b:5 0 EOF\n";
        assert_eq!(lock_owner(locks, 0x1b, 5), Some(14));
        assert_eq!(lock_owner(locks, 0x1c, 5), None);
        assert_eq!(lock_owner("", 0, 0), None);
    }

    #[test]
    fn interface_names_become_file_names_and_back() {
        for name in ["eth0", "eth0.100", "a%2Eb", "a%.b"] {
            let file = link_name(name);
            assert!(!file.contains('.'), "{file}");
            assert_eq!(linked_interface(&file).as_deref(), Some(name));
        }
        assert_eq!(linked_interface("BANS4"), None);
    }

    #[test]
    fn a_directory_elsewhere_is_refused_with_advice() {
        let dir = tempfile::tempdir().unwrap();
        let error = Pins::claim(&dir.path().join("pins")).unwrap_err();
        let message = error.to_string();
        assert!(message.contains("mount -t bpf bpf"), "{message}");
        assert!(message.contains(dir.path().to_str().unwrap()), "{message}");
        assert!(!dir.path().join("pins").exists());
    }

    #[test]
    fn detaching_where_nothing_is_does_nothing() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            detach(&dir.path().join("none")).unwrap(),
            Detached::default()
        );
        let foreign = dir.path().join("foreign");
        fs::write(&foreign, "").unwrap();
        assert_eq!(
            detach(dir.path()).unwrap().left.as_slice(),
            std::slice::from_ref(&foreign)
        );
        assert!(foreign.exists());
    }
}
