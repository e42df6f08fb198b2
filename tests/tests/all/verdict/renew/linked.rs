//! Members that stand for another ban.

use anyhow::Result;
use banner_common::{Ban, INHERITED, RENEWS_BESIDE, Reason};
use banner_tests::bpf::{Object, SUMMARY, scope_bit};

use super::{
    super::{
        cast,
        row::{FOR_EVER, observing, scoped, until},
        wide::prefix,
    },
    End, Entry, GROUP, OUTER, SSH, SUM, check, quiet, renewing, sets, syn, web,
};

/// What the member says, what the ban says that it stands for, and what becomes of that.
type Case = (&'static str, fn(u64) -> Ban, fn(u64) -> Ban, Reason, End);

fn cases() -> [Case; 8] {
    use End::{PutOff, Same};
    [
        (
            "it holds",
            |_| until(1),
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "both hold",
            |_| FOR_EVER,
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "it is over",
            |_| FOR_EVER,
            |now| renewing(until(now)),
            Reason::Drop,
            Same,
        ),
        (
            "both are over",
            |_| until(1),
            |now| renewing(until(now)),
            Reason::Expired,
            Same,
        ),
        (
            "it has no end",
            |_| until(1),
            |_| renewing(FOR_EVER),
            Reason::Drop,
            Same,
        ),
        (
            "it renews no more",
            |_| until(1),
            |now| until(now + 1),
            Reason::Drop,
            Same,
        ),
        (
            "it drops, the other observes",
            |_| observing(FOR_EVER),
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
        (
            "the other drops until later",
            |now| until(now + 5 * quiet()),
            |now| renewing(until(now + 1)),
            Reason::Drop,
            PutOff,
        ),
    ]
}

fn linked(ban: Ban, to: u32) -> Ban {
    let ban = renewing(ban);
    Ban {
        jail: to,
        flags: ban.flags | INHERITED,
        ..scoped(ban, SSH)
    }
}

/// A member that stands for the ban of a wider prefix, or for one that is kept aside.
#[test]
fn a_packet_puts_off_the_end_of_the_ban_that_a_member_stands_for() -> Result<()> {
    use End::{PutOff, Same};
    let mut object = Object::load()?;
    let ssh = scope_bit(SSH);
    for cast in [cast::v4(), cast::v6()] {
        let full = if cast.source.is_ipv4() { 32 } else { 128 };
        let (inner, length) = prefix(cast.source, full - 4);
        let nested = |member: Ban, to: u32, origin: Option<Ban>| {
            let mut contents = sets();
            contents.group(
                GROUP,
                &[member],
                Ban {
                    flags: RENEWS_BESIDE,
                    ..until(1)
                },
            );
            contents.wide.push((inner, length, GROUP));
            if let Some(origin) = origin {
                contents.members(to, &[scoped(origin, SSH)]);
            }
            contents.members.push((
                OUTER,
                SUMMARY,
                Ban {
                    flags: RENEWS_BESIDE,
                    ..until(1)
                },
            ));
            contents
        };
        for to in [OUTER, OUTER | 1] {
            let target = Entry::Member(to, ssh);
            let (of_ssh, outer) = (Entry::Member(GROUP, ssh), Entry::Member(OUTER, SUMMARY));
            let held = [
                (target, PutOff),
                (of_ssh, Same),
                (SUM, PutOff),
                (outer, PutOff),
            ];
            let left = [(target, Same), (of_ssh, Same), (SUM, Same), (outer, Same)];
            let cases = cases();
            for (what, member, origin, reason, end) in cases {
                let contents = |now| nested(linked(member(now), to), to, Some(origin(now)));
                let ends = if end == PutOff { held } else { left };
                let what = format!("{what}, aside: {}", to & 1);
                check(
                    &mut object,
                    &cast,
                    &what,
                    &syn(&cast),
                    contents,
                    reason,
                    &ends,
                )?;
            }
            let contents =
                |now: u64| nested(linked(until(1), to), to, Some(renewing(until(now + 1))));
            check(
                &mut object,
                &cast,
                "another port",
                &web(&cast),
                contents,
                Reason::Expired,
                &left,
            )?;
            let observed = |now: u64| {
                let origin = observing(renewing(until(now + 1)));
                nested(linked(until(1), to), to, Some(origin))
            };
            // Neither sum is of its kind.
            let ends = [(target, PutOff), (SUM, Same), (outer, Same)];
            check(
                &mut object,
                &cast,
                "it observes",
                &syn(&cast),
                observed,
                Reason::Observe,
                &ends,
            )?;
            let none = |_| nested(linked(FOR_EVER, to), to, None);
            let ends = [(of_ssh, Same), (SUM, Same), (outer, Same)];
            check(
                &mut object,
                &cast,
                "there is none",
                &syn(&cast),
                none,
                Reason::Drop,
                &ends,
            )?;
        }
    }
    Ok(())
}
