use banner_common::Reason;

use crate::cursor::Cursor;

/// Source address of a packet, in network byte order.
///
/// Headers are made of 16-bit words: drivers place frames at even addresses and every header here
/// has an even length, so each word is one load, where bytes would be two.
pub enum Source {
    V4([u16; 2]),
    V6([u16; 8]),
}

// EtherTypes, as they stand on the wire (IEEE 802, RFC 894, RFC 2464, 802.1Q, 802.1ad).
const IPV4: u16 = 0x0800_u16.to_be();
const IPV6: u16 = 0x86dd_u16.to_be();
const VLAN: u16 = 0x8100_u16.to_be();
const QINQ: u16 = 0x88a8_u16.to_be();

/// How many VLAN tags may stand before the IP header.
const MAX_TAGS: usize = 2;

#[derive(Clone, Copy)]
#[repr(C)]
struct Ethernet {
    addresses: [u16; 6],
    ether_type: u16,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct Tag {
    control: u16,
    ether_type: u16,
}

/// The fixed part of an IPv4 header (RFC 791); options come behind it and do not matter here.
#[derive(Clone, Copy)]
#[repr(C)]
struct Ipv4 {
    version_and_length: u8,
    service: u8,
    until_source: [u16; 5],
    source: [u16; 2],
    destination: [u16; 2],
}

/// The fixed part of an IPv6 header (RFC 8200).
#[derive(Clone, Copy)]
#[repr(C)]
struct Ipv6 {
    version_and_class: u8,
    class_and_flow: u8,
    until_source: [u16; 3],
    source: [u16; 8],
    destination: [u16; 8],
}

/// Finds the source address, or says why there is none. Looks no further than the fixed header,
/// so options, extension headers and fragments cannot hide it.
#[inline(always)]
pub fn source(packet: &mut Cursor) -> Result<Source, Reason> {
    let mut ether_type = packet
        .read::<Ethernet>()
        .ok_or(Reason::Malformed)?
        .ether_type;
    for _ in 0..MAX_TAGS {
        if ether_type != VLAN && ether_type != QINQ {
            break;
        }
        ether_type = packet.read::<Tag>().ok_or(Reason::Malformed)?.ether_type;
    }
    match ether_type {
        IPV4 => {
            let header = packet.read::<Ipv4>().ok_or(Reason::Malformed)?;
            // Version 4 and at least five words of header: 0x45 to 0x4f.
            match header.version_and_length {
                0x45..=0x4f => Ok(Source::V4(header.source)),
                _ => Err(Reason::Malformed),
            }
        }
        IPV6 => {
            let header = packet.read::<Ipv6>().ok_or(Reason::Malformed)?;
            match header.version_and_class >> 4 {
                6 => Ok(Source::V6(header.source)),
                _ => Err(Reason::Malformed),
            }
        }
        _ => Err(Reason::NotIp),
    }
}
