//! What others take away or put in is seen and put right.

use std::{fs, process::Command, time::Duration};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::{Event, Seat},
    wait::{PATIENCE, wait_until},
};

use super::{FAMILIES, assert_silent, output};
use crate::bad_input::site::{PORT, Site, site};

/// From the deed to the repair, where the kernel tells of the deed.
const SOON: Duration = Duration::from_secs(2);

fn said(seat: &Seat<'_>, words: &str) -> Result<bool> {
    Ok(seat.run("status")?.succeeded()?.stdout.contains(words))
}

fn listed(site: &Site<'_>) -> Result<String> {
    let listing = output(&site.topology.server, &["nft", "list", "ruleset"])?;
    Ok(listing)
}

#[test]
fn nftables_is_put_right_within_two_seconds() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = site.seat_with(&site.yaml("enforce: [nftables]\n"))?;
        let mut agent = seat.start()?;
        for family in FAMILIES {
            site.fail(attacker.address(family))?;
            agent.wait_for(Event::Ban, attacker.address(family))?;
        }
        let is_whole = || -> Result<bool> {
            let text = listed(site)?;
            Ok(text.contains("192.0.2.66")
                && text.contains("2001:db8:a::66")
                && text.contains("counter")
                && text.contains("goto banned"))
        };
        ensure!(is_whole()?);
        for deed in [
            "flush ruleset",
            "flush chain inet banner prerouting",
            "delete element inet banner v4_32 { 192.0.2.66 }",
            "flush set inet banner v6_128",
        ] {
            output(server, &["nft", deed])?;
            wait_until(&format!("{deed} to be undone"), SOON, is_whole)?;
        }
        output(
            server,
            &[
                "nft",
                "add element inet banner v4_32 { 203.0.113.77 timeout 1h }",
            ],
        )?;
        wait_until("a ban of nobody's to go", SOON, || {
            Ok(!listed(site)?.contains("203.0.113.77"))
        })?;
        for family in FAMILIES {
            assert_silent(attacker, family, PORT)?;
        }
        wait_until("status to tell", PATIENCE, || said(&seat, "made by others"))?;
        ensure!(said(&seat, "put back")?);
        // A foreign table of the name is not touched, and said to be there.
        output(
            server,
            &["nft", "delete table inet banner; add table inet banner"],
        )?;
        wait_until("the foreign table to be seen", PATIENCE, || {
            said(
                &seat,
                "a table inet banner is there already and is not banner's",
            )
        })?;
        ensure!(!listed(site)?.contains("192.0.2.66"));
        output(server, &["nft", "delete table inet banner"])?;
        wait_until("the table to be banner's again", PATIENCE, is_whole)
    })
}

#[test]
fn hosts_deny_is_put_right() -> Result<()> {
    site(|site| {
        let file = site.lab.dir().join("hosts.deny");
        fs::write(&file, "# mine\n")?;
        let seat = site.seat_with(&site.yaml(&format!(
            "enforce: [{{hosts-deny: {{file: {}}}}}]\n",
            file.display()
        )))?;
        let mut agent = seat.start()?;
        let address = site.topology.attacker.address(FAMILIES[0]);
        site.fail(address)?;
        agent.wait_for(Event::Ban, address)?;
        ensure!(fs::read_to_string(&file)?.contains("ALL: 192.0.2.66\n"));
        fs::write(&file, "# edited\n")?;
        wait_until("the file to be put right", PATIENCE, || {
            let text = fs::read_to_string(&file)?;
            Ok(text.starts_with("# edited\n") && text.contains("ALL: 192.0.2.66\n"))
        })?;
        agent.kill()?;
        ensure!(fs::read_to_string(&file)?.contains("ALL: 192.0.2.66\n"));
        super::failover::detach(&seat)?;
        ensure!(fs::read_to_string(&file)? == "# edited\n");
        Ok(())
    })
}

#[test]
fn a_map_that_was_emptied_is_filled_again() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        for family in FAMILIES {
            site.fail(attacker.address(family))?;
            agent.wait_for(Event::Ban, attacker.address(family))?;
        }
        let bpftool = |words: &str| -> Result<()> {
            let mut command = Command::new("bpftool");
            command.args(["map"]).args(
                words
                    .split(' ')
                    .map(|word| word.replace("PINS", &seat.pins.display().to_string())),
            );
            seat.run_command(&mut command)?.succeeded()?;
            Ok(())
        };
        bpftool("delete pinned PINS/BANS4 key 192 0 2 66")?;
        let is_there = |family| Ok(seat.pinned().ban(attacker.address(family))?.is_some());
        ensure!(!is_there(FAMILIES[0])? && is_there(FAMILIES[1])?);
        wait_until("the ban to be back", PATIENCE, || is_there(FAMILIES[0]))?;
        wait_until("status to tell", PATIENCE, || said(&seat, "put back"))?;
        agent.terminate()?;
        Ok(())
    })
}
