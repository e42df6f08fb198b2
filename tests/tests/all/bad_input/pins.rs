//! Pin directories that somebody else uses, or used otherwise.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use anyhow::{Context as _, Result, ensure};
use banner_common::{BANS4, BANS6, Ban, COUNTERS, NEVER4, Seen};
use banner_tests::{
    agent::{Event, Seat},
    bpf::Object,
    topology::Family,
    wait::{PATIENCE, wait_until},
};
use nix::unistd::{Uid, chown};

use super::site::{Site, assert_connects, assert_dropped, assert_has, knocker, site};

#[test]
fn a_second_agent_refuses_and_names_the_first() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat()?;
        let mut first = seat.start()?;
        site.fail(attacker.address(Family::V4))?;
        first.wait_for(Event::Ban, attacker.address(Family::V4))?;
        let mut second = seat.clone();
        second.state = seat.state.with_file_name("other-state");
        for socket in [
            seat.socket.clone(),
            seat.socket.with_file_name("other.sock"),
        ] {
            second.socket = socket;
            let named = format!("another banner agent (process {})", first.pid());
            let pins = format!("{}: in use by", seat.pins.display());
            assert_has(&second.refusal()?, &[&pins, &named])?;
        }
        // The first one has noticed nothing.
        assert_dropped(attacker, &seat.pinned())?;
        site.prove_alive(&mut first)?;
        seat.run("status")?.succeeded()?;
        ensure!(first.terminate()?.success());
        // The lock goes with its holder.
        seat.start().map(drop)
    })
}

#[test]
fn a_pin_directory_that_others_can_write_to_is_refused() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let pins = seat.pins.display().to_string();
        fs::create_dir(&seat.pins)?;
        let root = Uid::from_raw(0);
        for (owner, mode, wanted) in [
            (Uid::from_raw(65534), 0o700, "user 65534"),
            (root, 0o770, "mode 0770"),
            (root, 0o0777, "mode 0777"),
        ] {
            chown(&seat.pins, Some(owner), None)?;
            fs::set_permissions(&seat.pins, fs::Permissions::from_mode(mode))?;
            assert_has(&seat.refusal()?, &[&pins, wanted, "chmod 0700"])?;
            ensure!(seat.pinned().names()?.is_empty());
            untouched(site, &seat)?;
        }
        fs::set_permissions(&seat.pins, fs::Permissions::from_mode(0o700))?;
        seat.start().map(drop)
    })
}

/// Where somebody mounts a BPF file system for banner alone, its root is open to all, but sticky.
#[test]
fn the_root_of_a_bpf_file_system_is_a_pin_directory_too() -> Result<()> {
    site(|site| {
        let root = site.lab.dir().join("own-bpffs");
        fs::create_dir(&root)?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "bpf", "bpf"]).arg(&root);
        site.lab.run("mount", &mut mount)?.succeeded()?;
        ensure!(fs::metadata(&root)?.permissions().mode() & 0o7777 == 0o1777);
        let seat = site.seat()?.pinning_to(root.clone());
        let agent = seat.start()?;
        ensure!(agent.terminate()?.success());
        seat.run("detach")?.succeeded()?;
        // Some kernels keep iterators of their own there.
        let mut left = seat.pinned().names()?;
        left.retain(|name| name != "maps.debug" && name != "progs.debug");
        ensure!(left.is_empty(), "{left:?}");
        Ok(())
    })
}

/// A map of some other program, or something else, pinned under a name of banner's.
#[test]
fn what_somebody_else_pinned_is_refused_by_name_and_left_alone() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat()?;
        let mut foreign = Object::load()?;
        for (pinned, name) in [
            (COUNTERS, BANS4),
            (BANS4, BANS6),
            (BANS6, NEVER4),
            (NEVER4, COUNTERS),
            (NEVER4, "counters-to-friend"),
        ] {
            fs::create_dir(&seat.pins)?;
            let pin = seat.pins.join(name);
            foreign.map(pinned)?.pin(&pin)?;
            let before = map_id(&pin)?;
            let said = seat.refusal()?;
            assert_has(
                &said,
                &[&pin.display().to_string(), "where a", "was expected"],
            )?;
            ensure!(
                seat.pinned().names()? == [name],
                "{:?}",
                seat.pinned().names()
            );
            ensure!(map_id(&pin)? == before, "another map is pinned there");
            untouched(site, &seat)?;
            fs::remove_file(pin)?;
            fs::remove_dir(&seat.pins)?;
        }
        // A program where a map is expected.
        fs::create_dir(&seat.pins)?;
        let pin = seat.pins.join(BANS4);
        foreign.pin_program(&pin)?;
        let said = seat.refusal()?;
        assert_has(
            &said,
            &[
                &pin.display().to_string(),
                "no map, where a map was expected",
            ],
        )?;
        ensure!(seat.pinned().names()? == [BANS4]);
        untouched(site, &seat)?;
        // Where the link of an interface should be: the others are protected.
        fs::remove_file(&pin)?;
        let mut foreign = Object::load()?;
        let pin = seat.pins.join("link-to-friend");
        foreign.pin_program(&pin)?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["ERROR", "to-friend", &pin.display().to_string(), "no link"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["PROBLEM  to-friend", "NOT ATTACHED"])?;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        assert_dropped(attacker, &seat.pinned())?;
        ensure!(pin.exists(), "it is gone");
        Ok(())
    })
}

fn untouched(site: &Site<'_>, seat: &Seat<'_>) -> Result<()> {
    for interface in site.interfaces() {
        ensure!(!site.topology.server.has_xdp(interface)?, "{interface}");
    }
    ensure!(!seat.socket.exists(), "a socket");
    assert_connects(&site.topology.attacker)
}

/// The kernel's number of the map pinned at `path`.
fn map_id(path: &Path) -> Result<u32> {
    let info = aya::maps::MapInfo::from_pin(path);
    Ok(info
        .with_context(|| format!("open {}", path.display()))?
        .id())
}

#[test]
fn bans_survive_another_number_of_places_without_a_packet_getting_through() -> Result<()> {
    site(|site| {
        let (attacker, friend) = (&site.topology.attacker, &site.topology.friend);
        let (v4, v6) = (attacker.address(Family::V4), attacker.address(Family::V6));
        let limited = |bans: u32| site.yaml(&format!("limits: {{ bans: {bans} }}\n"));
        let seat = site.seat_with(&limited(10))?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        for address in [v4, v6] {
            site.fail(address)?;
            agent.wait_for(Event::Ban, address)?;
        }
        // What they have seen goes on.
        let bans = || -> Result<_> {
            let plain = |ban: Ban| Ban {
                seen: Seen::default(),
                ..ban
            };
            Ok([pinned.ban(v4)?.map(plain), pinned.ban(v6)?.map(plain)])
        };
        let first = bans()?;
        ensure!(first.iter().all(Option::is_some));
        assert_dropped(attacker, &pinned)?;
        let mut knocker = knocker(attacker)?;
        // More, fewer, and the old number again.
        for places in [1000, 2, 10] {
            let before = pinned.counters()?;
            ensure!(agent.terminate()?.success());
            seat.configure(&limited(places))?;
            agent = seat.spawn()?;
            let earlier = knocker.sent;
            wait_until("the next agent to be ready", PATIENCE, || {
                for _ in 0..10 {
                    knocker.knock()?;
                }
                agent.is_ready()
            })?;
            ensure!(knocker.sent >= earlier + 10, "{knocker:?}");
            ensure!(bans()? == first, "{places}");
            assert_dropped(attacker, &pinned)?;
            ensure!(knocker.answered == 0, "a gap: {knocker:?}");
            let status = seat.run("status")?.succeeded()?.stdout;
            assert_has(&status, &["1 IPv4, 1 IPv6", &format!("of {places} each")])?;
            // The counters go on.
            let drop = banner_common::Reason::Drop;
            ensure!(pinned.counters()?[drop].packets >= before[drop].packets + 10);
            ensure!(pinned.names()?.iter().all(|name| !name.contains("resized")));
            assert_connects(friend)?;
        }
        // The maps are those that are written to now.
        site.prove_alive(&mut agent)?;
        seat.run(&format!("unban {v4}"))?.succeeded()?;
        assert_connects(attacker)
    })
}

#[test]
fn bans_that_find_no_place_any_more_are_told_of() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat()?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        for _ in 0..3 {
            site.prove_alive(&mut agent)?;
        }
        // The attacker's ends last, and not in the same jiffy as another.
        let end =
            |address| -> Result<Option<u64>> { Ok(pinned.ban(address)?.map(|ban| ban.expires)) };
        let others = end([203, 0, 113, 3].into())?;
        wait_until("the attacker's ban to end last", PATIENCE, || {
            site.fail(attacker.address(Family::V4))?;
            Ok(end(attacker.address(Family::V4))? > others)
        })?;
        ensure!(agent.terminate()?.success());
        seat.configure(&site.yaml("limits: { bans: 1 }\n"))?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["WARN", "3 bans", "limits.bans"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["1 IPv4", "of 1 each; 3 displaced"])?;
        ensure!(pinned.bans()? == 1);
        assert_dropped(attacker, &pinned)
    })
}
