//! Too few capabilities, and just enough.

use std::{fs, os::unix::fs::PermissionsExt as _};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    agent::{Event, Seat},
    topology::Family,
};
use nix::unistd::{Gid, Uid, chown};

use super::site::{assert_connects, assert_dropped, assert_has, site};

/// All that `banner run` needs of root, as docs/operating.md has it.
const ENOUGH: [&str; 3] = ["bpf", "net_admin", "perfmon"];

/// A user who owns nothing.
const NOBODY: u32 = 65534;

/// Runs the agent as [`NOBODY`] with these capabilities only.
fn with_capabilities(seat: &mut Seat<'_>, capabilities: &[&str]) {
    let mut list = "-all".to_owned();
    for capability in capabilities {
        list.extend([",+", capability]);
    }
    seat.through = ["setpriv", "--clear-groups", "--no-new-privs"]
        .map(String::from)
        .to_vec();
    for id in ["reuid", "regid"] {
        seat.through.push(format!("--{id}={NOBODY}"));
    }
    for set in ["bounding-set", "inh-caps", "ambient-caps"] {
        seat.through.push(format!("--{set}={list}"));
    }
}

/// Makes the folders that [`NOBODY`] cannot make itself.
fn give_folders(seat: &mut Seat<'_>) -> Result<()> {
    let run = seat.state.with_file_name("run");
    for dir in [&run, &seat.state, &seat.pins] {
        fs::create_dir(dir).with_context(|| format!("make {}", dir.display()))?;
        chown(
            dir,
            Some(Uid::from_raw(NOBODY)),
            Some(Gid::from_raw(NOBODY)),
        )?;
    }
    seat.socket = run.join("banner.sock");
    Ok(())
}

#[test]
fn the_capabilities_that_are_missing_are_named_and_nothing_is_touched() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        for (granted, missing) in [
            (&[][..], "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"),
            (&["bpf", "perfmon"], "CAP_NET_ADMIN"),
            (&["net_admin", "perfmon"], "CAP_BPF"),
            (&["bpf", "net_admin"], "CAP_PERFMON"),
            (&["sys_admin"], "CAP_NET_ADMIN"),
        ] {
            with_capabilities(&mut seat, granted);
            let said = seat.refusal()?;
            assert_has(
                &said,
                &[&format!("no privilege for XDP: {missing} missing;")],
            )?;
            site.assert_untouched(&seat)?;
        }
        Ok(())
    })
}

#[test]
fn the_documented_capabilities_are_enough() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let address = attacker.address(Family::V4);
        let mut seat = site.seat()?;
        with_capabilities(&mut seat, &ENOUGH);
        give_folders(&mut seat)?;
        fs::set_permissions(&site.log, fs::Permissions::from_mode(0o600))?;
        let mut agent = seat.start()?;

        // They do not open the log: that takes its group, or CAP_DAC_READ_SEARCH.
        let log = site.log.display().to_string();
        agent.wait_to_say(&["WARN", &log, "Permission denied"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &[&format!("PROBLEM  {log}: Permission denied")])?;
        site.fail(address)?;
        fs::set_permissions(&site.log, fs::Permissions::from_mode(0o644))?;
        agent.wait_to_say(&["INFO", &log, "read"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        ensure!(!status.contains("PROBLEM"), "{status}");
        // What was written after the start counts, though it could not be read then.
        agent.wait_for(Event::Ban, address)?;
        assert_dropped(attacker, &seat.pinned())?;
        ensure!(agent.terminate()?.success());

        // They are enough to take over, too, and to end bans.
        let mut next = seat.start()?;
        assert_dropped(attacker, &seat.pinned())?;
        seat.run(&format!("unban {address}"))?.succeeded()?;
        next.wait_for(Event::Unban, address)?;
        assert_connects(attacker)?;
        site.prove_alive(&mut next)?;
        ensure!(next.terminate()?.success());
        seat.run("detach")?.succeeded()?;
        for interface in site.interfaces() {
            ensure!(!site.topology.server.has_xdp(interface)?, "{interface}");
        }
        Ok(())
    })
}

#[test]
fn whoever_may_not_ask_the_agent_is_told_who_may_and_changes_nothing() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let address = attacker.address(Family::V4);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        site.fail(address)?;
        agent.wait_for(Event::Ban, address)?;
        let mut stranger = seat.clone();
        with_capabilities(&mut stranger, &[]);
        let (socket, pins) = (
            seat.socket.display().to_string(),
            seat.pins.display().to_string(),
        );
        for (subcommand, named) in [
            ("status", [&*socket, "answers root"]),
            ("bans", [&socket, "answers root"]),
            (&*format!("unban {address}"), [&socket, "answers root"]),
            ("detach", [&pins, "Permission denied"]),
        ] {
            let refused = stranger.run(subcommand)?;
            ensure!(refused.status.code() == Some(1), "{}", refused.status);
            assert_has(&refused.stderr, &named)?;
        }
        assert_dropped(attacker, &seat.pinned())?;
        seat.run("status")?.succeeded().map(drop)
    })
}

#[test]
fn with_the_right_to_read_all_files_a_closed_log_is_read() -> Result<()> {
    site(|site| {
        let address = site.topology.attacker.address(Family::V4);
        let mut seat = site.seat()?;
        with_capabilities(&mut seat, &[&ENOUGH[..], &["dac_read_search"]].concat());
        give_folders(&mut seat)?;
        fs::set_permissions(&site.log, fs::Permissions::from_mode(0o600))?;
        let mut agent = seat.start()?;
        site.fail(address)?;
        agent.wait_for(Event::Ban, address)
    })
}
