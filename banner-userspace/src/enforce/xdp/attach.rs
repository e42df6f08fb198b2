//! The program on interfaces.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use aya::programs::{Xdp as Program, XdpMode as AyaMode, links::FdLink, xdp::XdpLink};

use super::{
    AttachError, Xdp, XdpError,
    counters::Counted,
    holder::Holder,
    links::{Hook, Link, interfaces},
    object::Loaded,
    pins::{Remade, pin_error, remove},
    refusal::{KernelWord, Refusal},
    tcx,
};
use crate::{
    model::AttachMode,
    netlink::{Interface, XdpMode},
};

/// The program on one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Name of the interface.
    pub interface: String,
    /// Its index.
    pub index: u32,
    /// The kernel's id of the link.
    pub link: u32,
    /// The kernel's id of the program.
    pub program: u32,
    /// Where the program runs.
    pub place: Place,
    /// Why not where it would run best or was wanted to.
    pub why_not: Option<String>,
    /// The program took the place of an earlier agent's, without a gap.
    pub replaced: bool,
}

/// Where a program runs on an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At the XDP hook.
    Xdp(XdpMode),
    /// At the ingress hook of tcx, behind somebody else's XDP program.
    Tcx {
        /// Why, in words: `XDP slot held by …`.
        because: String,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Xdp(mode) => f.write_str(mode.name()),
            Self::Tcx { because } => write!(f, "tcx ({because})"),
        }
    }
}

impl Xdp {
    /// Attaches the program to an interface and pins the link. Where an earlier agent's program is,
    /// it is replaced in one step, in the mode that it has. Where another XDP program is, and the
    /// mode is not a native one, the program goes behind it, to tcx ingress.
    pub fn attach(
        &mut self,
        interface: &Interface,
        mode: AttachMode,
    ) -> Result<&Attachment, AttachError> {
        // As it is now: a change of size has replaced the programs of the pinned links.
        let interfaces = interfaces()?;
        let same = |now: &&Interface| now.index == interface.index;
        let interface = interfaces.iter().find(same).unwrap_or(interface);
        let attachment = if let Some(attachment) = self.change_mode(interface, mode)? {
            attachment
        } else {
            let attached = match self.replace(interface, mode)? {
                Some(attachment) => Ok(attachment),
                None => self.attach_anew(interface, &interfaces, mode),
            };
            match attached {
                Ok(attachment) => {
                    // Not before: there is no moment without a program.
                    self.leave_tcx(interface)?;
                    attachment
                }
                Err(error) => self.fall_back(interface, mode, error)?,
            }
        };
        self.links.retain(|known| known.index != attachment.index);
        self.links.push(attachment);
        Ok(&self.links[self.links.len() - 1])
    }

    /// Puts this program in the place of the one that the pinned link of this interface has.
    fn replace(
        &mut self,
        interface: &Interface,
        wanted_mode: AttachMode,
    ) -> Result<Option<Attachment>, XdpError> {
        let wanted = self.pins.link(&interface.name);
        let Some((link, path)) = self.own_link(interface)? else {
            return Ok(None);
        };
        if path != wanted {
            // The interface was renamed.
            self.make_room(&wanted)?;
            self.pins.rename_link(&path, &wanted)?;
        }
        let id = link.id;
        let mut loaded = self.loader.program(&self.pins.counters(&wanted))?;
        swap(&mut loaded, link.fd, &wanted)?;
        // It has come to stay, whatever becomes of this agent.
        self.pins.keep();
        let program = loaded.id()?;
        self.count(Counted::new(id, &mut loaded)?);
        let mode = interface.xdp.map_or(XdpMode::Native, |slot| slot.mode);
        Ok(Some(Attachment {
            interface: interface.name.clone(),
            index: interface.index,
            link: id,
            program,
            place: Place::Xdp(mode),
            why_not: why_not_otherwise(mode, wanted_mode, &interface.name),
            replaced: true,
        }))
    }

    /// The pinned XDP link of this interface.
    pub(super) fn own_link(
        &self,
        interface: &Interface,
    ) -> Result<Option<(Link, PathBuf)>, XdpError> {
        let wanted = self.pins.link(&interface.name);
        let mut found = None;
        for (_, path) in self.pins.links()? {
            match Link::open(&path) {
                // One that only looks so, because its interface has the same index in another network
                // namespace, has another name.
                Ok(link)
                    if link.hook == Hook::Xdp
                        && link.is_on(interface)
                        && (found.is_none() || path == wanted) =>
                {
                    found = Some((link, path));
                }
                Err(foreign) if path == wanted => return Err(foreign),
                _ => {}
            }
        }
        Ok(found)
    }

    /// Replaces the program of every pinned link by one that uses the maps that were made anew, then
    /// these maps.
    pub(super) fn swap_remade(&mut self, remade: &[Remade]) -> Result<(), XdpError> {
        self.swap_all()?;
        self.pins.settle(remade)
    }

    /// Replaces the program of every pinned link by a new one. All are loaded before the first is
    /// replaced, so that nothing has changed if one is refused. The kernel's ids of the programs.
    pub(super) fn swap_all(&mut self) -> Result<Vec<u32>, XdpError> {
        let mut ready = Vec::new();
        for (_, path) in self.pins.links()? {
            if let Ok(link) = Link::open(&path)
                && !link.is_over()
            {
                let counters = self.pins.counters(&path);
                let loaded = match link.hook {
                    Hook::Xdp => self.loader.program(&counters)?,
                    Hook::Tcx => self.loader.tcx(&counters)?,
                };
                ready.push((loaded, link, path));
            }
        }
        let mut programs = Vec::new();
        for (mut loaded, link, path) in ready {
            let program = loaded.id()?;
            match link.hook {
                Hook::Xdp => swap(&mut loaded, link.fd, &path)?,
                Hook::Tcx => tcx::swap(&mut loaded, link.fd, &path)?,
            }
            self.count(Counted::new(link.id, &mut loaded)?);
            self.pins.keep();
            if let Some(known) = self.links.iter_mut().find(|known| known.link == link.id) {
                known.program = program;
            }
            programs.push(program);
        }
        Ok(programs)
    }

    fn attach_anew(
        &mut self,
        interface: &Interface,
        interfaces: &[Interface],
        wanted: AttachMode,
    ) -> Result<Attachment, AttachError> {
        if !interface.ethernet {
            return Err(AttachError::NoEthernet);
        }
        if interface.xdp.is_some() {
            return Err(taken(interface, interfaces));
        }
        let path = self.pins.link(&interface.name);
        self.make_room(&path)?;
        let counters = self.pins.counters(&path);
        if !self.pins.are_in_use(&counters)? {
            remove(&counters)?;
        }
        let mut loaded = self.loader.program(&counters)?;
        match attach_loaded(&mut loaded, interface, interfaces, wanted, &path) {
            Ok(attachment) => {
                self.count(Counted::new(attachment.link, &mut loaded)?);
                Ok(attachment)
            }
            Err(error) => {
                if !self.pins.are_in_use(&counters)? {
                    remove(&counters)?;
                }
                Err(error)
            }
        }
    }
}

/// Attaches a program that is loaded for an interface, natively where that can be and is wanted.
fn attach_loaded(
    loaded: &mut Loaded,
    interface: &Interface,
    interfaces: &[Interface],
    wanted: AttachMode,
    path: &Path,
) -> Result<Attachment, AttachError> {
    let id = loaded.id().map_err(XdpError::from)?;
    let program = loaded.program()?;
    let mut attach = |mode| attach(program, interface.index, mode, path);
    let refused = |word: KernelWord, why: String| match wanted {
        _ if word.is_taken() => taken(interface, interfaces),
        AttachMode::Auto => AttachError::Unsupported {
            native: why,
            generic: word.words,
        },
        wanted => AttachError::NotSo {
            mode: wanted.name(),
            why,
        },
    };
    let native = match wanted {
        AttachMode::Auto | AttachMode::Native => Some(attach(AyaMode::Driver)),
        AttachMode::Generic => None,
    };
    let (link, mode, why_not) = match native {
        Some(Ok(link)) => (link, XdpMode::Native, None),
        Some(Err(Refusal::Other(error))) => return Err(error.into()),
        Some(Err(Refusal::Kernel(word))) if wanted == AttachMode::Native => {
            let why = word.why_not_native(interface);
            return Err(refused(word, why));
        }
        Some(Err(Refusal::Kernel(native))) => match attach(AyaMode::Skb) {
            Ok(link) => {
                let why = native.why_not_native(interface);
                let why = format!("generic mode, which is slower: no native XDP ({why})");
                (link, XdpMode::Generic, Some(why))
            }
            Err(Refusal::Kernel(generic)) => return Err(refused(generic, native.words)),
            Err(Refusal::Other(error)) => return Err(error.into()),
        },
        None => match attach(AyaMode::Skb) {
            Ok(link) => (link, XdpMode::Generic, None),
            Err(Refusal::Kernel(word)) => {
                let why = word.words.clone();
                return Err(refused(word, why));
            }
            Err(Refusal::Other(error)) => return Err(error.into()),
        },
    };
    Ok(Attachment {
        interface: interface.name.clone(),
        index: interface.index,
        link,
        program: id,
        place: Place::Xdp(mode),
        why_not,
        replaced: false,
    })
}

/// Puts a program in the place of the one that a link has, in one step.
fn swap(loaded: &mut Loaded, link: FdLink, path: &Path) -> Result<(), XdpError> {
    let link = XdpLink::try_from(link).map_err(|_| XdpError::Foreign {
        path: path.to_owned(),
        found: "something that is no link of an XDP program".into(),
        expected: "one".into(),
    })?;
    let program = loaded.program()?;
    let id = program.attach_to_link(link)?;
    // The pin keeps the link; held by nothing else, it goes when the pin goes.
    drop(program.take_link(id)?);
    Ok(())
}

/// A program is replaced where it is: to take it off and try otherwise would mean a gap.
fn why_not_otherwise(mode: XdpMode, wanted: AttachMode, interface: &str) -> Option<String> {
    let other = match (mode, wanted) {
        (XdpMode::Generic, AttachMode::Auto) => {
            return Some(
                "generic mode, which is slower: no native XDP (an earlier agent had to attach so; \
                 banner detach and a start try again)"
                    .into(),
            );
        }
        (XdpMode::Generic, AttachMode::Native) | (XdpMode::Native, AttachMode::Generic) => wanted,
        _ => return None,
    };
    Some(format!(
        "{} mode, though mode: {} is wanted: an earlier agent attached it so, and to change that \
         means a gap; banner detach --interface {interface} and a start of the agent do it",
        mode.name(),
        other.name(),
    ))
}

/// Who has a program where ours should go: at this interface, or at one that it is a part of.
fn taken(interface: &Interface, interfaces: &[Interface]) -> AttachError {
    let now = self::interfaces().unwrap_or_else(|_| interfaces.to_vec());
    let index = |index: u32| now.iter().find(move |found| found.index == index);
    let slot = index(interface.index).and_then(|now| now.xdp);
    let master = interface.master.as_ref();
    if let Some(master) = master.and_then(|master| index(master.index))
        && slot.is_none()
        && master.xdp.is_some()
    {
        return AttachError::MasterHasOne {
            master: master.name.clone(),
        };
    }
    AttachError::Taken {
        interface: interface.name.clone(),
        holder: Box::new(Holder::find(slot.and_then(|slot| slot.program))),
    }
}

/// Attaches and pins. The kernel's id of the link.
fn attach(program: &mut Program, index: u32, mode: AyaMode, path: &Path) -> Result<u32, Refusal> {
    let id = program.attach_to_if_index(index, mode)?;
    let link = program
        .take_link(id)
        .map_err(|error| Refusal::Other(error.into()))?;
    let pinned = FdLink::try_from(link)
        .map_err(io::Error::other)
        .and_then(|link| {
            let id = link.info().map_err(io::Error::other)?.id();
            link.pin(path).map_err(io::Error::other)?;
            Ok(id)
        });
    pinned.map_err(|error| Refusal::Other(pin_error("pin the link", path)(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_that_is_not_the_wanted_one_is_told_with_what_to_do() {
        let why = |mode, wanted| why_not_otherwise(mode, wanted, "eth0");
        assert_eq!(why(XdpMode::Native, AttachMode::Auto), None);
        assert_eq!(why(XdpMode::Native, AttachMode::Native), None);
        assert_eq!(why(XdpMode::Generic, AttachMode::Generic), None);
        let slower = why(XdpMode::Generic, AttachMode::Auto).unwrap();
        assert!(slower.contains("earlier agent"), "{slower}");
        let other = why(XdpMode::Generic, AttachMode::Native).unwrap();
        assert!(other.contains("detach --interface eth0"), "{other}");
        assert!(why(XdpMode::Native, AttachMode::Generic).is_some());
    }
}
