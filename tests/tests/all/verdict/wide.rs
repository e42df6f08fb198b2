//! Rows of banned prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use banner_common::Reason;
use banner_tests::frame::{Frame, TCP, UDP, icmp, tcp_syn, to_port, udp};

use super::{
    cast::Cast,
    row::{FOR_EVER, OVER, Row, checked, observing, scoped, several},
    scopes::port,
};

const GROUP: u32 = 9;
const OTHER: u32 = 10;
const SET: u16 = 2;

/// All rows of one family.
pub(crate) fn rows(cast: &Cast) -> Vec<Row> {
    let mut rows = lengths(cast);
    rows.extend(nested(cast));
    rows.extend(with_own(cast));
    rows.extend(never(cast));
    rows.extend(families(cast));
    rows.into_iter().map(|row| row.about(cast.family)).collect()
}

/// The prefix of `length` bits that holds `address`.
pub(crate) fn prefix(address: IpAddr, length: u32) -> (IpAddr, u32) {
    let address = match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    };
    (address, length)
}

/// `address` with one bit changed, the one after `bit` others.
fn flipped(address: IpAddr, bit: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from_bits(address.to_bits() ^ 1 << (31 - bit)).into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() ^ 1 << (127 - bit)).into(),
    }
}

/// Bits of an address, and of the shortest prefix that may be banned.
fn bits(cast: &Cast) -> (u32, u32) {
    if cast.source.is_ipv4() {
        (32, 8)
    } else {
        (128, 16)
    }
}

fn syn(cast: &Cast) -> Vec<u8> {
    cast.frame(Frame::new(), tcp_syn())
}

/// Every length: the prefix around the source, and the one beside that differs in its last bit.
fn lengths(cast: &Cast) -> Vec<Row> {
    let (full, shortest) = bits(cast);
    let mut rows = Vec::new();
    for length in shortest..full {
        let around = prefix(cast.source, length);
        rows.push(
            Row::drop(format!("a /{length} around it banned"), syn(cast))
                .wide(around, GROUP)
                .group(GROUP, &[FOR_EVER], FOR_EVER),
        );
        let beside = prefix(flipped(cast.source, length - 1), length);
        rows.push(
            Row::pass(
                format!("the /{length} beside it banned"),
                syn(cast),
                Reason::Pass,
            )
            .wide(beside, GROUP)
            .group(GROUP, &[FOR_EVER], FOR_EVER),
        );
    }
    let length = full - 8;
    let around = || prefix(cast.source, length);
    let banned = |row: Row| {
        row.wide(around(), GROUP)
            .group(GROUP, &[FOR_EVER], FOR_EVER)
    };
    rows.extend([
        banned(Row::pass(
            "a prefix banned, and none in use",
            syn(cast),
            Reason::Pass,
        ))
        .in_use(false),
        Row::pass("no prefix banned, and some in use", syn(cast), Reason::Pass).in_use(true),
        Row::drop("banned itself, some prefixes in use", syn(cast))
            .ban(cast.source, FOR_EVER)
            .in_use(true),
        Row::pass("a prefix's ban over", syn(cast), Reason::Expired)
            .wide(around(), GROUP)
            .group(GROUP, &[OVER], OVER),
        Row::pass("a prefix observed", syn(cast), Reason::Observe)
            .wide(around(), GROUP)
            .group(GROUP, &[observing(FOR_EVER)], observing(FOR_EVER)),
        Row::pass("its destination's prefix banned", syn(cast), Reason::Pass)
            .wide(prefix(cast.server, length), GROUP)
            .group(GROUP, &[FOR_EVER], FOR_EVER),
    ]);
    rows
}

/// The longest prefix alone is looked at: it says what the shorter ones say too.
fn nested(cast: &Cast) -> Vec<Row> {
    let (full, shortest) = bits(cast);
    let mut rows = Vec::new();
    for (long, short) in [
        (full - 1, full - 8),
        (full - 8, full - 9),
        (full - 8, shortest),
    ] {
        let (inner, outer) = (prefix(cast.source, long), prefix(cast.source, short));
        let what = |inner: &str, outer: &str| format!("a /{long} {inner} in a /{short} {outer}");
        let both = |row: Row| row.wide(inner, GROUP).wide(outer, OTHER);
        rows.extend([
            both(Row::drop(what("banned", "observed"), syn(cast)))
                .group(GROUP, &[FOR_EVER], FOR_EVER)
                .group(OTHER, &[observing(FOR_EVER)], observing(FOR_EVER)),
            both(Row::pass(
                what("observed", "banned"),
                syn(cast),
                Reason::Observe,
            ))
            .group(GROUP, &[observing(FOR_EVER)], observing(FOR_EVER))
            .group(OTHER, &[FOR_EVER], FOR_EVER),
            both(Row::pass(
                what("without bans", "banned"),
                syn(cast),
                Reason::Pass,
            ))
            .group(OTHER, &[FOR_EVER], FOR_EVER),
            both(Row::pass(
                what("for its ports", "for all"),
                cast.frame(Frame::new(), to_port(UDP, 22)),
                Reason::Scope,
            ))
            .ports([port(TCP, 22)], SET)
            .group(GROUP, &[scoped(FOR_EVER, SET)], FOR_EVER)
            .group(OTHER, &[FOR_EVER], FOR_EVER),
        ]);
        // Beside the inner one, inside the outer one.
        let beside = prefix(flipped(cast.source, long - 1), long);
        rows.push(
            Row::drop(what("observed, beside it,", "banned"), syn(cast))
                .wide(beside, GROUP)
                .wide(outer, OTHER)
                .group(GROUP, &[observing(FOR_EVER)], observing(FOR_EVER))
                .group(OTHER, &[FOR_EVER], FOR_EVER),
        );
    }
    rows
}

/// An entry of its own and a prefix around it: what weighs more decides.
fn with_own(cast: &Cast) -> Vec<Row> {
    use Reason::{Drop, Expired, Observe, Scope};
    let (full, _) = bits(cast);
    // What the entry and the prefix are, from the lightest on: over, beside, observed, banned.
    let ban = |reason| match reason {
        Drop => FOR_EVER,
        Observe => observing(FOR_EVER),
        Scope => scoped(FOR_EVER, SET),
        _ => OVER,
    };
    let weights = [Expired, Scope, Observe, Drop];
    let mut rows = Vec::new();
    for (own_weight, own) in weights.into_iter().enumerate() {
        for (around_weight, around) in weights.into_iter().enumerate() {
            let reason = weights[own_weight.max(around_weight)];
            let what = format!("its own ban {}, its prefix's {}", own.name(), around.name());
            let row = |what: &str, own_ban| {
                Row::of(what, syn(cast), reason)
                    .ports([port(UDP, 22)], SET)
                    .wide(prefix(cast.source, full - 4), GROUP)
                    .group(GROUP, &[ban(around)], ban(around))
                    .ban(cast.source, own_ban)
            };
            rows.push(row(&what, ban(own)));
            rows.push(row(&format!("{what}, checked"), checked(ban(own))));
            rows.push(
                row(&format!("{what}, its own in a group"), several(OTHER)).group(
                    OTHER,
                    &[ban(own)],
                    ban(own),
                ),
            );
        }
    }
    rows
}

fn never(cast: &Cast) -> Vec<Row> {
    let (full, _) = bits(cast);
    let banned = |row: Row| {
        row.wide(prefix(cast.source, full - 16), GROUP)
            .group(GROUP, &[FOR_EVER], FOR_EVER)
    };
    let mut rows = Vec::new();
    for length in [0, full - 24, full - 16, full - 8, full] {
        let (never, _) = prefix(cast.source, length);
        let row = Row::pass(
            format!("in a banned prefix, never /{length}"),
            syn(cast),
            Reason::Never,
        );
        rows.push(banned(row).never(never, length));
    }
    for length in [full - 15, full - 8, full] {
        let (never, _) = prefix(flipped(cast.source, length - 1), length);
        let row = Row::drop(
            format!("in a banned prefix, never the /{length} beside it"),
            syn(cast),
        );
        rows.push(banned(row).never(never, length));
    }
    let own = |what: &str, reason, ban| {
        banned(Row::of(what, syn(cast), reason))
            .ban(cast.source, ban)
            .never(cast.source, full)
    };
    rows.extend([
        own(
            "never, and banned itself in a banned prefix",
            Reason::Never,
            FOR_EVER,
        ),
        own(
            "never, its own ban over in a banned prefix",
            Reason::Never,
            OVER,
        ),
        // It was checked for its own ban, which does not decide.
        own(
            "never, its own observed ban checked, in a banned prefix",
            Reason::Never,
            checked(observing(FOR_EVER)),
        ),
    ]);
    rows
}

/// Later fragments, and the other family's prefixes.
fn families(cast: &Cast) -> Vec<Row> {
    let (full, _) = bits(cast);
    let around = prefix(cast.source, full - 8);
    let scope = |row: Row| {
        row.ports([port(TCP, 22)], SET).wide(around, GROUP).group(
            GROUP,
            &[scoped(FOR_EVER, SET)],
            FOR_EVER,
        )
    };
    let other: (IpAddr, u32) = if cast.source.is_ipv4() {
        let IpAddr::V4(source) = cast.source else {
            unreachable!("it is IPv4")
        };
        prefix(source.to_ipv6_mapped().into(), 120)
    } else {
        prefix(Ipv4Addr::new(0x20, 0x01, 0x0d, 0xb8).into(), 24)
    };
    vec![
        scope(Row::drop("a prefix's port banned", syn(cast))),
        scope(Row::pass(
            "another port of a prefix banned",
            cast.frame(Frame::new(), to_port(TCP, 23)),
            Reason::Scope,
        )),
        scope(Row::pass(
            "a prefix's port banned, ICMP",
            cast.frame(Frame::new(), cast.icmp.clone()),
            Reason::Scope,
        )),
        scope(Row::drop(
            "a prefix's port banned, a first fragment to it",
            cast.fragment(0, true, tcp_syn()),
        )),
        scope(Row::pass(
            "a prefix's port banned, a first fragment to another",
            cast.fragment(0, true, udp(16)),
            Reason::Scope,
        )),
        scope(Row::drop(
            "a prefix's port banned, a later fragment",
            cast.fragment(3, false, icmp()),
        )),
        Row::pass("the other family's prefix banned", syn(cast), Reason::Pass)
            .wide(other, GROUP)
            .group(GROUP, &[FOR_EVER], FOR_EVER)
            .in_use(true),
    ]
}
