//! What a ban has done, and who sends most.

use std::net::IpAddr;

use anyhow::{Context as _, Result, ensure};
use banner_common::{Ban, EXACT, Reason, SAMPLE, Seen};
use banner_tests::{
    bpf::{Object, SUMMARY, scope_bit},
    frame::{Frame, TCP, tcp_syn, to_port, udp},
};

use super::{
    cast::{self, Cast},
    row::{FOR_EVER, OVER, checked, observing, scoped, several},
    scopes::port,
    wide::prefix,
};

/// Jiffies in one unit of the time of the last packet.
const UNIT: u64 = 256;

fn syn(cast: &Cast) -> Vec<u8> {
    cast.frame(Frame::new(), tcp_syn())
}

/// Five standard deviations of a sampled count that stands at `packets`, as `SAMPLE` says: a right
/// program is outside once in two million tests.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "counts far below 2^52"
)]
fn tolerance(packets: u64) -> u64 {
    (5.0 * ((SAMPLE * packets) as f64).sqrt()) as u64
}

fn ensure_near(what: &str, counted: u64, packets: u64) -> Result<()> {
    let off = counted.abs_diff(packets);
    println!("{what}: {packets} packets, counted {counted}");
    ensure!(
        off <= tolerance(packets),
        "{what}: {packets} packets were counted as {counted}, off by more than {}",
        tolerance(packets)
    );
    Ok(())
}

/// Checks that the last packet came between jiffy `before` and now.
fn ensure_last(object: &Object, seen: Seen, before: u64) -> Result<()> {
    let now = object.clock()?.jiffies;
    let last = seen.last(now).context("packets have come")?;
    ensure!(
        last + UNIT > before && last <= now,
        "last seen in jiffy {last}, which is not within {before} to {now}"
    );
    Ok(())
}

#[test]
fn what_little_comes_is_counted_one_by_one() -> Result<()> {
    for cast in [cast::v4(), cast::v6()] {
        let full = checked(FOR_EVER);
        for (what, ban) in [
            ("banned and checked", full),
            ("banned", FOR_EVER),
            ("observed", observing(FOR_EVER)),
        ] {
            let mut object = Object::load()?;
            object.ban(cast.source, ban)?;
            for packets in 1..=EXACT {
                let before = object.clock()?.jiffies;
                object.verdict(&syn(&cast))?;
                let seen = object.banned(cast.source)?.seen;
                ensure!(
                    seen.packets() == packets,
                    "{what}: {} packets instead of {packets}",
                    seen.packets()
                );
                ensure_last(&object, seen, before)?;
            }
        }
    }
    Ok(())
}

#[test]
fn a_ban_counts_only_packets_that_it_was_applied_to() -> Result<()> {
    const SET: u16 = 12;
    const GROUP: u32 = 3;
    let mut object = Object::load()?;
    object.port(port(TCP, 22), scope_bit(SET))?;
    for cast in [cast::v4(), cast::v6()] {
        let counted = |object: &mut Object, ban: Ban, frame: &[u8]| -> Result<u64> {
            object.ban(cast.source, ban)?;
            object.verdict(frame)?;
            Ok(object.banned(cast.source)?.seen.packets())
        };
        let scope = scoped(FOR_EVER, SET);
        let web = cast.frame(Frame::new(), to_port(TCP, 80));
        ensure!(counted(&mut object, scope, &syn(&cast))? == 1, "its port");
        ensure!(counted(&mut object, scope, &web)? == 0, "another port");
        ensure!(counted(&mut object, OVER, &syn(&cast))? == 0, "it is over");
        let full = if cast.source.is_ipv4() { 32 } else { 128 };
        object.never(cast.source, full)?;
        ensure!(counted(&mut object, FOR_EVER, &syn(&cast))? == 0, "never");
        object.not_never(cast.source, full)?;

        // The member that decides counts, not the entry nor the other members; of a later fragment it
        // is what they come to together.
        for by_prefix in [false, true] {
            let bit = scope_bit(SET);
            object.member(GROUP, scope_bit(0), observing(FOR_EVER))?;
            object.member(GROUP, bit, scope)?;
            object.member(GROUP, SUMMARY, FOR_EVER)?;
            if by_prefix {
                object.unban(cast.source)?;
                let (around, length) = prefix(cast.source, full - 8);
                object.wide(around, length, GROUP)?;
                object.in_use(true, true)?;
            } else {
                object.ban(cast.source, several(GROUP))?;
            }
            object.verdict(&syn(&cast))?;
            object.verdict(&syn(&cast))?;
            object.verdict(&web)?;
            for _ in 0..3 {
                object.verdict(&cast.fragment(5, true, udp(16)))?;
            }
            let seen = [scope_bit(0), bit, SUMMARY]
                .map(|bit| Ok(object.member_of(GROUP, bit)?.seen.packets()));
            let seen: Result<Vec<u64>> = seen.into_iter().collect();
            let seen = seen?;
            ensure!(
                seen == [1, 2, 3],
                "all ports, ssh, later fragments: {seen:?}"
            );
            if by_prefix {
                let (around, length) = prefix(cast.source, full - 8);
                object.not_wide(around, length)?;
                object.in_use(false, false)?;
            } else {
                let own = object.banned(cast.source)?;
                ensure!(own == several(GROUP), "the entry was written: {own:?}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_ban_of_a_flood_is_counted_in_samples() -> Result<()> {
    const PACKETS: u32 = 100_000;
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        object.ban(cast.source, checked(FOR_EVER))?;
        let before = object.counters()?;
        let start = object.clock()?.jiffies;
        let (verdict, duration) = object.repeat(&syn(&cast), PACKETS)?;
        ensure!(verdict == 1, "verdict {verdict}");
        println!("{}: {} ns for each", cast.family, duration.as_nanos());
        let seen = object.banned(cast.source)?.seen;
        ensure_near(cast.family, seen.packets(), PACKETS.into())?;
        ensure_last(&object, seen, start)?;
        // The counters of reasons are exact.
        let dropped = object.counters()?[Reason::Drop].packets - before[Reason::Drop].packets;
        ensure!(
            dropped == u64::from(PACKETS),
            "{dropped} counted as dropped"
        );
    }
    Ok(())
}

#[test]
fn those_who_send_most_are_found_in_their_order() -> Result<()> {
    // Packets of each source in a round, and rounds: nine of ten are the first one's.
    const SHARES: [u32; 2] = [900, 100];
    const ROUNDS: u32 = 100;
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        let frames = [cast.source, cast.near[1]].map(|source| {
            let cast = Cast {
                source,
                ..if source.is_ipv4() {
                    cast::v4()
                } else {
                    cast::v6()
                }
            };
            (mapped(source), syn(&cast), source)
        });
        object.ban(frames[0].2, checked(FOR_EVER))?;
        object.ban(frames[1].2, observing(FOR_EVER))?;
        for _ in 0..ROUNDS {
            for ((_, frame, _), share) in frames.iter().zip(SHARES) {
                object.repeat(frame, share)?;
            }
        }
        let top = object.top()?;
        let mut counts = Vec::new();
        for ((key, _, source), share) in frames.iter().zip(SHARES) {
            let (_, counted) = top
                .iter()
                .find(|(found, _)| found == key)
                .with_context(|| format!("{source} is not among {} sources", top.len()))?;
            ensure_near(&source.to_string(), *counted, u64::from(share * ROUNDS))?;
            counts.push(*counted);
        }
        ensure!(counts[0] > counts[1], "in the wrong order: {counts:?}");
    }
    ensure!(
        object.top()?.len() == 4,
        "sources that sent nothing: {:?}",
        object.top()?
    );
    Ok(())
}

fn mapped(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
        IpAddr::V6(address) => address.octets(),
    }
}
