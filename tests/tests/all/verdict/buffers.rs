//! Packets in several buffers: counted in full, and judged by what lies in the first.

use std::net::IpAddr;

use anyhow::{Context as _, Result, ensure};
use banner_common::Reason;
use banner_tests::{
    bpf::Object,
    frame::{DESTINATION_OPTIONS, Frame, Ipv6, TCP, UDP, VLAN, tcp_syn, udp},
    kernel,
};

use super::{
    cast::{self, Cast},
    row::{FOR_EVER, Row, scoped},
    scopes::port,
};

const SET: u16 = 9;

/// Rows of jumbo frames; only the program for packets in several buffers gets them. The last ones are
/// longer than an IP packet can be, which a driver that joins packets (LRO) may hand over.
pub(crate) fn rows(cast: &Cast) -> Vec<Row> {
    let mut rows = Vec::new();
    for length in [
        3800,
        4096,
        4097,
        9000,
        9014,
        9018,
        16_000,
        65_535,
        65_549,
        68_000_usize,
    ] {
        let frame = |tagged| {
            let bare = Frame::new();
            let bare = if tagged { bare.tag(VLAN, 7) } else { bare };
            let mut frame = cast.frame(bare, udp(100));
            frame.resize(length, b'x');
            frame
        };
        let row =
            |what: &str, reason| Row::of(format!("{length} bytes, {what}"), frame(false), reason);
        rows.extend([
            row("banned", Reason::Drop).ban(cast.source, FOR_EVER),
            row("not banned", Reason::Pass),
            row("its port banned", Reason::Drop)
                .ban(cast.source, scoped(FOR_EVER, SET))
                .ports([port(UDP, 53)], SET),
            row("another port banned", Reason::Scope)
                .ban(cast.source, scoped(FOR_EVER, SET))
                .ports([port(TCP, 53)], SET),
            Row::drop(format!("{length} bytes, in a VLAN, banned"), frame(true))
                .ban(cast.source, FOR_EVER),
        ]);
        let mut other = Frame::new().other(0x88b5, &[]);
        other.resize(length, b'x');
        rows.push(Row::pass(
            format!("{length} bytes, neither IPv4 nor IPv6"),
            other,
            Reason::NotIp,
        ));
    }
    rows.into_iter().map(|row| row.about(cast.family)).collect()
}

/// Extension headers of 2 048 bytes each reach over the end of the first buffer.
pub(crate) fn long_chains() -> Vec<Row> {
    let cast = cast::v6();
    let (IpAddr::V6(source), IpAddr::V6(server)) = (cast.source, cast.server) else {
        unreachable!("the cast of IPv6")
    };
    let mut rows = Vec::new();
    for (count, reason) in [
        (1, Reason::Drop),
        (2, Reason::Malformed),
        (8, Reason::Malformed),
    ] {
        let packet = (0..count).fold(Ipv6::new(source, server, tcp_syn()), |packet, _| {
            packet.long_extension(DESTINATION_OPTIONS, 255)
        });
        let frame = || Frame::new().ipv6(&packet);
        let what = format!("IPv6: {count} extension headers of 2 048 bytes");
        rows.push(
            Row::of(format!("{what}, its port banned"), frame(), reason)
                .ban(source, scoped(FOR_EVER, SET))
                .ports([port(TCP, 22)], SET),
        );
        rows.push(Row::drop(format!("{what}, banned"), frame()).ban(source, FOR_EVER));
    }
    rows
}

#[test]
fn headers_that_reach_into_the_second_buffer_pass_as_malformed() -> Result<()> {
    if !kernel::has(
        (6, 18),
        "a test run always fills the first buffer of a packet",
    )? {
        println!("SKIPPED: it takes a test run that leaves headers to the second buffer");
        return Ok(());
    }
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        let mut frame = cast.frame(Frame::new(), udp(100));
        frame.resize(9000, b'x');
        object.ban(cast.source, FOR_EVER)?;
        let header = 14 + if cast.source.is_ipv4() { 20 } else { 40 };
        for first in 14..header + 20 {
            let reason = if first < header {
                Reason::Malformed
            } else {
                Reason::Drop
            };
            let before = object.counters()?;
            let verdict = object
                .run_split(&frame, first)
                .with_context(|| format!("{}, {first} bytes in front", cast.family))?;
            let counters = object.counters()?;
            // A first buffer that is no longer than a frame usually is passes for all of it.
            ensure!(
                counters == before.plus_one(reason, usize::try_from(first)?),
                "{}, {first} bytes in the first buffer: verdict {verdict}, {}, should be {}",
                cast.family,
                counters.since(&before),
                reason.name()
            );
        }
        object.unban(cast.source)?;
    }
    Ok(())
}
