use banner_common::Reason;

use crate::{
    cursor::Cursor,
    header::{Ethernet, IPV4, IPV6, Ipv4, Ipv6, QINQ, Tag, VLAN},
};

/// Source address of a packet, in network byte order, where it stands in the packet. Looked up from
/// there it need not be copied: IPv6 addresses would be stored by 16 bits and loaded by 32.
pub enum Source<'p> {
    V4(&'p [u16; 2]),
    V6(&'p [u16; 8]),
}

/// How many VLAN tags may stand before the IP header.
const MAX_TAGS: usize = 2;

/// Finds the source address, or says why there is none, and leaves the cursor at the IP header.
/// Looks no further than its fixed part, so options, extension headers and fragments cannot hide it.
#[inline(always)]
pub fn source<'p>(packet: &mut Cursor) -> Result<Source<'p>, Reason> {
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
    let mut ip = *packet;
    match ether_type {
        IPV4 => {
            let header: &'p Ipv4 = ip.peek().ok_or(Reason::Malformed)?;
            // Version 4 and at least five words of header: 0x45 to 0x4f.
            match header.version_and_length {
                0x45..=0x4f => Ok(Source::V4(&header.source)),
                _ => Err(Reason::Malformed),
            }
        }
        IPV6 => {
            let header: &'p Ipv6 = ip.peek().ok_or(Reason::Malformed)?;
            match header.version_and_class >> 4 {
                6 => Ok(Source::V6(&header.source)),
                _ => Err(Reason::Malformed),
            }
        }
        _ => Err(Reason::NotIp),
    }
}
