//! What an XDP program sees on an interface of some kind. Sources are in docs/attachment.md.

use crate::netlink::Interface;

/// What an interface is, in a few words; `interfaces` are those of its network namespace.
pub fn kind(interface: &Interface, interfaces: &[Interface]) -> String {
    let name = |index: u32| {
        let found = interfaces.iter().find(|found| found.index == index);
        found.map_or_else(|| format!("interface {index}"), |found| found.name.clone())
    };
    let mut words = match interface.kind.as_deref() {
        _ if interface.name == "lo" => "loopback".to_owned(),
        None if interface.device.is_some() => "device".to_owned(),
        None => "device of no known bus".to_owned(),
        Some("vlan") => "VLAN".to_owned(),
        Some(kind) => kind.to_owned(),
    };
    if let Some("vlan" | "macvlan" | "ipvlan" | "macvtap") = interface.kind.as_deref()
        && let Some(lower) = interface.lower
    {
        words.extend([" on ", &name(lower)]);
    }
    if let Some(master) = &interface.master {
        let part = match master.kind.as_deref() {
            Some("bridge") => "port of the bridge",
            Some("bond") => "slave of the bond",
            Some("team") => "port of the team",
            Some("vrf") => "in the VRF",
            _ => "part of",
        };
        words.extend([", ", part, " ", &name(master.index)]);
    }
    words
}

/// What to know of an interface of this kind before relying on a program there, if there is anything.
pub fn advice(interface: &Interface) -> Option<&'static str> {
    Some(match interface.kind.as_deref() {
        _ if !interface.ethernet => {
            "its packets have no Ethernet header, and the program reads Ethernet frames: protect the \
             interface that its packets come in through"
        }
        Some("bridge") => {
            "on a bridge XDP runs in generic mode and sees only what is delivered to this machine, not \
             what is forwarded between ports; to drop that, and natively, protect its ports"
        }
        _ if interface.is_part_of("bridge") => {
            "on a port of a bridge XDP sees all that comes in there, also what would be forwarded to \
             other machines, containers or guests: bans hold for them, too"
        }
        Some("bond") => {
            "on a bond native XDP takes Linux 5.15, the mode balance-rr, active-backup, balance-xor or \
             802.3ad, and slaves that can all do it; while it has a program its slaves take none"
        }
        _ if interface.is_part_of("bond") => {
            "a slave of a bond takes a program only while the bond has none, and only what comes in \
             through this slave is seen: protect the bond, or all of its slaves"
        }
        Some("team") => "on a team XDP runs in generic mode; to drop natively, protect its ports",
        _ if interface.is_part_of("team") => {
            "only what comes in through this port of a team is seen: protect all of its ports"
        }
        Some("vlan") => {
            "on a VLAN XDP runs in generic mode; the program reads VLAN tags, so protect the interface \
             below instead, natively, where bans then hold for all its VLANs"
        }
        Some("macvlan" | "macvtap" | "ipvlan" | "ipvtap") => {
            "here XDP runs in generic mode; to drop natively, protect the interface below, where bans \
             then hold for everybody who shares it"
        }
        Some("veth") => {
            "on a veth each packet has cost an skb on the other side already, and native XDP mostly \
             copies it: on a host of containers protect the uplink rather than their interfaces"
        }
        Some("vxlan" | "geneve" | "gretap" | "ip6gretap" | "erspan" | "ip6erspan") => {
            "on a tunnel XDP runs in generic mode and sees the packets inside; those that carry them \
             come in through another interface"
        }
        _ if interface.name == "lo" => {
            "on loopback XDP runs in generic mode, and only this machine sends there"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::Master;

    fn interface(kind: Option<&str>, master: Option<&str>) -> Interface {
        Interface {
            index: 4,
            name: "x".into(),
            ethernet: true,
            kind: kind.map(Into::into),
            master: master.map(|kind| Master {
                index: 7,
                kind: Some(kind.into()),
            }),
            ..Interface::default()
        }
    }

    #[test]
    fn each_kind_has_its_own_advice() {
        for (kind, master, part) in [
            (Some("bridge"), None, "delivered to this machine"),
            (Some("veth"), Some("bridge"), "port of a bridge"),
            (Some("bond"), None, "5.15"),
            (None, Some("bond"), "only while the bond has none"),
            (Some("vlan"), None, "reads VLAN tags"),
            (Some("macvlan"), None, "interface below"),
            (Some("veth"), None, "uplink"),
            (Some("vxlan"), None, "inside"),
        ] {
            let said = advice(&interface(kind, master)).expect("there is advice");
            assert!(said.contains(part), "{kind:?} {master:?}: {said}");
        }
        assert_eq!(advice(&interface(None, None)), None);
        let mut tunnel = interface(Some("wireguard"), None);
        tunnel.ethernet = false;
        assert!(advice(&tunnel).unwrap().contains("no Ethernet header"));
    }

    #[test]
    fn what_an_interface_is_names_its_neighbours() {
        let bridge = Interface {
            index: 7,
            name: "br0".into(),
            ..Interface::default()
        };
        let port = interface(Some("veth"), Some("bridge"));
        let all = [bridge];
        assert_eq!(kind(&port, &all), "veth, port of the bridge br0");
        assert_eq!(kind(&port, &[]), "veth, port of the bridge interface 7");
        let mut vlan = interface(Some("vlan"), None);
        vlan.lower = Some(7);
        assert_eq!(kind(&vlan, &all), "VLAN on br0");
        assert_eq!(kind(&interface(None, None), &all), "device of no known bus");
    }
}
