//! What a million bans cost in the kernel's maps: put in, read, replaced by a million others,
//! `cargo run --release -p banner-userspace --example million_entries PIN_DIR`, where the pin directory
//! is to be one of its own on a BPF file system.

use std::{error::Error, net::IpAddr, path::PathBuf, time::Duration};

use banner_userspace::{
    enforce::{Enforcer as _, xdp::Xdp},
    model::{Ban, Change, JailId, Mode, Mono, PortsId, Until},
};

const MILLION: u32 = 1_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let pins: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("give a pin directory")?
        .into();
    for family in ["IPv4", "IPv6"] {
        measure(family, &pins)?;
    }
    Ok(())
}

/// Each number once, in no order.
fn scattered(n: u32) -> u32 {
    n.wrapping_mul(2_654_435_761)
}

fn ban(family: &str, n: u32) -> Ban {
    let bytes = scattered(n).to_be_bytes();
    let mut long = [0; 16];
    long[..4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
    long[12..].copy_from_slice(&bytes);
    let host = if family == "IPv4" {
        IpAddr::from(bytes)
    } else {
        IpAddr::from(long)
    };
    Ban {
        net: host.into(),
        ports: PortsId::ALL,
        jail: Some(JailId(0)),
        mode: Mode::Enforce,
        until: Until::Forever,
    }
}

fn measure(family: &str, pins: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let (mut xdp, _) = Xdp::open(pins, MILLION, ["sshd"].into_iter())?;
    let bans: Vec<Ban> = (0..MILLION).map(|n| ban(family, n)).collect();
    let others: Vec<Ban> = (MILLION / 2..MILLION + MILLION / 2)
        .map(|n| ban(family, n))
        .collect();
    let changes: Vec<Change> = bans.iter().copied().map(Change::Set).collect();
    let put = timed(|| {
        xdp.apply(&changes, Mono(0))
            .map_err(|failed| format!("{}", failed[0]))
    })?;
    let again = timed(|| {
        xdp.apply(&changes, Mono(0))
            .map_err(|failed| format!("{}", failed[0]))
    })?;
    let read = timed(|| match xdp.in_force(Mono(0)) {
        Ok(found) if found.len() == MILLION as usize => Ok(()),
        Ok(found) => Err(format!("{} bans found", found.len())),
        Err(error) => Err(error.to_string()),
    })?;
    let same = timed(|| replace(&mut xdp, &bans))?;
    let half = timed(|| replace(&mut xdp, &others))?;
    println!(
        "{family}: a million put in {put:?}, put in again {again:?}, read {read:?}, replaced by themselves \
         {same:?}, by half a million others {half:?}"
    );
    Ok(())
}

fn replace(xdp: &mut Xdp, bans: &[Ban]) -> Result<(), String> {
    match xdp.replace_all(bans) {
        Ok(failed) if failed.is_empty() => Ok(()),
        Ok(failed) => Err(failed[0].to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn timed(work: impl FnOnce() -> Result<(), String>) -> Result<Duration, String> {
    let begin = std::time::Instant::now();
    work()?;
    Ok(begin.elapsed())
}
