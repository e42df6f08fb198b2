//! Packets to test bans with. They are never sent.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::{Ports, Protocol};

/// Where they would go: addresses for documentation (RFC 5737, RFC 3849).
const TO4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const TO6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// Where a packet goes that may go anywhere.
const ANYWHERE: (Protocol, u16) = (Protocol::Tcp, 22);

/// The most that the header of a protocol takes here.
const TRANSPORT: usize = 20;

/// An Ethernet frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub(super) bytes: Vec<u8>,
    /// To which port, in words.
    pub(super) what: String,
}

/// One of a host to one of these ports; none: to any.
pub(super) fn within(host: IpAddr, ports: Option<&Ports>) -> Packet {
    let first = ports.and_then(|ports| ports.ranges().next());
    let (protocol, port) = first.map_or(ANYWHERE, |(protocol, ports)| (protocol, *ports.start()));
    packet(host, protocol, port)
}

/// One of a host to none of these ports.
pub(super) fn beside(host: IpAddr, ports: &Ports) -> Option<Packet> {
    let port = (1..=u16::MAX).find(|port| !ports.contains(Protocol::Tcp, *port))?;
    Some(packet(host, Protocol::Tcp, port))
}

fn packet(host: IpAddr, protocol: Protocol, port: u16) -> Packet {
    let what = if protocol.has_ports() {
        format!("{}/{port}", protocol.name())
    } else {
        protocol.name().to_owned()
    };
    let mut bytes = vec![0; 12];
    match host {
        IpAddr::V4(host) => {
            bytes.extend([
                0x08,
                0x00,
                0x45,
                0,
                0,
                40,
                0,
                0,
                0,
                0,
                64,
                number(protocol, false),
            ]);
            // No checksum: the program does not look at it.
            bytes.extend([0, 0]);
            bytes.extend(host.octets());
            bytes.extend(TO4.octets());
        }
        IpAddr::V6(host) => {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, number(protocol, true), 64]);
            bytes.extend(host.octets());
            bytes.extend(TO6.octets());
        }
    }
    let mut transport = [0; TRANSPORT];
    if protocol == Protocol::Icmp {
        // An echo request.
        transport[0] = if host.is_ipv4() { 8 } else { 128 };
    } else {
        transport[..2].copy_from_slice(&50_000_u16.to_be_bytes());
        transport[2..4].copy_from_slice(&port.to_be_bytes());
    }
    if protocol == Protocol::Tcp {
        // Five words; SYN.
        transport[12..14].copy_from_slice(&[0x50, 0x02]);
    }
    bytes.extend(transport);
    Packet { bytes, what }
}

/// The protocol's number in the header of IP.
fn number(protocol: Protocol, v6: bool) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
        Protocol::UdpLite => 136,
        Protocol::Icmp if v6 => 58,
        Protocol::Icmp => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn packets_have_the_lengths_that_their_headers_say() {
        let v4 = within(host("203.0.113.7"), None);
        assert_eq!((v4.bytes.len(), &*v4.what), (14 + 40, "tcp/22"));
        assert_eq!(v4.bytes[26..30], [203, 0, 113, 7]);
        let v6 = within(host("2001:db8::7"), Some(&"icmp".parse().unwrap()));
        assert_eq!((v6.bytes.len(), &*v6.what), (14 + 40 + 20, "icmp"));
        assert_eq!((v6.bytes[20], v6.bytes[54]), (58, 128));
    }

    #[test]
    fn a_port_beside_is_none_of_them() {
        let of = |ports: &str| Some(beside(host("192.0.2.7"), &ports.parse().unwrap())?.what);
        assert_eq!(of("tcp/22").as_deref(), Some("tcp/1"));
        assert_eq!(of("tcp/1-21,udp/5").as_deref(), Some("tcp/22"));
        assert_eq!(of("tcp/1-65535"), None);
    }
}
