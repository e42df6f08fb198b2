//! What the kernel says of sets and rules without listing them: how many elements each set has, and how
//! large the tables of the iptables of before nftables are. Those of nftables tell of changes.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use nix::libc::MSG_DONTWAIT;

use super::sets::Sets;
use crate::sys::xtables;

/// `linux/netfilter/ipset/ip_set.h`: the subsystem, in the upper byte of a type, and `IPSET_CMD_LIST`.
const LIST: u16 = 6 << 8 | 7;
/// linux/netlink.h: a request for all.
const DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
/// `struct nlmsghdr` and `struct nfgenmsg`.
const HEADER: usize = 20;
/// `IPSET_ATTR_PROTOCOL` with the oldest version that is spoken (Linux 2.6.39), `IPSET_ATTR_SETNAME`,
/// and `IPSET_ATTR_FLAGS`, in network byte order, with `IPSET_FLAG_LIST_HEADER`.
const PROTOCOL: [u8; 2] = [1, 6];
const NAME: u16 = 2;
const FLAGS: u16 = 0x4006;
const HEADERS_ONLY: u32 = 1 << 2;

/// A number for what there is now.
pub(super) fn at(sets: &Sets) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for headers in headers(sets)? {
        headers.hash(&mut hasher);
    }
    for (names, v6) in [("ip_tables_names", false), ("ip6_tables_names", true)] {
        // To ask for a table makes it, where it is not.
        let names = fs::read_to_string(format!("/proc/net/{names}")).unwrap_or_default();
        if names.lines().any(|name| name == "filter") {
            xtables::filter_table(v6)?.hash(&mut hasher);
        }
    }
    Ok(hasher.finish())
}

/// What the kernel says of each of banner's sets, beside its elements: the number of these is among it.
fn headers(sets: &Sets) -> io::Result<Vec<Vec<u8>>> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind(&SocketAddr::new(0, 0))?;
    socket.send(&request(), 0)?;
    let mut found = Vec::new();
    let mut buffer = vec![0_u8; 64 << 10];
    loop {
        let length = socket.recv(&mut &mut buffer[..], MSG_DONTWAIT)?;
        let mut rest = &buffer[..length.min(buffer.len())];
        while let Some((kind, body, next)) = message(rest) {
            match kind {
                DONE => return Ok(found),
                ERROR => return Err(io::Error::other("ipset does not answer")),
                _ if sets.is_own(&name(body)) => found.push(body.to_vec()),
                _ => {}
            }
            rest = next;
        }
    }
}

fn request() -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    // A family has to be there; sets of both are listed.
    bytes[16] = 2;
    bytes.extend(5_u16.to_ne_bytes());
    bytes.extend(u16::from(PROTOCOL[0]).to_ne_bytes());
    bytes.extend([PROTOCOL[1], 0, 0, 0]);
    bytes.extend(8_u16.to_ne_bytes());
    bytes.extend(FLAGS.to_ne_bytes());
    bytes.extend(HEADERS_ONLY.to_be_bytes());
    let length = u32::try_from(bytes.len()).unwrap_or(0);
    bytes[..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&LIST.to_ne_bytes());
    bytes[6..8].copy_from_slice(&DUMP.to_ne_bytes());
    bytes
}

/// The type and the attributes of the first message, and what is behind it.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(*bytes.first_chunk()?) as usize;
    let kind = u16::from_ne_bytes(*bytes.get(4..)?.first_chunk()?);
    let message = bytes.get(..length).filter(|message| message.len() >= 16)?;
    let next = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, message.get(HEADER..).unwrap_or_default(), next))
}

/// The name of a set, among attributes.
fn name(mut attributes: &[u8]) -> String {
    while let Some(head) = attributes.first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let kind = u16::from_ne_bytes([head[2], head[3]]);
        let Some(value) = attributes.get(4..length) else {
            break;
        };
        if kind & 0x3fff == NAME {
            let value = value.strip_suffix(&[0]).unwrap_or(value);
            return String::from_utf8_lossy(value).into_owned();
        }
        attributes = attributes
            .get(length.next_multiple_of(4)..)
            .unwrap_or_default();
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_among_attributes_and_what_is_cut_has_none() {
        let mut body = vec![5, 0, 1, 0, 7, 0, 0, 0];
        body.extend([12, 0, 2, 0]);
        body.extend(b"banner4\0");
        assert_eq!(name(&body), "banner4");
        for cut in 0..body.len() {
            assert_eq!(name(&body[..cut]), "", "{cut}");
        }
        assert_eq!(name(&[0; 64]), "");
    }

    #[test]
    fn messages_follow_each_other_and_a_cut_one_is_none() {
        let request = request();
        let two = [&request[..], &request].concat();
        let (kind, body, next) = message(&two).unwrap();
        assert_eq!((kind, body.len(), next), (LIST, 16, &request[..]));
        assert!(message(&request[..35]).is_none());
        assert!(message(&[]).is_none());
        assert!(message(&[0; 16]).is_none());
    }
}
