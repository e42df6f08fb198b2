//! Another version of banner takes over from the one before, or fails to.

use std::{fs, io, net::IpAddr, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf, EbpfLoader,
    maps::HashMap,
    programs::{Xdp, XdpMode, links::FdLink},
};
use banner_common::{
    ALL_PORTS, BANS4, BANS6, Ban, COUNTERS, FOREVER, NEVER4, NEVER6, Reason, Seen, jail_key,
};
use banner_tests::{
    agent::{Event, JAIL, Seat},
    bpf::{Object, object},
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::site::{Site, assert_connects, assert_dropped, assert_has, knocker, site};

/// What an agent of the first layout leaves: its program on both interfaces, its maps and links pinned.
struct First {
    ebpf: Ebpf,
}

impl First {
    fn attach(site: &Site<'_>, seat: &Seat<'_>) -> Result<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/layout1.bpf.o");
        let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
        fs::create_dir(&seat.pins)?;
        let mut loader = EbpfLoader::new();
        for map in [BANS4, BANS6, NEVER4, NEVER6, COUNTERS] {
            loader.map_pin_path(map, seat.pins.join(map));
        }
        let mut ebpf = loader.load(&bytes)?;
        let program = ebpf.program_mut("banner").context("the program")?;
        let program: &mut Xdp = program.try_into()?;
        program.load()?;
        for interface in site.interfaces() {
            let attach = || program.attach(interface, XdpMode::Driver);
            let link = site.topology.server.inside(attach)??;
            let link = FdLink::try_from(program.take_link(link)?)?;
            link.pin(seat.pins.join(format!("link-{interface}")))?;
        }
        Ok(Self { ebpf })
    }

    /// Bans a host: 8 bytes of expiry, 4 of flags, 4 for the jail.
    fn ban(&mut self, host: IpAddr, expires: u64, flags: u32) -> Result<()> {
        let mut value = [0; 16];
        value[..8].copy_from_slice(&expires.to_ne_bytes());
        value[8..12].copy_from_slice(&flags.to_ne_bytes());
        value[12..].copy_from_slice(&jail_key(JAIL).to_ne_bytes());
        match host {
            IpAddr::V4(host) => {
                let map = self.ebpf.map_mut(BANS4).context(BANS4)?;
                let mut bans: HashMap<_, [u8; 4], [u8; 16]> = HashMap::try_from(map)?;
                bans.insert(host.octets(), value, 0)?;
            }
            IpAddr::V6(host) => {
                let map = self.ebpf.map_mut(BANS6).context(BANS6)?;
                let mut bans: HashMap<_, [u8; 16], [u8; 16]> = HashMap::try_from(map)?;
                bans.insert(host.octets(), value, 0)?;
            }
        }
        Ok(())
    }
}

/// What an entry says, but for what the kernel has counted since.
fn plain(ban: Ban) -> Ban {
    Ban {
        seen: Seen::default(),
        ..ban
    }
}

#[test]
fn bans_of_the_first_layout_are_taken_over_without_a_packet_getting_through() -> Result<()> {
    site(|site| {
        let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
        let (v4, v6) = (attacker.address(Family::V4), attacker.address(Family::V6));
        let watched: IpAddr = "192.0.2.77".parse()?;
        let seat = site.seat()?;
        let now = Object::load()?.clock()?.jiffies;
        // Long enough for every length of a jiffy.
        let end = now + 3_600_000;
        let mut first = First::attach(site, &seat)?;
        first.ban(v4, end, 0)?;
        first.ban(v6, FOREVER, 0)?;
        first.ban(watched, end, 1)?;
        first.ban("192.0.2.78".parse()?, now, 0)?;
        drop(first);
        let mut knocker = knocker(attacker)?;
        for _ in 0..10 {
            knocker.knock()?;
        }
        ensure!(knocker.answered == 0, "{knocker:?}");
        assert_connects(friend)?;

        let mut agent = seat.spawn()?;
        wait_until("the next agent to be ready", PATIENCE, || {
            for _ in 0..10 {
                knocker.knock()?;
            }
            agent.is_ready()
        })?;
        for _ in 0..10 {
            knocker.knock()?;
        }
        ensure!(knocker.answered == 0, "a gap: {knocker:?}");
        let pinned = seat.pinned();
        let entry = |expires, flags| Ban {
            expires,
            jail: jail_key(JAIL),
            flags,
            scope: ALL_PORTS,
            seen: Seen::default(),
        };
        let checked = banner_common::CHECKED;
        ensure!(pinned.ban(v4)?.map(plain) == Some(entry(end, checked)));
        ensure!(pinned.ban(v6)?.map(plain) == Some(entry(FOREVER, checked)));
        // What is over is not copied.
        ensure!(pinned.bans()? == 3, "{} bans", pinned.bans()?);
        let bans = seat.run("bans")?.succeeded()?.stdout;
        for host in [v4, v6, watched] {
            assert_has(&bans, &[&host.to_string(), JAIL])?;
        }
        assert_dropped(attacker, &pinned)?;
        assert_connects(friend)?;
        // Each interface has counters of its own now.
        ensure!(pinned.counters_of("to-attacker")?[Reason::Drop].packets > 0);
        ensure!(pinned.counters_of("to-friend")?[Reason::Drop].packets == 0);
        let names = pinned.names()?;
        ensure!(!names.iter().any(|name| name == COUNTERS), "{names:?}");
        ensure!(
            !names.iter().any(|name| name.contains("resized")),
            "{names:?}"
        );
        site.prove_alive(&mut agent)?;
        seat.run(&format!("unban {v4}"))?.succeeded()?;
        assert_connects(attacker)
    })
}

/// An agent that dies between two of its steps leaves some maps as they were and others anew.
#[test]
fn an_upgrade_that_was_broken_off_is_finished_by_the_next_agent() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let (v4, v6) = (attacker.address(Family::V4), attacker.address(Family::V6));
        let seat = site.seat()?;
        let mut first = First::attach(site, &seat)?;
        first.ban(v4, FOREVER, 0)?;
        first.ban(v6, FOREVER, 0)?;
        drop(first);
        // Aside, so that it comes back as the one map that was not exchanged yet.
        let kept = seat.pins.with_file_name("kept");
        fs::create_dir(&kept)?;
        let old = aya::maps::MapData::from_pin(seat.pins.join(BANS6))?;
        old.pin(kept.join(BANS6))?;
        let agent = seat.start()?;
        ensure!(agent.terminate()?.success());
        fs::rename(seat.pins.join(BANS6), seat.pins.join("BANS6-resized"))?;
        fs::rename(kept.join(BANS6), seat.pins.join(BANS6))?;
        fs::remove_dir(kept)?;
        assert_dropped(attacker, &seat.pinned())?;
        let agent = seat.start()?;
        assert_dropped(attacker, &seat.pinned())?;
        ensure!(seat.pinned().bans()? == 2);
        let names = seat.pinned().names()?;
        ensure!(
            !names.iter().any(|name| name.contains("resized")),
            "{names:?}"
        );
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

/// `BPF_JMP | BPF_EXIT`; with `BPF_X`, 8, it is reserved.
const EXIT: [u8; 8] = [0x95, 0, 0, 0, 0, 0, 0, 0];

/// The binary with an instruction in every program that no kernel takes.
fn broken(program: &Path, to: &Path) -> Result<()> {
    let mut bytes = fs::read(program)?;
    let (_, object) = object()?;
    let at = (bytes
        .windows(object.len())
        .position(|found| found == object))
    .context("the binary has the object in it")?;
    // Programs stand before the licence; what is behind it may look like instructions.
    let licence = b"Dual MIT/GPL";
    let code = (object.windows(licence.len()))
        .position(|found| found == licence)
        .context("the object has a licence")?;
    let mut broken = 0;
    for instruction in bytes[at..at + code].chunks_exact_mut(8) {
        if instruction == EXIT {
            instruction[0] |= 8;
            broken += 1;
        }
    }
    ensure!(broken > 0, "no program ends");
    fs::write(to, bytes)?;
    fs::set_permissions(to, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[test]
fn a_program_that_the_kernel_refuses_leaves_the_one_before_at_work() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let address = attacker.address(Family::V4);
        for first_layout in [true, false] {
            let seat = site.seat()?;
            if first_layout {
                let mut first = First::attach(site, &seat)?;
                first.ban(address, FOREVER, 0)?;
                first.ban(attacker.address(Family::V6), FOREVER, 0)?;
            } else {
                let mut agent = seat.start()?;
                for family in [Family::V4, Family::V6] {
                    site.fail(attacker.address(family))?;
                    agent.wait_for(Event::Ban, attacker.address(family))?;
                }
                ensure!(agent.terminate()?.success());
            }
            let mut next = seat.clone();
            next.program = site.lab.dir().join("banner-broken");
            broken(&seat.program, &next.program)?;
            let ids = || -> Result<Vec<_>, io::Error> {
                let ids = site
                    .interfaces()
                    .map(|name| site.topology.server.xdp_id(name));
                Ok(ids.into_iter().filter_map(Result::ok).collect())
            };
            let (names, before) = (seat.pinned().names()?, ids()?);
            let mut knocker = knocker(attacker)?;
            assert_has(&next.refusal()?, &["cannot use the XDP program"])?;
            for _ in 0..10 {
                knocker.knock()?;
            }
            ensure!(knocker.answered == 0, "{knocker:?}");
            ensure!(ids()? == before, "other programs are attached");
            ensure!(
                seat.pinned().names()? == names,
                "{:?}",
                seat.pinned().names()
            );
            // And the right one takes over.
            let agent = seat.start()?;
            assert_dropped(attacker, &seat.pinned())?;
            ensure!(agent.terminate()?.success());
            seat.run("detach")?.succeeded()?;
        }
        Ok(())
    })
}
