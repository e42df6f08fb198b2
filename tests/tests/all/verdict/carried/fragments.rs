//! Fragments: the first of them has the ports.

use banner_tests::frame::{DESTINATION_OPTIONS, Frame, HOP_BY_HOP, ROUTING, tcp_syn};

use super::super::row::Row;
use super::{Told, tried, v4, v6};

pub(super) fn fragments() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, offset, more, told) in [
        ("a whole packet in a fragment", 0, false, Told::Port),
        ("a first fragment", 0, true, Told::Port),
        ("a second fragment", 1, true, Told::Later),
        ("a middle fragment", 100, true, Told::Later),
        ("a last fragment", 100, false, Told::Later),
        (
            "a fragment of the highest offset",
            0x1fff,
            false,
            Told::Later,
        ),
    ] {
        let frame4 = |payload| Frame::new().ipv4(&v4(payload).fragment(offset, more));
        let frame6 = |payload| Frame::new().ipv6(&v6(payload).fragment(offset, more));
        rows.extend(tried(&format!("IPv4, {what}"), &frame4(tcp_syn()), told));
        rows.extend(tried(&format!("IPv6, {what}"), &frame6(tcp_syn()), told));
        let behind = v6(tcp_syn())
            .fragment(offset, more)
            .extension(DESTINATION_OPTIONS);
        rows.extend(tried(
            &format!("IPv6, {what}, options behind"),
            &Frame::new().ipv6(&behind),
            told,
        ));
        let before = v6(tcp_syn())
            .extension(HOP_BY_HOP)
            .extension(ROUTING)
            .fragment(offset, more);
        rows.extend(tried(
            &format!("IPv6, {what}, options before"),
            &Frame::new().ipv6(&before),
            told,
        ));
        let mut packet = v4(tcp_syn()).fragment(offset, more);
        packet.options = vec![1; 40];
        rows.extend(tried(
            &format!("IPv4, {what}, with options"),
            &Frame::new().ipv4(&packet),
            told,
        ));
        // Without a byte behind the header there is no port, but a later fragment needs none.
        let empty = if matches!(told, Told::Later) {
            told
        } else {
            Told::Nothing
        };
        rows.extend(tried(
            &format!("IPv4, {what} of no bytes"),
            &frame4(tcp_syn().cut(0)),
            empty,
        ));
        rows.extend(tried(
            &format!("IPv6, {what} of no bytes"),
            &frame6(tcp_syn().cut(0)),
            empty,
        ));
    }
    // Don't fragment, and the bit that must be 0, are not an offset.
    for (what, bits) in [
        ("don't fragment", 0x4000),
        ("the reserved bit", 0x8000),
        ("both", 0xc000),
    ] {
        let frame = Frame::new().ipv4(&v4(tcp_syn()).fragment(bits, false));
        rows.extend(tried(&format!("IPv4, {what}"), &frame, Told::Port));
    }
    // Nor are the reserved bits of an IPv6 fragment header.
    let reserved = v6(tcp_syn()).raw_extension(44, vec![0xff, 0, 0x06, 0, 0, 0, 1]);
    rows.extend(tried(
        "IPv6, the reserved bits of a fragment header",
        &Frame::new().ipv6(&reserved),
        Told::Port,
    ));
    let second = v6(tcp_syn()).fragment(0, true).fragment(5, false);
    rows.extend(tried(
        "IPv6, a fragment of a first fragment",
        &Frame::new().ipv6(&second),
        Told::Later,
    ));
    rows
}
