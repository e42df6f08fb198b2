//! Rows that only one family has, or none.

use std::net::{Ipv4Addr, Ipv6Addr};

use banner_common::Reason;
use banner_tests::frame::{
    ARP, DESTINATION_OPTIONS, Frame, HOP_BY_HOP, IPV4, IPV6, Ipv4, Ipv6, LLDP, MPLS, PPPOE,
    ROUTING, VLAN, icmp, none, tcp_syn, udp,
};

use super::row::{FOR_EVER, Row};

const GUILTY4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const SERVER4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
const GUILTY6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 7);
const SERVER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 1);

/// No operation, for padding IPv4 options (RFC 791).
const NOP: u8 = 1;

fn packet4() -> Ipv4 {
    Ipv4::new(GUILTY4, SERVER4, tcp_syn())
}

fn packet6() -> Ipv6 {
    Ipv6::new(GUILTY6, SERVER6, tcp_syn())
}

/// All of them.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows = ipv4();
    rows.extend(ipv6());
    rows.extend(between_families());
    rows.extend(not_ip());
    rows
}

fn ipv4() -> Vec<Row> {
    let mut rows = Vec::new();
    for length in [4, 12, 40] {
        let mut packet = packet4();
        packet.options = vec![NOP; length];
        let what = format!("IPv4: {length} bytes of options, banned");
        rows.push(Row::drop(what, Frame::new().ipv4(&packet)).ban(GUILTY4, FOR_EVER));
    }
    for words in 0..5 {
        let mut packet = packet4();
        packet.version_and_length = Some(0x40 | words);
        let what = format!("IPv4: a header of {words} words");
        let frame = Frame::new().ipv4(&packet);
        rows.push(Row::pass(what, frame, Reason::Malformed).ban(GUILTY4, FOR_EVER));
    }
    for version in (0..16).filter(|version| *version != 4) {
        let mut packet = packet4();
        packet.version_and_length = Some(version << 4 | 5);
        let what = format!("IPv4: version {version}");
        let frame = Frame::new().ipv4(&packet);
        rows.push(Row::pass(what, frame, Reason::Malformed).ban(GUILTY4, FOR_EVER));
    }
    // The source stands in the fixed part, so a header that promises more than there is does not
    // save it: the kernel's own stack would throw such a packet away.
    let mut packet = Ipv4::new(GUILTY4, SERVER4, none());
    packet.version_and_length = Some(0x4f);
    let frame = Frame::new().ipv4(&packet);
    rows.push(Row::drop("IPv4: options cut off, banned", frame).ban(GUILTY4, FOR_EVER));
    for length in [0, 19, 0xffff] {
        let mut packet = packet4();
        packet.total_length = Some(length);
        let what = format!("IPv4: a total length of {length}, banned");
        rows.push(Row::drop(what, Frame::new().ipv4(&packet)).ban(GUILTY4, FOR_EVER));
    }
    rows
}

fn ipv6() -> Vec<Row> {
    let mut rows = Vec::new();
    let banned = |what: &str, packet: &Ipv6| {
        Row::drop(format!("IPv6: {what}, banned"), Frame::new().ipv6(packet)).ban(GUILTY6, FOR_EVER)
    };
    rows.extend([
        banned("hop-by-hop options", &packet6().extension(HOP_BY_HOP)),
        banned("a routing header", &packet6().extension(ROUTING)),
        banned(
            "destination options",
            &packet6().extension(DESTINATION_OPTIONS),
        ),
        banned(
            "hop-by-hop, routing and fragment headers",
            &packet6()
                .extension(HOP_BY_HOP)
                .extension(ROUTING)
                .fragment(0, true),
        ),
        banned("nothing behind its extension header", &{
            Ipv6::new(GUILTY6, SERVER6, none()).extension(HOP_BY_HOP)
        }),
    ]);
    let mut packet = packet6();
    // A jumbogram says 0 (RFC 2675).
    packet.payload_length = Some(0);
    rows.push(banned("a payload length of 0", &packet));
    let mut cut = Frame::new().ipv6(&packet6().extension(HOP_BY_HOP));
    cut.truncate(14 + 40 + 3);
    rows.push(Row::drop("IPv6: an extension header cut off, banned", cut).ban(GUILTY6, FOR_EVER));
    let mut packet = packet6();
    // Traffic class all ones: the nibble beside the version is none of its business.
    packet.version_and_class = Some(0x6f);
    rows.push(banned("a traffic class", &packet));
    for version in (0..16).filter(|version| *version != 6) {
        let mut packet = packet6();
        packet.version_and_class = Some(version << 4);
        let what = format!("IPv6: version {version}");
        let frame = Frame::new().ipv6(&packet);
        rows.push(Row::pass(what, frame, Reason::Malformed).ban(GUILTY6, FOR_EVER));
    }
    rows
}

fn between_families() -> Vec<Row> {
    let mapped = GUILTY4.to_ipv6_mapped();
    let from_mapped = || Frame::new().ipv6(&Ipv6::new(mapped, SERVER6, tcp_syn()));
    let from_v4 = || Frame::new().ipv4(&packet4());
    let [a, b, c, d] = GUILTY4.octets();
    let begins_alike = Ipv6Addr::from([a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    let from_alike = Frame::new().ipv6(&Ipv6::new(begins_alike, SERVER6, tcp_syn()));
    let wrong_way = |ether_type, frame: Vec<u8>| Frame::new().other(ether_type, &frame[14..]);
    vec![
        Row::pass(
            "mapped source, its IPv4 address banned",
            from_mapped(),
            Reason::Pass,
        )
        .ban(GUILTY4, FOR_EVER),
        Row::drop("mapped source, banned itself", from_mapped()).ban(mapped, FOR_EVER),
        Row::pass(
            "IPv4 source, its mapped address banned",
            from_v4(),
            Reason::Pass,
        )
        .ban(mapped, FOR_EVER),
        Row::drop("IPv4 source banned, its mapped address never", from_v4())
            .ban(GUILTY4, FOR_EVER)
            .never(mapped, 128),
        Row::pass(
            "IPv6 source that begins like a banned IPv4 one",
            from_alike,
            Reason::Pass,
        )
        .ban(GUILTY4, FOR_EVER),
        Row::pass(
            "IPv6 packet under IPv4's type",
            wrong_way(IPV4, Frame::new().ipv6(&packet6())),
            Reason::Malformed,
        )
        .ban(GUILTY6, FOR_EVER),
        Row::pass(
            "IPv4 packet under IPv6's type",
            wrong_way(IPV6, Frame::new().ipv4(&packet4())),
            Reason::Malformed,
        )
        .ban(GUILTY4, FOR_EVER),
    ]
}

fn not_ip() -> Vec<Row> {
    let packet = Frame::new().ipv4(&Ipv4::new(GUILTY4, SERVER4, icmp()))[14..].to_vec();
    let mut arp = vec![0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2];
    arp.extend(GUILTY4.octets());
    arp.extend([0; 6]);
    arp.extend(SERVER4.octets());
    let length = u16::try_from(packet.len()).expect("a short packet");
    let mut rows = Vec::new();
    let mut passes = |what: &str, frame: Vec<u8>| {
        rows.push(Row::pass(what, frame, Reason::NotIp).ban(GUILTY4, FOR_EVER));
    };
    passes("ARP from a banned address", Frame::new().other(ARP, &arp));
    passes("ARP in a VLAN", Frame::new().tag(VLAN, 7).other(ARP, &arp));
    passes(
        "LLDP",
        Frame::to([1, 0x80, 0xc2, 0, 0, 0xe]).other(LLDP, &[2, 7, 4, 2, 0, 0]),
    );
    passes("MPLS", Frame::new().other(MPLS, &packet));
    passes("a PPPoE session", Frame::new().other(PPPOE, &packet));
    passes(
        "802.3, a length for a type",
        Frame::new().other(length, &packet),
    );
    passes(
        "802.3, the largest length",
        Frame::new().other(1500, &packet),
    );
    passes(
        "802.3, spanning tree",
        Frame::to([1, 0x80, 0xc2, 0, 0, 0]).other(38, &[0x42, 0x42, 3, 0, 0]),
    );
    passes("type 0", Frame::new().other(0, &packet));
    passes("the highest type", Frame::new().other(0xffff, &packet));
    passes(
        "IPv4's type with its bytes swapped",
        Frame::new().other(IPV4.swap_bytes(), &packet),
    );
    passes("802.1Q's type with its bytes swapped", {
        Frame::new().other(
            VLAN.swap_bytes(),
            &[&[0, 7, 8, 0], packet.as_slice()].concat(),
        )
    });
    passes(
        "a header of an unknown type and nothing else",
        Frame::new().other(0x88b5, &[]),
    );
    passes("UDP data that looks like the packet of a banned source", {
        Frame::new().other(
            0x88b5,
            &Frame::new().ipv4(&Ipv4::new(GUILTY4, SERVER4, udp(4))),
        )
    });
    rows
}
