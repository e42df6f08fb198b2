//! Rows of bans that are about some ports only, for IPv4 and IPv6 alike.

use banner_common::{ICMP_INDEX, PORT_PROTOCOLS, Reason, port_index};
use banner_tests::frame::{
    ESP, Frame, Payload, QINQ, SCTP, TCP, UDP, UDP_LITE, VLAN, authenticated, none, tcp_syn,
    to_port,
};

use super::{
    cast::Cast,
    families::LATER,
    row::{FOR_EVER, OVER, Row, checked, observing, scoped, until},
};

/// A set of ports in the middle of the masks.
const SET: u16 = 17;

/// The index of a port in the map of ports.
pub(crate) fn port(protocol: u8, port: u16) -> u32 {
    let position = PORT_PROTOCOLS.iter().position(|found| *found == protocol);
    let position = position.expect("a protocol with ports");
    port_index(u32::try_from(position).expect("four protocols"), port)
}

/// All rows of one family, where `now` is a jiffy that has begun.
pub(crate) fn rows(cast: &Cast, now: u64) -> Vec<Row> {
    let mut rows = protocols(cast);
    rows.extend(ranges(cast));
    rows.extend(sets(cast));
    rows.extend(other_protocols(cast));
    rows.extend(entries(cast, now));
    rows.extend(tags(cast));
    rows.into_iter().map(|row| row.about(cast.family)).collect()
}

fn bare(cast: &Cast, payload: Payload) -> Vec<u8> {
    cast.frame(Frame::new(), payload)
}

/// Each protocol's ports are its own.
fn protocols(cast: &Cast) -> Vec<Row> {
    const PROTOCOLS: [(&str, u8); 4] = [
        ("TCP", TCP),
        ("UDP", UDP),
        ("SCTP", SCTP),
        ("UDP-Lite", UDP_LITE),
    ];
    let mut rows = Vec::new();
    for (banned, banned_number) in PROTOCOLS {
        for (sent, sent_number) in PROTOCOLS {
            let what = format!("{sent} to port 22, {banned} to it banned");
            let reason = if sent == banned {
                Reason::Drop
            } else {
                Reason::Scope
            };
            let row = Row::of(what, bare(cast, to_port(sent_number, 22)), reason);
            rows.push(
                row.ban(cast.source, scoped(FOR_EVER, SET))
                    .ports([port(banned_number, 22)], SET),
            );
        }
        for (at, beside) in [(22, 23), (22, 22 << 8), (0, 1), (65535, 65534), (256, 1)] {
            for (to, reason) in [(at, Reason::Drop), (beside, Reason::Scope)] {
                let what = format!("{banned} to port {to}, port {at} banned");
                let row = Row::of(what, bare(cast, to_port(banned_number, to)), reason);
                rows.push(
                    row.ban(cast.source, scoped(FOR_EVER, SET))
                        .ports([port(banned_number, at)], SET),
                );
            }
        }
        // The port that the packet comes from, 49152, says nothing.
        let row = Row::pass(
            format!("{banned} from a banned port"),
            bare(cast, to_port(banned_number, 22)),
            Reason::Scope,
        );
        rows.push(
            row.ban(cast.source, scoped(FOR_EVER, SET))
                .ports([port(banned_number, 0xc000)], SET),
        );
    }
    rows
}

fn ranges(cast: &Cast) -> Vec<Row> {
    let mut rows = Vec::new();
    for (first, last) in [(0, 2), (1000, 1023), (8000, 8002), (65530, 65535)] {
        let range = || (first..=last).map(|to| port(TCP, to));
        let (below, above) = (u16::checked_sub(first, 1), u16::checked_add(last, 1));
        let inside = [first, u16::midpoint(first, last), last];
        let inside = inside.into_iter().map(|to| (to, Reason::Drop));
        let outside = below.into_iter().chain(above);
        for (to, reason) in inside.chain(outside.map(|to| (to, Reason::Scope))) {
            let what = format!("TCP to port {to}, ports {first} to {last} banned");
            let row = Row::of(what, bare(cast, to_port(TCP, to)), reason);
            rows.push(
                row.ban(cast.source, scoped(FOR_EVER, SET))
                    .ports(range(), SET),
            );
        }
    }
    rows
}

/// The numbers of sets at both ends of both halves of a mask, beside all others and their own.
fn sets(cast: &Cast) -> Vec<Row> {
    let mut rows = Vec::new();
    for set in [1, 2, 31, 32, 33, 62, 63] {
        let ban = |row: Row| row.ban(cast.source, scoped(FOR_EVER, set));
        let frame = || bare(cast, tcp_syn());
        let index = port(TCP, 22);
        rows.push(ban(
            Row::drop(format!("the port is in set {set}"), frame()).ports([index], set)
        ));
        let mut row = Row::pass(
            format!("the port is in every set but {set}"),
            frame(),
            Reason::Scope,
        );
        for other in (1..=63).filter(|other| *other != set) {
            row = row.ports([index], other);
        }
        rows.push(ban(row));
    }
    rows
}

fn other_protocols(cast: &Cast) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut both = |what: &str, payload: Payload, indices: &[u32], scope_reason: Reason| {
        let frame = || bare(cast, payload.clone());
        rows.push(
            Row::of(format!("{what}, ports banned"), frame(), scope_reason)
                .ban(cast.source, scoped(FOR_EVER, SET))
                .ports(indices.iter().copied(), SET),
        );
        rows.push(
            Row::drop(format!("{what}, all ports banned"), frame()).ban(cast.source, FOR_EVER),
        );
    };
    let every = [TCP, UDP, SCTP, UDP_LITE].map(|protocol| port(protocol, 0));
    both("ICMP", cast.icmp.clone(), &every, Reason::Scope);
    both(
        "ICMP, of which a set has all",
        cast.icmp.clone(),
        &[ICMP_INDEX],
        Reason::Drop,
    );
    // The family's own ICMP shows that it is one, so it needs no byte more.
    both(
        "ICMP without a byte of its own",
        cast.icmp.clone().cut(0),
        &[ICMP_INDEX],
        Reason::Drop,
    );
    both(
        "the other family's ICMP",
        cast.other_icmp.clone(),
        &[ICMP_INDEX],
        Reason::Scope,
    );
    let of = |protocol| Payload {
        protocol,
        ..tcp_syn()
    };
    let tcp = [port(TCP, 22)];
    for (what, protocol) in [
        ("GRE", 47),
        ("ESP", ESP),
        ("OSPF", 89),
        ("protocol 255", 255),
    ] {
        both(what, of(protocol), &tcp, Reason::Scope);
    }
    both("no next header", none(), &tcp, Reason::Scope);
    both(
        "an authentication header before TCP",
        authenticated(tcp_syn()),
        &tcp,
        Reason::Drop,
    );
    both(
        "an authentication header before UDP",
        authenticated(to_port(UDP, 22)),
        &tcp,
        Reason::Scope,
    );
    both(
        "an authentication header before ICMP",
        authenticated(cast.icmp.clone()),
        &[ICMP_INDEX],
        Reason::Drop,
    );
    both(
        "an authentication header before ESP",
        authenticated(of(ESP)),
        &tcp,
        Reason::Scope,
    );
    rows
}

/// What the entry says beside its scope.
fn entries(cast: &Cast, now: u64) -> Vec<Row> {
    let source = cast.source;
    let full = if source.is_ipv4() { 32 } else { 128 };
    let syn = |reason: Reason, what: &str| {
        Row::of(what, bare(cast, tcp_syn()), reason).ports([port(TCP, 22)], SET)
    };
    let udp = |reason: Reason, what: &str| {
        Row::of(what, bare(cast, to_port(UDP, 22)), reason).ports([port(TCP, 22)], SET)
    };
    let ban = scoped(FOR_EVER, SET);
    let later = scoped(until(now + LATER), SET);
    let over = scoped(OVER, SET);
    vec![
        syn(Reason::Drop, "its port banned until later").ban(source, later),
        syn(Reason::Expired, "the ban of its port is over").ban(source, over),
        udp(Reason::Expired, "the ban of another port is over").ban(source, over),
        syn(Reason::Observe, "its port observed").ban(source, observing(ban)),
        udp(Reason::Scope, "another port observed").ban(source, observing(ban)),
        syn(Reason::Never, "its port banned, never banned")
            .ban(source, ban)
            .never(source, full),
        syn(Reason::Never, "its port observed, never banned")
            .ban(source, observing(ban))
            .never(source, full),
        udp(Reason::Scope, "another port banned, never banned")
            .ban(source, ban)
            .never(source, full),
        syn(Reason::Drop, "its port banned, checked").ban(source, checked(ban)),
        syn(
            Reason::Drop,
            "its port banned, checked: the never-ban list is not asked",
        )
        .ban(source, checked(ban))
        .never(source, full),
        udp(Reason::Scope, "another port banned, checked").ban(source, checked(ban)),
        syn(Reason::Drop, "all ports banned, checked").ban(source, checked(FOR_EVER)),
        syn(
            Reason::Drop,
            "all ports banned, checked: the never-ban list is not asked",
        )
        .ban(source, checked(FOR_EVER))
        .never(source, full),
        syn(Reason::Never, "all ports banned, not checked")
            .ban(source, FOR_EVER)
            .never(source, full),
        syn(
            Reason::Observe,
            "all ports observed, checked: the never-ban list is not asked",
        )
        .ban(source, checked(observing(FOR_EVER)))
        .never(source, full),
        syn(Reason::Expired, "all ports banned, checked, over")
            .ban(source, checked(OVER))
            .never(source, full),
        syn(Reason::Scope, "a set without a port banned").ban(source, scoped(FOR_EVER, 40)),
        syn(Reason::Pass, "the ports of its destination banned").ban(cast.server, ban),
    ]
}

/// Ports are found behind tags.
fn tags(cast: &Cast) -> Vec<Row> {
    let mut rows = Vec::new();
    for stack in [&[VLAN][..], &[QINQ], &[QINQ, VLAN], &[VLAN, VLAN]] {
        for (protocol, reason) in [(TCP, Reason::Drop), (UDP, Reason::Scope)] {
            for authenticates in [false, true] {
                let payload = to_port(protocol, 22);
                let payload = if authenticates {
                    authenticated(payload)
                } else {
                    payload
                };
                let frame = (stack.iter()).fold(Frame::new(), |frame, kind| frame.tag(*kind, 7));
                let what = format!(
                    "{} tags, protocol {protocol}, {} authentication, TCP banned",
                    stack.len(),
                    if authenticates { "with" } else { "without" }
                );
                let row = Row::of(what, cast.frame(frame, payload), reason);
                rows.push(
                    row.ban(cast.source, scoped(FOR_EVER, SET))
                        .ports([port(TCP, 22)], SET),
                );
            }
        }
    }
    rows
}
