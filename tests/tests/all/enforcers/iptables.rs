//! Bans in iptables and ipset.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use banner_tests::lab;
use banner_userspace::{
    enforce::{Enforcer, Iptables},
    model::{Iptables as Options, PortsId, PrefixSet, Until},
};

use super::{
    FAMILIES, PORTS, assert_connects, assert_silent,
    contract::{self, Ground},
    now, output, set,
};

fn iptables(target: &str, reject_with: Option<(&str, &str)>) -> Iptables {
    let options = Options {
        parents: vec!["INPUT".into(), "FORWARD".into()],
        chain: "banner".into(),
        target: target.into(),
        reject_with: reject_with.map(|(v4, v6)| (v4.into(), v6.into())),
    };
    Iptables::new(options, vec!["sshd".into()])
}

fn plain() -> Iptables {
    iptables("DROP", None)
}

#[test]
fn bans_hold() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        contract::holds(&ground, &mut plain())
    })
}

#[test]
fn another_agent_finds_the_bans() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        contract::is_adopted(&ground, &mut plain(), || Box::new(plain()))
    })
}

#[test]
fn targets_are_rejections_and_chains_of_others() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        let (server, attacker) = (&ground.topology.server, &ground.topology.attacker);
        for program in ["iptables", "ip6tables"] {
            output(server, &[program, "-N", "theirs"])?;
            output(server, &[program, "-A", "theirs", "-j", "DROP"])?;
        }
        let with = Some(("icmp-admin-prohibited", "icmp6-adm-prohibited"));
        for (target, with, refused) in [("REJECT", with, true), ("theirs", None, false)] {
            let mut iptables = iptables(target, with);
            ground.on_server(|| iptables.open())??;
            for family in FAMILIES {
                let ban = set(attacker.address(family), PortsId::ALL, Until::Forever);
                ground.apply(&mut iptables, &[ban])?;
                if refused {
                    let to = attacker.server(family, PORTS[0]);
                    let connect =
                        || std::net::TcpStream::connect_timeout(&to, Duration::from_secs(20));
                    let begin = Instant::now();
                    let error = attacker.namespace().inside(connect)?.err();
                    let error = error.context("connected")?;
                    ensure!(
                        begin.elapsed() < Duration::from_secs(10),
                        "{error}: no answer"
                    );
                } else {
                    assert_silent(attacker, family, PORTS[0])?;
                }
            }
            ground.on_server(|| iptables.remove())??;
            assert_connects(attacker, FAMILIES[0], PORTS[0])?;
        }
        Ok(())
    })
}

#[test]
fn what_others_do_is_seen_and_put_back() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        let (server, attacker) = (&ground.topology.server, &ground.topology.attacker);
        let mut iptables = plain();
        let never = PrefixSet::new(["10.0.0.0/8".parse()?, "2001:db8:1::/48".parse()?]);
        ground.on_server(|| -> Result<()> {
            iptables.set_never(&never)?;
            Ok(iptables.open()?)
        })??;
        let ban = set(attacker.address(FAMILIES[0]), PortsId::ALL, Until::Forever);
        ground.apply(&mut iptables, &[ban])?;
        let look =
            |iptables: &Iptables| -> Result<_> { Ok(ground.on_server(|| iptables.inquire()())??) };
        let found = look(&iptables)?;
        ensure!(found.broken.is_none() && found.held.len() == 1, "{found:?}");
        for (deed, broken, held) in [
            ("ipset del banner4 192.0.2.66", false, 0),
            ("ipset add banner4 203.0.113.9 timeout 60", false, 1),
            ("iptables -F banner", true, 1),
            ("iptables -D INPUT -j banner", true, 1),
            ("ip6tables -F INPUT", true, 1),
            ("ipset flush banner6-never", true, 1),
        ] {
            output(server, &deed.split(' ').collect::<Vec<_>>())?;
            let found = look(&iptables)?;
            ensure!(found.broken.is_some() == broken, "{deed}: {found:?}");
            ensure!(found.held.len() == held, "{deed}: {found:?}");
            if broken {
                ground.on_server(|| iptables.open())??;
                let found = look(&iptables)?;
                ensure!(found.broken.is_none(), "{deed}: {found:?}");
            }
        }
        ground.apply(&mut iptables, &[ban])?;
        assert_silent(attacker, FAMILIES[0], PORTS[0])
    })
}

#[test]
fn a_foreign_chain_is_refused_and_left_alone() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        let server = &ground.topology.server;
        output(server, &["iptables", "-N", "banner"])?;
        output(server, &["iptables", "-A", "banner", "-j", "ACCEPT"])?;
        let before = output(server, &["iptables", "-S"])?;
        let mut iptables = plain();
        let error = ground
            .on_server(|| iptables.open())?
            .err()
            .context("taken")?;
        ensure!(
            error
                .to_string()
                .contains("chain banner of iptables is there already"),
            "{error}"
        );
        ensure!(ground.on_server(|| iptables.remove())?.is_err());
        ensure!(output(server, &["iptables", "-S"])? == before);
        Ok(())
    })
}

#[test]
fn a_hundred_thousand_at_once() -> Result<()> {
    const MANY: u32 = 100_000;
    lab::run(|_| {
        let ground = Ground::build()?;
        let mut iptables = plain();
        ground.on_server(|| iptables.open())??;
        let end = Until::At(now()?.mono.after(Duration::from_hours(1)));
        let bans: Vec<_> = (0..MANY)
            .map(|n| {
                let address = std::net::IpAddr::from((0x0a00_0000 + n).to_be_bytes());
                set(address, PortsId::ALL, end)
            })
            .collect();
        for round in ["new", "again"] {
            let start = Instant::now();
            ground.apply(&mut iptables, &bans)?;
            println!("{MANY} bans {round}: {:?}", start.elapsed());
        }
        let found = ground.on_server(|| iptables.inquire()())??;
        ensure!(found.held.len() == MANY as usize, "{}", found.held.len());
        Ok(())
    })
}
