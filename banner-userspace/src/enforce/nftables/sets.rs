//! The sets of the table, and what their names say.

use std::collections::BTreeMap;

use ipnet::IpNet;

use crate::model::{Entry, PortSets, Ports, PortsId};

/// What a set holds: prefixes of one length, banned for the same ports.
///
/// The kernel's sets of intervals refuse prefixes that overlap, and a prefix may well be banned inside
/// another that is banned for longer. So there is a hash table for each length in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SetKey {
    pub(super) v6: bool,
    pub(super) length: u8,
    /// 0: all ports; else a number of [`Scopes`].
    pub(super) scope: u8,
}

impl SetKey {
    /// The set of an entry.
    pub(super) fn of(net: IpNet, scope: u8) -> Self {
        Self {
            v6: matches!(net, IpNet::V6(_)),
            length: net.prefix_len(),
            scope,
        }
    }

    /// `v4_32`, `v6_64_p1`.
    pub(super) fn name(self) -> String {
        let Self { v6, length, scope } = self;
        let family = if v6 { 6 } else { 4 };
        match scope {
            0 => format!("v{family}_{length}"),
            _ => format!("v{family}_{length}_p{scope}"),
        }
    }

    /// What [`Self::name`] gives.
    pub(super) fn named(name: &str) -> Option<Self> {
        let (v6, rest) = match name.split_at_checked(3)? {
            ("v4_", rest) => (false, rest),
            ("v6_", rest) => (true, rest),
            _ => return None,
        };
        let (length, scope) = match rest.split_once("_p") {
            Some((length, scope)) => (length, scope.parse().ok().filter(|scope| *scope > 0)?),
            None => (rest, 0),
        };
        let key = Self {
            v6,
            length: length.parse().ok()?,
            scope,
        };
        let most = if v6 { 128 } else { 32 };
        (key.length <= most && key.name() == name).then_some(key)
    }

    /// The prefix of an element.
    pub(super) fn net(self, key: &[u8]) -> Option<IpNet> {
        let address = if self.v6 {
            <[u8; 16]>::try_from(key).ok()?.into()
        } else {
            <[u8; 4]>::try_from(key).ok()?.into()
        };
        IpNet::new(address, self.length).ok()
    }

    /// Its mask, as `nft` takes it.
    pub(super) fn mask(self) -> Option<String> {
        let net: IpNet = if self.v6 { "::/0" } else { "0.0.0.0/0" }.parse().ok()?;
        let net = IpNet::new(net.addr(), self.length).ok()?;
        Some(net.netmask().to_string())
    }
}

/// Sets of ports by their numbers in the table. A set keeps its number over restarts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Scopes {
    /// What the comment of each set says; numbers begin with 1.
    texts: BTreeMap<u8, String>,
    ids: BTreeMap<u8, PortsId>,
}

/// A longer text does not fit into a comment.
const COMMENT: usize = 120;

impl Scopes {
    /// What was found of the number.
    pub(super) fn found(&mut self, scope: u8, text: &str) {
        self.texts.insert(scope, text.to_owned());
    }

    /// Numbers for these sets of ports; those that there were keep theirs. Sets of ports that are in
    /// the table and not among these are added.
    pub(super) fn assign(&mut self, ports: &mut PortSets) {
        for text in self.texts.values() {
            if let Ok(stranger) = text.parse::<Ports>()
                && !stranger.is_empty()
            {
                // Where there is no number left, its bans are ended.
                let _ = ports.intern(&stranger);
            }
        }
        self.follow(ports);
    }

    /// The same for sets that are known to be all.
    pub(super) fn follow(&mut self, ports: &PortSets) {
        self.ids.clear();
        for (id, set) in ports.iter() {
            let text = comment(set);
            let known = self.texts.iter().find(|(_, known)| **known == text);
            let scope = known.map(|(scope, _)| *scope).or_else(|| {
                let free = (1..=u8::MAX).find(|scope| !self.texts.contains_key(scope))?;
                self.texts.insert(free, text);
                Some(free)
            });
            if let Some(scope) = scope {
                self.ids.insert(scope, id);
            }
        }
    }

    /// The number of a set of ports.
    pub(super) fn scope(&self, ports: PortsId) -> Option<u8> {
        if ports == PortsId::ALL {
            return Some(0);
        }
        let mut ids = self.ids.iter();
        ids.find(|(_, id)| **id == ports).map(|(scope, _)| *scope)
    }

    /// The set of ports of a number.
    pub(super) fn ports(&self, scope: u8) -> Option<PortsId> {
        match scope {
            0 => Some(PortsId::ALL),
            _ => self.ids.get(&scope).copied(),
        }
    }

    /// What stands as comment at sets of this number.
    pub(super) fn text(&self, scope: u8) -> &str {
        self.texts.get(&scope).map_or("all", String::as_str)
    }

    /// Numbers of sets of ports that are known.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u8, PortsId)> {
        self.ids.iter().map(|(scope, id)| (*scope, *id))
    }

    /// The entry of an element.
    pub(super) fn entry(&self, set: SetKey, key: &[u8]) -> Option<Entry> {
        Some(Entry {
            net: set.net(key)?,
            ports: self.ports(set.scope)?,
        })
    }
}

/// The ports, or, where these are too many for a comment, a digest of them.
fn comment(ports: &Ports) -> String {
    let text = ports.to_string();
    if text.len() <= COMMENT {
        return text;
    }
    let digest = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
    });
    format!("ports {digest:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (net, scope, name, mask) in [
            ("192.0.2.7/32", 0, "v4_32", "255.255.255.255"),
            ("192.0.2.0/24", 3, "v4_24_p3", "255.255.255.0"),
            ("2001:db8::/64", 0, "v6_64", "ffff:ffff:ffff:ffff::"),
        ] {
            let key = SetKey::of(net.parse().unwrap(), scope);
            assert_eq!((&*key.name(), key.mask().as_deref()), (name, Some(mask)));
            assert_eq!(SetKey::named(name), Some(key));
        }
        for name in [
            "never4", "v4_33", "v4_", "v4_024", "v6_64_p0", "v4_32_p", "é",
        ] {
            assert_eq!(SetKey::named(name), None, "{name}");
        }
    }

    #[test]
    fn sets_of_ports_keep_their_numbers_and_strangers_are_known_again() {
        let mut scopes = Scopes::default();
        scopes.found(2, "tcp/22");
        scopes.found(5, "udp/53");
        let mut ports = PortSets::default();
        let web = ports.intern(&"tcp/80".parse().unwrap()).unwrap();
        let ssh = ports.intern(&"tcp/22".parse().unwrap()).unwrap();
        scopes.assign(&mut ports);
        assert_eq!((scopes.scope(ssh), scopes.scope(web)), (Some(2), Some(1)));
        let dns = scopes.ports(5).unwrap();
        assert_eq!(ports.name(dns), "udp/53");
        assert_eq!(scopes.scope(PortsId::ALL), Some(0));
        assert_eq!(scopes.scope(PortsId(60)), None);
    }

    #[test]
    fn many_ports_have_a_comment_that_fits() {
        let many: Vec<_> = (0..200).map(|n| format!("tcp/{}", n * 2)).collect();
        let mut ports = PortSets::default();
        let id = ports.intern(&many.join(",").parse().unwrap()).unwrap();
        let mut scopes = Scopes::default();
        scopes.follow(&ports);
        let scope = scopes.scope(id).unwrap();
        assert!(scopes.text(scope).len() < COMMENT);
    }
}
