//! Several bans of a host, and those of a prefix.

use anyhow::Result;
use banner_common::{Ban, RENEWS_BESIDE, Reason};
use banner_tests::{
    bpf::Object,
    frame::{Frame, TCP, to_port},
};

use super::{
    super::{
        cast,
        contents::Contents,
        row::{FOR_EVER, observing, scoped, several, until},
        wide::prefix,
    },
    ALL, End, GROUP, OF_SSH, OF_WEB, SSH, SUM, WEB, check, later, renewing, sets, syn, web,
};

#[test]
fn a_packet_puts_off_the_ends_of_all_bans_of_a_group_that_it_is_about() -> Result<()> {
    use End::{PutOff, Same};
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        let full = if cast.source.is_ipv4() { 32 } else { 128 };
        for by_prefix in [false, true] {
            let group = |members: Vec<Ban>, sum: Ban| {
                let mut contents = sets();
                contents.group(GROUP, &members, sum);
                if by_prefix {
                    let (around, length) = prefix(cast.source, full - 8);
                    contents.wide.push((around, length, GROUP));
                } else {
                    contents.bans.push((cast.source, several(GROUP)));
                }
                contents
            };
            let beside = |ban: Ban| Ban {
                flags: ban.flags | RENEWS_BESIDE,
                ..ban
            };
            let three = |now: u64| {
                let soon = renewing(until(now + 1));
                let members = vec![
                    beside(until(now + 9)),
                    scoped(soon, SSH),
                    scoped(observing(soon), WEB),
                ];
                group(members, beside(until(now + 9)))
            };
            let mut try_it = |what: &str,
                              frame: &[u8],
                              contents: &dyn Fn(u64) -> Contents,
                              reason,
                              ends: &[_]| {
                let what = format!("{what}, by prefix: {by_prefix}");
                check(&mut object, &cast, &what, frame, contents, reason, ends)
            };
            let ends = [(ALL, Same), (OF_SSH, PutOff), (OF_WEB, Same), (SUM, PutOff)];
            try_it("ssh of three", &syn(&cast), &three, Reason::Drop, &ends)?;
            // The sum drops, and a ban that observes does not make that last longer.
            let ends = [(ALL, Same), (OF_SSH, Same), (OF_WEB, PutOff), (SUM, Same)];
            try_it("web of three", &web(&cast), &three, Reason::Drop, &ends)?;
            let other = cast.frame(Frame::new(), to_port(TCP, 25));
            let ends = [(ALL, Same), (OF_SSH, Same), (OF_WEB, Same), (SUM, Same)];
            try_it("another port", &other, &three, Reason::Drop, &ends)?;
            try_it(
                "a later fragment",
                &later(&cast),
                &three,
                Reason::Drop,
                &ends,
            )?;
            let all = |now: u64| {
                let soon = renewing(until(now + 1));
                group(vec![soon, scoped(soon, SSH)], beside(until(now + 1)))
            };
            let ends = [(ALL, PutOff), (OF_SSH, Same), (SUM, PutOff)];
            try_it(
                "a later fragment, all ports",
                &later(&cast),
                &all,
                Reason::Drop,
                &ends,
            )?;
            let ends = [(ALL, PutOff), (OF_SSH, PutOff), (SUM, PutOff)];
            try_it("both", &syn(&cast), &all, Reason::Drop, &ends)?;
            let lasting = |now: u64| {
                let soon = renewing(until(now + 1));
                group(vec![beside(FOR_EVER), scoped(soon, SSH)], beside(FOR_EVER))
            };
            let ends = [(OF_SSH, PutOff), (SUM, Same)];
            try_it(
                "beside one without an end",
                &syn(&cast),
                &lasting,
                Reason::Drop,
                &ends,
            )?;
            let over = |now: u64| {
                let ssh = scoped(renewing(until(now)), SSH);
                group(vec![beside(FOR_EVER), ssh], beside(FOR_EVER))
            };
            let ends = [(OF_SSH, Same), (SUM, Same)];
            try_it(
                "what is over stays so",
                &syn(&cast),
                &over,
                Reason::Drop,
                &ends,
            )?;
            let never = |now: u64| {
                let mut contents = all(now);
                contents.never.push((cast.source, full));
                contents
            };
            let ends = [(ALL, Same), (OF_SSH, Same), (SUM, Same)];
            try_it("never", &syn(&cast), &never, Reason::Never, &ends)?;
        }
    }
    Ok(())
}
