//! One interface that is protected, over time.

use tracing::{error, info, warn};

use super::{again::Again, status::packets};
use crate::{
    control::InterfaceStatus,
    enforce::xdp::{self, AttachError, Attachment, Place, Survey, Whereabouts, Xdp},
    model::{AttachMode, Mono},
    netlink::{Interface, XdpSlot},
};

/// One interface to protect, from the time that it is there.
#[derive(Debug)]
pub(super) struct Guarded {
    pub(super) name: String,
    pub(super) index: u32,
    mode: AttachMode,
    state: State,
    /// What it is, in words.
    kind: String,
    advice: Option<&'static str>,
    /// How often a program that had been forced off was put back.
    put_back: u64,
    /// `interfaces: auto`, and no default route leads through it any more.
    pub(super) passed_over: bool,
}

#[derive(Debug)]
enum State {
    /// The program is on it.
    Attached {
        /// The kernel's id.
        link: u32,
        place: Place,
        /// Why not where it would be best.
        why_not: Option<String>,
        /// Who had the XDP slot before, where that is why.
        slot: Option<XdpSlot>,
    },
    /// It is in another network namespace, with the program.
    Elsewhere { link: u32 },
    /// The program would not go on it, as it was then.
    Refused {
        why: String,
        then: Box<Interface>,
        /// None where only another interface would have it.
        again: Option<Again>,
    },
    /// Somebody took the program off for good.
    Released,
    /// It is not there any more.
    Gone,
}

impl Guarded {
    /// Puts the program on an interface and says how that went.
    pub(super) fn attach(
        xdp: &mut Xdp,
        interface: &Interface,
        mode: AttachMode,
        interfaces: &[Interface],
        now: Mono,
    ) -> Self {
        let mut guarded = Self {
            name: interface.name.clone(),
            index: interface.index,
            mode,
            state: State::Gone,
            kind: String::new(),
            advice: None,
            put_back: 0,
            passed_over: false,
        };
        guarded.try_attach(xdp, interface, interfaces, now);
        if let Some(advice) = guarded.advice {
            let kind = &guarded.kind;
            info!("{}: {kind}: {advice}", guarded.name);
        }
        guarded
    }

    /// Whether packets are dropped there.
    pub(super) fn is_attached(&self) -> bool {
        matches!(self.state, State::Attached { .. })
    }

    /// Whether it is here: attached or not.
    pub(super) fn is_here(&self) -> bool {
        !matches!(self.state, State::Elsewhere { .. } | State::Gone)
    }

    /// Whether it is here, and would not have the program.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.state, State::Refused { .. })
    }

    /// Whether nothing is left to look after.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.state, State::Gone)
    }

    /// Whether something that nobody tells of may make it better.
    pub(super) fn is_to_be_watched(&self) -> bool {
        match &self.state {
            State::Refused { again, .. } => again.is_some(),
            State::Attached { place, .. } => matches!(place, Place::Tcx { .. }),
            _ => false,
        }
    }

    /// Looks whether the program is where it was, and puts it back where it can. `claimed` are the
    /// indices of the interfaces that others look after.
    pub(super) fn look(
        &mut self,
        xdp: &mut Xdp,
        interfaces: &[Interface],
        survey: &Survey,
        claimed: &[u32],
        now: Mono,
    ) {
        match self.state {
            State::Attached { link, .. } | State::Elsewhere { link } => {
                let whereabouts = self.plausible(survey.of(link), interfaces, claimed);
                self.follow(xdp, interfaces, whereabouts, link, now);
            }
            State::Refused {
                ref then, again, ..
            } => match self.find(interfaces) {
                None => {
                    info!("{}: the interface is gone", self.name);
                    self.state = State::Gone;
                }
                Some(found) if **then != *found || again.is_some_and(|again| again.is_due(now)) => {
                    self.try_attach(xdp, found, interfaces, now);
                }
                Some(_) => {}
            },
            State::Released | State::Gone => {}
        }
    }

    /// Somebody took the program off, here and everywhere: nothing is put back.
    pub(super) fn release(&mut self) {
        if matches!(self.state, State::Attached { .. } | State::Elsewhere { .. }) {
            self.lost(RELEASED);
            self.state = State::Released;
        }
    }

    /// An interface of another network namespace may have the index of one that is here, with the
    /// same program. In one namespace an index is for life.
    fn plausible(
        &self,
        whereabouts: Whereabouts,
        interfaces: &[Interface],
        claimed: &[u32],
    ) -> Whereabouts {
        match whereabouts {
            Whereabouts::On(index) if index != self.index && claimed.contains(&index) => {
                let now = self.find(interfaces);
                if now.is_some_and(|now| now.index == index) {
                    whereabouts
                } else {
                    Whereabouts::Elsewhere
                }
            }
            whereabouts => whereabouts,
        }
    }

    fn follow(
        &mut self,
        xdp: &mut Xdp,
        interfaces: &[Interface],
        whereabouts: Whereabouts,
        link: u32,
        now: Mono,
    ) {
        match whereabouts {
            Whereabouts::On(index) => {
                if let Some(found) = interfaces.iter().find(|found| found.index == index) {
                    self.is_on(found);
                    self.improve(xdp, found, interfaces, now);
                }
            }
            Whereabouts::Exchanged(index) => {
                if let Some(found) = interfaces.iter().find(|found| found.index == index) {
                    self.lost("somebody has put another program in the place of banner's");
                    self.put_back += 1;
                    self.try_attach(xdp, found, interfaces, now);
                }
            }
            Whereabouts::Elsewhere => {
                if self.is_attached() {
                    warn!("{}: {ELSEWHERE}", self.name);
                    self.state = State::Elsewhere { link };
                }
            }
            Whereabouts::Nowhere => {
                let Some(found) = self.find(interfaces) else {
                    self.lost("the interface is gone");
                    self.state = State::Gone;
                    return;
                };
                if found.index == self.index {
                    self.lost(
                        "the XDP program was forced off, or the interface was made anew under the \
                         same number",
                    );
                    self.put_back += 1;
                } else {
                    self.lost("the interface was made anew");
                }
                self.try_attach(xdp, found, interfaces, now);
            }
            Whereabouts::Unpinned => self.release(),
        }
    }

    /// Attaches once more where that may be better than what there is: to an interface that is back,
    /// and where somebody else's program has left the XDP slot.
    fn improve(&mut self, xdp: &mut Xdp, found: &Interface, interfaces: &[Interface], now: Mono) {
        match &self.state {
            State::Elsewhere { .. } => {
                info!(
                    "{}: back in this network namespace, and protected",
                    self.name
                );
                self.try_attach(xdp, found, interfaces, now);
            }
            State::Attached {
                place: Place::Tcx { .. },
                slot,
                ..
            } if *slot != found.xdp => self.try_attach(xdp, found, interfaces, now),
            _ => {}
        }
    }

    /// It has this name and index now.
    fn is_on(&mut self, now: &Interface) {
        if now.name != self.name {
            info!(
                "{}: is named {} now, and stays protected",
                self.name, now.name
            );
            self.name.clone_from(&now.name);
        }
        self.index = now.index;
    }

    fn find<'i>(&self, interfaces: &'i [Interface]) -> Option<&'i Interface> {
        interfaces.iter().find(|now| now.name == self.name)
    }

    /// `INTERFACE native`, for the readiness line.
    pub(super) fn summary(&self) -> String {
        match &self.state {
            State::Attached { place, .. } => format!("{} {place}", self.name),
            _ => format!("{} not attached", self.name),
        }
    }

    /// For `banner status`.
    pub(super) fn status(&self, xdp: &Xdp) -> InterfaceStatus {
        let counters = match self.state {
            State::Attached { link, .. } | State::Elsewhere { link, .. } => xdp.counters_of(link),
            _ => Ok(None),
        };
        let place = match &self.state {
            State::Attached { place, .. } => Some(place.to_string()),
            _ => None,
        };
        InterfaceStatus {
            name: self.name.clone(),
            mode: place,
            kind: self.kind.clone(),
            advice: if self.passed_over {
                Some(PASSED_OVER.into())
            } else {
                self.advice.map(str::to_owned)
            },
            put_back: self.put_back,
            awaited: false,
            problem: self.why(),
            // Why they cannot be read is told of the sum.
            packets: counters.ok().flatten().map(packets).unwrap_or_default(),
        }
    }

    /// What is wrong, in words.
    pub(super) fn problem(&self) -> Option<String> {
        Some(format!("{}: {}", self.name, self.why()?))
    }

    fn why(&self) -> Option<String> {
        match &self.state {
            State::Attached { why_not, .. } => why_not.clone(),
            State::Elsewhere { .. } => Some(ELSEWHERE.into()),
            State::Refused { why, .. } => Some(why.clone()),
            State::Released => Some(RELEASED.into()),
            State::Gone => Some("the interface is gone".into()),
        }
    }

    fn lost(&self, why: &str) {
        error!("{}: {why}; bans are not in force there", self.name);
    }

    fn try_attach(
        &mut self,
        xdp: &mut Xdp,
        interface: &Interface,
        interfaces: &[Interface],
        now: Mono,
    ) {
        self.is_on(interface);
        self.kind = xdp::kind(interface, interfaces);
        self.advice = xdp::advice(interface);
        self.state = match xdp.attach(interface, self.mode) {
            Ok(attachment) => {
                let Attachment {
                    interface: name,
                    link,
                    place,
                    why_not,
                    replaced,
                    ..
                } = attachment;
                let how = if *replaced {
                    "in place of an earlier agent's"
                } else {
                    "attached"
                };
                match place {
                    Place::Xdp(mode) => info!("{name}: XDP program {how}, {} mode", mode.name()),
                    Place::Tcx { .. } => info!("{name}: tcx program {how}"),
                }
                if let Some(why) = why_not {
                    warn!("{name}: {why}");
                }
                State::Attached {
                    link: *link,
                    place: place.clone(),
                    why_not: why_not.clone(),
                    slot: interface.xdp,
                }
            }
            Err(error) => {
                let reason = error.to_string();
                let earlier = match &self.state {
                    State::Refused { why, then, again } if **then == *interface => {
                        Some((why, *again))
                    }
                    _ => None,
                };
                // Once is enough, however often it is tried.
                if earlier.is_none_or(|(why, _)| *why != reason) {
                    error!("{}: {reason}", self.name);
                }
                let again = earlier.and_then(|(_, again)| again);
                let again =
                    (!matches!(error, AttachError::NoEthernet)).then(|| Again::after(again, now));
                State::Refused {
                    why: reason,
                    then: Box::new(interface.clone()),
                    again,
                }
            }
        };
    }
}

const ELSEWHERE: &str = "it was moved to another network namespace, and took the program with it: \
                         bans hold there, and go on to be followed";
const PASSED_OVER: &str = "no default route leads through it now; it stays protected until banner \
                           detach --interface, or until it is gone";
const RELEASED: &str = "the XDP program was taken off by removing its pin, as banner detach does; \
                        restart the agent to attach anew";
