//! XDP programs: the bare ones, banner's, and xdp-filter.

use std::{any::Any, net::IpAddr, path::Path};

use anyhow::{Context as _, Result};
use aya::{
    maps::{Map, MapData, PerCpuHashMap, PerCpuValues},
    programs::XdpMode,
};
use banner_tests::{
    bare::{self, Bare},
    flood,
    lab::Lab,
    topology::Family,
};

use super::{Bans, Way};
use crate::data_plane::{bans, peers, scene::INTERFACE};

pub(super) fn bare(way: Way, wanted: Bans) -> Result<Box<dyn Any>> {
    let mut bare = Bare::load(bans::capacity(wanted.count))?;
    let program = if way == Way::BareDrop {
        bare::DROP
    } else {
        bare.list((0..wanted.count).map(|n| flood::source(wanted.family, n)))?;
        bare::lookup(wanted.family)
    };
    bare.attach(program, INTERFACE, XdpMode::Driver)?;
    Ok(Box::new(bare))
}

pub(super) fn banner(way: Way, wanted: Bans) -> Result<Box<dyn Any>> {
    let mut object = bans::object(wanted.count)?;
    bans::fill(&mut object, wanted)?;
    let mode = match way {
        Way::BannerGeneric => XdpMode::Skb,
        _ => XdpMode::Driver,
    };
    object.attach(INTERFACE, mode)?;
    Ok(Box::new(object))
}

/// Where xdp-filter pins its maps.
const MAPS: &str = "/sys/fs/bpf/xdp-filter";

/// Loads only what it needs, and puts in one address with its own tool. The others go into its map
/// with the value that the tool gave the first: a process for each would take minutes.
pub(super) fn filter(lab: &Lab, bans: Bans) -> Result<()> {
    let feature = match bans.family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    };
    bpffs()?;
    let mut load = peers::XDP_FILTER.command()?;
    load.args(["load", INTERFACE, "--mode", "native", "--policy", "allow"]);
    peers::run(lab, "xdp-filter", load.args(["--features", feature]))?;
    let mut add = peers::XDP_FILTER.command()?;
    add.args(["ip", &flood::source(bans.family, 0).to_string()]);
    peers::run(lab, "xdp-filter", add.args(["--mode", "src"]))?;
    let path = Path::new(MAPS).join(format!("filter_{feature}"));
    let map = Map::PerCpuHashMap(MapData::from_pin(&path)?);
    match bans.family {
        Family::V4 => copy(PerCpuHashMap::try_from(map)?, bans, |source| match source {
            IpAddr::V4(source) => Some(source.octets()),
            IpAddr::V6(_) => None,
        }),
        Family::V6 => copy(PerCpuHashMap::try_from(map)?, bans, |source| match source {
            IpAddr::V6(source) => Some(source.octets()),
            IpAddr::V4(_) => None,
        }),
    }
}

fn copy<K: aya::Pod>(
    mut map: PerCpuHashMap<MapData, K, u64>,
    bans: Bans,
    key: impl Fn(IpAddr) -> Option<K>,
) -> Result<()> {
    let key = |n| key(flood::source(bans.family, n)).context("sources of one family");
    let first: PerCpuValues<u64> = map.get(&key(0)?, 0).context("the first address")?;
    for n in 1..bans.count {
        let values = PerCpuValues::try_from(first.to_vec())?;
        map.insert(key(n)?, values, 0)?;
    }
    Ok(())
}

/// xdp-filter looks for a BPF file system in one place; the lab's mounts are its own.
fn bpffs() -> Result<()> {
    use nix::mount::{MsFlags, mount};
    let none = None::<&str>;
    mount(
        Some("bpf"),
        "/sys/fs/bpf",
        Some("bpf"),
        MsFlags::empty(),
        none,
    )
    .context("mount a bpffs at /sys/fs/bpf")
}
