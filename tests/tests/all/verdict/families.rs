//! Rows that hold for IPv4 and IPv6 alike.

use banner_common::{FOREVER, Reason};
use banner_tests::frame::{Frame, QINQ, VLAN, none, sctp, tcp_syn, udp};

use super::{
    cast::Cast,
    row::{FOR_EVER, Row, observing, until},
};

/// Far enough ahead that no test run lasts that long, at any HZ.
pub(crate) const LATER: u64 = 1_000_000_000;

/// All rows of one family, where `now` is a jiffy that has begun.
pub(crate) fn rows(cast: &Cast, now: u64) -> Vec<Row> {
    let mut rows = bans(cast, now);
    rows.extend(never(cast, now));
    rows.extend(tags(cast));
    rows.extend(payloads(cast));
    rows.into_iter().map(|row| row.about(cast.family)).collect()
}

fn bans(cast: &Cast, now: u64) -> Vec<Row> {
    let source = cast.source;
    let syn = || cast.frame(Frame::new(), tcp_syn());
    let mut rows = vec![
        Row::pass("nobody banned", syn(), Reason::Pass),
        Row::drop("banned for ever", syn()).ban(source, FOR_EVER),
        Row::drop("banned until later", syn()).ban(source, until(now + LATER)),
        Row::drop("banned until the last jiffy", syn()).ban(source, until(FOREVER - 1)),
        Row::pass("ban that ended at 0", syn(), Reason::Expired).ban(source, until(0)),
        Row::pass("ban that ended at 1", syn(), Reason::Expired).ban(source, until(1)),
        Row::pass("ban that ended a jiffy ago", syn(), Reason::Expired).ban(source, until(now - 1)),
        Row::pass("ban that ends now", syn(), Reason::Expired).ban(source, until(now)),
        // A compare of the lower halves alone would see the past here.
        Row::drop("banned until the lower half has wrapped", syn())
            .ban(source, until(now + (1 << 32) - 1000)),
        Row::pass("observed", syn(), Reason::Observe).ban(source, observing(FOR_EVER)),
        Row::pass("observed until later", syn(), Reason::Observe)
            .ban(source, observing(until(now + LATER))),
        Row::pass("observed, and over", syn(), Reason::Expired).ban(source, observing(until(1))),
        Row::pass("its destination banned", syn(), Reason::Pass).ban(cast.server, FOR_EVER),
        Row::drop("banned, its destination observed", syn())
            .ban(cast.server, observing(FOR_EVER))
            .ban(source, FOR_EVER),
    ];
    for near in cast.near {
        rows.push(Row::pass(format!("{near} banned"), syn(), Reason::Pass).ban(near, FOR_EVER));
    }
    rows
}

fn never(cast: &Cast, now: u64) -> Vec<Row> {
    let source = cast.source;
    let syn = || cast.frame(Frame::new(), tcp_syn());
    let mut rows = Vec::new();
    for &(prefix, length) in &cast.around {
        let row = Row::pass(
            format!("banned, never {prefix}/{length}"),
            syn(),
            Reason::Never,
        );
        rows.push(row.ban(source, FOR_EVER).never(prefix, length));
    }
    for &(prefix, length) in &cast.beside {
        let row = Row::drop(format!("banned, never {prefix}/{length}"), syn());
        rows.push(row.ban(source, FOR_EVER).never(prefix, length));
    }
    let full = if source.is_ipv4() { 32 } else { 128 };
    rows.extend([
        Row::pass("never, not banned", syn(), Reason::Pass).never(source, full),
        Row::pass("never and observed", syn(), Reason::Never)
            .ban(source, observing(FOR_EVER))
            .never(source, full),
        Row::pass("never, banned until later", syn(), Reason::Never)
            .ban(source, until(now + LATER))
            .never(source, full),
        Row::pass("never, its ban over", syn(), Reason::Expired)
            .ban(source, until(1))
            .never(source, full),
        Row::drop("banned, its destination never", syn())
            .ban(source, FOR_EVER)
            .never(cast.server, full),
    ]);
    rows
}

fn tags(cast: &Cast) -> Vec<Row> {
    let stacks: [(&str, &[(u16, u16)]); 8] = [
        ("802.1Q", &[(VLAN, 7)]),
        ("802.1ad", &[(QINQ, 7)]),
        (
            "802.1Q with priority, DEI and the highest id",
            &[(VLAN, 0xffff)],
        ),
        ("802.1Q, priority only", &[(VLAN, 0xe000)]),
        ("802.1ad over 802.1Q", &[(QINQ, 7), (VLAN, 8)]),
        ("802.1Q over 802.1ad", &[(VLAN, 8), (QINQ, 7)]),
        ("802.1Q twice", &[(VLAN, 8), (VLAN, 8)]),
        ("802.1ad twice", &[(QINQ, 8), (QINQ, 8)]),
    ];
    let tagged = |stack: &[(u16, u16)]| {
        let bare = Frame::new();
        let frame = stack
            .iter()
            .fold(bare, |frame, &(kind, control)| frame.tag(kind, control));
        cast.frame(frame, tcp_syn())
    };
    let mut rows = Vec::new();
    for (what, stack) in stacks {
        rows.push(Row::drop(format!("{what}, banned"), tagged(stack)).ban(cast.source, FOR_EVER));
        rows.push(Row::pass(
            format!("{what}, not banned"),
            tagged(stack),
            Reason::Pass,
        ));
    }
    for third in [VLAN, QINQ] {
        let stack = [(QINQ, 7), (VLAN, 8), (third, 9)];
        let row = Row::pass(
            format!("three tags, the last {third:#x}"),
            tagged(&stack),
            Reason::NotIp,
        );
        rows.push(row.ban(cast.source, FOR_EVER));
    }
    rows
}

fn payloads(cast: &Cast) -> Vec<Row> {
    let source = cast.source;
    let mut rows = Vec::new();
    let mut both = |what: &str, frame: Vec<u8>| {
        rows.push(Row::drop(format!("{what}, banned"), frame.clone()).ban(source, FOR_EVER));
        rows.push(Row::pass(
            format!("{what}, not banned"),
            frame,
            Reason::Pass,
        ));
    };
    both("UDP", cast.frame(Frame::new(), udp(12)));
    both("ICMP", cast.frame(Frame::new(), cast.icmp.clone()));
    both("SCTP", cast.frame(Frame::new(), sctp()));
    both(
        "a header and nothing behind it",
        cast.frame(Frame::new(), none()),
    );
    both(
        "nearly as long as a page",
        cast.frame(Frame::new(), udp(3000)),
    );
    both(
        "to a multicast group",
        cast.frame(Frame::to([0x33, 0x33, 0, 0, 0, 1]), cast.icmp.clone()),
    );
    both("to everybody", cast.frame(Frame::to([0xff; 6]), udp(12)));
    both("padded to the shortest frame on a wire", {
        let mut frame = cast.frame(Frame::new(), none());
        frame.resize(frame.len().max(60), 0);
        frame
    });
    both("a first fragment", cast.fragment(0, true, tcp_syn()));
    both("a middle fragment", cast.fragment(3, true, udp(16)));
    both("a last fragment", cast.fragment(6, false, udp(16)));
    both("a fragment of no bytes", cast.fragment(6, false, none()));
    rows
}
