//! The ingress hook of tcx, for interfaces whose XDP slot somebody else's program holds. It came with
//! Linux 6.6 (e420bed02507 "bpf: Add fd-based tcx multi-prog infra with link support"), and any number of
//! programs can be there.

use std::{
    io,
    path::{Path, PathBuf},
};

use aya::programs::{
    LinkOrder, ProgramError, SchedClassifier, TcAttachType,
    links::FdLink,
    tc::{SchedClassifierLink, TcAttachOptions},
};

use super::{
    AttachError, Attachment, Place, Xdp, XdpError,
    counters::Counted,
    holder::Holder,
    links::{Hook, Link},
    object::Loaded,
    pins::{pin_error, remove},
};
use crate::{
    model::AttachMode,
    netlink::{Interface, XdpMode},
};

impl Xdp {
    /// Goes to tcx where XDP is not to be had because of somebody else's program, and stays there
    /// where it is not to be had at all.
    pub(super) fn fall_back(
        &mut self,
        interface: &Interface,
        mode: AttachMode,
        error: AttachError,
    ) -> Result<Attachment, AttachError> {
        let was_there = self.is_at_tcx(interface)?;
        let (because, why) = match &error {
            // Two agents that protect one interface are a mistake. Nor is it what was wanted.
            AttachError::Taken { holder, .. }
                if was_there || !(holder.is_banner() || mode == AttachMode::Native) =>
            {
                (format!("XDP slot held by {holder}"), behind(holder))
            }
            error if was_there => ("no XDP".to_owned(), error.to_string()),
            _ => return Err(error),
        };
        match self.attach_tcx(interface, because, why)? {
            Some(attachment) => Ok(attachment),
            None => Err(error),
        }
    }

    /// Where the program is at the XDP hook in another mode than the one that is demanded: goes to tcx
    /// and leaves the XDP hook, which is then free to attach to as it is wanted. None where nothing is
    /// to be done, or the kernel has no tcx.
    pub(super) fn change_mode(
        &mut self,
        interface: &Interface,
        wanted: AttachMode,
    ) -> Result<Option<Attachment>, XdpError> {
        let has = interface.xdp.map(|slot| slot.mode);
        let is_wrong = match wanted {
            AttachMode::Native => has == Some(XdpMode::Generic),
            AttachMode::Generic => has == Some(XdpMode::Native),
            AttachMode::Auto => false,
        };
        if !is_wrong {
            return Ok(None);
        }
        let Some((link, path)) = self.own_link(interface)? else {
            return Ok(None);
        };
        let because = "changing modes".to_owned();
        let mode = wanted.name();
        let why = format!(
            "mode: {mode} is wanted, and it had another: packets are dropped at tcx ingress until the \
             XDP program is off and attached so"
        );
        let attachment = self.attach_tcx(interface, because, why)?;
        if attachment.is_some() {
            // The kernel takes the program off in its own time.
            self.pins.remove_link(&path)?;
            self.count_no_more(link.id);
        }
        Ok(attachment)
    }

    /// Puts the program at the ingress hook of tcx, before all others there, or in the place of an
    /// earlier agent's; none where the kernel has no tcx.
    pub(super) fn attach_tcx(
        &mut self,
        interface: &Interface,
        because: String,
        why: String,
    ) -> Result<Option<Attachment>, XdpError> {
        let wanted = self.pins.tcx(&interface.name);
        let counters = self.pins.counters(&wanted);
        let earlier = self.tcx_links(interface)?.into_iter().next();
        let replaced = earlier.is_some();
        let (link, mut loaded) = if let Some((link, path)) = earlier {
            if path != wanted {
                self.make_room(&wanted)?;
                self.pins.rename_link(&path, &wanted)?;
            }
            let mut loaded = self.loader.tcx(&counters)?;
            swap(&mut loaded, link.fd, &wanted)?;
            // It has come to stay, whatever becomes of this agent.
            self.pins.keep();
            (link.id, loaded)
        } else {
            self.make_room(&wanted)?;
            let mut loaded = self.loader.tcx(&counters)?;
            match attach(loaded.classifier()?, &interface.name, &wanted) {
                Ok(Some(id)) => (id, loaded),
                attached => {
                    if !self.pins.are_in_use(&counters)? {
                        remove(&counters)?;
                    }
                    return attached.map(|_| None);
                }
            }
        };
        let program = loaded.id()?;
        self.count(Counted::new(link, &mut loaded)?);
        Ok(Some(Attachment {
            interface: interface.name.clone(),
            index: interface.index,
            link,
            program,
            place: Place::Tcx { because },
            why_not: Some(why),
            replaced,
        }))
    }

    /// Takes the program off the hook, when it is at the XDP hook.
    pub(super) fn leave_tcx(&mut self, interface: &Interface) -> Result<(), XdpError> {
        for (link, path) in self.tcx_links(interface)? {
            self.pins.remove_link(&path)?;
            self.count_no_more(link.id);
        }
        Ok(())
    }

    /// Whether an earlier attempt has put the program there.
    pub(super) fn is_at_tcx(&self, interface: &Interface) -> Result<bool, XdpError> {
        Ok(!self.tcx_links(interface)?.is_empty())
    }

    fn tcx_links(&self, interface: &Interface) -> Result<Vec<(Link, PathBuf)>, XdpError> {
        let pins = self.pins.links()?;
        let links = pins
            .into_iter()
            .filter_map(|(_, path)| Some((Link::open(&path).ok()?, path)));
        Ok(links
            .filter(|(link, _)| link.hook == Hook::Tcx && link.is_on(interface))
            .collect())
    }
}

fn behind(holder: &Holder) -> String {
    format!(
        "another XDP program holds the slot ({holder}), so packets are dropped behind it, at tcx \
         ingress, which is slower; the slot is taken when it is free"
    )
}

/// Replaces the program of a link.
pub(super) fn swap(loaded: &mut Loaded, link: FdLink, path: &Path) -> Result<(), XdpError> {
    let link = SchedClassifierLink::try_from(link).map_err(|_| XdpError::Foreign {
        path: path.to_owned(),
        found: "something that is no link of a tcx program".into(),
        expected: "one".into(),
    })?;
    let program = loaded.classifier()?;
    let id = program.attach_to_link(link)?;
    // The pin keeps the link; held by nothing else, it goes when the pin goes.
    drop(program.take_link(id)?);
    Ok(())
}

/// Attaches and pins. The kernel's id of the link; none where the kernel has no tcx.
fn attach(
    program: &mut SchedClassifier,
    interface: &str,
    path: &Path,
) -> Result<Option<u32>, XdpError> {
    let options = TcAttachOptions::TcxOrder(LinkOrder::first());
    let id = match program.attach_with_options(interface, TcAttachType::Ingress, options) {
        Err(ProgramError::SyscallError(error))
            if error.io_error.raw_os_error() == Some(nix::libc::EINVAL) =>
        {
            return Ok(None);
        }
        id => id?,
    };
    let link = FdLink::try_from(program.take_link(id)?).map_err(io::Error::other);
    let pinned = link.and_then(|link| {
        let id = link.info().map_err(io::Error::other)?.id();
        link.pin(path).map_err(io::Error::other)?;
        Ok(id)
    });
    pinned.map(Some).map_err(pin_error("pin the link", path))
}

/// Whether a program is at the hook of an interface of this network namespace. Where that cannot be
/// told, for want of a capability, it is taken to be.
pub(super) fn has(interface: &str, program: u32) -> bool {
    match SchedClassifier::query_tcx(interface, TcAttachType::Ingress) {
        Ok((_, programs)) => programs.iter().any(|found| found.id() == program),
        Err(_) => true,
    }
}
