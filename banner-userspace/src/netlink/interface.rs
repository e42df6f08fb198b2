//! Interfaces: what they are, and who holds their XDP slot.

use netlink_packet_route::link::{
    LinkAttribute, LinkFlags, LinkInfo, LinkLayerType, LinkMessage, LinkXdp, XdpAttached,
};

/// One interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Index; it stays when the interface is renamed.
    pub index: u32,
    /// Name.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// Whether its packets begin with an Ethernet header.
    pub ethernet: bool,
    /// Who holds its XDP slot.
    pub xdp: Option<XdpSlot>,
    /// Bytes of the longest packet, without the Ethernet header.
    pub mtu: u32,
    /// Receive queues that the driver has made room for.
    pub rx_queues: u32,
    /// What the kernel calls its kind, such as `bridge`, `bond`, `vlan`, `veth`; none for hardware.
    pub kind: Option<String>,
    /// The interface that it is a part of: the bridge of a port, the bond of a slave.
    pub master: Option<Master>,
    /// Index of the interface below it, such as the one that a VLAN is on. Of this network namespace.
    pub lower: Option<u32>,
    /// The device under it.
    pub device: Option<Device>,
}

/// The interface that another one is a part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// Its index.
    pub index: u32,
    /// What the other one is to it: `bridge`, `bond`, `vrf`, `team`.
    pub kind: Option<String>,
}

/// A device on a bus, as the kernel has told since 5.14 (`IFLA_PARENT_DEV_NAME`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The bus, such as `pci` or `virtio`.
    pub bus: String,
    /// Its name there, such as `0000:00:03.0`.
    pub name: String,
}

/// An XDP program on an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XdpSlot {
    /// Where it runs.
    pub mode: XdpMode,
    /// Its id, unless it is one of several programs in different modes.
    pub program: Option<u32>,
}

/// Where an XDP program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver, before the kernel makes an skb of the packet.
    Native,
    /// Behind the driver, on the skb: slower, but any driver has it.
    Generic,
    /// In the network card.
    Offloaded,
    /// Several programs in several of these places.
    Several,
}

impl XdpMode {
    /// The word in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Generic => "generic",
            Self::Offloaded => "offloaded",
            Self::Several => "several",
        }
    }
}

impl Interface {
    /// Whether it is of this kind.
    pub fn is(&self, kind: &str) -> bool {
        self.kind.as_deref() == Some(kind)
    }

    /// Whether it is a part of an interface of this kind.
    pub fn is_part_of(&self, kind: &str) -> bool {
        let master = self.master.as_ref();
        master.is_some_and(|master| master.kind.as_deref() == Some(kind))
    }

    /// What a message says; none where it does not even name the interface.
    pub(super) fn from_message(link: &LinkMessage) -> Option<Self> {
        let ethernet = [LinkLayerType::Ether, LinkLayerType::Loopback];
        let mut interface = Self {
            index: link.header.index,
            up: link.header.flags.contains(LinkFlags::Up),
            ethernet: ethernet.contains(&link.header.link_layer_type),
            ..Self::default()
        };
        let mut named = false;
        let mut part = None;
        let (mut bus, mut device) = (None, None);
        let mut elsewhere = false;
        for attribute in &link.attributes {
            match attribute {
                LinkAttribute::IfName(text) => {
                    interface.name.clone_from(text);
                    named = true;
                }
                LinkAttribute::Mtu(mtu) => interface.mtu = *mtu,
                LinkAttribute::NumRxQueues(queues) => interface.rx_queues = *queues,
                LinkAttribute::Xdp(attributes) => interface.xdp = slot(attributes),
                LinkAttribute::Link(index) => interface.lower = Some(*index),
                LinkAttribute::LinkNetNsId(_) => elsewhere = true,
                LinkAttribute::Controller(index) if *index != 0 => {
                    interface.master = Some(Master {
                        index: *index,
                        kind: None,
                    });
                }
                LinkAttribute::LinkInfo(infos) => {
                    for info in infos {
                        match info {
                            LinkInfo::Kind(kind) => interface.kind = Some(kind.to_string()),
                            LinkInfo::PortKind(kind) => part = Some(kind.to_string()),
                            _ => {}
                        }
                    }
                }
                LinkAttribute::ParentDevBusName(text) => bus = Some(text.clone()),
                LinkAttribute::ParentDevName(text) => device = Some(text.clone()),
                _ => {}
            }
        }
        if let Some(master) = &mut interface.master {
            master.kind = part;
        }
        // Some name themselves.
        interface.lower = interface
            .lower
            .filter(|&lower| !elsewhere && lower != 0 && lower != interface.index);
        interface.device = bus.zip(device).map(|(bus, name)| Device { bus, name });
        named.then_some(interface)
    }
}

fn slot(attributes: &[LinkXdp]) -> Option<XdpSlot> {
    let mode = attributes.iter().find_map(|attribute| match attribute {
        LinkXdp::Attached(XdpAttached::Driver) => Some(XdpMode::Native),
        LinkXdp::Attached(XdpAttached::SocketBuffer) => Some(XdpMode::Generic),
        LinkXdp::Attached(XdpAttached::Hardware) => Some(XdpMode::Offloaded),
        LinkXdp::Attached(XdpAttached::Multiple) => Some(XdpMode::Several),
        _ => None,
    })?;
    let program = attributes.iter().find_map(|attribute| match attribute {
        LinkXdp::ProgId(id) if *id != 0 => Some(*id),
        _ => None,
    });
    Some(XdpSlot { mode, program })
}

#[cfg(test)]
mod tests {
    use netlink_packet_route::link::{InfoKind, InfoPortKind};

    use super::*;

    fn message(attributes: Vec<LinkAttribute>) -> LinkMessage {
        let mut message = LinkMessage::default();
        message.header.index = 4;
        message.header.link_layer_type = LinkLayerType::Ether;
        message.attributes = attributes;
        message
    }

    #[test]
    fn what_an_interface_is_and_belongs_to_is_read() {
        let message = message(vec![
            LinkAttribute::IfName("eth0.7".into()),
            LinkAttribute::Mtu(1496),
            LinkAttribute::Link(2),
            LinkAttribute::Controller(9),
            LinkAttribute::LinkInfo(vec![
                LinkInfo::Kind(InfoKind::Vlan),
                LinkInfo::PortKind(InfoPortKind::Bridge),
            ]),
            LinkAttribute::ParentDevName("0000:00:03.0".into()),
            LinkAttribute::ParentDevBusName("pci".into()),
        ]);
        let interface = Interface::from_message(&message).expect("it has a name");
        assert!(interface.is("vlan") && interface.is_part_of("bridge"));
        assert!(interface.ethernet && !interface.is("bridge") && !interface.is_part_of("bond"));
        assert_eq!((interface.lower, interface.mtu), (Some(2), 1496));
        assert_eq!(interface.master.map(|master| master.index), Some(9));
        assert_eq!(
            interface.device.map(|device| device.bus).as_deref(),
            Some("pci")
        );
    }

    /// A veth names its peer there, by its index in the peer's namespace.
    #[test]
    fn an_interface_of_another_namespace_is_not_taken_for_the_one_below() {
        let name = LinkAttribute::IfName("veth0".into());
        let elsewhere = message(vec![
            name.clone(),
            LinkAttribute::Link(3),
            LinkAttribute::LinkNetNsId(0),
        ]);
        assert_eq!(Interface::from_message(&elsewhere).unwrap().lower, None);
        let own = message(vec![name, LinkAttribute::Link(4)]);
        assert_eq!(Interface::from_message(&own).unwrap().lower, None);
        assert!(Interface::from_message(&message(Vec::new())).is_none());
    }
}
