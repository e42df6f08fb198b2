//! Bans whose end is put off by the packets that they are applied to, to the jiffy.

mod alone;
mod group;
mod linked;

use anyhow::{Result, ensure};
use banner_common::{Ban, PROGRAM, Quiet, RENEW_SLACK, Reason};
use banner_tests::{
    bpf::{Object, SUMMARY, scope_bit},
    frame::{Frame, TCP, tcp_syn, to_port, udp},
    wait::{PATIENCE, wait_until},
};

use super::{
    cast::Cast,
    contents::Contents,
    row::{HOOKS, Hook},
    scopes::port,
};

const GROUP: u32 = 8;
const OUTER: u32 = 16;
const SSH: u16 = 3;
const WEB: u16 = 40;

/// Jiffies; no power of two, and short enough to be waited for.
const QUIET: u64 = 300;

fn renewing(ban: Ban) -> Ban {
    let flags = ban.flags | Quiet::at_least(QUIET).flags();
    Ban { flags, ..ban }
}

fn quiet() -> u64 {
    Quiet::at_least(QUIET).jiffies()
}

/// What is looked at after a packet.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Own,
    Member(u32, u64),
}

/// Where its end is then: where it was, or put off by the packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Same,
    PutOff,
}

fn hooks(object: &Object) -> impl Iterator<Item = &'static Hook> {
    let frags = object.decides() == PROGRAM;
    HOOKS
        .iter()
        .filter(move |hook| frags || hook.program != PROGRAM)
}

/// Runs every program on a frame, with maps made for the jiffy in which it is, and looks where the ends of
/// entries are then.
fn check(
    object: &mut Object,
    cast: &Cast,
    what: &str,
    frame: &[u8],
    contents: impl Fn(u64) -> Contents,
    reason: Reason,
    ends: &[(Entry, End)],
) -> Result<()> {
    for hook in hooks(object).collect::<Vec<_>>() {
        let what = format!("{}: {what} ({})", cast.family, hook.program);
        // It says something only when the jiffy did not change meanwhile.
        wait_until("a run within one jiffy", PATIENCE, || {
            let now = object.clock()?.jiffies;
            let contents = contents(now);
            contents.put(object)?;
            let before = object.counter(reason)?.0;
            let read = |object: &mut Object| -> Result<Vec<u64>> {
                let expires = |(entry, _): &(Entry, End)| match *entry {
                    Entry::Own => Ok(object.banned(cast.source)?.expires),
                    Entry::Member(group, bit) => Ok(object.member_of(group, bit)?.expires),
                };
                ends.iter().map(expires).collect()
            };
            let was = read(object)?;
            let verdict = object.run(hook.program, frame)?;
            let after = object.clock()?.jiffies;
            let is = read(object)?;
            let counted = object.counter(reason)?.0 - before;
            contents.take(object)?;
            if after != now {
                return Ok(false);
            }
            ensure!(
                verdict == hook.verdict(reason) && counted == 1,
                "{what}: verdict {verdict}, {counted} counted as {}",
                reason.name()
            );
            for ((was, is), (entry, end)) in was.into_iter().zip(is).zip(ends) {
                let right = match end {
                    End::Same => was,
                    End::PutOff => now + quiet() + RENEW_SLACK,
                };
                ensure!(
                    is == right,
                    "{what}: {entry:?} ends in {}, should be in {} ({end:?})",
                    is.wrapping_sub(now),
                    right.wrapping_sub(now)
                );
            }
            Ok(true)
        })?;
    }
    Ok(())
}

fn sets() -> Contents {
    let mut contents = Contents::default();
    contents.port(port(TCP, 22), SSH);
    contents.port(port(TCP, 443), WEB);
    contents
}

fn syn(cast: &Cast) -> Vec<u8> {
    cast.frame(Frame::new(), tcp_syn())
}

fn web(cast: &Cast) -> Vec<u8> {
    cast.frame(Frame::new(), to_port(TCP, 443))
}

fn later(cast: &Cast) -> Vec<u8> {
    cast.fragment(9, true, udp(16))
}

/// The members of a group: all ports, ssh, web, and what they come to.
const ALL: Entry = Entry::Member(GROUP, 1);
const OF_SSH: Entry = Entry::Member(GROUP, scope_bit(SSH));
const OF_WEB: Entry = Entry::Member(GROUP, scope_bit(WEB));
const SUM: Entry = Entry::Member(GROUP, SUMMARY);
