//! The pinned links: which interface each of them is on, and room for others.

use std::{
    fs::{self, File},
    os::fd::{AsRawFd as _, RawFd},
    path::{Path, PathBuf},
};

use aya::programs::links::{FdLink, LinkType, PinnedLink};

use super::{Attachment, Xdp, XdpError, holder::field, names::link_aside, pins::Pins, tcx};
use crate::netlink::{Interface, Network};

/// The index of an interface that is gone.
const GONE: u32 = 0;

/// A link, as its pin has it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) fd: FdLink,
    pub(super) id: u32,
    /// Of the interface, in whatever network namespace that is; or [`GONE`].
    index: u32,
    pub(super) program: u32,
    pub(super) hook: Hook,
}

/// Where a link attaches its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hook {
    Xdp,
    Tcx,
}

impl Link {
    /// Fails where something else is pinned.
    pub(super) fn open(path: &Path) -> Result<Self, XdpError> {
        let next = next_descriptor();
        let link = PinnedLink::from_pin(path).map(FdLink::from).ok();
        let found = link.and_then(|link| {
            let info = link.info().ok()?;
            let (id, program) = (info.id(), info.program_id());
            let hook = match info.link_type() {
                Ok(LinkType::Tcx) => Hook::Tcx,
                _ => Hook::Xdp,
            };
            Some(Self {
                index: link_interface(id, next)?,
                fd: link,
                id,
                program,
                hook,
            })
        });
        found.ok_or_else(|| XdpError::Foreign {
            path: path.to_owned(),
            found: "something that is no link to an interface".into(),
            expected: "the link of an XDP program".into(),
        })
    }

    /// None when nothing is pinned there, which is not the same as a pin that cannot be opened now.
    pub(super) fn open_if_there(path: &Path) -> Result<Option<Self>, XdpError> {
        match Self::open(path) {
            Ok(link) => Ok(Some(link)),
            Err(_) if matches!(path.try_exists(), Ok(false)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether its interface is gone, or somebody has forced the program off it.
    pub(super) fn is_over(&self) -> bool {
        self.index == GONE
    }

    /// Whether it is what puts a program on this interface. The index alone does not say so: each
    /// network namespace counts its own.
    pub(super) fn is_on(&self, interface: &Interface) -> bool {
        self.index == interface.index
            && match self.hook {
                Hook::Xdp => {
                    let program = interface.xdp.and_then(|slot| slot.program);
                    program == Some(self.program)
                }
                Hook::Tcx => tcx::has(&interface.name, self.program),
            }
    }
}

/// Where the program is that a link attaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// On the interface with this index.
    On(u32),
    /// On the interface with this index is its link, with a program that this agent has not put there.
    Exchanged(u32),
    /// On an interface of another network namespace.
    Elsewhere,
    /// On none: the interface is gone, or somebody has forced the program off it.
    Nowhere,
    /// The pin was removed, as `banner detach` does.
    Unpinned,
}

/// All pinned links at one time, by the kernel's ids of them.
#[derive(Clone, Debug, Default)]
pub struct Survey(Vec<(u32, Whereabouts)>);

impl Survey {
    /// Where the program of this link is.
    pub fn of(&self, link: u32) -> Whereabouts {
        let found = self.0.iter().find(|(id, _)| *id == link);
        found.map_or(Whereabouts::Unpinned, |&(_, whereabouts)| whereabouts)
    }

    /// The interfaces of this network namespace that have the program.
    pub fn indices(&self) -> impl Iterator<Item = u32> {
        self.0
            .iter()
            .filter_map(|(_, whereabouts)| match whereabouts {
                Whereabouts::On(index) => Some(*index),
                _ => None,
            })
    }
}

impl Xdp {
    /// Where all pinned links are. `interfaces` are those of this network namespace, as they are
    /// now. Fails when a pin cannot be opened: where its program is cannot be told then.
    pub fn survey(&self, interfaces: &[Interface]) -> Result<Survey, XdpError> {
        let mut survey = Survey::default();
        for (_, path) in self.pins.links()? {
            let Some(link) = Link::open_if_there(&path)? else {
                continue;
            };
            let whereabouts = if link.is_over() {
                Whereabouts::Nowhere
            } else {
                let interface = interfaces.iter().find(|interface| link.is_on(interface));
                let is_other =
                    |known: &Attachment| known.link == link.id && known.program != link.program;
                match interface {
                    None => Whereabouts::Elsewhere,
                    Some(interface) if self.links.iter().any(is_other) => {
                        Whereabouts::Exchanged(interface.index)
                    }
                    Some(interface) => Whereabouts::On(interface.index),
                }
            };
            survey.0.push((link.id, whereabouts));
        }
        Ok(survey)
    }

    /// Links whose program is off its interface, or is not the one that this agent has put there: what
    /// the kernel tells nobody. It takes a few system calls for each link.
    pub fn strayed(&self) -> Vec<u32> {
        let mut strayed = Vec::new();
        for (_, path) in self.pins.links().unwrap_or_default() {
            if let Ok(Some(link)) = Link::open_if_there(&path)
                && let Some(known) = self.links.iter().find(|known| known.link == link.id)
                && (link.is_over() || known.program != link.program)
            {
                strayed.push(link.id);
            }
        }
        strayed
    }

    /// Whether somebody has removed the pinned maps, as `banner detach` does: nothing may be attached
    /// any more.
    pub fn is_unpinned(&self) -> bool {
        !self.pins.map(banner_common::BANS4).exists()
    }

    /// Removes the pins of links whose interface is gone. The names of those interfaces.
    pub fn forget_gone(&mut self) -> Result<Vec<String>, XdpError> {
        let mut gone = Vec::new();
        for (interface, path) in self.pins.links()? {
            if let Ok(link) = Link::open(&path)
                && link.is_over()
            {
                self.pins.remove_link(&path)?;
                self.count_no_more(link.id);
                gone.push(interface);
            }
        }
        Ok(gone)
    }

    /// Takes the program off every interface of this network namespace but the `wanted` ones, which
    /// are given by their indices. The names of those that had it.
    pub fn detach_others(&mut self, wanted: &[u32]) -> Result<Vec<String>, XdpError> {
        let interfaces = interfaces()?;
        let mut others = Vec::new();
        for (_, path) in self.pins.links()? {
            let Ok(link) = Link::open(&path) else {
                continue;
            };
            let interface = interfaces.iter().find(|interface| link.is_on(interface));
            if let Some(interface) = interface
                && !wanted.contains(&interface.index)
            {
                self.pins.remove_link(&path)?;
                self.count_no_more(link.id);
                others.push(interface.name.clone());
            }
        }
        Ok(others)
    }

    /// Sees to it that a link can be pinned there. The living link of another interface, which had
    /// the name before, is moved away.
    pub(super) fn make_room(&mut self, path: &Path) -> Result<(), XdpError> {
        if !path.exists() {
            return Ok(());
        }
        // Not removed as one that is over would be: it is somebody else's.
        let link = Link::open(path)?;
        if !link.is_over() {
            return self.pins.rename_link(path, &link_aside(path, link.id));
        }
        self.count_no_more(link.id);
        self.pins.remove_link(path)
    }
}

/// The pinned links by the names that their interfaces have now. Where that cannot be told, because
/// the interface is gone or in another network namespace, the name that it had serves.
pub(super) fn named(pins: &Pins) -> Result<Vec<(String, PathBuf)>, XdpError> {
    let mut links = pins.links()?;
    // The way out must not depend on netlink.
    let interfaces = interfaces().unwrap_or_default();
    for (name, path) in &mut links {
        if let Ok(link) = Link::open(path)
            && let Some(interface) = interfaces.iter().find(|interface| link.is_on(interface))
        {
            name.clone_from(&interface.name);
        }
    }
    Ok(links)
}

/// The interfaces of this network namespace, with the programs that they have now.
pub(super) fn interfaces() -> Result<Vec<Interface>, XdpError> {
    Network::read_interfaces().map_err(XdpError::Interfaces)
}

/// The number that the next descriptor will have, if nobody else opens one before.
pub(super) fn next_descriptor() -> Option<RawFd> {
    Some(File::open("/dev/null").ok()?.as_raw_fd())
}

/// The interface that a link is on; [`GONE`] when it is gone. The kernel tells it in the fdinfo
/// of the link (`bpf_xdp_link_show_fdinfo`), whose descriptor aya keeps to itself: it is `likely`, or
/// one of all that this process has, which may be as many as there are logs.
pub(super) fn link_interface(id: u32, likely: Option<RawFd>) -> Option<u32> {
    let found = |path: PathBuf| interface_in(&fs::read_to_string(path).ok()?, id);
    let likely = likely.map(|fd| PathBuf::from(format!("/proc/self/fdinfo/{fd}")));
    likely.and_then(found).or_else(|| {
        let files = fs::read_dir("/proc/self/fdinfo").ok()?;
        files.flatten().find_map(|file| found(file.path()))
    })
}

fn interface_in(fdinfo: &str, link: u32) -> Option<u32> {
    if field(fdinfo, "link_id")? == link {
        field(fdinfo, "ifindex")
    } else {
        None
    }
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

    #[test]
    fn a_pin_that_cannot_be_opened_is_not_taken_for_one_that_was_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("link-eth0");
        assert!(matches!(Link::open_if_there(&path), Ok(None)));
        fs::write(&path, "").unwrap();
        let error = Link::open_if_there(&path).unwrap_err().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }

    #[test]
    fn a_link_that_is_not_pinned_any_more_is_known_as_such() {
        let survey = Survey(vec![(7, Whereabouts::On(3)), (8, Whereabouts::Nowhere)]);
        assert_eq!(survey.of(7), Whereabouts::On(3));
        assert_eq!(survey.of(8), Whereabouts::Nowhere);
        assert_eq!(survey.of(9), Whereabouts::Unpinned);
        assert_eq!(survey.indices().collect::<Vec<_>>(), [3]);
    }
}
