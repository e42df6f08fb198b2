//! Sockets and state directories that cannot be had, and more bans than there is room for.

use std::{
    fs,
    io::Write as _,
    net::IpAddr,
    os::unix::{
        fs::{FileTypeExt as _, PermissionsExt as _},
        net::{UnixListener, UnixStream},
    },
};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::{Event, Seat},
    topology::Family,
};
use nix::mount::{MsFlags, mount};

use super::site::{Site, assert_connects, assert_dropped, assert_has, site};

#[test]
fn a_socket_that_a_dead_agent_left_is_replaced() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        drop(UnixListener::bind(&seat.socket)?);
        let agent = seat.start()?;
        let found = fs::symlink_metadata(&seat.socket)?;
        ensure!(found.file_type().is_socket());
        let mode = found.permissions().mode() & 0o777;
        ensure!(mode == 0o660, "mode {mode:o}");
        seat.run("status")?.succeeded()?;
        // Killed, it leaves its own.
        agent.kill()?;
        ensure!(seat.socket.exists());
        let status = seat.run("status")?;
        ensure!(status.status.code() == Some(3), "{}", status.status);
        let next = seat.start()?;
        seat.run("status")?.succeeded()?;
        ensure!(next.terminate()?.success());
        ensure!(!seat.socket.exists(), "it stays behind");
        Ok(())
    })
}

#[test]
fn a_file_in_the_place_of_the_socket_is_left_alone_and_the_agent_protects() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let name = seat.socket.display().to_string();
        fs::write(&seat.socket, "mine")?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["ERROR", &name, "no control socket", "no socket"])?;
        let attacker = &site.topology.attacker;
        site.fail(attacker.address(Family::V4))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V4))?;
        assert_dropped(attacker, &seat.pinned())?;
        // Nobody answers, but not because there is no agent.
        let status = seat.run("status")?;
        ensure!(status.status.code() == Some(3), "{}", status.status);
        let running = format!("the agent (process {}) runs", agent.pid());
        assert_has(&status.stdout, &[&running])?;
        ensure!(
            !status.stdout.contains("no agent is running"),
            "{}",
            status.stdout
        );
        ensure!(agent.terminate()?.success());
        ensure!(fs::read(&seat.socket)? == b"mine");
        Ok(())
    })
}

#[test]
fn a_socket_on_which_somebody_listens_is_left_alone() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let listener = UnixListener::bind(&seat.socket)?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["ERROR", "no control socket", "listening"])?;
        site.prove_alive(&mut agent)?;
        ensure!(agent.terminate()?.success());
        ensure!(seat.socket.exists());
        drop(listener);
        Ok(())
    })
}

#[test]
fn nonsense_at_the_socket_keeps_nobody_waiting() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        let mut open = Vec::new();
        for nonsense in [
            vec![b'x'; 1 << 20],
            b"GET /v1/status HTTP/1.1\r\nx: ".repeat(10_000),
            b"GET /v1/bans/../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            b"DELETE /v1/bans/192.0.2.66\0 HTTP/1.1\r\nhost: x\r\n\r\n".to_vec(),
            b"POST /v1/status HTTP/1.1\r\nhost: x\r\ncontent-length: 9999999999\r\n\r\n".to_vec(),
            b"GET /v1/status HTT".to_vec(),
            Vec::new(),
        ] {
            let mut stream = UnixStream::connect(&seat.socket)?;
            // Who does not listen to the end is told so by a closed connection.
            let _refused = stream.write_all(&nonsense);
            open.push(stream);
        }
        seat.run("status")?.succeeded()?;
        site.prove_alive(&mut agent)?;
        seat.run("bans")?.succeeded()?;
        drop(open);
        seat.run("status")?.succeeded().map(drop)
    })
}

#[test]
fn without_a_state_directory_the_agent_says_so_and_works() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        // Below a file; and where nothing can be written.
        let sealed = site.lab.dir().join("sealed");
        fs::create_dir(&sealed)?;
        let (none, options) = (None::<&str>, MsFlags::MS_RDONLY);
        mount(Some("lab"), &sealed, Some("tmpfs"), options, none)?;
        for (dir, why) in [
            (site.log.join("state"), "Not a directory"),
            (sealed.join("state"), "Read-only file system"),
            (sealed.clone(), "Read-only file system"),
        ] {
            seat.state = dir;
            without_state(site, &seat, why)?;
        }
        Ok(())
    })
}

fn without_state(site: &Site<'_>, seat: &Seat<'_>, why: &str) -> Result<()> {
    let name = seat.state.display().to_string();
    let mut agent = seat.start()?;
    agent.wait_to_say(&["ERROR", &name, why, "end of each log"])?;
    let status = seat.run("status")?.succeeded()?.stdout;
    assert_has(&status, &[&format!("PROBLEM  {name}"), why])?;
    site.prove_alive(&mut agent)?;
    ensure!(agent.terminate()?.success());
    Ok(())
}

#[test]
fn marks_that_are_damaged_are_said_to_be_and_the_agent_works() -> Result<()> {
    site(|site| {
        let seat = site.seat()?;
        for text in [
            &b""[..],
            b"{",
            b"\0\xff",
            br#"{"version": 99, "marks": []}"#,
        ] {
            fs::create_dir_all(&seat.state)?;
            fs::write(seat.state.join("marks.json"), text)?;
            let mut agent = seat.start()?;
            agent.wait_to_say(&["WARN", "marks.json", "cannot understand"])?;
            site.prove_alive(&mut agent)?;
            ensure!(agent.terminate()?.success());
        }
        Ok(())
    })
}

#[test]
fn when_all_places_are_taken_the_soonest_end_makes_room_and_that_is_loud() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat_with(&site.yaml("limits: { bans: 2 }\n"))?;
        let pinned = seat.pinned();
        let mut agent = seat.start()?;
        let host = |number| IpAddr::from([198, 18, 0, number]);
        for number in [1, 2] {
            site.fail(host(number))?;
            agent.wait_for(Event::Ban, host(number))?;
        }
        let third = attacker.address(Family::V4);
        assert_connects(attacker)?;
        site.fail(third)?;
        agent.wait_for(Event::Ban, third)?;
        agent.wait_to_say(&[
            "WARN",
            "unban 198.18.0.1 ",
            "all places are taken",
            "limits.bans",
        ])?;
        assert_dropped(attacker, &pinned)?;
        ensure!(pinned.bans()? == 2);
        ensure!(pinned.ban(host(1))?.is_none() && pinned.ban(host(2))?.is_some());
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["2 IPv4, 0 IPv6", "of 2 each; 1 displaced"])?;
        // IPv6 has places of its own.
        site.fail(attacker.address(Family::V6))?;
        agent.wait_for(Event::Ban, attacker.address(Family::V6))?;
        ensure!(pinned.bans()? == 3);
        Ok(())
    })
}

#[test]
fn when_all_places_are_taken_for_good_the_next_is_refused_loudly() -> Result<()> {
    site(|site| {
        let yaml = site
            .yaml("limits: { bans: 1 }\n")
            .replace("1h", "permanent");
        let seat = site.seat_with(&yaml)?;
        let mut agent = seat.start()?;
        site.prove_alive(&mut agent)?;
        let next = site.topology.attacker.address(Family::V4);
        site.fail(next)?;
        agent.wait_to_say(&["ERROR", &format!("NOT banned: {next}"), "limits.bans"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(&status, &["1 IPv4", "of 1 each; 1 displaced"])?;
        ensure!(seat.pinned().bans()? == 1);
        Ok(())
    })
}
