//! IPv6 extension headers, alone and in chains.

use banner_tests::frame::{DESTINATION_OPTIONS, Frame, Ipv6, Payload, icmp, icmp6, none, tcp_syn};

use super::super::row::Row;
use super::{EXTENSIONS, Told, tried, v6};

/// Each extension header alone: short, long, before what else there is.
pub(super) fn extensions() -> Vec<Row> {
    let mut rows = Vec::new();
    let mut add = |what: String, packet: Ipv6, told| {
        rows.extend(tried(
            &format!("IPv6, {what}"),
            &Frame::new().ipv6(&packet),
            told,
        ));
    };
    for (name, kind) in EXTENSIONS {
        add(
            format!("{name}, TCP"),
            v6(tcp_syn()).extension(kind),
            Told::Port,
        );
        add(
            format!("{name}, ICMPv6"),
            v6(icmp6()).extension(kind),
            Told::Icmp,
        );
        add(
            format!("{name}, ICMP of IPv4"),
            v6(icmp()).extension(kind),
            Told::Other,
        );
        add(
            format!("{name}, no next header"),
            v6(none()).extension(kind),
            Told::Other,
        );
        for length in [1, 2, 31, 127, 128, 254, 255] {
            add(
                format!("{name} of length {length}, TCP"),
                v6(tcp_syn()).long_extension(kind, length),
                Told::Port,
            );
        }
        add(
            format!("{name} of length 0, TCP"),
            v6(tcp_syn()).long_extension(kind, 0),
            Told::Port,
        );
        for (length, there) in [(1, 8), (255, 8), (255, 1000)] {
            let mut content = vec![length];
            content.resize(there - 1, 0);
            // Where the header would end, there is nothing any more.
            add(
                format!("{name} of length {length}, of which {there} bytes are there"),
                v6(tcp_syn().cut(0)).raw_extension(kind, content),
                Told::Nothing,
            );
        }
    }
    rows
}

/// As many extension headers as the walk takes, and more.
pub(super) fn chains() -> Vec<Row> {
    const BOUND: usize = 8;
    let mut rows = Vec::new();
    let mut add = |what: String, packet: Ipv6, told| {
        rows.extend(tried(
            &format!("IPv6, {what}"),
            &Frame::new().ipv6(&packet),
            told,
        ));
    };
    let chain = |payload: Payload, kinds: &[u8]| {
        kinds
            .iter()
            .fold(v6(payload), |packet, kind| packet.extension(*kind))
    };
    for (name, kind) in EXTENSIONS {
        for count in [2, BOUND - 1, BOUND, BOUND + 1, BOUND + 2, 40] {
            let told = if count <= BOUND {
                Told::Port
            } else {
                Told::Nothing
            };
            add(
                format!("{count} times {name}, TCP"),
                chain(tcp_syn(), &vec![kind; count]),
                told,
            );
        }
    }
    let all = EXTENSIONS.map(|(_, kind)| kind);
    add(
        "one of each, TCP".to_owned(),
        chain(tcp_syn(), &all),
        Told::Port,
    );
    let mut reversed = all;
    reversed.reverse();
    add(
        "one of each in the wrong order, TCP".to_owned(),
        chain(tcp_syn(), &reversed),
        Told::Port,
    );
    add(
        "one of each, ICMPv6".to_owned(),
        chain(icmp6(), &all),
        Told::Icmp,
    );
    for before in [BOUND - 1, BOUND] {
        let packet = || chain(tcp_syn(), &vec![DESTINATION_OPTIONS; before]);
        let (first, later) = if before < BOUND {
            (Told::Port, Told::Later)
        } else {
            (Told::Nothing, Told::Nothing)
        };
        add(
            format!("{before} destination options, a first fragment"),
            packet().fragment(0, true),
            first,
        );
        add(
            format!("{before} destination options, a later fragment"),
            packet().fragment(9, true),
            later,
        );
    }
    let longest = (0..BOUND).fold(v6(tcp_syn()), |packet, _| {
        packet.long_extension(DESTINATION_OPTIONS, 50)
    });
    add(
        "a chain of 3 264 bytes, TCP".to_owned(),
        longest,
        Told::Port,
    );
    let longest = (0..BOUND).fold(v6(tcp_syn().cut(0)), |packet, _| {
        packet.long_extension(DESTINATION_OPTIONS, 50)
    });
    add(
        "a chain of 3 264 bytes, nothing behind it".to_owned(),
        longest,
        Told::Nothing,
    );
    rows
}
