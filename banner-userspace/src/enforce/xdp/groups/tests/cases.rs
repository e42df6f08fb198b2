//! One case at a time.

use super::*;

fn ban(expires: u64, scope: Scope) -> Entry {
    Entry {
        expires,
        jail: 7,
        flags: 0,
        scope,
        seen: Seen::default(),
    }
}

#[test]
fn nested_bans_that_renew_lie_in_one_place() {
    let net = |text: &str| text.parse::<IpNet>().unwrap();
    let renews = |expires, quiet| Entry {
        flags: Quiet::at_least(quiet).flags(),
        ..ban(expires, 0)
    };
    let (mut maps, mut groups) = (Maps::default(), Groups::new(100));
    let mut set = |maps: &mut Maps, text: &str, entry| {
        for step in groups.set(net(text), entry, None).unwrap() {
            maps.run(step);
        }
        groups.clone()
    };
    set(&mut maps, "10.0.0.0/8", renews(100, 1000));
    let groups = set(&mut maps, "10.1.0.0/16", ban(150, 0));
    let outer = groups.place(net("10.0.0.0/8"), 0).unwrap();
    let inner = groups.member(net("10.1.0.0/16"), 0).unwrap();
    // It holds until its own time, and for as long as the one around it.
    assert!(maps.more[&inner].is_linked());
    assert_eq!(
        (maps.more[&inner].jail, maps.more[&inner].expires),
        (outer.group, 150)
    );
    let own = More::new(inner.group | 1, 0);
    assert_eq!(maps.more[&own].expires, 150);
    maps.more.get_mut(&outer).unwrap().expires = 500;
    let packet = Packet {
        source: [10, 1, 0, 0].into(),
        scopes: 1,
    };
    assert_eq!(maps.word(&packet, 400), Word::Drops);
    assert_eq!(maps.word(&packet, 500), Word::Over);
    // What is changed around has what packets did.
    let mut groups = groups;
    for (net, scope, key) in groups.renewing_near(net("10.1.0.0/16")) {
        groups.put_off(net, scope, maps.more[&key].expires);
    }
    for step in groups.clear(net("10.1.0.0/16"), 0, None).unwrap() {
        maps.run(step);
    }
    assert_eq!(maps.word(&packet, 400), Word::Drops);
    assert_eq!(maps.more.len(), 2);
}

#[test]
fn what_has_been_seen_stays_when_one_ban_becomes_several_and_back() {
    let host: IpAddr = [192, 0, 2, 7].into();
    let mut maps = Maps::default();
    let mut groups = Groups::new(10);
    let seen = Seen(42);
    maps.run(Step::Ban(
        host,
        Entry {
            seen,
            ..ban(100, 1)
        },
    ));
    let single = maps.hosts.get(&host).copied();
    for step in groups.set(host.into(), ban(100, 2), single).unwrap() {
        maps.run(step);
    }
    let member = groups.member(host.into(), 1).unwrap();
    assert_eq!(maps.more[&member].seen, seen);
    // A longer one in the same scope goes on counting.
    for step in groups.set(host.into(), ban(200, 1), None).unwrap() {
        maps.run(step);
    }
    assert_eq!(
        (maps.more[&member].seen, maps.more[&member].expires),
        (seen, 200)
    );
    for step in groups.clear(host.into(), 2, None).unwrap() {
        maps.run(step);
    }
    assert_eq!(
        maps.hosts[&host],
        Entry {
            seen,
            ..ban(200, 1)
        }
    );
    assert!(maps.more.is_empty());
}

#[test]
fn a_full_map_is_told_and_nothing_is_changed() {
    let net = |text: &str| text.parse::<IpNet>().unwrap();
    let mut groups = Groups::new(4);
    groups.set(net("10.0.0.0/8"), ban(100, 0), None).unwrap();
    groups.set(net("10.1.0.0/16"), ban(200, 0), None).unwrap();
    let own: Vec<_> = groups.own().collect();
    let (more, ids) = (groups.more, groups.ids.clone());
    let host = "192.0.2.7".parse::<IpAddr>().unwrap();
    let single = Some(ban(100, 1));
    for refused in [
        groups.set(net("10.1.2.0/24"), ban(100, 0), None),
        groups.set(net("10.0.0.0/8"), ban(100, 1), None),
        groups.set(host.into(), ban(100, 2), single),
    ] {
        let message = refused.unwrap_err().to_string();
        assert!(
            message.contains("MORE is full: it has room for 4"),
            "{message}"
        );
    }
    assert_eq!(groups.own().collect::<Vec<_>>(), own);
    assert_eq!((groups.more, &groups.ids), (more, &ids));
    // What needs no more room goes on.
    groups.set(net("10.0.0.0/8"), ban(150, 0), None).unwrap();
    groups.clear(net("10.1.0.0/16"), 0, None).unwrap();
    groups.set(net("10.1.2.0/24"), ban(400, 0), None).unwrap();
}
