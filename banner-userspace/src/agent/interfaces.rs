//! Which interfaces to protect, and whether they are.

use anyhow::bail;
use tracing::{error, info, warn};

use super::guarded::Guarded;
use crate::{
    config::{InterfaceChoice, Interfaces},
    control::InterfaceStatus,
    enforce::xdp::{Survey, Xdp},
    model::{AttachMode, Mono},
    netlink::{Interface, Network},
};

/// The interfaces to protect, over time.
#[derive(Debug)]
pub(super) struct Guards {
    wishes: Wishes,
    guarded: Vec<Guarded>,
    /// Indices of the interfaces that carried a default route when that was last looked at.
    defaults: Vec<u32>,
}

#[derive(Debug)]
enum Wishes {
    /// Whatever carries a default route; whether it was told that nothing does.
    Auto { told: bool },
    /// These.
    Named(Vec<Wish>),
}

/// An interface that is to be protected whenever one has this name.
#[derive(Debug)]
struct Wish {
    choice: InterfaceChoice,
    /// It was told that there is none.
    awaited: bool,
}

impl Guards {
    /// Those that the command line names, else those of the configuration. What the command line
    /// names has to be there.
    pub(super) fn new(
        chosen: &[String],
        configured: Interfaces,
        network: &Network,
    ) -> anyhow::Result<Self> {
        for name in chosen {
            if network.by_name(name).is_none() {
                bail!(
                    "no interface is named {name:?}; there are: {}",
                    known(&network.interfaces)
                );
            }
        }
        let wish = |choice| Wish {
            choice,
            awaited: false,
        };
        let wishes = match (chosen, configured) {
            ([], Interfaces::Auto) => Wishes::Auto { told: false },
            ([], Interfaces::Named(choices)) => {
                Wishes::Named(choices.into_iter().map(wish).collect())
            }
            (chosen, configured) => {
                let mut names: Vec<&String> = Vec::new();
                for name in chosen {
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                let choice = |name: &String| InterfaceChoice {
                    name: name.clone(),
                    mode: mode_of(&configured, name),
                };
                Wishes::Named(names.into_iter().map(choice).map(wish).collect())
            }
        };
        Ok(Self {
            wishes,
            guarded: Vec::new(),
            defaults: network.default_interfaces.clone(),
        })
    }

    /// Attaches to all that are there, also to what an earlier agent protected, unless it is known
    /// not to be wanted any more. Fails when no interface can be protected, and none is waited for.
    pub(super) fn start(
        &mut self,
        xdp: &mut Xdp,
        network: &Network,
        now: Mono,
    ) -> anyhow::Result<()> {
        let interfaces = &network.interfaces;
        self.attach_missing(xdp, interfaces, now);
        // An uplink that carries no default route at the moment may carry it again, and one that is
        // not named may be a named one that was renamed.
        let keeps_others = self.keeps_others();
        if keeps_others {
            let survey = xdp.survey(&Network::read_interfaces()?)?;
            self.take_over(xdp, interfaces, &survey, now);
        }
        if !self.guarded.iter().any(Guarded::is_attached) && !self.is_waiting() {
            let why: Vec<_> = self.guarded.iter().filter_map(Guarded::problem).collect();
            bail!("no way to drop packets: {}", why.join("; "));
        }
        for interface in xdp.forget_gone()? {
            info!("{interface}, as it was named, is gone; its link is removed");
        }
        if !keeps_others {
            let indices: Vec<_> = self.guarded.iter().map(|guarded| guarded.index).collect();
            for interface in xdp.detach_others(&indices)? {
                info!("{interface}: no longer protected; the XDP program is off");
            }
        }
        Ok(())
    }

    /// Follows interfaces that came, went, were renamed or moved, and puts back what was forced off.
    /// `network` is the network where all of it was read, else only `interfaces` are known.
    pub(super) fn look(
        &mut self,
        xdp: &mut Xdp,
        interfaces: &[Interface],
        network: Option<&Network>,
        now: Mono,
    ) -> Result<(), String> {
        if let Some(network) = network {
            self.defaults.clone_from(&network.default_interfaces);
        }
        if xdp.is_unpinned() {
            self.guarded.iter_mut().for_each(Guarded::release);
            return Ok(());
        }
        let survey = xdp
            .survey(interfaces)
            .map_err(|error| format!("cannot look after the XDP programs: {error}"))?;
        for n in 0..self.guarded.len() {
            let others = self.guarded.iter().enumerate();
            let claimed: Vec<_> = others
                .filter(|(other, guarded)| *other != n && guarded.is_attached())
                .map(|(_, guarded)| guarded.index)
                .collect();
            self.guarded[n].look(xdp, interfaces, &survey, &claimed, now);
        }
        if self.guarded.iter().any(Guarded::is_gone) {
            self.guarded.retain(|guarded| !guarded.is_gone());
            if let Err(error) = xdp.forget_gone() {
                warn!("{error}");
            }
        }
        self.attach_missing(xdp, interfaces, now);
        Ok(())
    }

    /// Why the program does not see all packets, where an interface that is there would not have it.
    pub(super) fn refused(&self) -> Option<String> {
        let refused = self.guarded.iter().filter(|guarded| guarded.is_refused());
        let problems: Vec<_> = refused.filter_map(Guarded::problem).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }

    /// Whether something that nobody tells of may make it better, such as another's program that
    /// goes.
    pub(super) fn are_to_be_watched(&self) -> bool {
        self.guarded.iter().any(Guarded::is_to_be_watched)
    }

    /// `INTERFACE native` of each, for the readiness line.
    pub(super) fn summary(&self) -> String {
        let guarded = self.guarded.iter().map(Guarded::summary);
        let awaited = self.awaited().map(|name| format!("{name} waited for"));
        let mut all: Vec<_> = guarded.chain(awaited).collect();
        if all.is_empty() {
            all.push("a default route waited for".into());
        }
        all.join(", ")
    }

    /// For `banner status`.
    pub(super) fn status(&self, xdp: &Xdp) -> Vec<InterfaceStatus> {
        let guarded = self.guarded.iter().map(|guarded| guarded.status(xdp));
        let awaited = self.awaited().map(|name| InterfaceStatus {
            name: name.to_owned(),
            awaited: true,
            problem: Some(AWAITED.into()),
            ..InterfaceStatus::default()
        });
        guarded.chain(awaited).collect()
    }

    /// What is wrong, in words.
    pub(super) fn problems(&self) -> Vec<String> {
        let guarded = self.guarded.iter().filter_map(Guarded::problem);
        let awaited = self.awaited().map(|name| format!("{name}: {AWAITED}"));
        let mut problems: Vec<_> = guarded.chain(awaited).collect();
        if matches!(self.wishes, Wishes::Auto { told: true }) {
            problems.push(format!("interfaces: auto: {NO_DEFAULT}"));
        }
        problems
    }

    fn awaited(&self) -> impl Iterator<Item = &str> {
        let wishes: &[Wish] = match &self.wishes {
            Wishes::Auto { .. } => &[],
            Wishes::Named(wishes) => wishes,
        };
        let awaited = wishes.iter().filter(|wish| wish.awaited);
        awaited.map(|wish| &*wish.choice.name)
    }

    fn is_waiting(&self) -> bool {
        match &self.wishes {
            Wishes::Auto { told } => *told,
            Wishes::Named(wishes) => wishes.iter().any(|wish| wish.awaited),
        }
    }

    fn keeps_others(&self) -> bool {
        matches!(self.wishes, Wishes::Auto { .. }) || self.is_waiting()
    }

    /// Attaches to what is wanted and there, and was not before.
    fn attach_missing(&mut self, xdp: &mut Xdp, interfaces: &[Interface], now: Mono) {
        let guarded = &mut self.guarded;
        match &mut self.wishes {
            Wishes::Auto { told } => {
                for guarded in guarded.iter_mut() {
                    let carries = self.defaults.contains(&guarded.index);
                    if guarded.passed_over == carries && guarded.is_here() {
                        guarded.passed_over = !carries;
                        let verb = if carries { "carries" } else { "does not carry" };
                        info!("{}: {verb} a default route now", guarded.name);
                    }
                }
                for interface in interfaces {
                    let is_guarded = guarded
                        .iter()
                        .any(|known| known.index == interface.index && known.is_here());
                    if self.defaults.contains(&interface.index) && !is_guarded {
                        let mode = AttachMode::Auto;
                        guarded.push(Guarded::attach(xdp, interface, mode, interfaces, now));
                    }
                }
                let none = guarded.is_empty();
                if none && !*told {
                    error!(
                        "interfaces: auto: {NO_DEFAULT}; or name those to protect: {}",
                        known(interfaces)
                    );
                }
                *told = none;
            }
            Wishes::Named(wishes) => {
                for wish in wishes {
                    let InterfaceChoice { name, mode } = &wish.choice;
                    let is_guarded = |known: &Guarded| known.name == *name && known.is_here();
                    if guarded.iter().any(is_guarded) {
                        wish.awaited = false;
                    } else if let Some(found) = interfaces.iter().find(|i| i.name == *name) {
                        guarded.push(Guarded::attach(xdp, found, *mode, interfaces, now));
                        wish.awaited = false;
                    } else if !wish.awaited {
                        wish.awaited = true;
                        error!("{name}: {AWAITED}; there are: {}", known(interfaces));
                    }
                }
            }
        }
    }

    /// Attaches where an earlier agent's program is.
    fn take_over(&mut self, xdp: &mut Xdp, interfaces: &[Interface], survey: &Survey, now: Mono) {
        for index in survey.indices() {
            let is_guarded = self.guarded.iter().any(|guarded| guarded.index == index);
            if let Some(interface) = interfaces.iter().find(|found| found.index == index)
                && !is_guarded
            {
                let mode = AttachMode::Auto;
                let mut guarded = Guarded::attach(xdp, interface, mode, interfaces, now);
                guarded.passed_over = matches!(self.wishes, Wishes::Auto { .. });
                self.guarded.push(guarded);
            }
        }
    }
}

const AWAITED: &str = "no interface has this name; it is protected as soon as one does";
const NO_DEFAULT: &str = "no interface carries a default route; what carries one is protected as \
                          soon as it does";

fn mode_of(configured: &Interfaces, name: &str) -> AttachMode {
    match configured {
        Interfaces::Auto => AttachMode::Auto,
        Interfaces::Named(choices) => {
            let choice = choices.iter().find(|choice| choice.name == name);
            choice.map_or(AttachMode::Auto, |choice| choice.mode)
        }
    }
}

fn known(interfaces: &[Interface]) -> String {
    let names: Vec<_> = interfaces
        .iter()
        .map(|interface| &*interface.name)
        .collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        let interface = |index, name: &str| Interface {
            index,
            name: name.into(),
            ..Interface::default()
        };
        Network {
            interfaces: vec![
                interface(1, "lo"),
                interface(2, "eth0"),
                interface(3, "wan"),
            ],
            default_interfaces: vec![3],
            ..Network::default()
        }
    }

    fn choices(chosen: &[&str], configured: Interfaces) -> Result<Vec<InterfaceChoice>, String> {
        let chosen: Vec<_> = chosen.iter().map(|&name| name.to_owned()).collect();
        let guards = Guards::new(&chosen, configured, &network());
        match guards.map_err(|error| error.to_string())?.wishes {
            Wishes::Auto { .. } => Ok(Vec::new()),
            Wishes::Named(wishes) => Ok(wishes.into_iter().map(|wish| wish.choice).collect()),
        }
    }

    fn choice(name: &str, mode: AttachMode) -> InterfaceChoice {
        InterfaceChoice {
            name: name.into(),
            mode,
        }
    }

    #[test]
    fn the_command_line_goes_before_the_configuration_which_still_gives_the_mode() {
        let native = choice("eth0", AttachMode::Native);
        let configured = || Interfaces::Named(vec![native.clone()]);
        let named = choices(&[], configured()).unwrap();
        assert_eq!(named, std::slice::from_ref(&native));
        let named = choices(&["wan", "wan", "eth0"], configured()).unwrap();
        assert_eq!(named, [choice("wan", AttachMode::Auto), native]);
        assert_eq!(choices(&[], Interfaces::Auto).unwrap(), []);
    }

    #[test]
    fn what_the_command_line_names_has_to_be_there() {
        let error = choices(&["ethO"], Interfaces::Auto).unwrap_err();
        assert_eq!(
            error,
            "no interface is named \"ethO\"; there are: lo, eth0, wan"
        );
        let awaited = Interfaces::Named(vec![choice("ethO", AttachMode::Auto)]);
        assert_eq!(choices(&[], awaited).unwrap().len(), 1);
    }
}
