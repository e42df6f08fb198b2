//! The program on interfaces.

use std::{fs, io, path::Path};

use aya::programs::{
    ProgramError, Xdp as Program, XdpError as AyaXdpError, XdpMode as AyaMode,
    links::{FdLink, PinnedLink},
    loaded_programs,
    xdp::XdpLink,
};
use banner_common::PROGRAM;

use super::{Xdp, XdpError, object, pins::pin_error};
use crate::netlink::{Interface, XdpMode};

/// The program on one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name of the interface.
    pub interface: String,
    /// Its index.
    pub index: u32,
    /// Where the program runs.
    pub mode: XdpMode,
    /// Why not natively, where it is not.
    pub why_not_native: Option<String>,
    /// The program took the place of an earlier agent's, without a gap.
    pub replaced: bool,
}

/// Why the program is not on an interface.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Another program holds the interface's only XDP slot.
    #[error(
        "another XDP program holds the slot ({holder}), and an interface has only one. Remove it \
         (ip link set dev {interface} xdp off, or through its own tool), or leave {interface} out"
    )]
    Taken {
        /// Name of the interface.
        interface: String,
        /// The other program.
        holder: String,
    },
    /// The program would take other bytes for the addresses, and drop nothing.
    #[error("its packets have no Ethernet header, so the program cannot read them; leave it out")]
    NoEthernet,
    /// Neither native nor generic XDP.
    #[error("it takes no XDP program; native: {native}; generic: {generic}")]
    Unsupported {
        /// The kernel's word on native XDP.
        native: String,
        /// The kernel's word on generic XDP.
        generic: String,
    },
    /// Something else.
    #[error(transparent)]
    Other(#[from] Box<XdpError>),
}

impl From<XdpError> for AttachError {
    fn from(error: XdpError) -> Self {
        Self::Other(Box::new(error))
    }
}

impl Xdp {
    /// Attaches the program to an interface, natively if the driver can, and pins the link. Where
    /// an earlier agent's program is, it is replaced in one step.
    pub fn attach(&mut self, interface: &Interface) -> Result<&Attachment, AttachError> {
        let attachment = match self.replace(interface)? {
            Some(attachment) => attachment,
            None => self.attach_anew(interface)?,
        };
        self.links.retain(|known| known.index != attachment.index);
        self.links.push(attachment);
        Ok(&self.links[self.links.len() - 1])
    }

    /// Takes the program off the interfaces where an earlier agent put it and this one did not.
    /// Their names, as they were then.
    pub fn detach_others(&mut self) -> Result<Vec<String>, XdpError> {
        let mut others = Vec::new();
        for (interface, path) in self.pins.links()? {
            let own = |link: &Attachment| self.pins.link(&link.interface) == path;
            if !self.links.iter().any(own) && pinned_link(&path).is_ok() {
                fs::remove_file(&path).map_err(pin_error("remove", &path))?;
                others.push(interface);
            }
        }
        Ok(others)
    }

    /// Puts this program in the place of the one that the pinned link of this interface has.
    fn replace(&mut self, interface: &Interface) -> Result<Option<Attachment>, XdpError> {
        let wanted = self.pins.link(&interface.name);
        for (_, path) in self.pins.links()? {
            let link = match pinned_link(&path) {
                Ok((link, index)) if index == interface.index => link,
                // Not removed as one that is over would be: it is somebody else's.
                Err(foreign) if path == wanted => return Err(foreign),
                _ => continue,
            };
            self.swap(link, &path)?;
            if path != wanted {
                // The interface was renamed.
                fs::rename(&path, &wanted).map_err(pin_error("rename", &path))?;
            }
            let mode = interface.xdp.map_or(XdpMode::Native, |slot| slot.mode);
            // A program is replaced where it is: to try natively would mean a gap.
            let why_not_native = (mode == XdpMode::Generic).then(|| {
                "an earlier agent had to attach so; banner detach and a start try again".to_owned()
            });
            return Ok(Some(Attachment {
                interface: interface.name.clone(),
                index: interface.index,
                mode,
                why_not_native,
                replaced: true,
            }));
        }
        // A link of an interface of this name that is gone.
        match fs::remove_file(&wanted) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(pin_error("remove", &wanted)(error))
            }
            _ => Ok(None),
        }
    }

    /// Replaces the program of every pinned link, then the pinned ban maps by the resized ones.
    pub(super) fn swap_resized(&mut self) -> Result<(), XdpError> {
        for (_, path) in self.pins.links()? {
            if let Ok((link, index)) = pinned_link(&path)
                && index != GONE
            {
                self.swap(link, &path)?;
            }
        }
        for map in [banner_common::BANS4, banner_common::BANS6] {
            let resized = self.pins.resized(map);
            fs::rename(&resized, self.pins.map(map)).map_err(pin_error("rename", &resized))?;
        }
        Ok(())
    }

    fn swap(&mut self, link: FdLink, path: &Path) -> Result<(), XdpError> {
        let link = XdpLink::try_from(link).map_err(|_| XdpError::Foreign {
            path: path.to_owned(),
            found: "something that is no link of an XDP program".into(),
            expected: "one".into(),
        })?;
        let program = object::program(&mut self.program, PROGRAM)?;
        let id = program.attach_to_link(link)?;
        // The pin keeps the link; held by nothing else, it goes when the pin goes.
        drop(program.take_link(id)?);
        Ok(())
    }

    fn attach_anew(&mut self, interface: &Interface) -> Result<Attachment, AttachError> {
        let taken = |xdp: &Interface| AttachError::Taken {
            interface: interface.name.clone(),
            holder: holder(xdp),
        };
        if !interface.ethernet {
            return Err(AttachError::NoEthernet);
        }
        if interface.xdp.is_some() {
            return Err(taken(interface));
        }
        let path = self.pins.link(&interface.name);
        let program = object::program(&mut self.program, PROGRAM)?;
        let mut attach = |mode| attach(program, interface.index, mode, &path);
        let (mode, why_not_native) = match attach(AyaMode::Driver) {
            Ok(()) => (XdpMode::Native, None),
            Err(AttachFailure::Kernel(native)) => match attach(AyaMode::Skb) {
                Ok(()) => (XdpMode::Generic, Some(native.why_not_native())),
                Err(AttachFailure::Kernel(generic)) => {
                    if let Some(nix::libc::EBUSY | nix::libc::EEXIST) = generic.code {
                        return Err(taken(interface));
                    }
                    return Err(AttachError::Unsupported {
                        native: native.words,
                        generic: generic.words,
                    });
                }
                Err(AttachFailure::Other(error)) => return Err(error.into()),
            },
            Err(AttachFailure::Other(error)) => return Err(error.into()),
        };
        Ok(Attachment {
            interface: interface.name.clone(),
            index: interface.index,
            mode,
            why_not_native,
            replaced: false,
        })
    }
}

enum AttachFailure {
    /// The kernel would not have it.
    Kernel(Refusal),
    Other(XdpError),
}

/// The kernel's word.
struct Refusal {
    code: Option<i32>,
    words: String,
}

impl Refusal {
    /// With what most often is behind it: the kernel gives a number, the driver's own message is
    /// seldom passed on.
    fn why_not_native(&self) -> String {
        let hint = match self.code {
            Some(nix::libc::EOPNOTSUPP) => {
                "the driver has none, or none with the MTU and offloads that are set"
            }
            Some(nix::libc::EINVAL | nix::libc::ERANGE) => {
                "the MTU, or that of a veth's peer, may be too large for it"
            }
            _ => return self.words.clone(),
        };
        format!("{}; {hint}", self.words)
    }
}

/// Attaches and pins.
fn attach(
    program: &mut Program,
    index: u32,
    mode: AyaMode,
    path: &Path,
) -> Result<(), AttachFailure> {
    let id = program
        .attach_to_if_index(index, mode)
        .map_err(|error| match error {
            ProgramError::SyscallError(error) => AttachFailure::Kernel(Refusal {
                code: error.io_error.raw_os_error(),
                words: error.io_error.to_string(),
            }),
            // Here the driver's own message comes with it.
            ProgramError::XdpError(AyaXdpError::NetlinkError(error)) => {
                AttachFailure::Kernel(Refusal {
                    code: error.raw_os_error(),
                    words: error.to_string(),
                })
            }
            error => AttachFailure::Other(error.into()),
        })?;
    let link = program
        .take_link(id)
        .map_err(|error| AttachFailure::Other(error.into()))?;
    let pinned = FdLink::try_from(link)
        .map_err(io::Error::other)
        .and_then(|link| link.pin(path).map(drop).map_err(io::Error::other));
    pinned.map_err(|error| AttachFailure::Other(pin_error("pin the link", path)(error)))
}

/// The index of an interface that is gone.
const GONE: u32 = 0;

/// A pinned link, and the interface that it is on or [`GONE`].
fn pinned_link(path: &Path) -> Result<(FdLink, u32), XdpError> {
    let link = PinnedLink::from_pin(path).map(FdLink::from).ok();
    let found = link.and_then(|link| {
        let index = link_interface(&link)?;
        Some((link, index))
    });
    found.ok_or_else(|| XdpError::Foreign {
        path: path.to_owned(),
        found: "something that is no link to an interface".into(),
        expected: "the link of an XDP program".into(),
    })
}

/// The interface that a link is on; [`GONE`] when it is gone. The kernel tells it in the fdinfo
/// of the link (`bpf_xdp_link_show_fdinfo`), whose descriptor aya keeps to itself.
fn link_interface(link: &FdLink) -> Option<u32> {
    let id = link.info().ok()?.id();
    let files = fs::read_dir("/proc/self/fdinfo").ok()?;
    files
        .flatten()
        .find_map(|file| interface_in(&fs::read_to_string(file.path()).ok()?, id))
}

fn interface_in(fdinfo: &str, link: u32) -> Option<u32> {
    let field = |name: &str| {
        let value = fdinfo
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        value.trim().parse::<u32>().ok()
    };
    if field("link_id")? == link {
        field("ifindex")
    } else {
        None
    }
}

/// Whose program is on an interface.
fn holder(interface: &Interface) -> String {
    let Some(id) = interface.xdp.and_then(|slot| slot.program) else {
        return "unknown".into();
    };
    let name = (loaded_programs().flatten())
        .find(|program| program.id() == id)
        .and_then(|program| program.name_as_str().map(str::to_owned));
    format!(
        "program {id}{}",
        name.map_or_else(String::new, |name| format!(", {name}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interface_of_a_link_is_in_its_fdinfo() {
        let fdinfo = "pos:\t0\nflags:\t02000002\nlink_type:\txdp\nlink_id:\t7\nprog_tag:\tabc\n\
                      prog_id:\t40\nifindex:\t3\n";
        assert_eq!(interface_in(fdinfo, 7), Some(3));
        assert_eq!(interface_in(fdinfo, 8), None);
        assert_eq!(interface_in("pos:\t0\n", 7), None);
    }
}
