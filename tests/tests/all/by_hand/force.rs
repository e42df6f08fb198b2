//! `banner ban --force`.

use anyhow::{Result, ensure};
use banner_tests::{
    agent::Event,
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::assert_refused;
use crate::{
    bad_input::site::{assert_has, site},
    for_both_families,
};

for_both_families!(who_is_ignored_is_banned_by_force_and_protected_when_that_ends);

fn who_is_ignored_is_banned_by_force_and_protected_when_that_ends(family: Family) -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let host = attacker.address(family);
        let own = attacker.server(family, 0).ip();
        let ignored = "192.0.2.0/24, '2001:db8:a::/48'";
        let seat = site.seat_with(&site.yaml(&format!("ignore: [{ignored}]\n")))?;
        let pinned = seat.pinned();
        let reaches = || attacker.reaches_server(family);
        let mut agent = seat.start()?;
        ensure!(pinned.is_never(host)? && pinned.is_never(own)?);
        assert_refused(&seat.run(&format!("ban {host}"))?, 1, &["--force"])?;

        seat.run(&format!("ban --force {host}"))?.succeeded()?;
        ensure!(!reaches()?, "it is not banned");
        ensure!(!pinned.is_never(host)? && pinned.is_never(own)?);
        let told = seat.run(&format!("explain {host}"))?.succeeded()?.stdout;
        assert_has(&told, &["banned\n", "somebody asked for it "])?;
        // No jail bans it for that.
        site.fail(host)?;
        agent.wait_to_say(&[&format!("spared {host} jail=sshd")])?;
        // A reload does not free it, nor does the death of the agent.
        seat.run("reload")?.succeeded()?;
        ensure!(!reaches()?, "a reload freed it");
        agent.kill()?;
        ensure!(!reaches()?, "the agent's death freed it");
        let mut agent = seat.start()?;
        ensure!(!reaches()?, "the next agent freed it");
        ensure!(!pinned.is_never(host)? && pinned.is_never(own)?);

        seat.run(&format!("unban {host}"))?.succeeded()?;
        agent.wait_for(Event::Unban, host)?;
        ensure!(
            reaches()? && pinned.is_never(host)?,
            "it is not protected again"
        );
        assert_refused(&seat.run(&format!("ban {host}"))?, 1, &["--force"])?;

        // One that ends by itself, of a prefix with an address of this machine in it.
        let around = match family {
            Family::V4 => "192.0.2.0/25",
            Family::V6 => "2001:db8:a::/49",
        };
        seat.run(&format!("ban --force {around} --time 3s"))?
            .succeeded()?;
        ensure!(!pinned.is_never(host)? && pinned.is_never(own)?);
        wait_until("the list to protect it again", PATIENCE, || {
            pinned.is_never(host)
        })?;
        wait_until("packets to pass", PATIENCE, reaches)
    })
}
