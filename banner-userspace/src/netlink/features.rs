//! What drivers say of their XDP: the generic netlink family `netdev` (uapi/linux/netdev.h), which
//! came with 6.3.

use std::{collections::BTreeMap, io};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NlaBuffer, NlasIterator};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};

use super::message::messages;

// uapi/linux/genetlink.h
const CONTROL: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// The family's own header behind that of netlink: command, version, two bytes of nothing.
const COMMAND_LENGTH: usize = 4;
const HEADER_LENGTH: usize = 16;
// uapi/linux/netdev.h
const GET_DEVICE: u8 = 1;
const DEVICE_INDEX: u16 = 1;
const DEVICE_FEATURES: u16 = 3;
/// `NETDEV_XDP_ACT_BASIC`: the driver can pass, drop and send back.
const BASIC: u64 = 1;

const DONE: u16 = 3;
const ERROR: u16 = 2;

/// By the index of an interface: whether its driver can run XDP programs, as it is set up now. Of
/// the thread's network namespace. Fails with `NotFound` on kernels that do not tell.
pub fn native_xdp() -> io::Result<BTreeMap<u32, bool>> {
    let mut name = b"netdev\0".to_vec();
    name.resize(8, 0);
    let mut body = 11_u16.to_ne_bytes().to_vec();
    body.extend(FAMILY_NAME.to_ne_bytes());
    body.extend(name);
    let mut family = None;
    ask(CONTROL, GET_FAMILY, NLM_F_REQUEST, &body, |attributes| {
        family = number(attributes, FAMILY_ID)
            .and_then(|id| u16::try_from(id).ok())
            .or(family);
    })?;
    let family = family.ok_or(io::ErrorKind::NotFound)?;
    let mut devices = BTreeMap::new();
    let flags = NLM_F_REQUEST | NLM_F_DUMP;
    ask(family, GET_DEVICE, flags, &[], |attributes| {
        let index = number(attributes, DEVICE_INDEX).and_then(|id| u32::try_from(id).ok());
        if let Some((index, features)) = index.zip(number(attributes, DEVICE_FEATURES)) {
            devices.insert(index, features & BASIC != 0);
        }
    })?;
    Ok(devices)
}

/// Sends one request and gives the attributes of each answer to `each`.
fn ask(
    family: u16,
    command: u8,
    flags: u16,
    body: &[u8],
    mut each: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut socket = Socket::new(NETLINK_GENERIC)?;
    socket.bind_auto()?;
    socket.connect(&SocketAddr::new(0, 0))?;
    let length = u32::try_from(HEADER_LENGTH + COMMAND_LENGTH + body.len()).unwrap_or(u32::MAX);
    let mut request = length.to_ne_bytes().to_vec();
    request.extend(family.to_ne_bytes());
    request.extend(flags.to_ne_bytes());
    // Sequence number, port.
    request.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    request.extend([command, 1, 0, 0]);
    request.extend(body);
    socket.send(&request, 0)?;
    loop {
        let (datagram, _) = socket.recv_from_full()?;
        for message in messages(&datagram) {
            let message = message?.0;
            let kind = u16::from_ne_bytes([message[4], message[5]]);
            match kind {
                DONE => return Ok(()),
                ERROR => {
                    let code = message[HEADER_LENGTH..].first_chunk();
                    let code = code.map_or(-1, |code| i32::from_ne_bytes(*code));
                    return Err(io::Error::from_raw_os_error(-code));
                }
                _ => each(message.get(HEADER_LENGTH + COMMAND_LENGTH..).unwrap_or(&[])),
            }
        }
        if flags & NLM_F_DUMP != NLM_F_DUMP {
            return Ok(());
        }
    }
}

/// The value of a numeric attribute.
fn number(attributes: &[u8], kind: u16) -> Option<u64> {
    let mut attributes = NlasIterator::new(attributes).map_while(Result::ok);
    let found = attributes.find(|attribute: &NlaBuffer<&[u8]>| attribute.kind() == kind)?;
    match *found.value() {
        [a, b] => Some(u16::from_ne_bytes([a, b]).into()),
        [a, b, c, d] => Some(u32::from_ne_bytes([a, b, c, d]).into()),
        ref value => value.first_chunk().map(|value| u64::from_ne_bytes(*value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_widths_are_read() {
        let mut bytes = Vec::new();
        for (kind, value) in [
            (1_u16, &7_u32.to_ne_bytes()[..]),
            (2, &9_u16.to_ne_bytes()),
            (3, &(1_u64 << 40).to_ne_bytes()),
        ] {
            bytes.extend(u16::try_from(4 + value.len()).unwrap().to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        assert_eq!(number(&bytes, 1), Some(7));
        assert_eq!(number(&bytes, 2), Some(9));
        assert_eq!(number(&bytes, 3), Some(1 << 40));
        assert_eq!(number(&bytes, 4), None);
        assert_eq!(number(&bytes[..3], 1), None);
    }

    /// Loopback has no native XDP; kernels before 6.3 do not tell.
    #[test]
    fn the_kernel_tells_of_loopback_or_that_it_does_not_tell() {
        match native_xdp() {
            Ok(devices) => assert_eq!(devices.get(&1), Some(&false)),
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::NotFound, "{error}"),
        }
    }
}
