//! Whose a program is.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use aya::programs::{
    ProgramInfo,
    links::{FdLink, PinnedLink},
    loaded_links, loaded_programs,
};
use banner_common::{BANS4, LINEAR_PROGRAM, PROGRAM};

use super::links::{link_interface, next_descriptor};

/// How deep below a BPF file system pins are looked for, and how many files are looked at.
const DEPTH: u32 = 4;
const MOST_PINS: usize = 4096;

/// How many processes are named.
const MOST_PROCESSES: usize = 3;

/// What can be found out of a program, and of who keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The kernel's id of the program; none where it does not tell.
    pub program: Option<u32>,
    /// The name that it was loaded with.
    pub name: Option<String>,
    /// The kernel's id of the link that attaches it, if a link does.
    pub link: Option<u32>,
    /// Processes that hold it or its link: id and name.
    pub processes: Vec<(u32, String)>,
    /// Where it or its link is pinned.
    pub pin: Option<PathBuf>,
}

impl Holder {
    /// Looks in /proc and in the BPF file systems that are mounted. What cannot be read is left out.
    pub(super) fn find(program: Option<u32>) -> Self {
        let Some(id) = program else {
            return Self::default();
        };
        let info = (loaded_programs().flatten()).find(|program| program.id() == id);
        let name = info.as_ref().and_then(ProgramInfo::name_as_str);
        let mut links = loaded_links().flatten();
        Self {
            program,
            name: name.map(str::to_owned),
            link: links
                .find(|link| link.program_id() == id)
                .map(|link| link.id()),
            processes: processes(id),
            pin: pin(id, info.as_ref()),
        }
    }

    /// Whether it is another agent's. Without the capability to ask for its name, what is pinned beside
    /// it tells.
    pub fn is_banner(&self) -> bool {
        if let Some(name) = self.name.as_deref() {
            return [PROGRAM, LINEAR_PROGRAM].contains(&name);
        }
        let dir = self.pin.as_ref().and_then(|pin| pin.parent());
        dir.is_some_and(|dir| dir.join(BANS4).exists())
    }

    /// How to get rid of it.
    pub(super) fn way_out(&self, interface: &str) -> String {
        match (&self.pin, self.link) {
            (Some(pin), _) if self.is_banner() => {
                let dir = pin.parent().unwrap_or(pin).display();
                format!("banner --pin-dir {dir} --interface {interface} detach")
            }
            (Some(pin), Some(_)) => format!("through its own tool, or rm {}", pin.display()),
            (None, Some(link)) => {
                format!("through its own tool, or bpftool link detach id {link}")
            }
            (_, None) => format!("through its own tool, or ip link set dev {interface} xdp off"),
        }
    }
}

/// `program 7, xdp_fw, of process 12 (xdp-loader), pinned at /sys/fs/bpf/fw`.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(id) = self.program else {
            return f.write_str("a program that the kernel does not name");
        };
        write!(f, "program {id}")?;
        if let Some(name) = &self.name {
            write!(f, ", {name}")?;
        }
        for (n, (process, name)) in self.processes.iter().enumerate() {
            let word = if n == 0 { ", of process" } else { " and" };
            write!(f, "{word} {process} ({name})")?;
        }
        match &self.pin {
            Some(pin) if self.is_banner() => {
                write!(
                    f,
                    ", pin directory {}",
                    pin.parent().unwrap_or(pin).display()
                )
            }
            Some(pin) => write!(f, ", pinned at {}", pin.display()),
            None => Ok(()),
        }
    }
}

/// The processes that have a descriptor of the program, or of a link of it.
fn processes(program: u32) -> Vec<(u32, String)> {
    let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let mut found: Vec<_> = processes
        .filter(|&process: &u32| holds(process, program))
        .take(MOST_PROCESSES)
        .map(|process| {
            let name = fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
            (process, name.trim_end().to_owned())
        })
        .collect();
    found.sort_unstable();
    found
}

fn holds(process: u32, program: u32) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd"));
    descriptors.into_iter().flatten().flatten().any(|entry| {
        let is_bpf = |to: PathBuf| to.to_string_lossy().starts_with("anon_inode:bpf");
        if !fs::read_link(entry.path()).is_ok_and(is_bpf) {
            return false;
        }
        let Ok(number) = entry.file_name().into_string() else {
            return false;
        };
        let info = fs::read_to_string(format!("/proc/{process}/fdinfo/{number}"));
        info.is_ok_and(|info| field(&info, "prog_id") == Some(program))
    })
}

/// A number in the fdinfo of a program or a link.
pub(super) fn field(fdinfo: &str, name: &str) -> Option<u32> {
    let value = fdinfo
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().parse().ok()
}

/// Where the program, or a link of it, is pinned.
fn pin(id: u32, program: Option<&ProgramInfo>) -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mut left = MOST_PINS;
    bpf_mounts(&mounts)
        .into_iter()
        .find_map(|dir| pin_below(&dir, DEPTH, &mut left, &|path| is_pin_of(path, id, program)))
}

fn pin_below(
    dir: &Path,
    depth: u32,
    left: &mut usize,
    wanted: &impl Fn(&Path) -> bool,
) -> Option<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(dir).ok()?.flatten().collect();
    entries.sort_unstable_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        *left = left.checked_sub(1)?;
        let kind = entry.file_type().ok()?;
        if kind.is_dir() && depth > 1 {
            if let Some(found) = pin_below(&path, depth - 1, left, wanted) {
                return Some(found);
            }
        } else if kind.is_file() && wanted(&path) {
            return Some(path);
        }
    }
    None
}

/// What the kernel answers for a map looks like an answer for a link or a program, so a second
/// mark has to agree.
fn is_pin_of(path: &Path, id: u32, program: Option<&ProgramInfo>) -> bool {
    let next = next_descriptor();
    if let Ok(pinned) = PinnedLink::from_pin(path) {
        let link = FdLink::from(pinned);
        if let Ok(info) = link.info()
            && info.program_id() == id
            && link_interface(info.id(), next).is_some()
        {
            return true;
        }
    }
    program.is_some_and(|program| {
        let pinned = ProgramInfo::from_pin(path);
        pinned.is_ok_and(|pinned| {
            (pinned.id(), pinned.tag(), pinned.name()) == (id, program.tag(), program.name())
        })
    })
}

/// Where BPF file systems are mounted, by /proc/self/mountinfo.
fn bpf_mounts(mountinfo: &str) -> Vec<PathBuf> {
    let mounts = mountinfo.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let at = before.split(' ').nth(4)?;
        after.starts_with("bpf ").then(|| PathBuf::from(at))
    });
    let mut mounts: Vec<_> = mounts.collect();
    mounts.dedup();
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_of_bpf_file_systems_are_found() {
        let mounts = "30 24 0:27 / /sys/fs/bpf rw,nosuid shared:11 - bpf bpf rw,mode=700\n\
                      31 24 0:28 / /bpf rw - tmpfs bpf rw\n32 24 0:29 / /run/b rw - bpf none rw\n";
        let found = bpf_mounts(mounts);
        assert_eq!(found, [Path::new("/sys/fs/bpf"), Path::new("/run/b")]);
    }

    #[test]
    fn a_holder_is_named_with_all_that_is_known_and_with_the_way_out() {
        let mut holder = Holder {
            program: Some(7),
            name: Some("fw".into()),
            ..Holder::default()
        };
        assert_eq!(holder.to_string(), "program 7, fw");
        let out = holder.way_out("eth0");
        assert!(out.contains("ip link set dev eth0 xdp off"), "{out}");
        holder.link = Some(3);
        let out = holder.way_out("eth0");
        assert!(out.contains("bpftool link detach id 3"), "{out}");
        holder.processes = vec![(12, "loader".into()), (13, "x".into())];
        holder.pin = Some("/sys/fs/bpf/fw/link".into());
        assert_eq!(
            holder.to_string(),
            "program 7, fw, of process 12 (loader) and 13 (x), pinned at /sys/fs/bpf/fw/link"
        );
        assert!(holder.way_out("eth0").contains("rm /sys/fs/bpf/fw/link"));
        holder.name = Some(LINEAR_PROGRAM.into());
        assert!(holder.is_banner());
        holder.name = Some(PROGRAM.into());
        assert!(holder.to_string().ends_with("pin directory /sys/fs/bpf/fw"));
        assert_eq!(
            holder.way_out("eth0"),
            "banner --pin-dir /sys/fs/bpf/fw --interface eth0 detach"
        );
        assert!(Holder::default().to_string().contains("does not name"));
    }

    #[test]
    fn numbers_are_found_in_fdinfo() {
        let info = "pos:\t0\nlink_id:\t7\nprog_id:\t40\n";
        assert_eq!(field(info, "prog_id"), Some(40));
        assert_eq!(field(info, "prog"), None);
    }
}
