//! What others take away or put in is seen and put right, and how soon.

use std::{
    fs,
    os::unix::fs::symlink,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use banner_tests::{
    agent::{Event, Seat},
    wait::{PATIENCE, wait_until},
};

use super::{FAMILIES, assert_silent, ban_attacker, output};
use crate::bad_input::site::{PORT, Site, assert_dropped, site};

/// From the deed to the repair: a second until it is noticed where nobody tells of it, and two seconds more.
const SOON: Duration = Duration::from_secs(3);

fn said(seat: &Seat<'_>, words: &str) -> Result<bool> {
    Ok(seat.run("status")?.succeeded()?.stdout.contains(words))
}

fn listed(site: &Site<'_>) -> Result<String> {
    let listing = output(&site.topology.server, &["nft", "list", "ruleset"])?;
    Ok(listing)
}

/// Says how long it takes until what was done is undone.
fn measure(
    way: &str,
    deed: &str,
    act: impl FnOnce() -> Result<()>,
    is_whole: impl FnMut() -> Result<bool>,
) -> Result<()> {
    act()?;
    let began = Instant::now();
    wait_until(&format!("{deed} to be undone"), SOON, is_whole)?;
    println!("| {way} | `{deed}` | {} ms |", began.elapsed().as_millis());
    Ok(())
}

#[test]
fn nftables_is_put_right_within_two_seconds() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = site.seat_with(&site.yaml("enforce: [nftables]\n"))?;
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
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
            "delete table inet banner",
            "flush chain inet banner prerouting",
            "delete element inet banner v4_32 { 192.0.2.66 }",
            "flush set inet banner v6_128",
        ] {
            let act = || output(server, &["nft", deed]).map(drop);
            measure("nftables", &format!("nft {deed}"), act, is_whole)?;
        }
        let strange = "add element inet banner v4_32 { 203.0.113.77 timeout 1h }";
        let act = || output(server, &["nft", strange]).map(drop);
        measure("nftables", &format!("nft {strange}"), act, || {
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
fn iptables_is_put_right_within_two_seconds() -> Result<()> {
    site(|site| iptables_is_put_right(site, "iptables", &[]))
}

/// The iptables of before nftables, which tells nobody of changes.
#[test]
fn iptables_legacy_is_put_right_within_two_seconds() -> Result<()> {
    site(|site| {
        if output(&site.topology.server, &["iptables-legacy", "-S"]).is_err() {
            println!("SKIPPED: this kernel or machine has no iptables-legacy");
            return Ok(());
        }
        let dir = site.lab.dir().join("legacy");
        fs::create_dir(&dir)?;
        for program in ["iptables", "ip6tables"] {
            for part in ["", "-restore", "-save"] {
                let legacy = format!("/usr/sbin/{program}-legacy{part}");
                symlink(legacy, dir.join(format!("{program}{part}")))?;
            }
        }
        let path = format!("PATH={}:/usr/sbin:/usr/bin:/bin", dir.display());
        iptables_is_put_right(site, "iptables-legacy", &["env", &path])
    })
}

fn iptables_is_put_right(site: &Site<'_>, program: &str, through: &[&str]) -> Result<()> {
    let (server, attacker) = (&site.topology.server, &site.topology.attacker);
    let mut seat = site.seat_with(&site.yaml("enforce: [iptables]\n"))?;
    seat.through = through.iter().map(|word| (*word).to_owned()).collect();
    let mut agent = seat.start()?;
    ban_attacker(site, &mut agent)?;
    let is_whole = || -> Result<bool> {
        let has = |command: &[&str], what: &[&str]| -> Result<bool> {
            // What is not there is no error of the test's.
            let text = output(server, command).unwrap_or_default();
            Ok(what.iter().all(|what| text.contains(what)))
        };
        Ok(has(&[program, "-S", "INPUT"], &["-A INPUT -j banner\n"])?
            && has(
                &[program, "-S", "banner"],
                &["banner4-never", "banner4 src"],
            )?
            && has(&["ipset", "list", "banner4"], &["192.0.2.66 "])?
            && has(&["ipset", "list", "banner6"], &["2001:db8:a::66 "])?)
    };
    wait_until("all of it to be there", PATIENCE, is_whole)?;
    let flush = format!("{program} -F banner");
    let jump = format!("{program} -D INPUT -j banner");
    let destroy = format!("{program} -X banner");
    for deed in [
        &["ipset flush banner4"][..],
        &["ipset del banner6 2001:db8:a::66"],
        &[&flush],
        &[&jump],
        &[&jump, &flush, &destroy],
    ] {
        let act = || {
            for command in deed {
                let words: Vec<&str> = command.split(' ').collect();
                output(server, &words)?;
            }
            Ok(())
        };
        measure(program, &deed.join("; "), act, is_whole)?;
    }
    for family in FAMILIES {
        assert_silent(attacker, family, PORT)?;
    }
    ensure!(said(&seat, "bans put back")? && said(&seat, "times put back as a whole")?);
    ensure!(agent.terminate()?.success());
    Ok(())
}

#[test]
fn hosts_deny_is_put_right_within_two_seconds() -> Result<()> {
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
        let act = || Ok(fs::write(&file, "# edited\n")?);
        measure("hosts-deny", "echo '# edited' > hosts.deny", act, || {
            let text = fs::read_to_string(&file)?;
            Ok(text.starts_with("# edited\n") && text.contains("ALL: 192.0.2.66\n"))
        })?;
        let act = || Ok(fs::remove_file(&file)?);
        measure("hosts-deny", "rm hosts.deny", act, || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            Ok(text.contains("ALL: 192.0.2.66\n"))
        })?;
        fs::write(&file, "# edited\n")?;
        wait_until("the file to be put right", PATIENCE, || {
            Ok(fs::read_to_string(&file)?.contains("ALL: 192.0.2.66\n"))
        })?;
        agent.kill()?;
        ensure!(fs::read_to_string(&file)?.contains("ALL: 192.0.2.66\n"));
        super::failover::detach(&seat)?;
        ensure!(fs::read_to_string(&file)? == "# edited\n");
        Ok(())
    })
}

#[test]
fn maps_and_links_of_xdp_are_put_right_within_two_seconds() -> Result<()> {
    site(|site| {
        let (server, attacker) = (&site.topology.server, &site.topology.attacker);
        let seat = site.seat()?;
        let mut agent = seat.start()?;
        ban_attacker(site, &mut agent)?;
        seat.run("ban 198.51.100.0/24")?.succeeded()?;
        // What was banned last has the links looked at.
        agent.wait_to_say(&["ban 198.51.100.0/24"])?;
        let bpftool = |words: &str| -> Result<()> {
            let words = words.replace("PINS", &seat.pins.display().to_string());
            let mut command = Command::new("bpftool");
            command.args(words.split(' '));
            seat.run_command(&mut command)?.succeeded()?;
            Ok(())
        };
        let is_there = |family| Ok(seat.pinned().ban(attacker.address(family))?.is_some());
        let deed = "bpftool map delete pinned PINS/BANS4 key 192 0 2 66";
        let act = || bpftool(&deed[8..]);
        measure("xdp", deed, act, || is_there(FAMILIES[0]))?;
        let deed = "bpftool map delete pinned PINS/WIDE4 key 24 0 0 0 198 51 100 0";
        let look = "bpftool map lookup pinned PINS/WIDE4 key 24 0 0 0 198 51 100 0";
        let act = || bpftool(&deed[8..]);
        measure("xdp", deed, act, || Ok(bpftool(&look[8..]).is_ok()))?;

        // The kernel does not let the program of a link be taken off this way.
        let off = ["ip", "link", "set", "dev", "to-attacker", "xdp", "off"];
        ensure!(output(server, &off).is_err() && server.has_xdp("to-attacker")?);
        let act = || seat.pinned().force_off("to-attacker");
        let has_xdp = || server.has_xdp("to-attacker");
        measure("xdp", "bpftool link detach", act, has_xdp)?;
        assert_dropped(attacker, &seat.pinned())?;
        wait_until("status to tell", PATIENCE, || said(&seat, "bans put back"))?;
        ensure!(said(&seat, "put back 1 times")?);
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}
