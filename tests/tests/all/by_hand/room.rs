//! What becomes of bans that the kernel has no room for.

use anyhow::Result;
use banner_tests::{
    topology::Family,
    wait::{PATIENCE, wait_until},
};
use ipnet::IpNet;

use crate::bad_input::site::{assert_connects, assert_dropped, site};

/// A ban that the kernel refuses halfway is pending, said to be, and in force as soon as there is room:
/// also in a prefix that is banned for something else, whose group it changes, too.
#[test]
fn a_prefix_that_there_was_no_room_for_is_banned_when_there_is() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let around = |bits: u8| -> Result<String> {
            let nets = [Family::V4, Family::V6].map(|family| {
                let address = attacker.address(family);
                let full = if address.is_ipv4() { 32 } else { 128 };
                Ok(IpNet::new(address, full - bits)?.trunc().to_string())
            });
            let nets: Result<Vec<String>> = nets.into_iter().collect();
            Ok(nets?.join(" "))
        };
        let (inner, outer) = (around(1)?, around(2)?);
        let seat = site.seat()?;
        let _agent = seat.start()?;
        seat.run(&format!("ban {inner} --observe --ports tcp/22"))?
            .succeeded()?;
        // The groups of both prefixes take so many entries more: whichever is the last that there is
        // room for, none may be forgotten.
        for room in 0..=4 {
            // The agent takes away what it has not made, every second: the ban has to come before.
            wait_until("a ban that there is no room for", PATIENCE, || {
                let crowd = seat.pinned().crowd_groups(room)?;
                let said = seat.run(&format!("ban {outer}"))?;
                let status = seat.run("status")?.succeeded()?.stdout;
                seat.pinned().clear_groups(crowd)?;
                let is_pending = !said.status.success() && status.contains("not in force yet");
                if !is_pending {
                    seat.run(&format!("unban {outer}"))?.succeeded()?;
                }
                Ok(is_pending)
            })?;
            wait_until("the bans to be in force", PATIENCE, || {
                let status = seat.run("status")?.succeeded()?.stdout;
                Ok(!status.contains("not in force"))
            })?;
            assert_dropped(attacker, &seat.pinned())?;
            seat.run(&format!("unban {outer}"))?.succeeded()?;
            assert_connects(attacker)?;
        }
        Ok(())
    })
}
