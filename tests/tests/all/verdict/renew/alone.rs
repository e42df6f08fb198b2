//! A host's only ban.

use anyhow::{Context as _, Result, ensure};
use banner_common::{Ban, FOREVER, INHERITED, RENEW_SLACK, RENEWS_BESIDE, Reason};
use banner_tests::{
    bpf::Object,
    frame::{Frame, tcp_syn},
    wait::{PATIENCE, wait_until},
};

use super::{
    super::{
        cast::{self, Cast},
        row::{FOR_EVER, checked, observing, scoped, until},
    },
    End, Entry, SSH, check, later, quiet, renewing, sets, syn, web,
};

type Case = (&'static str, Vec<u8>, fn(u64) -> Ban, Reason, End);

/// Bans of all ports with different ends and flags.
fn ends(cast: &Cast) -> Vec<Case> {
    use End::{PutOff, Same};
    let syn = || syn(cast);
    vec![
        (
            "ends next",
            syn(),
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "checked",
            syn(),
            |now| checked(renewing(until(now + 1))),
            Reason::Drop,
            PutOff,
        ),
        (
            "observed",
            syn(),
            |now| observing(renewing(until(now + 1))),
            Reason::Observe,
            PutOff,
        ),
        (
            "ends a jiffy too early",
            syn(),
            |now| renewing(until(now + quiet() - 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "ends just then",
            syn(),
            |now| renewing(until(now + quiet())),
            Reason::Drop,
            Same,
        ),
        (
            "ends later",
            syn(),
            |now| renewing(until(now + 3 * quiet())),
            Reason::Drop,
            Same,
        ),
        (
            "has no end",
            syn(),
            |_| renewing(FOR_EVER),
            Reason::Drop,
            Same,
        ),
        (
            "is over",
            syn(),
            |now| renewing(until(now)),
            Reason::Expired,
            Same,
        ),
        (
            "does not renew",
            syn(),
            |now| until(now + 1),
            Reason::Drop,
            Same,
        ),
        (
            "checked, does not renew",
            syn(),
            |now| checked(until(now + 1)),
            Reason::Drop,
            Same,
        ),
        (
            "others renew",
            syn(),
            |now| Ban {
                flags: RENEWS_BESIDE,
                ..until(now + 1)
            },
            Reason::Drop,
            Same,
        ),
    ]
}

/// Packets that a ban is about, and others.
fn packets(cast: &Cast) -> Vec<Case> {
    use End::{PutOff, Same};
    let cut = cast.frame(Frame::new(), tcp_syn().cut(2));
    vec![
        (
            "of its port",
            syn(cast),
            |now| scoped(renewing(until(now + 1)), SSH),
            Reason::Drop,
            PutOff,
        ),
        (
            "of its port, observed",
            syn(cast),
            |now| observing(scoped(renewing(until(now + 1)), SSH)),
            Reason::Observe,
            PutOff,
        ),
        (
            "of another port",
            web(cast),
            |now| scoped(renewing(until(now + 1)), SSH),
            Reason::Scope,
            Same,
        ),
        (
            "any port",
            web(cast),
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "a later fragment",
            later(cast),
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "a later fragment, of a port",
            later(cast),
            |now| scoped(renewing(until(now + 1)), SSH),
            Reason::Drop,
            Same,
        ),
        (
            "cut off",
            cut.clone(),
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "cut off, of a port",
            cut,
            |now| scoped(renewing(until(now + 1)), SSH),
            Reason::Malformed,
            Same,
        ),
        (
            "inherited by mistake",
            syn(cast),
            |now| Ban {
                flags: INHERITED,
                ..until(now + 1)
            },
            Reason::Drop,
            Same,
        ),
        (
            "of no packet but its own",
            web(cast),
            |now| scoped(until(now + 1), SSH),
            Reason::Scope,
            Same,
        ),
    ]
}

#[test]
fn a_packet_puts_off_the_end_of_the_ban_on_its_host() -> Result<()> {
    use End::Same;
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        let full = if cast.source.is_ipv4() { 32 } else { 128 };
        let soon = |now: u64| renewing(until(now + 1));
        let cases = ends(&cast).into_iter().chain(packets(&cast));
        for (what, frame, ban, reason, end) in cases {
            let contents = |now| {
                let mut contents = sets();
                contents.bans.push((cast.source, ban(now)));
                contents
            };
            let ends = [(Entry::Own, end)];
            check(&mut object, &cast, what, &frame, contents, reason, &ends)?;
        }
        let never = |now| {
            let mut contents = sets();
            contents.bans.push((cast.source, soon(now)));
            contents.never.push((cast.source, full));
            contents
        };
        let ends = [(Entry::Own, Same)];
        check(
            &mut object,
            &cast,
            "never",
            &syn(&cast),
            never,
            Reason::Never,
            &ends,
        )?;
    }
    Ok(())
}

#[test]
fn who_goes_on_stays_banned_and_who_is_quiet_is_let_in() -> Result<()> {
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        let frame = syn(&cast);
        let first = object.clock()?.jiffies + 60;
        object.ban(cast.source, renewing(until(first)))?;
        let mut packets = 0_u32;
        wait_until("its first end is long past", PATIENCE, || {
            ensure!(
                object.verdict(&frame)? == 1,
                "let in after {packets} packets"
            );
            packets += 1;
            Ok(object.clock()?.jiffies > first + quiet() + RENEW_SLACK)
        })?;
        let last = object.clock()?.jiffies;
        let end = object.banned(cast.source)?.expires;
        ensure!(end != FOREVER && end > last, "it should last yet");
        println!(
            "{}: {packets} packets, banned for {} jiffies more",
            cast.family,
            end - last
        );
        ensure!(
            end + 1 >= last + quiet() && end <= last + quiet() + RENEW_SLACK,
            "after a packet in {last} it ends in {end}"
        );
        wait_until("it has been quiet", PATIENCE, || {
            Ok(object.clock()?.jiffies >= end)
        })?;
        let before = object.counter(Reason::Expired)?.0;
        ensure!(object.verdict(&frame)? == 2, "not let in");
        ensure!(
            object.counter(Reason::Expired)?.0 == before + 1,
            "not as over"
        );
        object.unban(cast.source).context("end of it")?;
    }
    Ok(())
}
