use proptest::prelude::*;

use ipnet::IpNet;

use super::*;
use crate::model::PortsId;

fn host(n: u8) -> IpNet {
    if n.is_multiple_of(2) {
        IpNet::from(std::net::IpAddr::from([192, 0, 2, n]))
    } else {
        IpNet::from(std::net::IpAddr::from([
            0x2001,
            0xdb8,
            0,
            0,
            0,
            0,
            0,
            u16::from(n),
        ]))
    }
}

fn entry(n: u8) -> Entry {
    Entry {
        net: host(n),
        ports: PortsId::ALL,
    }
}

fn clear(n: u8) -> Change {
    Change::from(entry(n))
}

fn ban(n: u8, jail: u16, mode: Mode, end: u64) -> Ban {
    Ban {
        net: host(n),
        ports: PortsId::ALL,
        jail: Some(JailId(jail)),
        mode,
        until: Until::At(Mono(end)),
    }
}

#[test]
fn the_heaviest_ban_is_in_force_and_the_next_when_it_ends() {
    let mut bans = Bans::new(10);
    let watch = ban(2, 0, Mode::Observe, 50);
    let long = ban(2, 1, Mode::Enforce, 30);
    let short = ban(2, 2, Mode::Enforce, 20);
    assert_eq!(bans.put(watch).unwrap().changes, [Change::Set(watch)]);
    assert_eq!(bans.put(short).unwrap().changes, [Change::Set(short)]);
    assert_eq!(bans.put(long).unwrap().changes, [Change::Set(long)]);
    assert_eq!(bans.next_end(), Some(Mono(20)));
    assert_eq!(bans.pop_over(Mono(19)), None);
    assert_eq!(bans.pop_over(Mono(20)), Some((short, None)));
    assert_eq!(
        bans.pop_over(Mono(30)),
        Some((long, Some(Change::Set(watch))))
    );
    assert_eq!(bans.pop_over(Mono(50)), Some((watch, Some(clear(2)))));
    assert_eq!((bans.hosts(), bans.next_end()), ((0, 0), None));
}

#[test]
fn a_ban_is_extended_but_never_shortened() {
    let mut bans = Bans::new(10);
    bans.put(ban(2, 0, Mode::Enforce, 50)).unwrap();
    assert_eq!(
        bans.put(ban(2, 0, Mode::Enforce, 40)).unwrap(),
        Put::default()
    );
    let longer = ban(2, 0, Mode::Enforce, 60);
    assert_eq!(bans.put(longer).unwrap().changes, [Change::Set(longer)]);
    assert_eq!(bans.pop_over(Mono(50)), None);
    let forever = Ban {
        until: Until::Forever,
        ..longer
    };
    bans.put(forever).unwrap();
    assert_eq!(bans.put(longer).unwrap(), Put::default());
    assert_eq!(bans.next_end(), None);
}

#[test]
fn when_full_the_soonest_end_makes_room_and_is_told() {
    let mut bans = Bans::new(2);
    let soon = ban(2, 0, Mode::Enforce, 10);
    bans.put(soon).unwrap();
    bans.put(ban(4, 0, Mode::Enforce, 20)).unwrap();
    bans.put(ban(1, 0, Mode::Enforce, 5)).unwrap();
    let new = ban(6, 0, Mode::Enforce, 30);
    let put = bans.put(new).unwrap();
    assert_eq!(put.displaced, [soon], "of the same family");
    assert_eq!(put.changes, [clear(2), Change::Set(new)]);
}

#[test]
fn a_ban_without_an_end_is_never_displaced() {
    let mut bans = Bans::new(1);
    bans.put(Ban {
        until: Until::Forever,
        ..ban(2, 0, Mode::Enforce, 0)
    })
    .unwrap();
    assert_eq!(bans.put(ban(4, 0, Mode::Enforce, 30)), Err(Full));
    assert!(
        bans.put(ban(2, 1, Mode::Enforce, 30)).is_ok(),
        "the same host needs no room"
    );
}

#[test]
fn bans_that_only_observe_never_take_the_place_of_bans_that_drop() {
    let forever = |n, mode| Ban {
        until: Until::Forever,
        ..ban(n, 0, mode, 0)
    };
    let mut bans = Bans::new(2);
    let watched = forever(2, Mode::Observe);
    bans.put(watched).unwrap();
    bans.put(ban(4, 0, Mode::Observe, 50)).unwrap();
    assert_eq!(
        bans.put(ban(6, 0, Mode::Enforce, 10)).unwrap().displaced,
        [ban(4, 0, Mode::Observe, 50)],
    );
    assert_eq!(
        bans.put(ban(8, 0, Mode::Enforce, 10)).unwrap().displaced,
        [watched],
        "even one without an end"
    );
    assert_eq!(bans.put(forever(10, Mode::Observe)), Err(Full));
    assert_eq!(bans.hosts(), (2, 0));
}

#[test]
fn removing_a_host_ends_all_its_bans() {
    let mut bans = Bans::new(10);
    bans.put(ban(2, 0, Mode::Enforce, 10)).unwrap();
    bans.put(ban(2, 1, Mode::Enforce, 20)).unwrap();
    let (removed, change) = bans.remove(entry(2));
    assert_eq!((removed.len(), change), (2, Some(clear(2))));
    assert_eq!(bans.remove(entry(2)), (vec![], None));
    assert_eq!(bans.pop_over(Mono(99)), None);
}

proptest! {
    /// An enforcer that does just what it is told holds, at every time, the heaviest ban of
    /// each host and nothing else.
    #[test]
    fn the_changes_add_up(steps in prop::collection::vec(
        (0u8..12, 0u16..3, any::<bool>(), 1u64..40, 0u64..6), 1..200,
    )) {
        let mut bans = Bans::new(4);
        let mut enforced: HashMap<Entry, Ban> = HashMap::new();
        let mut now = 0;
        for (n, jail, enforce, length, step) in steps {
            now += step;
            let mut changes = Vec::new();
            while let Some((over, change)) = bans.pop_over(Mono(now)) {
                prop_assert!(over.until.is_over(Mono(now)));
                changes.extend(change);
            }
            let mode = if enforce { Mode::Enforce } else { Mode::Observe };
            if let Ok(put) = bans.put(ban(n, jail, mode, now + length)) {
                changes.extend(put.changes);
            }
            for change in changes {
                match change {
                    Change::Set(ban) => enforced.insert(ban.entry(), ban),
                    Change::Clear { .. } => enforced.remove(&change.entry()),
                };
                prop_assert!(enforced.keys().filter(|host| host.net.addr().is_ipv4()).count() <= 4);
            }
            for family in [&bans.v4, &bans.v6] {
                let weights: BTreeSet<_> = (family.hosts.iter())
                    .filter_map(|(host, bans)| Some((weight(&heaviest(bans)?), *host)))
                    .collect();
                prop_assert_eq!(&family.weights, &weights);
            }
            let should: HashMap<_, _> =
                bans.outweighing().map(|ban| (ban.entry(), ban)).collect();
            prop_assert_eq!(&enforced, &should);
            prop_assert!(bans.iter().all(|ban| !ban.until.is_over(Mono(now))));
        }
    }
}
