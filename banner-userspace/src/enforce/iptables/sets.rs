//! Sets of ipset, and what their names say.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::restore::line;
use crate::model::{PortSets, PortsId, PrefixSet};

/// More members than any configuration allows.
const MOST: u32 = 8_388_608;

/// A family of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

pub(super) const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

impl Family {
    pub(super) fn of(net: IpNet) -> Self {
        if net.addr().is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::V4 => "iptables",
            Self::V6 => "ip6tables",
        }
    }

    fn digit(self) -> char {
        match self {
            Self::V4 => '4',
            Self::V6 => '6',
        }
    }
}

/// The names of the sets, and the numbers of sets of ports in them.
#[derive(Clone, Debug)]
pub(super) struct Sets {
    chain: String,
    texts: BTreeMap<u8, String>,
    ids: BTreeMap<u8, PortsId>,
}

impl Sets {
    pub(super) fn new(chain: &str) -> Self {
        Self {
            chain: chain.to_owned(),
            texts: BTreeMap::new(),
            ids: BTreeMap::new(),
        }
    }

    /// `banner4`, `banner6-p1`.
    pub(super) fn name(&self, family: Family, scope: u8) -> String {
        let (chain, digit) = (&self.chain, family.digit());
        match scope {
            0 => format!("{chain}{digit}"),
            _ => format!("{chain}{digit}-p{scope}"),
        }
    }

    pub(super) fn never(&self, family: Family) -> String {
        format!("{}{}-never", self.chain, family.digit())
    }

    pub(super) fn is_never(&self, name: &str) -> bool {
        FAMILIES.iter().any(|family| self.never(*family) == name)
    }

    /// The number of the set of ports that a set of this name is for.
    pub(super) fn scope_of(&self, name: &str) -> Option<u8> {
        let rest = name.strip_prefix(&*self.chain)?;
        let rest = rest.strip_prefix(['4', '6'])?;
        match rest.strip_prefix("-p") {
            None if rest.is_empty() => Some(0),
            None => None,
            Some(scope) => scope.parse().ok().filter(|scope| *scope > 0),
        }
    }

    pub(super) fn is_own(&self, name: &str) -> bool {
        self.is_never(name) || self.scope_of(name).is_some()
    }

    pub(super) fn found(&mut self, scope: u8, ports: &str) {
        self.texts.insert(scope, ports.to_owned());
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.texts.values().map(String::as_str)
    }

    /// Numbers for these sets of ports; those that there were keep theirs.
    pub(super) fn follow(&mut self, ports: &PortSets) {
        self.ids.clear();
        for (id, set) in ports.iter() {
            let text = set.to_string();
            let known = self.texts.iter().find(|(_, known)| **known == text);
            let scope = known.map(|(scope, _)| *scope).or_else(|| {
                let free = (1..=u8::MAX).find(|scope| !self.texts.contains_key(scope))?;
                self.texts.insert(free, text);
                Some(free)
            });
            self.ids.extend(scope.map(|scope| (scope, id)));
        }
    }

    pub(super) fn scope(&self, ports: PortsId) -> Option<u8> {
        if ports == PortsId::ALL {
            return Some(0);
        }
        let mut ids = self.ids.iter();
        ids.find(|(_, id)| **id == ports).map(|(scope, _)| *scope)
    }

    pub(super) fn id(&self, scope: u8) -> Option<PortsId> {
        match scope {
            0 => Some(PortsId::ALL),
            _ => self.ids.get(&scope).copied(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, PortsId)> {
        self.ids.iter().map(|(scope, id)| (*scope, *id))
    }

    /// The names of all that there should be.
    pub(super) fn all(&self) -> impl Iterator<Item = String> {
        FAMILIES.into_iter().flat_map(move |family| {
            let scopes = std::iter::once(0).chain(self.ids.keys().copied());
            let sets = scopes.map(move |scope| self.name(family, scope));
            sets.chain([self.never(family)])
        })
    }

    /// Makes the sets that are missing, and those of prefixes that are never dropped what they should be.
    pub(super) fn create(&self, never: &PrefixSet) -> String {
        let mut script = String::new();
        for family in FAMILIES {
            let kind = match family {
                Family::V4 => "inet",
                Family::V6 => "inet6",
            };
            let scopes = std::iter::once(0).chain(self.ids.keys().copied());
            for name in scopes.map(|scope| self.name(family, scope)) {
                line(
                    &mut script,
                    format_args!(
                        "create {name} hash:net family {kind} maxelem {MOST} timeout 0 comment"
                    ),
                );
            }
            // Filled aside and swapped: at no moment is a part of it missing.
            let (name, aside) = (self.never(family), format!("{}-new", self.never(family)));
            for name in [&name, &aside] {
                line(
                    &mut script,
                    format_args!("create {name} hash:net family {kind}"),
                );
            }
            line(&mut script, format_args!("flush {aside}"));
            for net in halves(never).filter(|net| Family::of(*net) == family) {
                line(&mut script, format_args!("add {aside} {net}"));
            }
            line(&mut script, format_args!("swap {name} {aside}"));
            line(&mut script, format_args!("destroy {aside}"));
        }
        script
    }
}

/// `hash:net` takes no prefix of length 0, but its halves.
fn halves(never: &PrefixSet) -> impl Iterator<Item = IpNet> {
    never.iter().flat_map(|net| {
        let halves = (net.prefix_len() == 0)
            .then(|| net.subnets(1).ok())
            .flatten();
        match halves {
            Some(halves) => halves.collect(),
            None => vec![net],
        }
    })
}

/// What the sets of prefixes that are never dropped have to hold.
pub(super) fn wanted_never(never: &PrefixSet) -> Vec<IpNet> {
    let mut all: Vec<IpNet> = halves(never).collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_sets_say_what_they_are_for() {
        let sets = Sets::new("f2b");
        for (family, scope) in [(Family::V4, 0), (Family::V6, 3)] {
            let name = sets.name(family, scope);
            assert_eq!(sets.scope_of(&name), Some(scope), "{name}");
        }
        for name in [
            "f2b",
            "f2b5",
            "f2b4-p0",
            "f2b4-px",
            "other4",
            "f2b4-never-new",
        ] {
            assert!(!sets.is_own(name), "{name}");
        }
        assert!(sets.is_own("f2b6-never"));
    }
}
