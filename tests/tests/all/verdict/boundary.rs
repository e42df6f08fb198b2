use anyhow::{Context as _, Result};
use banner_common::{Ban, Reason};
use banner_tests::{
    bpf::Object,
    frame::{Frame, TCP, tcp_syn, udp},
    wait::{PATIENCE, wait_until},
};

use super::{
    cast::{self, Cast},
    row::{HOOKS, Row, checked, scoped, several, until},
    scopes::port,
    wide::prefix,
};

const GROUP: u32 = 21;
const SET: u16 = 21;

/// Every way to the end of a ban: a packet that `ban` applies to, and what becomes of it.
fn rows(cast: &Cast, what: &str, ban: Ban, reason: Reason) -> Vec<Row> {
    let row = |how: &str, frame| {
        Row::of(format!("{what}, {how}"), frame, reason).ports([port(TCP, 22)], SET)
    };
    let syn = || cast.frame(Frame::new(), tcp_syn());
    let full = if cast.source.is_ipv4() { 32 } else { 128 };
    vec![
        row("an entry", syn()).ban(cast.source, ban),
        row("a checked entry", syn()).ban(cast.source, checked(ban)),
        row("an entry for its port", syn()).ban(cast.source, scoped(ban, SET)),
        row("a member of its group", syn())
            .ban(cast.source, several(GROUP))
            .group(GROUP, &[scoped(ban, SET)], ban),
        row("what its group comes to", cast.fragment(9, true, udp(16)))
            .ban(cast.source, several(GROUP))
            .group(GROUP, &[scoped(ban, SET)], ban),
        row("a member of a prefix's group", syn())
            .wide(prefix(cast.source, full - 3), GROUP)
            .group(GROUP, &[ban], ban),
    ]
}

#[test]
fn a_ban_ends_with_the_jiffy_before_its_expiry() -> Result<()> {
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        let now = object.clock()?.jiffies;
        let over = rows(&cast, "its expiry is now", until(now), Reason::Expired);
        for (way, over) in over.iter().enumerate() {
            over.check(&mut object)?;
            for hook in 0..HOOKS.len() {
                // The row says something only when the jiffy did not change while it was tried.
                wait_until("a run within one jiffy", PATIENCE, || {
                    let now = object.clock()?.jiffies;
                    let what = "its expiry is the next jiffy";
                    let rows = rows(&cast, what, until(now + 1), Reason::Drop);
                    let row = rows.into_iter().nth(way).context("as many ways")?;
                    let holds = row.only(hook).check(&mut object);
                    if object.clock()?.jiffies != now {
                        return Ok(false);
                    }
                    holds.map(|()| true)
                })?;
            }
        }
    }
    Ok(())
}
