//! Frames, byte by byte: right ones and wrong ones.

mod ipv4;
mod ipv6;
mod payload;

pub use ipv4::Ipv4;
pub use ipv6::{
    DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, HOST_IDENTITY, Ipv6, MOBILITY, ROUTING, SHIM6,
};
pub use payload::{
    AUTHENTICATION, ESP, ICMP, ICMP6, Payload, SCTP, TCP, UDP, UDP_LITE, authenticated, icmp,
    icmp6, none, sctp, tcp_syn, to_port, udp,
};

/// `EtherType` of IPv4 (RFC 894).
pub const IPV4: u16 = 0x0800;
/// `EtherType` of ARP (RFC 826).
pub const ARP: u16 = 0x0806;
/// `EtherType` of a VLAN tag (IEEE 802.1Q).
pub const VLAN: u16 = 0x8100;
/// `EtherType` of IPv6 (RFC 2464).
pub const IPV6: u16 = 0x86dd;
/// `EtherType` of MPLS (RFC 3032).
pub const MPLS: u16 = 0x8847;
/// `EtherType` of a `PPPoE` session (RFC 2516).
pub const PPPOE: u16 = 0x8864;
/// `EtherType` of a provider's VLAN tag (IEEE 802.1ad).
pub const QINQ: u16 = 0x88a8;
/// `EtherType` of LLDP (IEEE 802.1AB).
pub const LLDP: u16 = 0x88cc;

const MAC_LENGTH: usize = 6;

/// A frame whose last `EtherType` is still open; a network header or [`Frame::other`] closes it.
#[derive(Clone, Debug)]
pub struct Frame(Vec<u8>);

impl Frame {
    /// Addresses only, both locally administered.
    pub fn new() -> Self {
        Self::to([2, 0, 0, 0, 0, 1])
    }

    /// Addresses only, with this destination.
    pub fn to(destination: [u8; MAC_LENGTH]) -> Self {
        let source = [2, 0, 0, 0, 0, 2];
        Self([destination, source].concat())
    }

    /// A VLAN tag of type `ether_type` with this tag control information (priority, DEI, VLAN id).
    #[must_use]
    pub fn tag(mut self, ether_type: u16, control: u16) -> Self {
        self.0.extend(ether_type.to_be_bytes());
        self.0.extend(control.to_be_bytes());
        self
    }

    /// An IPv4 packet.
    pub fn ipv4(self, packet: &Ipv4) -> Vec<u8> {
        self.other(IPV4, &packet.bytes())
    }

    /// An IPv6 packet.
    pub fn ipv6(self, packet: &Ipv6) -> Vec<u8> {
        self.other(IPV6, &packet.bytes())
    }

    /// Anything under any `EtherType`, or under a length (IEEE 802.3) where that is below 1536.
    pub fn other(mut self, ether_type: u16, content: &[u8]) -> Vec<u8> {
        self.0.extend(ether_type.to_be_bytes());
        self.0.extend(content);
        self.0
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::new()
    }
}
