//! Rows of addresses and prefixes that are banned in several scopes at once, for IPv4 and IPv6 alike.

use banner_common::{Ban, MAX_SHARED, Reason};
use banner_tests::frame::{Frame, TCP, UDP, tcp_syn, to_port, udp};

use super::{
    cast::Cast,
    families::LATER,
    row::{FOR_EVER, OVER, Row, checked, observing, scoped, several, until},
    scopes::port,
};

/// The group of the source's bans.
const GROUP: u32 = 7;

// Sets of ports: those of ssh, of the web, and one that both are in.
const SSH: u16 = 5;
const WEB: u16 = 33;
const BOTH: u16 = 63;

/// How the source of a frame is banned: by its own entry, or by a prefix around it.
#[derive(Clone, Copy)]
enum By {
    Address,
    Prefix,
}

/// What a packet to ssh, to the web, to another port, of another protocol, and a later fragment come
/// to.
type Reasons = [Reason; 5];

/// All rows of one family, where `now` is a jiffy that has begun.
pub(crate) fn rows(cast: &Cast, now: u64) -> Vec<Row> {
    let mut rows = Vec::new();
    for by in [By::Address, By::Prefix] {
        for (what, members, summary, reasons) in groups(now) {
            rows.extend(group(cast, by, &what, &members, summary, reasons));
        }
        rows.extend(missing(cast, by));
        rows.extend(shared(cast, by));
        rows.extend(never(cast, by));
    }
    rows.into_iter().map(|row| row.about(cast.family)).collect()
}

fn groups(now: u64) -> Vec<(String, Vec<Ban>, Ban, Reasons)> {
    use Reason::{Drop, Expired, Observe, Scope};
    let later = until(now + LATER);
    let group = |what: &str, members: &[Ban], summary: Ban, reasons: Reasons| {
        (what.to_owned(), members.to_vec(), summary, reasons)
    };
    vec![
        group(
            "ssh and web banned",
            &[scoped(FOR_EVER, SSH), scoped(later, WEB)],
            FOR_EVER,
            [Drop, Drop, Scope, Scope, Drop],
        ),
        group(
            "ssh banned, the ban of web over",
            &[scoped(later, SSH), scoped(OVER, WEB)],
            later,
            [Drop, Scope, Scope, Scope, Drop],
        ),
        group(
            "the bans of ssh and web over",
            &[scoped(OVER, SSH), scoped(OVER, WEB)],
            OVER,
            [Expired; 5],
        ),
        group(
            "ssh banned, web observed",
            &[scoped(later, SSH), scoped(observing(FOR_EVER), WEB)],
            later,
            [Drop, Observe, Scope, Scope, Drop],
        ),
        group(
            "ssh and web observed",
            &[
                scoped(observing(later), SSH),
                scoped(observing(FOR_EVER), WEB),
            ],
            observing(FOR_EVER),
            [Observe, Observe, Scope, Scope, Observe],
        ),
        group(
            "all ports observed, ssh banned",
            &[observing(FOR_EVER), scoped(later, SSH)],
            later,
            [Drop, Observe, Observe, Observe, Drop],
        ),
        group(
            "all ports banned, ssh observed",
            &[later, scoped(observing(FOR_EVER), SSH)],
            later,
            [Drop; 5],
        ),
        group(
            "the ban of all ports over, ssh banned",
            &[OVER, scoped(FOR_EVER, SSH)],
            FOR_EVER,
            [Drop, Scope, Scope, Scope, Drop],
        ),
        group(
            "all ports banned, the ban of ssh over",
            &[FOR_EVER, scoped(OVER, SSH)],
            FOR_EVER,
            [Drop; 5],
        ),
        group(
            "ssh and web observed, both together banned",
            &[
                scoped(observing(FOR_EVER), SSH),
                scoped(observing(FOR_EVER), WEB),
                scoped(later, BOTH),
            ],
            later,
            [Drop, Drop, Scope, Scope, Drop],
        ),
        group(
            "ssh and web together observed, ssh banned, the ban of web over",
            &[
                scoped(later, SSH),
                scoped(OVER, WEB),
                scoped(observing(FOR_EVER), BOTH),
            ],
            later,
            [Drop, Observe, Scope, Scope, Drop],
        ),
        group(
            "all ports banned and nothing else",
            &[FOR_EVER],
            FOR_EVER,
            [Drop; 5],
        ),
        group(
            "a set without ports banned",
            &[scoped(FOR_EVER, 40)],
            FOR_EVER,
            [Scope, Scope, Scope, Scope, Drop],
        ),
    ]
}

fn group(
    cast: &Cast,
    by: By,
    what: &str,
    members: &[Ban],
    summary: Ban,
    reasons: Reasons,
) -> Vec<Row> {
    let bare = |payload| cast.frame(Frame::new(), payload);
    let frames = [
        ("ssh", bare(tcp_syn())),
        ("web", bare(to_port(TCP, 443))),
        ("another port", bare(to_port(TCP, 25))),
        ("another protocol", bare(to_port(UDP, 22))),
        ("a later fragment", cast.fragment(3, true, udp(16))),
    ];
    let mut rows = Vec::new();
    for ((to, frame), reason) in frames.into_iter().zip(reasons) {
        let row = Row::of(format!("{what}{}: {to}", by.words()), frame, reason);
        rows.push(sets(by.entry(cast, row)).group(GROUP, members, summary));
    }
    rows
}

impl By {
    fn words(self) -> &'static str {
        match self {
            Self::Address => "",
            Self::Prefix => " for a prefix",
        }
    }

    fn entry(self, cast: &Cast, row: Row) -> Row {
        match self {
            Self::Address => row.ban(cast.source, several(GROUP)),
            Self::Prefix => row.wide(cast.around[cast.around.len() - 3], GROUP),
        }
    }
}

fn sets(row: Row) -> Row {
    let (ssh, web) = (port(TCP, 22), port(TCP, 443));
    row.ports([ssh], SSH)
        .ports([web], WEB)
        .ports([ssh, web], BOTH)
}

/// What nobody wrote, or of which half is written, drops nothing.
fn missing(cast: &Cast, by: By) -> Vec<Row> {
    let syn = || cast.frame(Frame::new(), tcp_syn());
    let later = || cast.fragment(3, true, udp(16));
    let row = |what: &str, frame, reason| {
        let row = Row::of(format!("{what}{}", by.words()), frame, reason);
        sets(by.entry(cast, row))
    };
    let summary = |row: Row| row.group(GROUP, &[], FOR_EVER);
    let other = |row: Row| row.group(GROUP + 1, &[FOR_EVER, scoped(FOR_EVER, SSH)], FOR_EVER);
    vec![
        row("a group without members", syn(), Reason::Pass),
        row(
            "a group without members, a later fragment",
            later(),
            Reason::Pass,
        ),
        other(row("the members of another group", syn(), Reason::Pass)),
        other(row(
            "the members of another group, a later fragment",
            later(),
            Reason::Pass,
        )),
        summary(row(
            "what the bans come to, and no ban",
            syn(),
            Reason::Scope,
        )),
        summary(row(
            "what the bans come to, and no ban, a later fragment",
            later(),
            Reason::Drop,
        )),
        row("a ban, and not what they come to", syn(), Reason::Drop)
            .members(GROUP, &[scoped(FOR_EVER, SSH)]),
        row(
            "a ban, and not what they come to, a later fragment",
            later(),
            Reason::Pass,
        )
        .members(GROUP, &[scoped(FOR_EVER, SSH)]),
    ]
}

/// A port may be in as many sets as [`MAX_SHARED`] says, and a ban of each is found.
fn shared(cast: &Cast, by: By) -> Vec<Row> {
    let count = u16::try_from(MAX_SHARED).expect("fewer sets than there can be");
    let all: Vec<u16> = (1..=63).step_by(4).collect();
    assert_eq!(
        all.len(),
        usize::from(count),
        "as many sets as may be shared"
    );
    let mut rows = Vec::new();
    for &alone in &all {
        let what = format!(
            "in {count} sets, {alone} banned, the others observed{}",
            by.words()
        );
        let members = all.iter().map(|&set| {
            let ban = if set == alone {
                FOR_EVER
            } else {
                observing(FOR_EVER)
            };
            scoped(ban, set)
        });
        let members: Vec<_> = members.collect();
        let mut row = Row::drop(what, cast.frame(Frame::new(), tcp_syn()));
        for &set in &all {
            row = row.ports([port(TCP, 22)], set);
        }
        rows.push(by.entry(cast, row).group(GROUP, &members, FOR_EVER));
        let what = format!(
            "in {count} sets, {alone} of them banned alone{}",
            by.words()
        );
        let mut row = Row::drop(what, cast.frame(Frame::new(), tcp_syn()));
        for &set in &all {
            row = row.ports([port(TCP, 22)], set);
        }
        rows.push(
            by.entry(cast, row)
                .group(GROUP, &[scoped(FOR_EVER, alone)], FOR_EVER),
        );
    }
    rows
}

fn never(cast: &Cast, by: By) -> Vec<Row> {
    let full = if cast.source.is_ipv4() { 32 } else { 128 };
    let row = |what: &str, payload, reason| {
        let frame = cast.frame(Frame::new(), payload);
        let row = Row::of(format!("{what}{}", by.words()), frame, reason);
        sets(by.entry(cast, row)).never(cast.source, full)
    };
    let ssh = [scoped(FOR_EVER, SSH)];
    let checked_ssh = [checked(scoped(FOR_EVER, SSH))];
    vec![
        row("never: ssh banned", tcp_syn(), Reason::Never).group(GROUP, &ssh, FOR_EVER),
        row(
            "never: ssh banned, web asked for",
            to_port(TCP, 443),
            Reason::Scope,
        )
        .group(GROUP, &ssh, FOR_EVER),
        row("never: the ban of ssh over", tcp_syn(), Reason::Expired).group(
            GROUP,
            &[scoped(OVER, SSH)],
            OVER,
        ),
        row("never: ssh observed", tcp_syn(), Reason::Never).group(
            GROUP,
            &[observing(scoped(FOR_EVER, SSH))],
            observing(FOR_EVER),
        ),
        row("never: ssh banned, and checked", tcp_syn(), Reason::Drop).group(
            GROUP,
            &checked_ssh,
            checked(FOR_EVER),
        ),
    ]
}
