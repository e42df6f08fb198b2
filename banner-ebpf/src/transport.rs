//! What a packet carries, for bans that are about some ports only.

use banner_common::{ICMP_INDEX, PORT_PROTOCOLS, port_index};

use crate::{
    cursor::Cursor,
    header::{Extension, Fragment, Ipv4, Ipv6, Ports},
};

/// What there is to know for a ban that is about some ports only.
pub enum Transport {
    /// The index in the map of ports.
    Port(u32),
    /// Neither ports nor ICMP.
    Other,
    /// A later fragment: it has no ports to look at.
    LaterFragment,
    /// The packet ends before its ports, or has too many extension headers before them.
    Unreadable,
}

/// How many extension headers are walked over. Linux sends at most five, and RFC 8200 knows no use
/// for more than one of each, but for destination options.
const MAX_EXTENSIONS: usize = 8;

// Protocols and extension headers (IANA).
const HOP_BY_HOP: u8 = 0;
const ICMP: u8 = 1;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const ICMP6: u8 = 58;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

/// The fragment's offset in an IPv4 header; in units of 8 bytes.
const IPV4_OFFSET: u16 = 0x1fff_u16.to_be();
/// The same in an IPv6 fragment header; in bytes.
const IPV6_OFFSET: u16 = 0xfff8_u16.to_be();

/// What the IPv4 packet at the cursor carries.
#[inline(always)]
pub fn of_v4(mut packet: Cursor) -> Transport {
    let Some(header) = packet.read::<Ipv4>() else {
        return Transport::Unreadable;
    };
    if header.fragment & IPV4_OFFSET != 0 {
        return Transport::LaterFragment;
    }
    let options = usize::from(header.version_and_length & 0xf).wrapping_sub(5) * 4;
    packet.skip(options & 0x3c);
    match header.protocol {
        // The one extension header that IPv4 has too.
        AUTHENTICATION => match packet.read::<Extension>() {
            Some(extension) => {
                packet.skip(usize::from(extension.length) * 4 + 6);
                port(packet, extension.next_header, ICMP)
            }
            None => Transport::Unreadable,
        },
        protocol => port(packet, protocol, ICMP),
    }
}

/// What the IPv6 packet at the cursor carries. `zero` is 0, but the verifier does not know: so a round of
/// the walk ends in the same state for it, whatever header it was.
#[inline(always)]
pub fn of_v6(mut packet: Cursor, zero: u64) -> Transport {
    let Some(header) = packet.read::<Ipv6>() else {
        return Transport::Unreadable;
    };
    let mut next = header.next_header;
    for _ in 0..MAX_EXTENSIONS {
        if !is_extension(next) {
            return port(packet, next, ICMP6);
        }
        let Some(extension) = packet.read::<Extension>() else {
            return Transport::Unreadable;
        };
        if next == FRAGMENT {
            let mut rest = packet;
            match rest.read::<Fragment>() {
                Some(fragment) if fragment.offset & IPV6_OFFSET != 0 => {
                    return Transport::LaterFragment;
                }
                Some(_) => {}
                None => return Transport::Unreadable,
            }
        }
        let length = match next {
            // The byte is not a length, but reserved.
            FRAGMENT => 0,
            // In units of 4 bytes, where others have 8.
            AUTHENTICATION => usize::from(extension.length) * 4,
            _ => usize::from(extension.length) * 8,
        };
        // Without the first 8 bytes, of which 2 were read.
        packet.skip((length + 6) ^ zero as usize);
        next = extension.next_header;
    }
    if is_extension(next) {
        return Transport::Unreadable;
    }
    port(packet, next, ICMP6)
}

#[inline(always)]
fn is_extension(next: u8) -> bool {
    matches!(
        next,
        HOP_BY_HOP
            | ROUTING
            | FRAGMENT
            | AUTHENTICATION
            | DESTINATION
            | MOBILITY
            | HOST_IDENTITY
            | SHIM6
    )
}

/// The port that the packet goes to, where `protocol` has ports.
#[inline(always)]
fn port(mut packet: Cursor, protocol: u8, icmp: u8) -> Transport {
    let mut index = 0;
    while index < PORT_PROTOCOLS.len() {
        if PORT_PROTOCOLS[index] == protocol {
            return match packet.read::<Ports>() {
                Some(ports) => {
                    Transport::Port(port_index(index as u32, u16::from_be(ports.destination)))
                }
                None => Transport::Unreadable,
            };
        }
        index += 1;
    }
    if protocol == icmp {
        Transport::Port(ICMP_INDEX)
    } else {
        Transport::Other
    }
}
