//! Rows of packets whose ports are hard to find, or not there: IPv4 options, IPv6 extension headers,
//! fragments, lengths that are wrong, headers that are cut off.
//!
//! Each frame is tried with the source banned for the port that it goes to, for another, and for all.

mod cut;
mod extensions;
mod fragments;
mod lengths;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use banner_common::{ICMP_INDEX, Reason};
use banner_tests::frame::{
    AUTHENTICATION, DESTINATION_OPTIONS, HOP_BY_HOP, HOST_IDENTITY, Ipv4, Ipv6, MOBILITY, Payload,
    ROUTING, SHIM6, TCP, UDP,
};

use super::{
    row::{FOR_EVER, Row, observing, scoped},
    scopes::port,
};

const SOURCE4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const SERVER4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const SOURCE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 7);
const SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 1);

/// A set with the port, one with another port, and nothing else.
const RIGHT: u16 = 3;
const WRONG: u16 = 44;

/// Extension headers that the walk knows.
const EXTENSIONS: [(&str, u8); 7] = [
    ("hop-by-hop options", HOP_BY_HOP),
    ("a routing header", ROUTING),
    ("destination options", DESTINATION_OPTIONS),
    ("an authentication header", AUTHENTICATION),
    ("a mobility header", MOBILITY),
    ("a host identity header", HOST_IDENTITY),
    ("a shim6 header", SHIM6),
];

/// What can be told of a packet.
#[derive(Clone, Copy)]
enum Told {
    /// The port is 22 of TCP.
    Port,
    /// It is the family's ICMP.
    Icmp,
    /// Neither: no set can hold it.
    Other,
    /// A later fragment, which may be any of them.
    Later,
    /// Nothing: it has ports, but they cannot be read.
    Nothing,
}

/// All rows.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = lengths::options();
    rows.extend(lengths::lengths());
    rows.extend(extensions::extensions());
    rows.extend(extensions::chains());
    rows.extend(fragments::fragments());
    rows.extend(cut::cut());
    rows.extend(cut::tagged());
    rows
}

fn tried(what: &str, frame: &[u8], told: Told) -> Vec<Row> {
    let source = match frame[12..] {
        [0x86, 0xdd, ..] => SOURCE6.into(),
        [0x81 | 0x88, ..] if frame.windows(2).any(|two| two == [0x86, 0xdd]) => SOURCE6.into(),
        _ => IpAddr::from(SOURCE4),
    };
    let index = match told {
        Told::Icmp => ICMP_INDEX,
        _ => port(TCP, 22),
    };
    let (right, wrong) = match told {
        Told::Port | Told::Icmp => (Reason::Drop, Reason::Scope),
        Told::Other => (Reason::Scope, Reason::Scope),
        Told::Later => (Reason::Drop, Reason::Drop),
        Told::Nothing => (Reason::Malformed, Reason::Malformed),
    };
    let row = |with: &str, reason| {
        Row::of(format!("{what}, {with}"), frame.to_vec(), reason)
            .ports([index], RIGHT)
            .ports([port(TCP, 23), port(UDP, 22)], WRONG)
    };
    let observed = if right == Reason::Drop {
        Reason::Observe
    } else {
        right
    };
    vec![
        row("its port banned", right).ban(source, scoped(FOR_EVER, RIGHT)),
        row("its port observed", observed).ban(source, observing(scoped(FOR_EVER, RIGHT))),
        row("other ports banned", wrong).ban(source, scoped(FOR_EVER, WRONG)),
        row("all ports banned", Reason::Drop).ban(source, FOR_EVER),
    ]
}

fn v4(payload: Payload) -> Ipv4 {
    Ipv4::new(SOURCE4, SERVER4, payload)
}

fn v6(payload: Payload) -> Ipv6 {
    Ipv6::new(SOURCE6, SERVER6, payload)
}
