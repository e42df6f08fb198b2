//! The program on interfaces.

use std::{fs, io, path::Path};

use aya::programs::{
    ProgramError, Xdp as Program, XdpError as AyaXdpError, XdpMode as AyaMode, links::FdLink,
    loaded_programs, xdp::XdpLink,
};
use banner_common::PROGRAM;

use super::{
    Xdp, XdpError,
    links::{Link, interfaces},
    object,
    pins::pin_error,
};
use crate::netlink::{Interface, XdpMode};

/// The program on one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name of the interface.
    pub interface: String,
    /// Its index.
    pub index: u32,
    /// The kernel's id of the program.
    pub program: u32,
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
        // As it is now: a change of size has replaced the programs of the pinned links.
        let interfaces = interfaces()?;
        let same = |now: &&Interface| now.index == interface.index;
        let interface = interfaces.iter().find(same).unwrap_or(interface);
        let attachment = match self.replace(interface)? {
            Some(attachment) => attachment,
            None => self.attach_anew(interface)?,
        };
        self.links.retain(|known| known.index != attachment.index);
        self.links.push(attachment);
        Ok(&self.links[self.links.len() - 1])
    }

    /// Puts this program in the place of the one that the pinned link of this interface has.
    fn replace(&mut self, interface: &Interface) -> Result<Option<Attachment>, XdpError> {
        let wanted = self.pins.link(&interface.name);
        for (_, path) in self.pins.links()? {
            let link = match Link::open(&path) {
                Ok(link) if link.is_on(interface) => link.fd,
                Err(foreign) if path == wanted => return Err(foreign),
                _ => continue,
            };
            if path != wanted {
                // The interface was renamed.
                self.make_room(&interface.name)?;
                fs::rename(&path, &wanted).map_err(pin_error("rename", &path))?;
            }
            self.swap(link, &wanted)?;
            let mode = interface.xdp.map_or(XdpMode::Native, |slot| slot.mode);
            // A program is replaced where it is: to try natively would mean a gap.
            let why_not_native = (mode == XdpMode::Generic).then(|| {
                "an earlier agent had to attach so; banner detach and a start try again".to_owned()
            });
            return Ok(Some(Attachment {
                interface: interface.name.clone(),
                index: interface.index,
                program: self.program_id()?,
                mode,
                why_not_native,
                replaced: true,
            }));
        }
        Ok(None)
    }

    /// Replaces the program of every pinned link, then the pinned ban maps by the resized ones.
    pub(super) fn swap_resized(&mut self) -> Result<(), XdpError> {
        for (_, path) in self.pins.links()? {
            if let Ok(link) = Link::open(&path)
                && !link.is_over()
            {
                self.swap(link.fd, &path)?;
            }
        }
        for map in [banner_common::BANS4, banner_common::BANS6] {
            let resized = self.pins.resized(map);
            fs::rename(&resized, self.pins.map(map)).map_err(pin_error("rename", &resized))?;
        }
        Ok(())
    }

    fn program_id(&mut self) -> Result<u32, XdpError> {
        let program = object::program(&mut self.program, PROGRAM)?;
        Ok(program.info()?.id())
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
        self.make_room(&interface.name)?;
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
            program: self.program_id()?,
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
