//! Which interfaces to protect, and whether they are.

use anyhow::{Context as _, bail};
use tracing::{error, info, warn};

use crate::{
    config::Interfaces,
    control::InterfaceStatus,
    enforce::xdp::{Attachment, Xdp},
    netlink::{Interface, Network, XdpMode},
};

/// The interfaces to protect: those that the command line names, else those of the configuration.
pub(super) fn wanted<'n>(
    chosen: &[String],
    configured: &Interfaces,
    network: &'n Network,
) -> anyhow::Result<Vec<&'n Interface>> {
    let names = match configured {
        _ if !chosen.is_empty() => chosen,
        Interfaces::Named(names) => names,
        Interfaces::Auto => {
            let found: Vec<_> = (network.default_interfaces.iter())
                .filter_map(|&index| network.by_index(index))
                .collect();
            if found.is_empty() {
                bail!(
                    "interfaces: auto finds none, because no interface carries a default route; \
                     name those to protect: {}",
                    known(network)
                );
            }
            return Ok(found);
        }
    };
    let mut wanted: Vec<&Interface> = Vec::new();
    for name in names {
        let interface = network.by_name(name).with_context(|| {
            format!(
                "no interface is named {name:?}; there are: {}",
                known(network)
            )
        })?;
        if !wanted.contains(&interface) {
            wanted.push(interface);
        }
    }
    Ok(wanted)
}

/// Whether somebody has said which interfaces to protect, and so which not.
pub(super) fn named(chosen: &[String], configured: &Interfaces) -> bool {
    !chosen.is_empty() || matches!(configured, Interfaces::Named(_))
}

fn known(network: &Network) -> String {
    let names: Vec<_> = network
        .interfaces
        .iter()
        .map(|interface| &*interface.name)
        .collect();
    names.join(", ")
}

/// One interface to protect, over time.
#[derive(Debug)]
pub(super) struct Guarded {
    name: String,
    index: u32,
    /// The kernel's id of the program that was attached last; 0 for none.
    program: u32,
    /// Where the program runs, while it does.
    mode: Option<XdpMode>,
    problem: Option<String>,
}

impl Guarded {
    /// Puts the program on an interface and says how that went.
    pub(super) fn attach(xdp: &mut Xdp, interface: &Interface) -> Self {
        let name = interface.name.clone();
        let mut guarded = Self {
            name,
            index: interface.index,
            program: 0,
            mode: None,
            problem: None,
        };
        guarded.try_attach(xdp, interface);
        guarded
    }

    /// Whether packets are dropped there.
    pub(super) fn is_attached(&self) -> bool {
        self.mode.is_some()
    }

    /// Looks whether what was attached still is, and attaches to an interface that came back. What
    /// somebody took off stays off until the agent is started again.
    pub(super) fn look(&mut self, xdp: &mut Xdp, interfaces: &[Interface]) {
        let same = |interface: &&Interface| interface.index == self.index;
        if let Some(interface) = interfaces.iter().find(same) {
            self.name.clone_from(&interface.name);
            let why = match interface.xdp {
                None => "somebody took the XDP program off; restart the agent to put it back",
                Some(slot) if slot.program.is_some_and(|id| id != self.program) => {
                    "somebody put another XDP program in the place of ours; remove it and restart \
                     the agent"
                }
                Some(_) => return,
            };
            if self.mode.take().is_some() {
                self.lost(why);
            }
            return;
        }
        if self.mode.take().is_some() {
            self.lost("the interface is gone");
        }
        let namesake = |interface: &&Interface| interface.name == self.name;
        if let Some(interface) = interfaces.iter().find(namesake) {
            self.index = interface.index;
            self.try_attach(xdp, interface);
        }
    }

    /// `INTERFACE native`, for the readiness line.
    pub(super) fn summary(&self) -> String {
        format!(
            "{} {}",
            self.name,
            self.mode.map_or("not attached", XdpMode::name)
        )
    }

    /// For `banner status`.
    pub(super) fn status(&self) -> InterfaceStatus {
        InterfaceStatus {
            name: self.name.clone(),
            mode: self.mode.map(|mode| mode.name().to_owned()),
            problem: self.problem.clone(),
        }
    }

    /// What is wrong, in words.
    pub(super) fn problem(&self) -> Option<String> {
        let problem = self.problem.as_ref()?;
        Some(format!("{}: {problem}", self.name))
    }

    fn lost(&mut self, why: &str) {
        error!("{}: {why}; bans are not in force there", self.name);
        self.problem = Some(why.to_owned());
    }

    fn try_attach(&mut self, xdp: &mut Xdp, interface: &Interface) {
        match xdp.attach(interface) {
            Ok(attachment) => {
                let Attachment {
                    interface,
                    program,
                    mode,
                    why_not_native,
                    replaced,
                    ..
                } = attachment;
                let how = if *replaced {
                    "in place of an earlier agent's"
                } else {
                    "attached"
                };
                info!("{interface}: XDP program {how}, {} mode", mode.name());
                self.program = *program;
                self.mode = Some(*mode);
                self.problem = why_not_native
                    .as_ref()
                    .map(|why| format!("generic mode, which is slower: no native XDP ({why})"));
                if let Some(problem) = &self.problem {
                    warn!("{interface}: {problem}");
                }
            }
            Err(error) => {
                error!("{}: {error}", self.name);
                self.problem = Some(error.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network() -> Network {
        let interface = |index, name: &str| Interface {
            index,
            name: name.into(),
            up: true,
            ethernet: true,
            xdp: None,
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

    fn names(named: &[&str], configured: &Interfaces) -> Result<Vec<String>, String> {
        let named: Vec<_> = named.iter().map(|&name| name.to_owned()).collect();
        let network = network();
        let found = wanted(&named, configured, &network).map_err(|error| error.to_string())?;
        Ok(found
            .into_iter()
            .map(|interface| interface.name.clone())
            .collect())
    }

    #[test]
    fn the_command_line_goes_before_the_configuration() {
        let configured = Interfaces::Named(vec!["eth0".into()]);
        assert_eq!(names(&[], &configured).unwrap(), ["eth0"]);
        assert_eq!(names(&["wan", "wan"], &configured).unwrap(), ["wan"]);
        assert_eq!(names(&[], &Interfaces::Auto).unwrap(), ["wan"]);
    }

    #[test]
    fn errors_name_the_interfaces_that_there_are() {
        let error = names(&["ethO"], &Interfaces::Auto).unwrap_err();
        assert_eq!(
            error,
            "no interface is named \"ethO\"; there are: lo, eth0, wan"
        );
        let mut alone = network();
        alone.default_interfaces.clear();
        let error = wanted(&[], &Interfaces::Auto, &alone)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("no interface carries a default route"),
            "{error}"
        );
    }
}
