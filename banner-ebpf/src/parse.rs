use banner_common::Reason;

use crate::{
    cursor::Cursor,
    header::{Ethernet, IPV4, IPV6, Ipv4, Ipv6, QINQ, Tag, VLAN},
};

/// Source address of a packet, in network byte order.
pub enum Source {
    V4([u16; 2]),
    V6([u16; 8]),
}

/// How many VLAN tags may stand before the IP header.
const MAX_TAGS: usize = 2;

/// Finds the source address, or says why there is none, and leaves the cursor at the IP header.
/// Looks no further than its fixed part, so options, extension headers and fragments cannot hide it.
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
    let mut ip = *packet;
    match ether_type {
        IPV4 => {
            let header = ip.read::<Ipv4>().ok_or(Reason::Malformed)?;
            // Version 4 and at least five words of header: 0x45 to 0x4f.
            match header.version_and_length {
                0x45..=0x4f => Ok(Source::V4(header.source)),
                _ => Err(Reason::Malformed),
            }
        }
        IPV6 => {
            let header = ip.read::<Ipv6>().ok_or(Reason::Malformed)?;
            match header.version_and_class >> 4 {
                6 => Ok(Source::V6(header.source)),
                _ => Err(Reason::Malformed),
            }
        }
        _ => Err(Reason::NotIp),
    }
}
