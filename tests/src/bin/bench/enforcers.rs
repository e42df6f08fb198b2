//! Bans into ways other than XDP: many at once, and one by one, beside a child for each ban.

use std::{
    net::IpAddr,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, anyhow, ensure};
use banner_tests::{netns::Namespace, topology::Topology};
use banner_userspace::{
    enforce::{Enforcer, Iptables, Nftables},
    model::{
        Answer, Ban, Change, Hook, Iptables as IptablesOptions, JailId, Mode, Mono,
        Nftables as NftablesOptions, Now, PortsId, Until, Wall,
    },
};

use super::table::Table;

const MANY: u32 = 100_000;
const ONE_BY_ONE: u32 = 500;

/// Nothing here ends.
const NOW: Now = Now {
    wall: Wall(0),
    mono: Mono(0),
};

pub(crate) fn measure(topology: &Topology) -> Result<()> {
    let jails = vec!["sshd".to_owned()];
    let nftables = NftablesOptions {
        hooks: vec![Hook::Prerouting],
        priority: -300,
        verdict: Answer::Drop,
        devices: Vec::new(),
    };
    let iptables = IptablesOptions {
        parents: vec!["INPUT".into()],
        chain: "banner".into(),
        target: "DROP".into(),
        reject_with: None,
    };
    let mut ways: [(Box<dyn Enforcer>, Vec<&str>); 2] = [
        (
            Box::new(Nftables::new(nftables, jails.clone())),
            vec!["nft", "add", "element", "inet", "banner", "v4_32"],
        ),
        (
            Box::new(Iptables::new(iptables, jails)),
            vec!["ipset", "add", "banner4"],
        ),
    ];
    let mut table = Table::new([
        "into",
        "100 000 at once",
        "again",
        "one by one through banner",
        "one by one, a child for each",
    ]);
    for (way, child) in &mut ways {
        let server = &topology.server;
        server.inside(|| way.open())??;
        let bulk = apply_timed(server, &mut **way, 0x0a00_0000, MANY, MANY)?;
        let again = apply_timed(server, &mut **way, 0x0a00_0000, MANY, MANY)?;
        let one = apply_timed(server, &mut **way, 0x0b00_0000, ONE_BY_ONE, 1)?;
        let children = children_timed(server, child)?;
        let found = server.inside(|| way.inquire()())??.held.len();
        ensure!(
            found == (MANY + 2 * ONE_BY_ONE) as usize,
            "{found} are there"
        );
        table.row([
            way.name().to_owned(),
            format!("{:.2} s", bulk.as_secs_f64()),
            format!("{:.2} s", again.as_secs_f64()),
            rate(one),
            rate(children),
        ]);
    }
    println!("{table}");
    println!("The last two with 100 000 bans there already.");
    Ok(())
}

fn rate(time: Duration) -> String {
    format!("{:.0} bans/s", f64::from(ONE_BY_ONE) / time.as_secs_f64())
}

fn address(first: u32, n: u32) -> IpAddr {
    IpAddr::from((first + n).to_be_bytes())
}

fn apply_timed(
    server: &Namespace,
    way: &mut dyn Enforcer,
    first: u32,
    count: u32,
    at_once: u32,
) -> Result<Duration> {
    let changes: Vec<Change> = (0..count)
        .map(|n| {
            Change::Set(Ban {
                net: address(first, n).into(),
                ports: PortsId::ALL,
                jail: Some(JailId(0)),
                mode: Mode::Enforce,
                until: Until::At(Mono(3_600_000_000_000)),
                quiet: None,
            })
        })
        .collect();
    server.inside(|| {
        let begin = Instant::now();
        for some in changes.chunks(at_once as usize) {
            way.apply(some, NOW)
                .map_err(|failed| anyhow!("{}", failed[0]))?;
        }
        Ok(begin.elapsed())
    })?
}

fn children_timed(server: &Namespace, words: &[&str]) -> Result<Duration> {
    let path = std::env::var("PATH").unwrap_or_default();
    server.inside(|| {
        let begin = Instant::now();
        for n in 0..ONE_BY_ONE {
            let host = address(0x0c00_0000, n);
            let what = match words[0] {
                "nft" => format!("{{ {host} timeout 1h }}"),
                _ => host.to_string(),
            };
            let mut command = Command::new(words[0]);
            command
                .args(&words[1..])
                .arg(what)
                .env("PATH", format!("{path}:/usr/sbin"));
            ensure!(command.status()?.success(), "{words:?}");
        }
        Ok(begin.elapsed())
    })?
}
