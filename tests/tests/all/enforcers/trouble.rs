//! What ways need is missing, or somebody else's: it is said, another way has the bans, and the first one
//! is taken as soon as it works.

use std::{fs, path::Path, process::Command};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Seat,
    wait::{PATIENCE, wait_until},
};
use serde_json::Value;

use super::{FAMILIES, assert_silent, ban_attacker, output};
use crate::bad_input::site::{PORT, Site, assert_has, site};

/// A seat whose agents prefer this way, and have hosts.deny behind it.
fn seat<'s>(site: &'s Site<'_>, way: &str) -> Result<Seat<'s>> {
    let file = site.lab.dir().join("hosts.deny");
    fs::write(&file, "# mine\n")?;
    let file = file.display();
    site.seat_with(&site.yaml(&format!(
        "enforce: [{way}, {{hosts-deny: {{file: {file}}}}}]\n"
    )))
}

fn status(seat: &Seat<'_>) -> Result<Value> {
    Ok(serde_json::from_str(
        &seat.run("status --json")?.succeeded()?.stdout,
    )?)
}

fn is_in(seat: &Seat<'_>, way: &str) -> Result<bool> {
    Ok(status(seat)?["enforcer"] == way)
}

/// The bans are in hosts.deny, and status says why in these words.
fn assert_in_hosts_deny(site: &Site<'_>, seat: &Seat<'_>, why: &[&str]) -> Result<()> {
    ensure!(is_in(seat, "hosts-deny")?);
    let text = fs::read_to_string(site.lab.dir().join("hosts.deny"))?;
    assert_has(&text, &["ALL: 192.0.2.66\n", "ALL: [2001:db8:a::66]\n"])?;
    assert_has(&status(seat)?["problems"].to_string(), why)
}

/// They are where they should be, and not in hosts.deny any more.
fn assert_recovers(site: &Site<'_>, seat: &Seat<'_>, way: &str) -> Result<()> {
    wait_until(&format!("{way} to have them"), PATIENCE, || {
        is_in(seat, way)
    })?;
    for family in FAMILIES {
        assert_silent(&site.topology.attacker, family, PORT)?;
    }
    let text = fs::read_to_string(site.lab.dir().join("hosts.deny"))?;
    ensure!(text == "# mine\n", "{text}");
    let status = status(seat)?;
    ensure!(status["problems"] == serde_json::json!([]), "{status}");
    Ok(())
}

/// Has the agent see these programs only, in the places where administrators' programs are.
fn hide_programs(site: &Site<'_>, seat: &mut Seat<'_>) -> Result<std::path::PathBuf> {
    let dir = site.lab.dir().join("sbin");
    fs::create_dir(&dir)?;
    let hide = format!("mount --bind {} /usr/sbin && exec \"$@\"", dir.display());
    let through = ["unshare", "--mount", "sh", "-c", &hide, "sh"];
    seat.through = through.map(str::to_owned).to_vec();
    Ok(dir)
}

/// Puts a program there.
fn install(dir: &Path, program: &str) -> Result<()> {
    let from = fs::canonicalize(Path::new("/usr/sbin").join(program))?;
    // At once, as package managers do.
    let aside = dir.join(format!("{program}.new"));
    fs::copy(from, &aside)?;
    Ok(fs::rename(aside, dir.join(program))?)
}

#[test]
fn nft_that_is_not_there_is_used_when_it_is() -> Result<()> {
    site(|site| {
        let mut seat = seat(site, "nftables")?;
        let dir = hide_programs(site, &mut seat)?;
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
        assert_in_hosts_deny(
            site,
            &seat,
            &["hosts-deny because of nftables", "package nftables"],
        )?;
        install(&dir, "nft")?;
        assert_recovers(site, &seat, "nftables")
    })
}

#[test]
fn iptables_that_is_not_there_is_used_when_it_is() -> Result<()> {
    site(|site| {
        let mut seat = seat(site, "iptables")?;
        let dir = hide_programs(site, &mut seat)?;
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
        assert_in_hosts_deny(
            site,
            &seat,
            &["hosts-deny because of iptables", "package ipset"],
        )?;
        install(&dir, "ipset")?;
        wait_until("the other package to be missed", PATIENCE, || {
            Ok(status(&seat)?["problems"]
                .to_string()
                .contains("package iptables"))
        })?;
        for program in [
            "iptables",
            "ip6tables",
            "iptables-restore",
            "ip6tables-restore",
        ] {
            install(&dir, program)?;
        }
        assert_recovers(site, &seat, "iptables")
    })
}

#[test]
fn without_the_privilege_it_is_said_what_it_takes() -> Result<()> {
    site(|site| {
        for (way, word) in [("nftables", "nftables"), ("iptables", "ermi")] {
            let mut seat = seat(site, way)?;
            let drop = ["bounding-set", "inh-caps"].map(|set| format!("--{set}=-net_admin"));
            seat.through = [vec!["setpriv".to_owned()], drop.to_vec()].concat();
            let mut agent = seat.start()?;
            ban_attacker(site, &mut agent)?;
            assert_in_hosts_deny(site, &seat, &[&format!("because of {way}"), word])?;
            agent.kill()?;
            super::failover::detach(&seat)?;
        }
        Ok(())
    })
}

#[test]
fn what_has_our_name_and_is_not_ours_is_left_alone() -> Result<()> {
    site(|site| {
        let server = &site.topology.server;
        for (way, make, look, remove, words) in [
            (
                "nftables",
                "nft add table inet banner",
                "nft list ruleset",
                "nft delete table inet banner",
                "a table inet banner is there already",
            ),
            (
                "iptables",
                "ipset create banner4 hash:ip",
                "ipset list banner4 -t",
                "ipset destroy banner4",
                "a set banner4 of ipset (hash:ip family inet",
            ),
        ] {
            let run = |command: &str| output(server, &command.split(' ').collect::<Vec<_>>());
            run(make)?;
            let before = run(look)?;
            let seat = seat(site, way)?;
            let mut agent = seat.start()?;
            ban_attacker(site, &mut agent)?;
            assert_in_hosts_deny(site, &seat, &[words])?;
            ensure!(run(look)? == before);
            run(remove)?;
            assert_recovers(site, &seat, way)?;
            ensure!(agent.terminate()?.success());
            super::failover::detach(&seat)?;
        }
        Ok(())
    })
}

fn mounted(arguments: &[&str]) -> Result<()> {
    let status = Command::new("mount").args(arguments).status()?;
    ensure!(status.success(), "mount {arguments:?}");
    Ok(())
}

/// hosts.deny is tried first, on a file system of its own, and nftables has what it does not take.
fn on_a_disk(site: &Site<'_>) -> Result<(String, String)> {
    let dir = site.lab.dir().join("disk").display().to_string();
    fs::create_dir(&dir)?;
    mounted(&["-t", "tmpfs", "-o", "size=64k", "disk", &dir])?;
    fs::write(format!("{dir}/hosts.deny"), "# mine\n")?;
    let yaml = format!("enforce: [{{hosts-deny: {{file: {dir}/hosts.deny}}}}, nftables]\n");
    Ok((dir, site.yaml(&yaml)))
}

/// What is wrong with hosts.deny comes and goes.
fn hosts_deny_fails(
    words: &str,
    spoil: &(dyn Fn(&str) -> Result<()> + Sync),
    mend: &(dyn Fn(&str) -> Result<()> + Sync),
) -> Result<()> {
    site(|site| {
        let (dir, yaml) = on_a_disk(site)?;
        let seat = site.seat_with(&yaml)?;
        let mut agent = seat.start()?;
        site.prove_alive(&mut agent)?;
        ensure!(is_in(&seat, "hosts-deny")?);
        spoil(&dir)?;
        for _ in 0..4 {
            site.prove_alive(&mut agent)?;
        }
        ban_attacker(site, &mut agent)?;
        wait_until("nftables to take over", PATIENCE, || {
            is_in(&seat, "nftables")
        })?;
        assert_has(
            &status(&seat)?["problems"].to_string(),
            &[&format!("{dir}/hosts.deny"), words],
        )?;
        for family in FAMILIES {
            assert_silent(&site.topology.attacker, family, PORT)?;
        }
        mend(&dir)?;
        wait_until("hosts.deny to be used again", PATIENCE, || {
            is_in(&seat, "hosts-deny")
        })?;
        let text = fs::read_to_string(format!("{dir}/hosts.deny"))?;
        assert_has(
            &text,
            &["# mine\n", "ALL: 192.0.2.66\n", "ALL: 203.0.113.1\n"],
        )?;
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}

#[test]
fn hosts_deny_that_is_read_only_is_used_when_it_is_not() -> Result<()> {
    hosts_deny_fails(
        "Read-only file system",
        &|dir| mounted(&["-o", "remount,ro", dir]),
        &|dir| mounted(&["-o", "remount,rw", dir]),
    )
}

#[test]
fn hosts_deny_on_a_full_disk_is_used_when_there_is_room() -> Result<()> {
    hosts_deny_fails(
        "No space left on device",
        &|dir| {
            // As much as there is room for.
            let _full = fs::write(format!("{dir}/filler"), vec![0; 1 << 20]);
            Ok(())
        },
        &|dir| Ok(fs::remove_file(format!("{dir}/filler"))?),
    )
}

/// What cannot be written down is in force all the same, and stays so when it is compared.
#[test]
fn a_state_directory_that_cannot_be_written_costs_no_ban() -> Result<()> {
    site(|site| {
        for (options, words) in [("ro", "Read-only file system"), ("size=64k", "full")] {
            let mut seat = site.seat_with(&site.yaml("enforce: [nftables]\n"))?;
            let dir = site.lab.dir().join("sealed").display().to_string();
            fs::create_dir_all(&dir)?;
            mounted(&["-t", "tmpfs", "-o", options, "sealed", &dir])?;
            let _full = fs::write(format!("{dir}/filler"), vec![0; 1 << 20]);
            seat.state = dir.clone().into();
            let mut agent = seat.start()?;
            ban_attacker(site, &mut agent)?;
            let problems = status(&seat)?["problems"].to_string();
            assert_has(&problems, &["banner.db", words])?;
            // Compared, because somebody has taken one away.
            for _ in 0..2 {
                let element = "delete element inet banner v4_32 { 192.0.2.66 }";
                output(&site.topology.server, &["nft", element])?;
                wait_until("it to be put back", PATIENCE, || {
                    Ok(output(&site.topology.server, &["nft", "list", "ruleset"])?
                        .contains("192.0.2.66"))
                })?;
            }
            ensure!(is_in(&seat, "nftables")?);
            if options == "ro" {
                mounted(&["-o", "remount,rw", &dir])?;
            } else {
                fs::remove_file(format!("{dir}/filler"))?;
                mounted(&["-o", "remount,size=4m", &dir])?;
            }
            wait_until("the store to work", PATIENCE, || {
                Ok(status(&seat)?["problems"] == serde_json::json!([]))
            })?;
            ensure!(agent.terminate()?.success());
            super::failover::detach(&seat)?;
        }
        Ok(())
    })
}

#[test]
fn a_second_agent_without_xdp_is_refused() -> Result<()> {
    site(|site| {
        let seat = seat(site, "nftables")?;
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
        let mut second = seat.clone();
        second.socket = site.lab.dir().join("second.sock");
        second.pins = site.lab.bpffs().join("second");
        let state = seat.state.display().to_string();
        let owner = format!("(process {})", agent.pid());
        let said = second.refusal()?;
        assert_has(&said, &[&state, "in use by another banner agent", &owner])?;
        for family in FAMILIES {
            assert_silent(&site.topology.attacker, family, PORT)?;
        }
        // The lock goes with the process, however that ends.
        agent.kill()?;
        let next = second.start()?;
        ensure!(is_in(&second, "nftables")?);
        ensure!(next.terminate()?.success());
        Ok(())
    })
}
