//! Prefixes, sets of ports, and bans that somebody asks for.

use super::*;

/// A jail that bans prefixes for some ports, and ignores a host.
fn wide() -> Decider {
    let rules = Rules {
        ban_time: None,
        ports: PortsId(1),
        ipv4_length: 24,
        ipv6_length: 64,
        ignore: never(&["192.0.2.200/32", "2001:db8:5::/48"]),
        ..Rules::default()
    };
    let never = never(&["198.51.100.9/32", "203.0.113.0/24"]);
    Decider::new(vec![rules], never, 9)
}

#[test]
fn a_jail_may_ban_the_prefix_around_an_offender_for_some_ports() {
    for (host, net, narrow) in [
        ("203.0.112.5", "203.0.112.0/24", false),
        ("2001:db8::5", "2001:db8::/64", false),
        ("192.0.2.5", "192.0.2.5/32", true),
        ("198.51.100.5", "198.51.100.0/24", false),
    ] {
        let out = decide(&mut wide(), 0, host, 5);
        let ban = Ban {
            net: net.parse().unwrap(),
            ports: PortsId(1),
            jail: Some(JailId(0)),
            mode: Mode::Enforce,
            until: Until::Forever,
            quiet: None,
        };
        assert_eq!(out.changes, [Change::Set(ban)], "{host}");
        let [
            Decision::Ban {
                narrowed,
                who: offender,
                ..
            },
        ] = out.decisions[..]
        else {
            panic!("{out:?}");
        };
        assert_eq!(
            (narrowed, offender.addr().to_string()),
            (narrow, host.to_owned())
        );
    }
    let mut decider = wide();
    for host in [
        "192.0.2.200",
        "2001:db8:5::1",
        "203.0.113.1",
        "198.51.100.9",
    ] {
        let out = decide(&mut decider, 0, host, 5);
        assert!(
            matches!(out.decisions[..], [Decision::Spared { .. }]),
            "{host}"
        );
    }
    decide(&mut decider, 0, "203.0.112.5", 5);
    let out = decide(&mut decider, 0, "203.0.112.77", 6);
    assert!(matches!(
        out.decisions[..],
        [Decision::Ban { again: true, .. }]
    ));
    assert_eq!(decider.entries(), (1, 0), "one ban for the whole prefix");
}

#[test]
fn bans_that_somebody_asks_for_are_refused_where_they_could_not_hold() {
    let mut decider = wide();
    let ask = |decider: &mut Decider, net: &str| {
        let ban = Ban {
            net: net.parse().unwrap(),
            ports: PortsId::ALL,
            jail: None,
            mode: Mode::Enforce,
            until: Until::At(Mono(50)),
            quiet: None,
        };
        let mut out = Outcome::default();
        let answer = decider.ask(ban, &mut out);
        if answer.is_ok() {
            assert_eq!(out.changes, [Change::Set(ban)]);
            assert_eq!(out.decisions, [Decision::Asked(ban)]);
        } else {
            assert!(out.is_empty());
        }
        answer
    };
    assert_eq!(ask(&mut decider, "203.0.113.0/24"), Err(Refusal::Never));
    assert_eq!(ask(&mut decider, "203.0.113.128/25"), Err(Refusal::Never));
    assert_eq!(ask(&mut decider, "198.51.100.9/32"), Err(Refusal::Never));
    assert_eq!(ask(&mut decider, "198.51.100.0/24"), Ok(()));
    assert_eq!(
        ask(&mut decider, "192.0.2.200/32"),
        Ok(()),
        "ignored by a jail only"
    );
    let mut out = Outcome::default();
    decider.set_never(never(&["198.51.0.0/16"]), &mut out);
    assert!(
        matches!(out.decisions[..], [Decision::Lifted(_)]),
        "inside the list now"
    );
    let mut full = Decider::new(Vec::new(), PrefixSet::default(), 0);
    assert_eq!(ask(&mut full, "10.0.0.0/8"), Err(Refusal::Full(Full)));
}

#[test]
fn a_shorter_ban_than_there_is_is_reported_as_the_longer_one() {
    let mut decider = decider(9);
    decide(&mut decider, 1, "192.0.2.7", 5);
    let ban = Ban {
        net: net("192.0.2.7"),
        ports: PortsId::ALL,
        jail: Some(JailId(1)),
        mode: Mode::Enforce,
        until: Until::At(Mono(50)),
        quiet: None,
    };
    let mut out = Outcome::default();
    decider.ask(ban, &mut out).unwrap();
    let forever = Ban {
        until: Until::Forever,
        ..ban
    };
    assert_eq!(out.decisions, [Decision::Asked(forever)]);
    assert_eq!(out.changes, [Change::Set(forever)], "put into force again");
}

#[test]
fn found_prefixes_that_a_jail_ignores_a_part_of_are_lifted() {
    let mut decider = wide();
    let found = |net: &str| Ban {
        net: net.parse().unwrap(),
        ports: PortsId(2),
        jail: Some(JailId(0)),
        mode: Mode::Enforce,
        until: Until::Forever,
        quiet: None,
    };
    let mut out = Outcome::default();
    for net in ["192.0.2.0/24", "198.51.100.9/32", "203.0.113.0/28"] {
        decider.adopt(found(net), Mono(0), &mut out);
    }
    assert_eq!(out.decisions.len(), 3);
    let cleared = |change: &Change| {
        matches!(
            change,
            Change::Clear {
                ports: PortsId(2),
                ..
            }
        )
    };
    assert!(out.changes.iter().all(cleared), "{:?}", out.changes);
    out = Outcome::default();
    decider.adopt(found("198.51.100.0/24"), Mono(0), &mut out);
    assert!(out.is_empty());
    assert!(decider.uses(PortsId(1)) && decider.uses(PortsId(2)) && !decider.uses(PortsId(3)));
}

#[test]
fn everything_is_ended_a_bit_at_a_time() {
    let mut decider = decider(9);
    for host in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
        decide(&mut decider, 0, host, 0);
        decide(&mut decider, 1, host, 0);
    }
    let mut out = Outcome::default();
    assert_eq!(decider.lift_some(2, &mut out), 4);
    assert_eq!(decider.lift_some(2, &mut out), 2);
    assert_eq!(decider.lift_some(2, &mut out), 0);
    assert_eq!((out.changes.len(), out.decisions.len()), (3, 6));
    assert!(decider.is_empty());
    for host in ["192.0.2.1", "192.0.2.2", "2001:db8::1"] {
        decide(&mut decider, 0, host, 0);
    }
    out = Outcome::default();
    decider.expire(Mono(u64::MAX), 2, &mut out);
    assert_eq!((out.changes.len(), decider.len()), (2, 1));
    assert!(decider.next_end().is_some());
}

#[test]
fn the_prefixes_around_are_found() {
    let mut decider = wide();
    for net in [
        "10.0.0.0/8",
        "10.1.0.0/16",
        "10.1.2.3/32",
        "10.2.0.0/16",
        "2001:db8::/32",
    ] {
        let ban = Ban {
            net: net.parse().unwrap(),
            ports: PortsId(7),
            jail: None,
            mode: Mode::Enforce,
            until: Until::Forever,
            quiet: None,
        };
        decider.ask(ban, &mut Outcome::default()).unwrap();
    }
    assert_eq!(decider.prefixes(), 4);
    for (net, around) in [
        ("10.1.2.3/32", &["10.1.0.0/16", "10.0.0.0/8"][..]),
        ("10.1.0.0/16", &["10.0.0.0/8"]),
        ("10.0.0.0/8", &[]),
        ("192.0.2.1/32", &[]),
        ("2001:db8::1/128", &["2001:db8::/32"]),
    ] {
        let found = decider.around(net.parse().unwrap());
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, around, "{net}");
    }
}

#[test]
fn a_prefix_that_offends_is_banned_unless_the_jail_ignores_a_part_of_it() {
    for (who, banned) in [
        ("203.0.112.0/28", Some("203.0.112.0/24")),
        ("203.0.64.0/18", Some("203.0.64.0/18")),
        ("2001:db8::/72", Some("2001:db8::/64")),
        ("2001:db8::/33", None),
        ("2001:db8:8000::/33", Some("2001:db8:8000::/33")),
        // Around whom the jail ignores, and without.
        ("192.0.2.0/28", Some("192.0.2.0/28")),
        ("192.0.2.192/28", None),
        // All of it on the list for all, and a part.
        ("203.0.113.0/25", None),
        ("198.51.100.0/22", Some("198.51.100.0/22")),
    ] {
        let mut out = Outcome::default();
        let offence = Offence {
            who: who.parse().unwrap(),
            ..offence(0, "192.0.2.1")
        };
        let now = Now {
            wall: Wall(0),
            mono: Mono(5),
        };
        wide().offence(&offence, now, &mut out);
        let found: Vec<_> = out
            .changes
            .iter()
            .map(|change| change.entry().net)
            .collect();
        let expected: Vec<IpNet> = banned.iter().map(|net| net.parse().unwrap()).collect();
        assert_eq!(found, expected, "{who}");
    }
}
