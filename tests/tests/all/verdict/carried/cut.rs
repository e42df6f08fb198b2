//! Headers that are cut off, and all of it behind tags.

use banner_tests::frame::{
    Frame, HOP_BY_HOP, Ipv4, Ipv6, Payload, QINQ, ROUTING, SCTP, TCP, UDP, UDP_LITE, VLAN,
    authenticated, icmp, icmp6, tcp_syn, to_port, udp,
};

use super::super::row::Row;
use super::{EXTENSIONS, Told, tried, v4, v6};

/// Transport headers that are cut off: four bytes are enough, whatever the protocol.
pub(super) fn cut() -> Vec<Row> {
    let mut rows = Vec::new();
    for protocol in [TCP, UDP, SCTP, UDP_LITE] {
        for length in 0..=4 {
            let told = match (length, protocol) {
                (4, TCP) => Told::Port,
                // Port 22 of UDP is in the set of other ports.
                (4, _) => continue,
                _ => Told::Nothing,
            };
            let payload = || to_port(protocol, 22).cut(length);
            let what = format!("protocol {protocol}, {length} bytes of it");
            rows.extend(tried(
                &format!("IPv4, {what}"),
                &Frame::new().ipv4(&v4(payload())),
                told,
            ));
            rows.extend(tried(
                &format!("IPv6, {what}"),
                &Frame::new().ipv6(&v6(payload())),
                told,
            ));
            let packet = v4(authenticated(payload()));
            rows.extend(tried(
                &format!("IPv4, authenticated {what}"),
                &Frame::new().ipv4(&packet),
                told,
            ));
            let packet = v6(payload()).extension(HOP_BY_HOP);
            rows.extend(tried(
                &format!("IPv6, {what} behind options"),
                &Frame::new().ipv6(&packet),
                told,
            ));
        }
    }
    // Authentication, and extension headers, without a whole byte of their own.
    for length in 0..2 {
        let what = format!("{length} bytes of an authentication header");
        let payload = || authenticated(tcp_syn()).cut(length);
        rows.extend(tried(
            &format!("IPv4, {what}"),
            &Frame::new().ipv4(&v4(payload())),
            Told::Nothing,
        ));
        for (name, kind) in EXTENSIONS {
            let frame = Frame::new().ipv6(&v6(Payload {
                protocol: kind,
                bytes: vec![TCP; length],
            }));
            rows.extend(tried(
                &format!("IPv6, {length} bytes of {name}"),
                &frame,
                Told::Nothing,
            ));
        }
    }
    for length in 0..8 {
        let bytes = [TCP, 0, 0xff, 0xf8, 0, 0, 0, 1][..length].to_vec();
        let frame = Frame::new().ipv6(&v6(Payload {
            protocol: 44,
            bytes,
        }));
        rows.extend(tried(
            &format!("IPv6, {length} bytes of a fragment header"),
            &frame,
            Told::Nothing,
        ));
    }
    rows
}

/// The same behind tags.
pub(super) fn tagged() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, tags) in [("802.1Q", &[VLAN][..]), ("QinQ", &[QINQ, VLAN])] {
        let frame = || {
            tags.iter()
                .fold(Frame::new(), |frame, kind| frame.tag(*kind, 7))
        };
        let mut four = |with: &str, packet: &Ipv4, told| {
            rows.extend(tried(
                &format!("{what}, IPv4, {with}"),
                &frame().ipv4(packet),
                told,
            ));
        };
        let mut packet = v4(tcp_syn());
        packet.options = vec![1; 40];
        four("15 words of header", &packet, Told::Port);
        four(
            "a first fragment",
            &v4(tcp_syn()).fragment(0, true),
            Told::Port,
        );
        four(
            "a later fragment",
            &v4(udp(16)).fragment(7, true),
            Told::Later,
        );
        four("three bytes of TCP", &v4(tcp_syn().cut(3)), Told::Nothing);
        four("ICMP", &v4(icmp()), Told::Icmp);
        let mut six = |with: &str, packet: &Ipv6, told| {
            rows.extend(tried(
                &format!("{what}, IPv6, {with}"),
                &frame().ipv6(packet),
                told,
            ));
        };
        let chain = |count| (0..count).fold(v6(tcp_syn()), |packet, _| packet.extension(ROUTING));
        six("8 extension headers", &chain(8), Told::Port);
        six("9 extension headers", &chain(9), Told::Nothing);
        six(
            "a first fragment",
            &v6(tcp_syn()).fragment(0, true),
            Told::Port,
        );
        six(
            "a later fragment",
            &v6(udp(16)).fragment(7, true),
            Told::Later,
        );
        six("three bytes of TCP", &v6(tcp_syn().cut(3)), Told::Nothing);
        six("ICMPv6", &v6(icmp6()), Told::Icmp);
    }
    rows
}
