//! IPv4 options, and lengths that are wrong.

use banner_tests::frame::{Frame, Payload, TCP, authenticated, none, tcp_syn};

use super::super::row::Row;
use super::{Told, tried, v4, v6};

/// IPv4 headers of 5 to 15 words.
pub(super) fn options() -> Vec<Row> {
    let mut rows = Vec::new();
    for words in 5..=15_usize {
        for (what, payload) in [
            ("TCP", tcp_syn()),
            ("authenticated TCP", authenticated(tcp_syn())),
        ] {
            let mut packet = v4(payload);
            // A port of TCP where there is none: the walk must not stop short.
            packet.options = vec![22; (words - 5) * 4];
            let what = format!("IPv4, {words} words of header, {what}");
            rows.extend(tried(&what, &Frame::new().ipv4(&packet), Told::Port));
        }
        // The header promises more than there is behind it.
        let mut packet = v4(Payload {
            bytes: vec![22; (words - 5) * 4],
            ..tcp_syn()
        });
        packet.version_and_length = Some(0x40 | u8::try_from(words).expect("at most 15"));
        let what = format!("IPv4, {words} words of header and nothing behind it");
        rows.extend(tried(&what, &Frame::new().ipv4(&packet), Told::Nothing));
        if words > 5 {
            let first_byte = packet.version_and_length;
            let mut packet = v4(none());
            packet.version_and_length = first_byte;
            let what = format!("IPv4, {words} words of header, of which there are 5");
            let mut frame = Frame::new().ipv4(&packet);
            frame[14 + 9] = TCP;
            rows.extend(tried(&what, &frame, Told::Nothing));
        }
    }
    rows
}

/// Lengths in headers say nothing about where the ports are.
pub(super) fn lengths() -> Vec<Row> {
    let mut rows = Vec::new();
    for length in [0, 1, 19, 20, 23, 24, 0x7fff, 0xffff] {
        let mut packet = v4(tcp_syn());
        packet.total_length = Some(length);
        let what = format!("IPv4, a total length of {length}");
        rows.extend(tried(&what, &Frame::new().ipv4(&packet), Told::Port));
        let mut packet = v6(tcp_syn());
        packet.payload_length = Some(length);
        let what = format!("IPv6, a payload length of {length}");
        rows.extend(tried(&what, &Frame::new().ipv6(&packet), Told::Port));
    }
    // A data offset of nothing, and of more than there is; a UDP length of nothing.
    for offset in [0x00, 0x10, 0xf0] {
        let mut payload = tcp_syn();
        payload.bytes[12] = offset;
        let what = format!("IPv4, a TCP header of {} words", offset >> 4);
        rows.extend(tried(
            &what,
            &Frame::new().ipv4(&v4(payload.clone())),
            Told::Port,
        ));
        let what = format!("IPv6, a TCP header of {} words", offset >> 4);
        rows.extend(tried(&what, &Frame::new().ipv6(&v6(payload)), Told::Port));
    }
    rows
}
