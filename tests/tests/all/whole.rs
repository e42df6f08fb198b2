//! The agent's own writing of whole sets, through the library, against what the maps hold then.

use std::{cell::Cell, collections::BTreeSet, net::IpAddr};

use anyhow::{Context as _, Result, anyhow, ensure};
use banner_common::CHECKED;
use banner_tests::{lab, pinned::Pinned};
use banner_userspace::{
    enforce::{Enforcer as _, xdp::Xdp},
    model::{Ban, Change, JailId, Mode, Mono, Now, PortsId, PrefixSet, Until, Wall},
};
use proptest::{
    collection::btree_map,
    prelude::{Strategy, any},
    test_runner::{Config, TestCaseError, TestRunner},
};

/// Nothing here ends.
const NOW: Now = Now {
    wall: Wall(0),
    mono: Mono(0),
};

/// Few enough hosts and prefixes that sets have many in common.
fn sets() -> impl Strategy<Value = Vec<Vec<Ban>>> {
    let net = (any::<bool>(), 0..24_u8, 0..3_u8).prop_map(|(v4, n, wide)| {
        let (address, lengths) = if v4 {
            (IpAddr::from([192, 0, n / 8, n]), [32, 24, 16])
        } else {
            let address = [0x2001, 0xdb8, 0, u16::from(n / 8), 0, 0, 0, u16::from(n)];
            (IpAddr::from(address), [128, 64, 48])
        };
        let net = ipnet::IpNet::new(address, lengths[usize::from(wide)]);
        net.expect("lengths of the family").trunc()
    });
    let set = btree_map(net, (any::<bool>(), any::<bool>()), 0..40).prop_map(|bans| {
        let ban = |(net, (enforce, forever)): (_, (bool, bool))| Ban {
            net,
            ports: PortsId::ALL,
            jail: Some(JailId(0)),
            mode: if enforce {
                Mode::Enforce
            } else {
                Mode::Observe
            },
            until: if forever {
                Until::Forever
            } else {
                Until::At(Mono(u64::MAX / 4))
            },
            quiet: None,
        };
        bans.into_iter().map(ban).collect()
    });
    proptest::collection::vec(set, 1..4)
}

/// Ends are right to a jiffy, so only whether there is one is compared.
fn shown(bans: &[Ban]) -> BTreeSet<String> {
    let show = |ban: &Ban| {
        let forever = ban.until == Until::Forever;
        format!("{} {:?} {:?} {forever}", ban.net, ban.ports, ban.mode)
    };
    bans.iter().map(show).collect()
}

#[test]
fn a_set_is_replaced_by_just_the_other_one() -> Result<()> {
    lab::run(|lab| {
        let config = Config {
            cases: 48,
            failure_persistence: None,
            ..Config::default()
        };
        // Hosts only, so that no group changes: what was found at the start is not what is there now.
        let alone = Ban {
            net: IpAddr::from([192, 0, 2, 7]).into(),
            ports: PortsId::ALL,
            jail: Some(JailId(0)),
            mode: Mode::Enforce,
            until: Until::Forever,
            quiet: None,
        };
        replace(&lab.bpffs().join("alone"), &[vec![alone]])?;
        let round = Cell::new(0);
        TestRunner::new(config)
            .run(&sets(), |sets| {
                round.set(round.get() + 1);
                let pins = lab.bpffs().join(format!("whole{}", round.get()));
                replace(&pins, &sets).map_err(|why| TestCaseError::fail(format!("{why:#}")))
            })
            .map_err(|why| anyhow!("{why}"))
    })
}

fn replace(pins: &std::path::Path, sets: &[Vec<Ban>]) -> Result<()> {
    let (mut xdp, _) = Xdp::open(pins, 1024, ["sshd"].into_iter())?;
    for set in sets {
        let failed = xdp.replace_all(set)?;
        ensure!(failed.is_empty(), "{}", failed[0]);
        let found = xdp.in_force(NOW)?;
        ensure!(shown(&found) == shown(set), "{found:?} is in force");
    }
    Ok(())
}

#[test]
fn entries_say_that_they_are_not_on_the_never_ban_list_only_while_they_are_not() -> Result<()> {
    lab::run(|lab| {
        let pins = lab.bpffs().join("never");
        let (mut xdp, _) = Xdp::open(&pins, 1024, ["sshd"].into_iter())?;
        xdp.keep();
        let hosts: Vec<IpAddr> = ["192.0.2.7", "198.51.100.7", "2001:db8::7", "2001:db8:1::7"]
            .map(|host| host.parse().expect("an address"))
            .into();
        let changes: Vec<_> = hosts
            .iter()
            .map(|&host| {
                Change::Set(Ban {
                    net: host.into(),
                    ports: PortsId::ALL,
                    jail: Some(JailId(0)),
                    mode: Mode::Enforce,
                    until: Until::Forever,
                    quiet: None,
                })
            })
            .collect();
        (xdp.apply(&changes, NOW)).map_err(|failed| anyhow!("{}", failed[0]))?;
        let pinned = Pinned::new(&pins);
        let checked = || -> Result<Vec<bool>> {
            let ban = |&host: &IpAddr| pinned.ban(host)?.context("it is banned");
            hosts
                .iter()
                .map(|host| Ok(ban(host)?.flags & CHECKED != 0))
                .collect()
        };
        assert_eq!(checked()?, [true; 4]);
        let listed = ["192.0.2.0/24", "2001:db8::/64"].map(str::parse);
        let listed = listed.into_iter().collect::<Result<Vec<_>, _>>()?;
        xdp.set_never(&PrefixSet::new(listed))?;
        assert_eq!(checked()?, [false, true, false, true]);
        for host in ["192.0.2.7", "2001:db8::7"] {
            assert!(pinned.is_never(host.parse()?)?, "{host}");
        }
        Ok(())
    })
}
