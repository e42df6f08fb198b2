use proptest::prelude::*;

use super::*;

#[test]
fn ports_have_one_form() {
    for (text, canonical) in [
        ("tcp/22", "tcp/22"),
        ("udp/53,tcp/22", "tcp/22,udp/53"),
        ("tcp/80-90,tcp/85-100,tcp/101", "tcp/80-101"),
        ("tcp/65535,tcp/0-65534", "tcp/0-65535"),
        ("tcp/65535,udp/0", "tcp/65535,udp/0"),
        ("icmp,sctp/9,udplite/7,icmp", "sctp/9,udplite/7,icmp"),
    ] {
        let ports = text.parse::<Ports>().map(|ports| ports.to_string());
        assert_eq!(ports, Ok(canonical.to_owned()), "{text}");
    }
}

#[test]
fn what_is_not_a_set_of_ports_is_named() {
    for (text, item) in [
        ("", ""),
        ("22", "22"),
        ("tcp", "tcp"),
        ("tcp/", "tcp/"),
        ("tcp/+22", "tcp/+22"),
        ("tcp/22,", ""),
        ("tcp/22,udp/65536", "udp/65536"),
        ("tcp/23-22", "tcp/23-22"),
        ("tcp/1-2-3", "tcp/1-2-3"),
        ("icmp/8", "icmp/8"),
        ("TCP/22", "TCP/22"),
        ("tcp /22", "tcp /22"),
    ] {
        assert_eq!(text.parse::<Ports>(), Err(NotPorts(item.into())), "{text}");
    }
}

#[test]
fn sets_are_numbered_from_one_and_numbers_come_back() {
    let mut sets = PortSets::default();
    let ports = |port: u16| Ports::new([(Protocol::Tcp, port..=port)]);
    for port in 1..=63 {
        assert_eq!(
            sets.intern(&ports(port)).map(|id| u16::from(id.0)),
            Ok(port)
        );
    }
    assert_eq!(sets.intern(&ports(64)), Err(TooMany));
    assert_eq!(sets.intern(&ports(7)), Ok(PortsId(7)), "known already");
    sets.retain(|id| id != PortsId(9));
    assert_eq!((sets.get(PortsId(9)), sets.iter().count()), (None, 62));
    assert_eq!(sets.intern(&ports(8)), Ok(PortsId(8)), "known already");
    assert_eq!(sets.intern(&ports(64)), Ok(PortsId(9)));
    assert_eq!(sets.get(PortsId(9)), Some(&ports(64)));
    let names = [0, 9, 64].map(|id| sets.name(PortsId(id)));
    assert_eq!(names, ["all", "tcp/64", "unknown"]);
    assert!(sets.contains(PortsId::ALL, Protocol::Icmp, 0));
    assert!(sets.contains(PortsId(9), Protocol::Tcp, 64));
    assert!(!sets.contains(PortsId(9), Protocol::Udp, 64));
    assert!(!sets.contains(PortsId(64), Protocol::Tcp, 64));
}

fn ranges() -> impl Strategy<Value = Vec<(Protocol, RangeInclusive<u16>)>> {
    let protocol = prop::sample::select(Protocol::ALL.as_slice());
    // Close together, and at the ends, so that they meet.
    let port = prop_oneof![0u16..24, 65_520..=u16::MAX];
    let range = (protocol, port.clone(), port).prop_map(|(protocol, a, b)| (protocol, a..=b));
    prop::collection::vec(range, 0..9)
}

proptest! {
    #[test]
    fn contains_what_its_ranges_contain(ranges in ranges()) {
        let ports = Ports::new(ranges.clone());
        for protocol in Protocol::ALL {
            for port in (0..30).chain(65_500..=u16::MAX) {
                let naive = ranges.iter().any(|(of, range)| {
                    *of == protocol && (range.contains(&port) || protocol == Protocol::Icmp)
                });
                prop_assert_eq!(ports.contains(protocol, port), naive, "{:?} {}", protocol, port);
            }
        }
    }

    #[test]
    fn the_form_is_canonical_and_reads_back(mut ranges in ranges(), turn: prop::sample::Index) {
        let ports = Ports::new(ranges.clone());
        prop_assert_eq!(&Ports::new(ports.ranges()), &ports);
        // Neighbours would have been joined.
        for (a, b) in ports.ranges().zip(ports.ranges().skip(1)) {
            let gap = u32::from(*b.1.start()) > u32::from(*a.1.end()) + 1;
            prop_assert!(a.0 < b.0 || (a.0 == b.0 && gap), "{:?} {:?}", a, b);
        }
        if !ports.is_empty() {
            prop_assert_eq!(&ports.to_string().parse::<Ports>().unwrap(), &ports);
            let turn = turn.index(ranges.len());
            ranges.rotate_left(turn);
            prop_assert_eq!(Ports::new(ranges), ports, "in any order");
        }
    }
}
