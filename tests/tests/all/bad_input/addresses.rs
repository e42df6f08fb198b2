//! Addresses that are none, that must not be banned, or that are spelt in some other way.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Event,
    topology::{Family, Peer},
};

use super::site::{MAX_RETRY, assert_connects, assert_has, failure, site};

#[test]
fn what_is_no_address_bans_nobody() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        for text in [
            "999.1.1.1",
            "256.0.0.1",
            "192.0.2",
            "192.0.2.66.1",
            "192.0.2.066",
            "0192.0.2.66",
            "0xc0.0.2.66",
            "3221226050",
            "192.0.2.66/32",
            "192.0.2.66.",
            ".192.0.2.66",
            "1:2:3:4:5:6:7:8:9",
            "2001:db8:::66",
            "2001:db8::1::2",
            "12001:db8::66",
            "2001:db8::g",
            "::ffff:192.0.2.666",
            ":",
            "::%",
            "fe80::66%",
            "fe80::66%to attacker",
            "UNKNOWN",
            "host.example",
            "",
            "-",
            "192.0.2.66,192.0.2.67",
            "１９２.0.2.66",
        ] {
            site.write(failure("root", text).repeat(2 * MAX_RETRY))?;
        }
        site.prove_alive(&mut agent)?;
        ensure!(seat.pinned().bans()? == 1, "{:#?}", agent.lines()?);
        let status = seat.run("status --json")?.succeeded()?.stdout;
        assert_has(&status, &[&format!("\"failures\": {MAX_RETRY},")])
    })
}

#[test]
fn what_the_machine_cannot_do_without_is_never_banned() -> Result<()> {
    site(|site| {
        let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
        let gateways = [friend.address(Family::V4), friend.address(Family::V6)];
        site.topology.server.ip(&format!(
            "route add default via {}\n\
             route add default via {}\n\
             address add fe80::1/64 dev to-attacker nodad\n\
             address add 198.18.7.1 peer 198.18.7.2 dev to-attacker\n",
            gateways[0], gateways[1],
        ))?;
        let own = |peer: &Peer, family| peer.server(family, 0).ip();
        let mut spared = vec![
            "127.0.0.1".to_owned(),
            "127.255.255.254".to_owned(),
            "0.0.0.0".to_owned(),
            "::".to_owned(),
            "::1".to_owned(),
            "[::1]".to_owned(),
            "::1%lo".to_owned(),
            "0:0:0:0:0:0:0:1".to_owned(),
            "::ffff:127.0.0.1".to_owned(),
            "::ffff:7f00:1".to_owned(),
            "::FFFF:0.0.0.0".to_owned(),
            "fe80::1".to_owned(),
            "fe80::1%to-attacker".to_owned(),
            "198.18.7.1".to_owned(),
        ];
        for peer in [attacker, friend] {
            for family in [Family::V4, Family::V6] {
                spared.push(own(peer, family).to_string());
            }
            spared.push(format!("::ffff:{}", own(peer, Family::V4)));
        }
        spared.extend(gateways.map(|gateway| gateway.to_string()));
        spared.push(format!("::ffff:{}", gateways[0]));
        spared.push("2001:0DB8:000f:0::7".to_owned());

        let seat = site.seat()?;
        let mut agent = seat.start()?;
        for text in &spared {
            site.fail(text)?;
        }
        site.prove_alive(&mut agent)?;
        let said = agent.lines()?.join("\n");
        let count = said.matches(" spared ").count();
        ensure!(count == spared.len(), "{count} of {spared:#?}: {said}");
        ensure!(seat.pinned().bans()? == 1, "{said}");
        for address in spared.iter().filter_map(|text| text.parse::<IpAddr>().ok()) {
            ensure!(seat.pinned().is_never(address.to_canonical())?, "{address}");
        }
        // The other end of a point-to-point link is somebody else.
        site.fail("198.18.7.2")?;
        agent.wait_for(Event::Ban, [198, 18, 7, 2].into())?;
        let status = seat.run("status --json")?.succeeded()?.stdout;
        assert_has(&status, &[&format!("\"spared\": {},", spared.len())])?;
        assert_connects(friend)
    })
}

#[test]
fn an_address_is_the_same_in_every_spelling() -> Result<()> {
    site(|site| {
        let v4 = |last| IpAddr::from([192, 0, 2, last]);
        let v6 = |last| IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, last));
        let local = IpAddr::from(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x66));
        // As many spellings as failures make a ban: they count together.
        let spellings: [([&str; MAX_RETRY], IpAddr); 8] = [
            (["192.0.2.101", "[192.0.2.101]"], v4(101)),
            (["::ffff:192.0.2.102", "::FFFF:c000:0266"], v4(102)),
            (["0:0:0:0:0:ffff:192.0.2.103", "192.0.2.103"], v4(103)),
            (
                ["[::ffff:192.0.2.104]", "::ffff:192.0.2.104%to-attacker"],
                v4(104),
            ),
            (
                ["2001:db8:a::105", "2001:0DB8:000A:0:0:0:0:0105"],
                v6(0x105),
            ),
            (["[2001:db8:a::106]", "2001:db8:a:0::0:106"], v6(0x106)),
            (
                ["2001:db8:a::c000:207", "2001:db8:a::192.0.2.7"],
                "2001:db8:a::c000:207".parse()?,
            ),
            (["fe80::66%to-attacker", "fe80::66%2"], local),
        ];
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        for (texts, _) in &spellings {
            for text in texts {
                site.write(failure("root", text))?;
            }
        }
        site.prove_alive(&mut agent)?;
        for (texts, address) in spellings {
            ensure!(agent.has_reported(Event::Ban, address)?, "{texts:?}");
            ensure!(seat.pinned().ban(address)?.is_some(), "{texts:?}");
        }
        ensure!(seat.pinned().bans()? == 1 + spellings.len());
        Ok(())
    })
}
