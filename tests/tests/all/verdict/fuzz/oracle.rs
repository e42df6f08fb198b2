//! What a frame is, as etherparse reads it, and where banner means to read it differently.

use std::net::IpAddr;

use banner_common::{ICMP_INDEX, Reason};
use banner_tests::frame::{AUTHENTICATION, ICMP, ICMP6, SCTP, TCP, UDP, UDP_LITE};
use etherparse::{
    EtherType, IpNumber, Ipv4HeaderSlice, Ipv6HeaderSlice, LaxIpSlice, LaxLinkExtSlice,
    LaxSlicedPacket, LinkSlice, TcpHeaderSlice, UdpHeaderSlice, err::Layer, ether_type,
};

use super::{
    super::{law::Carries, scopes::port},
    differences::{Difference, Differences},
    extensions,
};

/// The source of a frame and what it carries, or why there is no telling.
pub(crate) type Reading = Result<(IpAddr, Carries), Reason>;

/// Reads a frame; notes which differences it took to.
pub(crate) fn read(frame: &[u8], noted: &mut Differences) -> Reading {
    let packet = LaxSlicedPacket::from_ethernet(frame).map_err(|_| Reason::Malformed)?;
    let Some(LinkSlice::Ethernet2(link)) = &packet.link else {
        unreachable!("it was read as Ethernet")
    };
    let mut ether_type = link.ether_type();
    let mut content = link.payload_slice();
    let mut tags = packet.link_exts.iter();
    for _ in 0..2 {
        if !is_tag(ether_type, noted) {
            break;
        }
        match tags.next() {
            Some(LaxLinkExtSlice::Vlan(tag)) => {
                ether_type = tag.ether_type();
                content = tag.payload_slice();
            }
            Some(LaxLinkExtSlice::Macsec(_)) => unreachable!("its type is not a tag's"),
            None => {
                assert_eq!(
                    stopped(&packet),
                    Some(Layer::VlanHeader),
                    "a tag is missing"
                );
                return Err(Reason::Malformed);
            }
        }
    }
    if tags.next().is_some() {
        noted.add(Difference::ThirdTag);
    }
    match ether_type {
        EtherType::IPV4 => read_v4(content, &packet, noted),
        EtherType::IPV6 => read_v6(content, &packet, noted),
        _ => Err(Reason::NotIp),
    }
}

fn stopped(packet: &LaxSlicedPacket<'_>) -> Option<Layer> {
    packet.stop_err.as_ref().map(|(_, layer)| *layer)
}

fn is_tag(kind: EtherType, noted: &mut Differences) -> bool {
    match kind {
        EtherType::VLAN_TAGGED_FRAME | EtherType::PROVIDER_BRIDGING => true,
        EtherType::VLAN_DOUBLE_TAGGED_FRAME | ether_type::MACSEC => {
            noted.add(Difference::OtherTags);
            false
        }
        _ => false,
    }
}

/// The same bytes with lengths that say that the packet reaches to their end.
fn lengthened(content: &[u8], noted: &mut Differences) -> Vec<u8> {
    let mut content = content.to_vec();
    let at = if content[0] >> 4 == 4 { 2 } else { 4 };
    let there = if at == 2 {
        content.len()
    } else {
        content.len() - 40
    };
    let says = u16::from_be_bytes([content[at], content[at + 1]]);
    if usize::from(says) != there {
        noted.add(Difference::Lengths);
    }
    // Of 0 etherparse makes all that there is, in both families.
    content[at..at + 2].fill(0);
    content
}

fn read_v4(content: &[u8], packet: &LaxSlicedPacket<'_>, noted: &mut Differences) -> Reading {
    if version(content) != Some(4) {
        if version(content) == Some(6) {
            noted.add(Difference::Version);
        }
        return Err(Reason::Malformed);
    }
    if content.len() < 20 || content[0] & 0xf < 5 {
        assert!(
            packet.net.is_none(),
            "etherparse reads what is cut off: {packet:?}"
        );
        return Err(Reason::Malformed);
    }
    let mut content = lengthened(content, noted);
    let words = usize::from(content[0] & 0xf);
    let cut = content.len() < words * 4;
    if cut {
        assert!(
            Ipv4HeaderSlice::from_slice(&content).is_err(),
            "options that are not there"
        );
        noted.add(Difference::OptionsCutOff);
        content[0] = 0x45;
    }
    let (ip, stop) = LaxIpSlice::from_slice(&content).expect("the fixed header is there");
    let LaxIpSlice::Ipv4(ip) = ip else {
        unreachable!("its version is 4")
    };
    let header = ip.header();
    let source = IpAddr::V4(header.source_addr());
    if header.fragments_offset().value() != 0 {
        return Ok((source, Carries::Later));
    }
    if ip.is_payload_fragmented() {
        noted.add(Difference::FirstFragment);
    }
    let protocol = header.protocol();
    let carries = if cut && protocol.0 == AUTHENTICATION {
        Carries::Unreadable
    } else if cut {
        // Whatever has bytes of its own would begin behind the end.
        transport(protocol, &[], ICMP, noted)
    } else if stop.is_some() {
        let rest = ip.payload().payload;
        match extensions::authentication(rest, noted) {
            Some((next, rest)) => transport(next, rest, ICMP, noted),
            None => Carries::Unreadable,
        }
    } else {
        transport(ip.payload_ip_number(), ip.payload().payload, ICMP, noted)
    };
    Ok((source, carries))
}

fn read_v6(content: &[u8], packet: &LaxSlicedPacket<'_>, noted: &mut Differences) -> Reading {
    if version(content) != Some(6) {
        if version(content) == Some(4) {
            noted.add(Difference::Version);
        }
        return Err(Reason::Malformed);
    }
    if Ipv6HeaderSlice::from_slice(content).is_err() {
        assert!(
            packet.net.is_none(),
            "etherparse reads what is cut off: {packet:?}"
        );
        return Err(Reason::Malformed);
    }
    let content = lengthened(content, noted);
    let header = Ipv6HeaderSlice::from_slice(&content).expect("it was read before");
    let source = IpAddr::V6(header.source_addr());
    let carries = match extensions::walk(header.next_header(), &content[40..], noted) {
        extensions::End::Payload(next, rest) => transport(next, rest, ICMP6, noted),
        extensions::End::Later => Carries::Later,
        extensions::End::Unreadable => Carries::Unreadable,
    };
    Ok((source, carries))
}

fn version(content: &[u8]) -> Option<u8> {
    content.first().map(|first| first >> 4)
}

/// What the payload `rest` of protocol `number` is; `icmp` is the family's own.
fn transport(number: IpNumber, rest: &[u8], icmp: u8, noted: &mut Differences) -> Carries {
    let to = match number.0 {
        TCP => {
            let mut header = rest[..rest.len().min(20)].to_vec();
            if TcpHeaderSlice::from_slice(rest).is_err() && rest.len() >= 4 {
                noted.add(Difference::TransportCutOff);
            }
            if header.len() >= 4 {
                header.resize(20, 0);
                header[12] = 0x50;
            }
            TcpHeaderSlice::from_slice(&header)
                .ok()
                .map(|header| header.destination_port())
        }
        // etherparse knows no SCTP and no UDP-Lite; their ports stand where UDP's do.
        UDP | SCTP | UDP_LITE => {
            if number.0 != UDP {
                noted.add(Difference::OtherPorts);
            }
            let mut header = rest[..rest.len().min(8)].to_vec();
            if (4..8).contains(&header.len()) {
                noted.add(Difference::TransportCutOff);
                header.resize(8, 0);
            }
            UdpHeaderSlice::from_slice(&header)
                .ok()
                .map(|header| header.destination_port())
        }
        protocol if protocol == icmp => return Carries::Index(ICMP_INDEX),
        _ => return Carries::Other,
    };
    match to {
        Some(to) => Carries::Index(port(number.0, to)),
        None => Carries::Unreadable,
    }
}
