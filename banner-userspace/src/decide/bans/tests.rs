use super::*;
use crate::model::{Mode, Until};

mod sums;

/// The hosts with an even number are IPv4.
fn host(n: u8) -> IpNet {
    let address: std::net::IpAddr = if n.is_multiple_of(2) {
        [192, 0, 2, n].into()
    } else {
        [0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n)].into()
    };
    address.into()
}

fn clear(n: u8) -> Change {
    Change::Clear {
        net: host(n),
        ports: PortsId::ALL,
    }
}

fn ban(n: u8, jail: u16, mode: Mode, end: u64) -> Ban {
    Ban {
        net: host(n),
        ports: PortsId::ALL,
        jail: Some(JailId(jail)),
        mode,
        until: Until::At(Mono(end)),
        quiet: None,
    }
}

fn forever(n: u8, mode: Mode) -> Ban {
    Ban {
        until: Until::Forever,
        ..ban(n, 0, mode, 0)
    }
}

#[test]
fn the_heaviest_ban_is_in_force_and_the_next_when_it_ends() {
    let mut bans = Bans::new(10);
    let watch = ban(2, 0, Mode::Observe, 50);
    let long = ban(2, 1, Mode::Enforce, 30);
    let short = ban(2, 2, Mode::Enforce, 20);
    assert_eq!(bans.put(&watch).unwrap().change, Some(Change::Set(watch)));
    assert_eq!(bans.put(&short).unwrap().change, Some(Change::Set(short)));
    assert_eq!(bans.put(&long).unwrap().change, Some(Change::Set(long)));
    assert_eq!((bans.entries(), bans.len()), ((1, 0), 3));
    assert_eq!(bans.next_end(), Some(Mono(20)));
    assert_eq!(bans.pop_over(Mono(19)), None);
    assert_eq!(bans.pop_over(Mono(20)), Some((short, None)));
    assert_eq!(
        bans.pop_over(Mono(30)),
        Some((long, Some(Change::Set(watch))))
    );
    assert_eq!(bans.pop_over(Mono(50)), Some((watch, Some(clear(2)))));
    assert_eq!((bans.entries(), bans.next_end()), ((0, 0), None));
}

#[test]
fn bans_for_other_ports_and_of_prefixes_around_are_entries_of_their_own() {
    let mut bans = Bans::new(10);
    let all = ban(2, 0, Mode::Enforce, 50);
    let ssh = Ban {
        ports: PortsId(1),
        ..all
    };
    let around = Ban {
        net: "192.0.2.0/24".parse().unwrap(),
        ..all
    };
    for ban in [all, ssh, around] {
        assert_eq!(bans.put(&ban).unwrap().change, Some(Change::Set(ban)));
    }
    assert_eq!(bans.entries(), (3, 0));
    assert!(bans.uses(PortsId(1)) && !bans.uses(PortsId(2)));
    let (removed, changes) = bans.remove(host(2));
    assert_eq!(removed, [all, ssh]);
    assert_eq!(changes, [all, ssh].map(|ban| ban.entry().into()));
    assert!(!bans.uses(PortsId(1)));
    assert_eq!(bans.iter().collect::<Vec<_>>(), [around]);
}

#[test]
fn a_ban_is_extended_but_never_shortened() {
    let mut bans = Bans::new(10);
    bans.put(&ban(2, 0, Mode::Enforce, 50)).unwrap();
    let shorter = ban(2, 0, Mode::Enforce, 40);
    let put = bans.put(&shorter).unwrap();
    assert_eq!((put.change, put.again), (None, true));
    assert_eq!(put.ban, ban(2, 0, Mode::Enforce, 50));
    let longer = ban(2, 0, Mode::Enforce, 60);
    assert_eq!(bans.put(&longer).unwrap().change, Some(Change::Set(longer)));
    assert_eq!(bans.pop_over(Mono(50)), None);
    bans.put(&forever(2, Mode::Enforce)).unwrap();
    assert_eq!(bans.put(&longer).unwrap().change, None);
    assert_eq!(bans.next_end(), None);
}

#[test]
fn when_full_the_soonest_end_makes_room_and_is_told() {
    let mut bans = Bans::new(2);
    let soon = ban(2, 0, Mode::Enforce, 10);
    bans.put(&soon).unwrap();
    bans.put(&ban(4, 0, Mode::Enforce, 20)).unwrap();
    bans.put(&ban(1, 0, Mode::Enforce, 5)).unwrap();
    let new = ban(6, 0, Mode::Enforce, 30);
    let put = bans.put(&new).unwrap();
    assert_eq!(
        put.displaced,
        [(vec![soon], clear(2))],
        "of the same family"
    );
    assert_eq!(put.change, Some(Change::Set(new)));
}

#[test]
fn who_makes_room_is_told_by_the_latest_of_its_ends() {
    let mut bans = Bans::new(2);
    bans.put(&ban(2, 0, Mode::Enforce, 10)).unwrap();
    bans.put(&ban(2, 1, Mode::Enforce, 90)).unwrap();
    let soon = ban(4, 0, Mode::Enforce, 20);
    bans.put(&soon).unwrap();
    let put = bans.put(&ban(6, 0, Mode::Enforce, 30)).unwrap();
    assert_eq!(put.displaced, [(vec![soon], clear(4))]);
}

#[test]
fn a_ban_without_an_end_is_never_displaced() {
    let mut bans = Bans::new(1);
    bans.put(&forever(2, Mode::Enforce)).unwrap();
    assert_eq!(bans.put(&ban(4, 0, Mode::Enforce, 30)), Err(Full));
    let same = bans.put(&ban(2, 1, Mode::Enforce, 30));
    assert!(same.is_ok(), "the same host needs no room");
    let prefix = Ban {
        net: "10.0.0.0/8".parse().unwrap(),
        ..ban(2, 0, Mode::Enforce, 30)
    };
    assert_eq!(bans.put(&prefix), Err(Full), "a prefix takes a place, too");
}

#[test]
fn bans_that_only_observe_never_take_the_place_of_bans_that_drop() {
    let mut bans = Bans::new(2);
    let watched = forever(2, Mode::Observe);
    bans.put(&watched).unwrap();
    bans.put(&ban(4, 0, Mode::Observe, 50)).unwrap();
    assert_eq!(
        bans.put(&ban(6, 0, Mode::Enforce, 10)).unwrap().displaced,
        [(vec![ban(4, 0, Mode::Observe, 50)], clear(4))],
    );
    assert_eq!(
        bans.put(&ban(8, 0, Mode::Enforce, 10)).unwrap().displaced,
        [(vec![watched], clear(2))],
        "even one without an end"
    );
    assert_eq!(bans.put(&forever(10, Mode::Observe)), Err(Full));
    assert_eq!(bans.entries(), (2, 0));
}

#[test]
fn removing_a_host_ends_all_its_bans() {
    let mut bans = Bans::new(10);
    bans.put(&ban(2, 0, Mode::Enforce, 10)).unwrap();
    bans.put(&ban(2, 1, Mode::Enforce, 20)).unwrap();
    let (removed, changes) = bans.remove(host(2));
    assert_eq!((removed.len(), changes), (2, vec![clear(2)]));
    assert_eq!(bans.remove(host(2)), (vec![], vec![]));
    assert_eq!(bans.pop_over(Mono(99)), None);
}

#[test]
fn a_listing_goes_on_where_it_was_while_bans_come_and_go() {
    let mut bans = Bans::new(100);
    for n in 0..40 {
        bans.put(&ban(n, 0, Mode::Enforce, 100)).unwrap();
    }
    let stay = |ban: &Ban| (0..40).filter(|n| n % 3 != 0).any(|n| host(n) == ban.net);
    let mut place = Cursor::default();
    let mut seen = Vec::new();
    let mut turn = 0;
    loop {
        let page: Vec<_> = bans.from(place).take(7).collect();
        let Some(&(_, behind)) = page.last() else {
            break;
        };
        place = Cursor::from_number(behind.to_number());
        seen.extend(page.into_iter().map(|(ban, _)| ban));
        // One goes, one comes, and on one of those that stay there is a heavier ban.
        bans.remove(host(turn * 3));
        bans.put(&ban(100 + turn, 0, Mode::Enforce, 100)).unwrap();
        bans.put(&ban(1 + turn * 3, 1, Mode::Enforce, 200)).unwrap();
        turn += 1;
    }
    let mut stayed: Vec<_> = (seen.iter())
        .filter(|ban| stay(ban) && ban.jail == Some(JailId(0)))
        .map(|ban| ban.net)
        .collect();
    assert!(turn > 5, "{turn} pages");
    assert_eq!(stayed.len(), 26);
    stayed.sort_unstable();
    stayed.dedup();
    assert_eq!(stayed.len(), 26, "each once");
}
