//! Whatever happens, what an enforcer was told adds up to what should be in force.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
};

use proptest::prelude::*;

use super::*;
use crate::model::{PortSets, Protocol, is_host};

const CAPACITY: usize = 6;

/// Prefixes that lie in one another and beside one another.
fn net() -> impl Strategy<Value = IpNet> {
    let v4 = (0u8..6, prop::sample::select(vec![32u8, 32, 31, 30, 24]))
        .prop_map(|(n, length)| IpNet::new([192, 0, 2, n].into(), length));
    let v6 = (0u16..6, prop::sample::select(vec![128u8, 128, 127, 64]))
        .prop_map(|(n, length)| IpNet::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, n].into(), length));
    prop_oneof![v4, v6].prop_map(|net| net.unwrap().trunc())
}

fn any_ban() -> impl Strategy<Value = Ban> {
    let until = prop_oneof![
        9 => (1u64..60).prop_map(|end| Until::At(Mono(end))),
        1 => Just(Until::Forever),
    ];
    let mode = prop::sample::select(vec![Mode::Enforce, Mode::Observe]);
    (net(), 0u8..3, prop::option::of(0u16..3), mode, until).prop_map(
        |(net, ports, jail, mode, until)| Ban {
            net,
            ports: PortsId(ports),
            jail: jail.map(JailId),
            mode,
            until,
            quiet: None,
        },
    )
}

#[derive(Clone, Debug)]
enum Step {
    /// It ends so long after now.
    Put(Ban),
    Remove(IpNet),
    RemoveAny,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => any_ban().prop_map(Step::Put),
        2 => net().prop_map(Step::Remove),
        1 => Just(Step::RemoveAny),
        5 => (0u64..20).prop_map(Step::Pass),
    ]
}

/// Every ban by itself, without any of the structure that makes it fast.
#[derive(Default)]
struct Naive(Vec<Ban>);

impl Naive {
    fn put(&mut self, ban: Ban) -> bool {
        let same = |old: &&mut Ban| old.entry() == ban.entry() && old.jail == ban.jail;
        let Some(old) = self.0.iter_mut().find(same) else {
            self.0.push(ban);
            return false;
        };
        old.mode = old.mode.max(ban.mode);
        old.until = old.until.max(ban.until);
        true
    }

    fn heaviest(&self, entry: Entry) -> Option<(Mode, Until)> {
        let on_entry = self.0.iter().filter(|ban| ban.entry() == entry);
        on_entry.map(|ban| (ban.mode, ban.until)).max()
    }

    fn entries(&self) -> BTreeSet<Entry> {
        self.0.iter().map(Ban::entry).collect()
    }

    /// What would be displaced: the weight of the lightest entry of a family.
    fn lightest(&self, v4: bool) -> Option<(Mode, Until)> {
        let entries = self.entries().into_iter();
        let family = entries.filter(|entry| entry.net.addr().is_ipv4() == v4);
        family.filter_map(|entry| self.heaviest(entry)).min()
    }
}

/// What becomes of a packet, by the bans in force.
fn verdict(
    bans: impl IntoIterator<Item = Ban>,
    sets: &PortSets,
    (host, protocol, port): (IpAddr, Protocol, u16),
) -> Option<Mode> {
    let covers = |ban: &Ban| ban.net.contains(&host) && sets.contains(ban.ports, protocol, port);
    bans.into_iter().filter(covers).map(|ban| ban.mode).max()
}

fn packet() -> impl Strategy<Value = (IpAddr, Protocol, u16)> {
    let host = prop_oneof![
        (0u8..8).prop_map(|n| IpAddr::from([192, 0, 2, n])),
        (0u16..8).prop_map(|n| IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, n])),
    ];
    let protocol = prop::sample::select(Protocol::ALL.as_slice());
    (host, protocol, 20u16..26)
}

proptest! {
    /// An enforcer that does just what it is told holds, at every time, the heaviest ban on each
    /// entry and nothing else; never more than fit; and packets meet what all bans together say.
    #[test]
    fn the_changes_add_up(
        steps in prop::collection::vec(step(), 1..120),
        packets in prop::collection::vec(packet(), 20),
    ) {
        let mut sets = PortSets::default();
        for text in ["tcp/22", "tcp/20-23,udp/22-25,icmp"] {
            sets.intern(&text.parse().unwrap()).unwrap();
        }
        let mut bans = Bans::new(CAPACITY);
        let mut naive = Naive::default();
        let mut enforced: HashMap<Entry, Ban> = HashMap::new();
        let mut now = 0;
        for step in steps {
            let mut changes = Vec::new();
            match step {
                Step::Put(mut ban) => {
                    if let Until::At(end) = &mut ban.until {
                        end.0 += now;
                    }
                    let v4 = ban.net.addr().is_ipv4();
                    let lightest = naive.lightest(v4);
                    match bans.put(&ban) {
                        Ok(put) => {
                            for (gone, change) in &put.displaced {
                                prop_assert!(!gone.is_empty());
                                let weight = naive.heaviest(change.entry());
                                prop_assert_eq!(weight, lightest, "the lightest makes room");
                                prop_assert!(
                                    weight < Some((Mode::Enforce, Until::Forever))
                                );
                            }
                            for (gone, change) in put.displaced {
                                naive.0.retain(|ban| !gone.contains(ban));
                                changes.push(change);
                            }
                            let again = naive.put(ban);
                            prop_assert_eq!((put.ban.entry(), put.again), (ban.entry(), again));
                            prop_assert!(put.ban.until >= ban.until);
                            changes.extend(put.change);
                        }
                        Err(Full) => {
                            prop_assert!(
                                lightest >= Some((ban.mode, Until::Forever))
                                    || lightest.is_some_and(|(mode, _)| mode > ban.mode)
                            );
                        }
                    }
                }
                Step::Remove(net) => {
                    let (removed, told) = bans.remove(net);
                    let before = naive.0.len();
                    naive.0.retain(|ban| ban.net != net);
                    prop_assert_eq!(removed.len(), before - naive.0.len());
                    changes.extend(told);
                }
                Step::RemoveAny => {
                    let removed = bans.remove_any();
                    prop_assert_eq!(removed.is_some(), !naive.0.is_empty());
                    if let Some((removed, change)) = removed {
                        naive.0.retain(|ban| ban.entry() != change.entry());
                        prop_assert!(!removed.is_empty());
                        changes.push(change);
                    }
                }
                Step::Pass(time) => {
                    now += time;
                    let mut last = Mono(0);
                    while let Some((over, change)) = bans.pop_over(Mono(now)) {
                        let Until::At(end) = over.until else {
                            panic!("{over:?} has no end");
                        };
                        prop_assert!(last <= end && end <= Mono(now), "soonest first");
                        last = end;
                        changes.extend(change);
                    }
                    naive.0.retain(|ban| !ban.until.is_over(Mono(now)));
                }
            }
            for change in changes {
                match change {
                    Change::Set(ban) => enforced.insert(ban.entry(), ban),
                    Change::Clear { .. } => enforced.remove(&change.entry()),
                };
                for v4 in [true, false] {
                    let family = enforced.keys().filter(|entry| entry.net.addr().is_ipv4() == v4);
                    prop_assert!(family.count() <= CAPACITY);
                }
            }
            let should: HashMap<_, _> =
                bans.outweighing().map(|ban| (ban.entry(), ban)).collect();
            prop_assert_eq!(&enforced, &should);
            let weights: BTreeSet<_> =
                enforced.iter().map(|(entry, ban)| (*entry, Some((ban.mode, ban.until)))).collect();
            let naively: BTreeSet<_> =
                naive.entries().into_iter().map(|entry| (entry, naive.heaviest(entry))).collect();
            prop_assert_eq!(weights, naively);
            let key = |ban: &Ban| (ban.entry(), ban.jail, ban.mode, ban.until);
            let listed: BTreeSet<_> = bans.iter().map(|ban| key(&ban)).collect();
            prop_assert_eq!(listed, naive.0.iter().map(key).collect::<BTreeSet<_>>());
            prop_assert_eq!(bans.len(), naive.0.len());
            for jail in (0..3).map(JailId) {
                let of = naive.0.iter().filter(|ban| ban.jail == Some(jail));
                prop_assert_eq!(bans.of(jail), of.count());
            }
            let wide = enforced.keys().filter(|entry| !is_host(entry.net));
            prop_assert_eq!(bans.prefixes(), wide.count());
            for packet in &packets {
                prop_assert_eq!(
                    verdict(enforced.values().copied(), &sets, *packet),
                    verdict(naive.0.iter().copied(), &sets, *packet),
                    "{:?}",
                    packet
                );
            }
            for ports in 0..3 {
                let in_use = naive.0.iter().any(|ban| ban.ports == PortsId(ports));
                prop_assert_eq!(bans.uses(PortsId(ports)), in_use);
            }
            let next = naive.0.iter().map(|ban| ban.until).min();
            let next = next.and_then(|until| match until {
                Until::At(end) => Some(end),
                Until::Forever => None,
            });
            prop_assert_eq!(bans.next_end(), next);
        }
    }
}
