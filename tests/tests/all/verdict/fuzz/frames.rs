//! Random frames: right ones, and right ones made wrong.

use std::net::IpAddr;

use banner_tests::frame::{
    AUTHENTICATION, DESTINATION_OPTIONS, ESP, Frame, HOP_BY_HOP, HOST_IDENTITY, ICMP, ICMP6, IPV4,
    IPV6, Ipv4, Ipv6, MOBILITY, Payload, QINQ, ROUTING, SCTP, SHIM6, TCP, UDP, UDP_LITE, VLAN,
    authenticated, to_port,
};

use super::super::dice::Dice;

/// Longest frame: all programs take it in one buffer.
const LONGEST: usize = 3000;
/// Shortest frame: a test run takes no shorter one.
const SHORTEST: usize = 14;

const TAGS: [u16; 8] = [VLAN, VLAN, VLAN, VLAN, QINQ, QINQ, QINQ, 0x9100];
const PROTOCOLS: [u8; 12] = [
    TCP, TCP, TCP, UDP, UDP, SCTP, UDP_LITE, ICMP, ICMP6, ESP, 59, 47,
];
const EXTENSIONS: [u8; 7] = [
    HOP_BY_HOP,
    ROUTING,
    DESTINATION_OPTIONS,
    AUTHENTICATION,
    MOBILITY,
    HOST_IDENTITY,
    SHIM6,
];
/// Bytes that mean something somewhere: versions, lengths, protocols, extension headers.
const BYTES: [u8; 22] = [
    0x00, 0xff, 0x45, 0x44, 0x4f, 0x60, 0x6f, 1, 6, 17, 43, 44, 50, 51, 58, 59, 60, 132, 135, 136,
    139, 140,
];

/// A frame.
pub(crate) fn any(dice: &mut Dice) -> Vec<u8> {
    let mut frame = if dice.percent(8) {
        noise(dice)
    } else {
        right(dice)
    };
    // One in two is left as it is.
    let mutations = *dice.of(&[0, 0, 0, 0, 1, 1, 2, 3, 6]);
    for _ in 0..mutations {
        mutate(dice, &mut frame);
    }
    frame.truncate(LONGEST);
    let length = frame.len().max(SHORTEST);
    frame.resize(length, 0);
    frame
}

/// Noise under a type that makes it be looked at.
fn noise(dice: &mut Dice) -> Vec<u8> {
    let (kind, first) = match dice.below(5) {
        0 => (dice.short(), dice.byte()),
        1 | 2 => (IPV4, 0x45 + dice.byte() % 11),
        _ => (IPV6, 0x60),
    };
    let length = dice.below(160);
    let mut content = dice.bytes(length);
    if let Some(byte) = content.first_mut() {
        *byte = first;
    }
    tags(dice).other(kind, &content)
}

fn tags(dice: &mut Dice) -> Frame {
    let count = *dice.of(&[0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3]);
    (0..count).fold(Frame::new(), |frame, _| {
        frame.tag(*dice.of(&TAGS), dice.short())
    })
}

fn right(dice: &mut Dice) -> Vec<u8> {
    let frame = tags(dice);
    let v4 = dice.percent(45);
    let payload = payload(dice);
    match (dice.address(v4), dice.address(v4)) {
        (IpAddr::V4(source), IpAddr::V4(server)) => {
            let payload = if dice.percent(10) {
                authenticated(payload)
            } else {
                payload
            };
            let mut packet = Ipv4::new(source, server, payload);
            if dice.percent(30) {
                packet.options = vec![1; 4 * dice.below(11)];
            }
            if dice.percent(20) {
                packet = packet.fragment(offset(dice), dice.percent(60));
            }
            if dice.percent(10) {
                packet.total_length = Some(dice.short());
            }
            frame.ipv4(&packet)
        }
        (IpAddr::V6(source), IpAddr::V6(server)) => {
            let mut packet = Ipv6::new(source, server, payload);
            let count = *dice.of(&[0, 0, 0, 1, 1, 2, 3, 7, 8, 9, 12]);
            for _ in 0..count {
                packet = extended(dice, packet);
            }
            if dice.percent(10) {
                packet.payload_length = Some(dice.short());
            }
            frame.ipv6(&packet)
        }
        _ => unreachable!("both are of one family"),
    }
}

fn payload(dice: &mut Dice) -> Payload {
    let protocol = if dice.percent(5) {
        dice.byte()
    } else {
        *dice.of(&PROTOCOLS)
    };
    let payload = to_port(protocol, dice.short());
    if dice.percent(10) {
        let length = dice.below(20);
        payload.cut(length)
    } else {
        payload
    }
}

fn offset(dice: &mut Dice) -> u16 {
    *dice.of(&[0, 0, 0, 1, 2, 0x100, 0x1fff])
}

fn extended(dice: &mut Dice, packet: Ipv6) -> Ipv6 {
    let kind = *dice.of(&EXTENSIONS);
    match dice.below(10) {
        0..=4 => packet.extension(kind),
        5 => packet.long_extension(kind, *dice.of(&[0, 1, 2, 3, 10, 31])),
        6 => {
            let content = dice.bytes(7);
            packet.raw_extension(kind, content)
        }
        _ => {
            let offset = if dice.percent(25) { offset(dice) } else { 0 };
            packet.fragment(offset, dice.percent(60))
        }
    }
}

/// Changes something, mostly in the headers.
fn mutate(dice: &mut Dice, frame: &mut Vec<u8>) {
    let length = frame.len();
    if length == 0 {
        return;
    }
    let at = if dice.percent(70) {
        dice.below(length.min(14 + 8 + 60))
    } else {
        dice.below(length)
    };
    match dice.below(10) {
        0 => frame[at] ^= 1 << dice.below(8),
        1 => frame[at] = *dice.of(&BYTES),
        2 => frame[at] = dice.byte(),
        3 => frame.truncate(dice.below(length)),
        4 => frame.truncate(length - dice.below(length.min(24))),
        // Headers are multiples of four or eight bytes.
        5 => {
            let count = (4 << dice.below(3)).min(length - at);
            frame.drain(at..at + count);
        }
        6 => {
            let count = (4 << dice.below(3)).min(length - at);
            let again = frame[at..at + count].to_vec();
            frame.splice(at..at, again);
        }
        7 => {
            let count = 4 << dice.below(3);
            let new = dice.bytes(count);
            frame.splice(at..at, new);
        }
        8 => {
            // The other family's type.
            for at in [12, 16, 20] {
                if let Some(kind) = frame.get_mut(at..at + 2) {
                    match u16::from_be_bytes([kind[0], kind[1]]) {
                        IPV4 => kind.copy_from_slice(&IPV6.to_be_bytes()),
                        IPV6 => kind.copy_from_slice(&IPV4.to_be_bytes()),
                        _ => {}
                    }
                }
            }
        }
        _ => {
            // What the IPv6 header, or an extension header, names next.
            let at = *dice.of(&[14 + 6, 14 + 40, 14 + 48, 14 + 56, 14 + 64]);
            if let Some(byte) = frame.get_mut(at) {
                *byte = *dice.of(&BYTES);
            }
        }
    }
}
