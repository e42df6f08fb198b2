//! Bans that last until who is banned has been quiet.

use super::*;
use crate::model::Quiet;

fn renewing(host: &str, jail: u16, end: u64, quiet: u64) -> Ban {
    Ban {
        net: format!("{host}/32").parse().unwrap(),
        ports: PortsId::ALL,
        jail: Some(JailId(jail)),
        mode: Mode::Enforce,
        until: Until::At(Mono(end * 1_000_000_000)),
        quiet: (quiet > 0).then(|| Quiet::new(Duration::from_secs(quiet))),
    }
}

fn at(seconds: u64) -> Mono {
    Mono(seconds * 1_000_000_000)
}

fn empty() -> Decider {
    let rules = vec![Rules::default(), Rules::default()];
    Decider::new(rules, PrefixSet::default(), 9)
}

#[test]
fn a_ban_ends_when_those_who_enforce_it_say_so() {
    let mut decider = empty();
    let mut out = Outcome::default();
    decider
        .ask(renewing("192.0.2.1", 0, 10, 10), &mut out)
        .unwrap();
    decider
        .ask(renewing("192.0.2.2", 0, 10, 0), &mut out)
        .unwrap();
    let mut out = Outcome::default();
    let mut asked = Vec::new();
    let mut end = |ban: &Ban| {
        asked.push(ban.net.to_string());
        Some(Until::At(at(17)))
    };
    decider.expire_unless(at(10), 100, &mut end, &mut out);
    // Nobody is asked about one that does not renew.
    assert_eq!(asked, ["192.0.2.1/32"]);
    let put_off = renewing("192.0.2.1", 0, 17, 10);
    assert!(
        out.decisions.contains(&Decision::Renewed(put_off)),
        "{out:?}"
    );
    assert!(
        out.decisions
            .contains(&Decision::Over(renewing("192.0.2.2", 0, 10, 0)))
    );
    assert_eq!(
        out.changes,
        [Change::from(renewing("192.0.2.2", 0, 10, 0).entry())]
    );
    assert_eq!(decider.next_end(), Some(at(17)));
    let mut out = Outcome::default();
    decider.expire_unless(at(17), 100, &mut |_| Some(Until::At(at(17))), &mut out);
    assert_eq!(out.decisions, [Decision::Over(put_off)]);
    assert!(decider.is_empty());
}

#[test]
fn an_enforcer_is_told_of_the_longest_quiet_time_of_a_mode() {
    let mut decider = empty();
    let mut out = Outcome::default();
    decider
        .ask(renewing("192.0.2.1", 0, 10, 10), &mut out)
        .unwrap();
    decider
        .ask(renewing("192.0.2.1", 1, 60, 0), &mut out)
        .unwrap();
    let both = Ban {
        quiet: renewing("192.0.2.1", 0, 10, 10).quiet,
        ..renewing("192.0.2.1", 1, 60, 0)
    };
    assert_eq!(out.changes.last(), Some(&Change::Set(both)));
    // One that only observes puts off nobody else's end.
    let observing = Ban {
        mode: Mode::Observe,
        ..renewing("192.0.2.9", 0, 10, 10)
    };
    decider.ask(observing, &mut out).unwrap();
    decider
        .ask(renewing("192.0.2.9", 1, 60, 0), &mut out)
        .unwrap();
    let alone = renewing("192.0.2.9", 1, 60, 0);
    assert_eq!(out.changes.last(), Some(&Change::Set(alone)));
    // It is over, and the other one goes on without.
    let mut out = Outcome::default();
    decider.expire(at(10), 100, &mut out);
    let rest = Change::Set(renewing("192.0.2.1", 1, 60, 0));
    assert_eq!(out.changes, [rest]);
}

#[test]
fn what_has_no_end_does_not_renew_and_what_is_given_anew_is_as_it_is_given() {
    let mut decider = empty();
    let mut out = Outcome::default();
    let forever = Ban {
        until: Until::Forever,
        ..renewing("192.0.2.1", 0, 0, 10)
    };
    decider.ask(forever, &mut out).unwrap();
    assert_eq!(decider.on(forever.net)[0].quiet, None);
    decider
        .ask(renewing("192.0.2.2", 0, 10, 10), &mut out)
        .unwrap();
    // Shorter times shorten nothing.
    decider
        .ask(renewing("192.0.2.2", 0, 10, 5), &mut out)
        .unwrap();
    let net = renewing("192.0.2.2", 0, 10, 10).net;
    assert_eq!(decider.on(net), [renewing("192.0.2.2", 0, 10, 10)]);
    decider
        .ask(renewing("192.0.2.2", 0, 12, 0), &mut out)
        .unwrap();
    assert_eq!(decider.on(net), [renewing("192.0.2.2", 0, 12, 0)]);
}
