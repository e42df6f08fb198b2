//! The bytes of route netlink, as far as they are worth a look before they are parsed: a router has
//! a million routes, and parsing each one to find that it is no default route takes seconds.

use std::io;

use netlink_packet_core::NLM_F_DUMP_INTR;

// linux/netlink.h: struct nlmsghdr, and the first message type that is not netlink's own.
const HEADER: usize = 16;
const FIRST_KIND: u16 = 0x10;
// linux/rtnetlink.h
const NEW_ROUTE: u16 = 24;
const DELETED_ROUTE: u16 = 25;
/// Where `rtm_dst_len` is: behind the header and `rtm_family`.
const PREFIX_LENGTH: usize = HEADER + 1;

/// One message with its header; at least as long as that.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a>(pub(super) &'a [u8]);

impl Message<'_> {
    fn u16(self, at: usize) -> u16 {
        u16::from_ne_bytes([self.0[at], self.0[at + 1]])
    }

    /// Whether it is about an object, not about the conversation.
    pub(super) fn is_object(self) -> bool {
        self.u16(4) >= FIRST_KIND
    }

    /// Whether the kernel says that objects changed while it listed them.
    pub(super) fn is_interrupted(self) -> bool {
        self.u16(6) & NLM_F_DUMP_INTR != 0
    }

    /// Whether it is about a route to somewhere, rather than to everywhere.
    pub(super) fn is_specific_route(self) -> bool {
        let is_route = [NEW_ROUTE, DELETED_ROUTE].contains(&self.u16(4));
        is_route && self.0.get(PREFIX_LENGTH).is_some_and(|&length| length != 0)
    }
}

/// The messages of one datagram. After one that is cut nothing follows.
pub(super) fn messages(datagram: &[u8]) -> impl Iterator<Item = io::Result<Message<'_>>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = rest
            .first_chunk()
            .map_or(0, |bytes| u32::from_ne_bytes(*bytes) as usize);
        let message = rest.get(..length).filter(|bytes| bytes.len() >= HEADER);
        let next = length.next_multiple_of(4);
        rest = message.and_then(|_| rest.get(next..)).unwrap_or_default();
        Some(
            message.map(Message).ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, "netlink message is cut")
            }),
        )
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A message of this type and these flags.
    pub(in super::super) fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(HEADER + body.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn only_routes_with_a_destination_are_specific() {
        const NEW_ADDRESS: u16 = 20;
        for (kind, length, specific) in [
            (NEW_ROUTE, 24, true),
            (DELETED_ROUTE, 128, true),
            (NEW_ROUTE, 0, false),
            (DELETED_ROUTE, 0, false),
            // Its second byte is a prefix length, too.
            (NEW_ADDRESS, 24, false),
        ] {
            let bytes = message(kind, 0, &[2, length, 0, 0]);
            assert_eq!(
                Message(&bytes).is_specific_route(),
                specific,
                "{kind} {length}"
            );
        }
        assert!(!Message(&message(NEW_ROUTE, 0, &[])).is_specific_route());
    }

    #[test]
    fn messages_are_padded_and_a_cut_one_is_the_last() {
        let mut datagram = message(NEW_ROUTE, 0, &[2, 24, 0, 0, 9]);
        datagram.extend([0; 3]);
        datagram.extend(message(NEW_ROUTE, NLM_F_DUMP_INTR, &[]));
        let read: Vec<_> = messages(&datagram).map(Result::unwrap).collect();
        assert_eq!(read.len(), 2);
        assert!(!read[0].is_interrupted() && read[1].is_interrupted());
        let read: Vec<_> = messages(&datagram[..datagram.len() - 1]).collect();
        assert!(matches!(&read[..], [Ok(_), Err(_)]));
        assert!(messages(&[0; 32]).next().unwrap().is_err());
        assert!(messages(&[1]).next().unwrap().is_err());
        assert!(messages(&[]).next().is_none());
    }
}
