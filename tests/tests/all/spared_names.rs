//! Hosts that are never banned, by their DNS names: `ignore_names`.

use std::fs;

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Event,
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use crate::bad_input::site::{assert_connects, assert_has, site};

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

#[test]
fn a_host_is_spared_by_its_name_also_while_nobody_knows_its_address() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let hosts = site.lab.replace("/etc/hosts")?;
        fs::write(site.lab.replace("/etc/nsswitch.conf")?, "hosts: files\n")?;
        let line = |family| format!("{} home.example\n", attacker.address(family));
        fs::write(&hosts, FAMILIES.map(line).concat())?;
        let names = "ignore_names: [Home.example., gone.example]\n";
        let seat = site.seat_with(&site.yaml(names))?;
        let mut agent = seat.start()?;
        for family in FAMILIES {
            agent.wait_to_say(&["never banned: ", "which home.example is"])?;
            let address = attacker.address(family);
            site.fail(address)?;
            agent.wait_to_say(&[&format!("spared {address} ")])?;
            let told = seat.run(&format!("explain {address}"))?.stdout;
            assert_has(
                &told,
                &["`ignore_names` of the configuration has home.example"],
            )?;
        }
        agent.wait_to_say(&["ignore_names: gone.example: ", "nobody is spared for it"])?;
        let status = seat.run("status")?.succeeded()?.stdout;
        assert_has(
            &status,
            &["ignore_names: gone.example has no address by DNS yet"],
        )?;
        assert_connects(attacker)?;

        // Nobody knows the name now, and the next agent goes by what was known.
        agent.kill()?;
        fs::write(&hosts, "")?;
        let mut agent = seat.start()?;
        for family in FAMILIES {
            let address = attacker.address(family);
            site.fail(address)?;
            agent.wait_to_say(&[&format!("spared {address} ")])?;
        }
        agent.wait_to_say(&[
            "ignore_names: home.example: ",
            "what was last known of it holds",
        ])?;

        // Another address, of which a reload asks.
        let [v4, v6] = FAMILIES.map(|family| attacker.address(family));
        fs::write(&hosts, format!("{v6} home.example\n"))?;
        seat.run("reload")?.succeeded()?;
        agent.wait_to_say(&[&format!("never banned: {v6}, which home.example is")])?;
        site.fail(v4)?;
        agent.wait_for(Event::Ban, v4)?;
        // Whose address it is now is let in at once.
        fs::write(&hosts, format!("{v4} home.example\n{v6} home.example\n"))?;
        seat.run("reload")?.succeeded()?;
        wait_until("the ban to end", PATIENCE, || {
            Ok(!seat
                .run("bans")?
                .succeeded()?
                .stdout
                .contains(&v4.to_string()))
        })?;
        assert_connects(attacker)?;

        // Without the name it is like everybody.
        seat.configure(&site.yaml(""))?;
        seat.run("reload")?.succeeded()?;
        for address in [v4, v6] {
            site.fail(address)?;
            agent.wait_for(Event::Ban, address)?;
        }
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}
