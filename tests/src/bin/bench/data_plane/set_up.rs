//! How long it takes until bans are in force: a first time, and all of them replaced by others.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use banner_tests::{
    flood,
    lab::{self, Lab},
    netns::Namespace,
    topology::Family,
};

use banner_userspace::{
    enforce::{Enforcer as _, xdp::Xdp},
    model::{Ban, Change, JailId, Mode, Mono, Now, PortsId, Until, Wall},
};

use super::{
    Pace,
    figures::{Spread, Target},
    peers::{self, Peer},
    receiver::{Bans, ipset_restore, nft_elements, nft_set},
};
use crate::table::Table;

/// Nothing here ends.
const NOW: Now = Now {
    wall: Wall(0),
    mono: Mono(0),
};

/// Longest that a peer may take.
const PATIENCE: Duration = Duration::from_mins(5);

/// The family of nft's table.
const TABLE: &str = "inet";

/// Who puts bans in force.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Banner,
    Ipset,
    Nft,
}

impl Who {
    const ALL: [Self; 3] = [Self::Banner, Self::Ipset, Self::Nft];

    fn title(self) -> &'static str {
        match self {
            Self::Banner => "banner",
            Self::Ipset => "ipset restore",
            Self::Nft => "nft --file",
        }
    }

    fn needs(self) -> Option<Peer> {
        match self {
            Self::Banner => None,
            Self::Ipset => Some(peers::IPSET),
            Self::Nft => Some(peers::NFT),
        }
    }
}

/// Milliseconds, round by round.
#[derive(Default)]
struct Figures {
    first: Vec<f64>,
    replaced: Vec<f64>,
}

pub(crate) fn measure(pace: Pace) -> Result<()> {
    let counts = [1_000, 100_000, 1_000_000];
    let mut table = Table::new([
        "put in force",
        "bans",
        "ms",
        "/ banner's",
        "target",
        "all replaced, ms",
        "/ banner's",
        "target",
    ]);
    for family in [Family::V4, Family::V6] {
        for count in &counts[..pace.pick(3, 2)] {
            let bans = Bans {
                family,
                count: *count,
            };
            rows(pace, bans, &mut table)?;
        }
    }
    println!("\n## Set-up\n\n{table}");
    Ok(())
}

fn rows(pace: Pace, bans: Bans, table: &mut Table) -> Result<()> {
    let mut figures = Who::ALL.map(|_| Figures::default());
    for _ in 0..pace.pick(3, 1) {
        for (who, figures) in Who::ALL.into_iter().zip(&mut figures) {
            if who.needs().is_some_and(|peer| peer.missing().is_some()) {
                continue;
            }
            let (first, replaced) = lab::run(|lab| match who {
                Who::Banner => banner(lab, bans),
                Who::Ipset => ipset(lab, bans),
                Who::Nft => nft(lab, bans),
            })?;
            figures.first.push(first.as_secs_f64() * 1e3);
            figures.replaced.push(replaced.as_secs_f64() * 1e3);
        }
    }
    let banner = [&figures[0].first, &figures[0].replaced]
        .map(|figures| Spread::new(figures.clone()).median());
    for (who, figures) in Who::ALL.into_iter().zip(figures) {
        let dash = || "-".to_owned();
        let title = format!("{}, {:?}", who.title(), bans.family);
        let missing = who.needs().and_then(Peer::missing);
        if let Some(reason) = missing {
            let mut cells = [(); 8].map(|()| dash());
            [cells[0], cells[1], cells[2]] = [title, bans.count.to_string(), reason];
            table.row(cells);
            continue;
        }
        let spreads = [figures.first, figures.replaced].map(Spread::new);
        let ratio = [0, 1].map(|n| format!("{:.2}", spreads[n].median() / banner[n]));
        let many = who == Who::Banner && bans.count == 1_000_000;
        let target = [700.0, 1_500.0];
        let target = [0, 1].map(|n| {
            if many {
                Target::AtMost(target[n]).verdict(spreads[n].median())
            } else {
                dash()
            }
        });
        let [first, replaced] = spreads.map(|spread| spread.to_string());
        let [ratio_first, ratio_replaced] = ratio;
        let [target_first, target_replaced] = target;
        table.row([
            title,
            bans.count.to_string(),
            first,
            ratio_first,
            target_first,
            replaced,
            ratio_replaced,
            target_replaced,
        ]);
    }
    Ok(())
}

/// The agent's own way into its maps, from a list in memory.
fn banner(lab: &Lab, wanted: Bans) -> Result<(Duration, Duration)> {
    let pins = lab.bpffs().join("set-up");
    let (mut xdp, _) = Xdp::open(&pins, wanted.count, ["sshd"].into_iter())?;
    let list = |first: u32| -> Vec<Ban> {
        (first..first + wanted.count)
            .map(|n| Ban {
                net: flood::source(wanted.family, n).into(),
                ports: PortsId::ALL,
                jail: Some(JailId(0)),
                mode: Mode::Enforce,
                until: Until::Forever,
                quiet: None,
            })
            .collect()
    };
    let changes: Vec<_> = list(0).into_iter().map(Change::Set).collect();
    let others = list(wanted.count);
    let start = Instant::now();
    (xdp.apply(&changes, NOW)).map_err(|failed| anyhow!("{}", failed[0]))?;
    let first = start.elapsed();
    let start = Instant::now();
    let failed = xdp.replace_all(&others)?;
    let replaced = start.elapsed();
    ensure!(failed.is_empty(), "{}", failed[0]);
    let mut found = xdp.in_force(NOW)?;
    let by_net = |ban: &Ban| ban.net;
    found.sort_unstable_by_key(by_net);
    let mut others = others;
    others.sort_unstable_by_key(by_net);
    ensure!(
        found == others,
        "{} bans are in force, not the {} that should be",
        found.len(),
        others.len()
    );
    Ok((first, replaced))
}

/// A set, then another one that takes its place in one step.
fn ipset(lab: &Lab, bans: Bans) -> Result<(Duration, Duration)> {
    let server = Namespace::add("server")?;
    let run = |path: &Path| {
        let mut command = peers::IPSET.command()?;
        command.args(["restore", "-file"]).arg(path);
        timed(lab, &server, &mut command)
    };
    let first = run(&file(lab, "first", &ipset_restore("banned", bans, 0))?)?;
    let others = ipset_restore("others", bans, bans.count);
    let swap = format!("{others}swap banned others\ndestroy others\n");
    let replaced = run(&file(lab, "second", &swap)?)?;
    Ok((first, replaced))
}

/// A table with a set, then other elements, in one transaction.
fn nft(lab: &Lab, bans: Bans) -> Result<(Duration, Duration)> {
    let server = Namespace::add("server")?;
    let run = |path: &Path| {
        let mut command = peers::NFT.command()?;
        command.arg("--file").arg(path);
        timed(lab, &server, &mut command)
    };
    // While the transaction lasts, the set holds those that go and those that come.
    let set = nft_set(TABLE, bans, 2 * bans.count);
    let elements = nft_elements(TABLE, bans, 0);
    let first = run(&file(lab, "first", &(set + &elements))?)?;
    let elements = nft_elements(TABLE, bans, bans.count);
    let flush = format!("flush set {TABLE} bench banned\n{elements}");
    let replaced = run(&file(lab, "second", &flush)?)?;
    Ok((first, replaced))
}

fn file(lab: &Lab, name: &str, text: &str) -> Result<PathBuf> {
    let path = lab.dir().join(name);
    fs::write(&path, text)?;
    Ok(path)
}

/// From the start of the process to its end.
fn timed(lab: &Lab, server: &Namespace, command: &mut Command) -> Result<Duration> {
    let line = format!("{command:?}");
    let start = Instant::now();
    let process = server.inside(|| lab.spawn("set-up", command))??;
    let finished = process.finish(PATIENCE)?;
    let took = start.elapsed();
    finished
        .succeeded()
        .with_context(|| format!("run {line}"))?;
    Ok(took)
}
