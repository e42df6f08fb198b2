//! Bans in nftables.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use banner_tests::lab;
use banner_userspace::{
    enforce::{Enforcer, Nftables, Notices},
    model::{Answer, Hook, Nftables as Options, PortsId, PrefixSet, Until},
};

use super::{
    FAMILIES, PORTS, assert_connects, assert_silent,
    contract::{self, Ground},
    now, output, set,
};

fn options(hooks: &[Hook], verdict: Answer) -> Options {
    Options {
        hooks: hooks.to_vec(),
        priority: -300,
        verdict,
        devices: vec!["to-attacker".into(), "to-friend".into()],
    }
}

fn nftables(hooks: &[Hook], verdict: Answer) -> Nftables {
    Nftables::new(options(hooks, verdict), vec!["sshd".into()])
}

fn plain() -> Nftables {
    nftables(&[Hook::Prerouting], Answer::Drop)
}

#[test]
fn bans_hold_at_every_hook() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        for hooks in [
            &[Hook::Ingress][..],
            &[Hook::Prerouting],
            &[Hook::Input, Hook::Forward],
        ] {
            contract::holds(&ground, &mut nftables(hooks, Answer::Drop))
                .with_context(|| format!("{hooks:?}"))?;
        }
        Ok(())
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
fn who_is_rejected_is_told_so() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        let attacker = &ground.topology.attacker;
        let mut nftables = nftables(&[Hook::Input], Answer::Reset);
        ground.on_server(|| nftables.open())??;
        for family in FAMILIES {
            let ban = set(attacker.address(family), PortsId::ALL, Until::Forever);
            ground.apply(&mut nftables, &[ban])?;
            let to = attacker.server(family, PORTS[0]);
            let connect = || std::net::TcpStream::connect_timeout(&to, Duration::from_secs(20));
            let error = attacker
                .namespace()
                .inside(connect)?
                .err()
                .context("connected")?;
            ensure!(
                error.kind() == std::io::ErrorKind::ConnectionRefused,
                "{error}"
            );
        }
        Ok(())
    })
}

#[test]
fn a_foreign_table_is_refused_and_left_alone() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        let server = &ground.topology.server;
        output(
            server,
            &[
                "nft",
                "add table inet banner; add set inet banner v4_32 { type ipv4_addr; }",
            ],
        )?;
        let before = output(server, &["nft", "list", "ruleset"])?;
        let mut nftables = plain();
        let error = ground
            .on_server(|| nftables.open())?
            .err()
            .context("taken")?;
        let said = error.to_string();
        ensure!(
            said.contains("a table inet banner is there already and is not banner's"),
            "{said}"
        );
        let ban = set(
            ground.topology.attacker.address(FAMILIES[0]),
            PortsId::ALL,
            Until::Forever,
        );
        ensure!(ground.apply(&mut nftables, &[ban]).is_err());
        ensure!(ground.on_server(|| nftables.remove())?.is_err());
        ensure!(ground.on_server(|| nftables.inquire()())?.is_err());
        ensure!(output(server, &["nft", "list", "ruleset"])? == before);
        Ok(())
    })
}

#[test]
fn what_others_do_is_told_and_seen() -> Result<()> {
    lab::run(|_| {
        let ground = Ground::build()?;
        let (server, attacker) = (&ground.topology.server, &ground.topology.attacker);
        let address = attacker.address(FAMILIES[0]);
        let mut nftables = plain();
        let never = PrefixSet::new(["10.0.0.0/8".parse()?, "2001:db8:1::/48".parse()?]);
        ground.on_server(|| -> Result<()> {
            nftables.set_never(&never)?;
            Ok(nftables.open()?)
        })??;
        let notices = ground.on_server(Notices::open)??;
        ground.apply(&mut nftables, &[set(address, PortsId::ALL, Until::Forever)])?;
        ensure!(!notices.drain(nftables.port()).table, "its own work");
        output(server, &["nft", "add", "table", "inet", "other"])?;
        ensure!(!notices.drain(nftables.port()).table, "another table");

        for (deed, broken, held) in [
            ("delete element inet banner v4_32 { 192.0.2.66 }", false, 0),
            (
                "add element inet banner v4_32 { 203.0.113.9 timeout 1h }",
                false,
                1,
            ),
            ("flush chain inet banner banned", true, 1),
            ("flush set inet banner never4", true, 1),
            ("flush ruleset", true, 0),
        ] {
            output(server, &["nft", deed])?;
            ensure!(notices.drain(nftables.port()).table, "{deed}: no notice");
            let found = ground.on_server(|| nftables.inquire()())??;
            ensure!(found.broken.is_some() == broken, "{deed}: {found:?}");
            ensure!(found.held.len() == held, "{deed}: {found:?}");
            if broken {
                ground.on_server(|| nftables.open())??;
                let found = ground.on_server(|| nftables.inquire()())??;
                ensure!(found.broken.is_none(), "{deed}: {found:?}");
            }
        }
        ground.apply(&mut nftables, &[set(address, PortsId::ALL, Until::Forever)])?;
        assert_silent(attacker, FAMILIES[0], PORTS[0])?;
        ground.on_server(|| nftables.remove())??;
        assert_connects(attacker, FAMILIES[0], PORTS[0])
    })
}

#[test]
fn a_hundred_thousand_at_once() -> Result<()> {
    const MANY: u32 = 100_000;
    lab::run(|_| {
        let ground = Ground::build()?;
        let mut nftables = plain();
        ground.on_server(|| nftables.open())??;
        let end = Until::At(now()?.mono.after(Duration::from_hours(1)));
        let bans: Vec<_> = (0..MANY)
            .map(|n| {
                set(
                    std::net::IpAddr::from((0x0a00_0000 + n).to_be_bytes()),
                    PortsId::ALL,
                    end,
                )
            })
            .collect();
        for round in ["new", "again"] {
            let start = Instant::now();
            ground.apply(&mut nftables, &bans)?;
            println!("{MANY} bans {round}: {:?}", start.elapsed());
        }
        let start = Instant::now();
        let found = ground.on_server(|| nftables.inquire()())??;
        println!("looked at in {:?}", start.elapsed());
        ensure!(
            found.held.len() == MANY as usize && found.broken.is_none(),
            "{}",
            found.held.len()
        );
        Ok(())
    })
}
