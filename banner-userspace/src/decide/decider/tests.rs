//! Offences and the decisions that they must lead to.

use super::*;
use crate::model::{Evidence, Wall};

mod escalation;
mod renew;
mod wide;

const SEC: u64 = 1_000_000_000;

fn never(prefixes: &[&str]) -> PrefixSet {
    PrefixSet::new(prefixes.iter().map(|prefix| prefix.parse().unwrap()))
}

fn net(host: &str) -> IpNet {
    IpNet::from(host.parse::<IpAddr>().unwrap())
}

fn clear(host: &str) -> Change {
    Change::Clear {
        net: net(host),
        ports: PortsId::ALL,
    }
}

fn decider(capacity: usize) -> Decider {
    let rules = |ban_time, mode, ignore| Rules {
        ban_time,
        mode,
        ignore,
        ..Rules::default()
    };
    let hour = Some(Duration::from_hours(1));
    let rules = vec![
        rules(hour, Mode::Enforce, never(&[])),
        rules(None, Mode::Enforce, never(&["198.51.100.0/24"])),
        rules(hour, Mode::Observe, never(&[])),
    ];
    Decider::new(rules, never(&["127.0.0.0/8", "2001:db8:1::/48"]), capacity)
}

fn offence(jail: u16, host: &str) -> Offence {
    Offence {
        jail: JailId(jail),
        who: host.parse::<std::net::IpAddr>().unwrap().into(),
        failures: 3,
        evidence: Evidence::default(),
    }
}

fn decide(decider: &mut Decider, jail: u16, host: &str, now: u64) -> Outcome {
    let mut out = Outcome::default();
    let now = Now {
        wall: Wall(0),
        mono: Mono(now),
    };
    decider.offence(&offence(jail, host), now, &mut out);
    out
}

#[test]
fn an_offence_becomes_a_ban_with_the_ban_time_of_its_jail() {
    let mut decider = decider(9);
    for (jail, host, mode, until) in [
        (
            0,
            "192.0.2.7",
            Mode::Enforce,
            Until::At(Mono(5 + 3600 * SEC)),
        ),
        (1, "2001:db8::7", Mode::Enforce, Until::Forever),
        (
            2,
            "192.0.2.8",
            Mode::Observe,
            Until::At(Mono(5 + 3600 * SEC)),
        ),
    ] {
        let ban = Ban {
            net: net(host),
            ports: PortsId::ALL,
            jail: Some(JailId(jail)),
            mode,
            until,
            quiet: None,
        };
        assert_eq!(
            decide(&mut decider, jail, host, 5),
            Outcome {
                changes: vec![Change::Set(ban)],
                decisions: vec![Decision::Ban {
                    ban,
                    who: host.parse::<std::net::IpAddr>().unwrap().into(),
                    failures: 3,
                    evidence: Evidence::default(),
                    count: 1,
                    time: match until {
                        Until::Forever => None,
                        Until::At(_) => Some(Duration::from_hours(1)),
                    },
                    again: false,
                    narrowed: false,
                }],
            }
        );
    }
    assert_eq!(decider.entries(), (2, 1));
}

#[test]
fn hosts_on_a_never_ban_list_are_spared() {
    let mut decider = decider(9);
    for (jail, host) in [
        (0, "127.0.0.9"),
        (1, "127.0.0.9"),
        (0, "2001:db8:1::1"),
        (1, "198.51.100.1"),
    ] {
        let out = decide(&mut decider, jail, host, 5);
        assert_eq!(out.changes, []);
        assert!(
            matches!(out.decisions[..], [Decision::Spared { .. }]),
            "{host}"
        );
    }
    assert!(
        !decide(&mut decider, 0, "198.51.100.1", 5)
            .changes
            .is_empty(),
        "another jail"
    );
}

#[test]
fn another_offence_extends_the_ban() {
    let mut decider = decider(9);
    decide(&mut decider, 0, "192.0.2.7", 0);
    let out = decide(&mut decider, 0, "192.0.2.7", 10);
    assert!(matches!(
        out.decisions[..],
        [Decision::Ban { again: true, .. }]
    ));
    assert_eq!(decider.next_end(), Some(Mono(10 + 3600 * SEC)));
}

#[test]
fn bans_end_at_their_time() {
    let mut decider = decider(9);
    decide(&mut decider, 0, "192.0.2.7", 0);
    let mut out = Outcome::default();
    decider.expire(Mono(3600 * SEC - 1), 9, &mut out);
    assert!(out.is_empty());
    decider.expire(Mono(3600 * SEC), 9, &mut out);
    assert_eq!(out.changes, [clear("192.0.2.7")]);
    assert!(matches!(out.decisions[..], [Decision::Over(_)]));
}

#[test]
fn a_host_that_comes_onto_the_never_ban_list_is_freed() {
    let mut decider = decider(9);
    decide(&mut decider, 0, "192.0.2.7", 0);
    decide(&mut decider, 1, "192.0.2.7", 0);
    decide(&mut decider, 1, "192.0.3.7", 0);
    let mut out = Outcome::default();
    decider.set_never(never(&["192.0.2.0/24"]), &mut out);
    assert_eq!(out.changes, [clear("192.0.2.7")]);
    assert!(matches!(
        out.decisions[..],
        [Decision::Lifted(_), Decision::Lifted(_)]
    ));
    assert_eq!(decider.entries(), (1, 0));
}

#[test]
fn a_full_table_is_told_of() {
    let mut decider = decider(1);
    decide(&mut decider, 0, "192.0.2.7", 0);
    let out = decide(&mut decider, 1, "192.0.2.8", 0);
    assert!(matches!(
        out.decisions[..],
        [Decision::Displaced(_), Decision::Ban { .. }]
    ));
    let out = decide(&mut decider, 0, "192.0.2.9", 0);
    assert!(matches!(out.decisions[..], [Decision::Refused { .. }]));
}

#[test]
fn bans_found_at_start_follow_the_rules_of_today() {
    let mut decider = decider(9);
    let found = |host: &str, jail, mode| Ban {
        net: net(host),
        ports: PortsId::ALL,
        jail: Some(JailId(jail)),
        mode,
        until: Until::Forever,
        quiet: None,
    };
    let mut out = Outcome::default();
    let dropping = found("192.0.2.7", 2, Mode::Enforce);
    decider.adopt(dropping, Mono(10), &mut out);
    let watching = Ban {
        mode: Mode::Observe,
        ..dropping
    };
    assert_eq!(
        out.changes,
        [Change::Set(watching)],
        "the jail observes now"
    );
    out.changes.clear();
    let ignored = found("198.51.100.1", 1, Mode::Enforce);
    decider.adopt(ignored, Mono(10), &mut out);
    assert_eq!(
        out.changes,
        [Change::from(ignored.entry())],
        "the jail ignores it now"
    );
    assert_eq!(out.decisions, [Decision::Lifted(ignored)]);
    assert_eq!(decider.entries(), (1, 0));
}

#[test]
fn an_offence_of_a_banned_host_puts_the_ban_into_force_again() {
    let mut decider = decider(9);
    let first = decide(&mut decider, 1, "192.0.2.7", 5);
    let again = decide(&mut decider, 1, "192.0.2.7", 6);
    assert_eq!(again.changes, first.changes, "somebody may have removed it");
}

#[test]
fn bans_found_at_start_are_kept_unless_they_should_not_be() {
    let mut decider = decider(9);
    let found = |host: &str, end| Ban {
        net: net(host),
        ports: PortsId::ALL,
        jail: None,
        mode: Mode::Enforce,
        until: Until::At(Mono(end)),
        quiet: None,
    };
    let mut out = Outcome::default();
    decider.adopt(found("192.0.2.7", 100), Mono(10), &mut out);
    assert!(out.is_empty(), "it is in force already");
    decider.adopt(found("192.0.2.8", 10), Mono(10), &mut out);
    decider.adopt(found("127.0.0.1", 100), Mono(10), &mut out);
    let cleared = ["192.0.2.8", "127.0.0.1"].map(clear);
    assert_eq!(out.changes, cleared);
    assert!(matches!(out.decisions[..], [Decision::Lifted(_)]));
    assert_eq!(decider.next_end(), Some(Mono(100)));
}
