//! From a failed login at a real sshd to a dropped packet, and back.

mod forged;
mod ignored;
mod life;
mod scene;
mod stop;

use anyhow::Result;
use banner_tests::{account::Login, topology::Family};

use crate::for_both_families;
use scene::{Scene, scene};

for_both_families!(without_an_agent_everybody_connects);

/// What the other tests stand on: if this fails, they say nothing about the agent.
fn without_an_agent_everybody_connects(family: Family) -> Result<()> {
    scene(family, |scene: &Scene<'_>| {
        for peer in [&scene.topology.attacker, &scene.topology.friend] {
            let client = scene.client(peer);
            assert_eq!(client.log_in()?, Login::Accepted, "{peer}");
            assert_eq!(client.fail()?, Login::Refused, "{peer}");
            let mut session = client.open_session()?;
            session.say("once more")?;
            session.wait_to_hear("once more")?;
            let mut knocker = scene.knocker(peer)?;
            assert!(knocker.connects(scene::SOON)?, "{peer}");
            assert_eq!((knocker.sent, knocker.answered), (1, 1), "{peer}");
            let failure = format!(
                "Failed password for tester from {} port",
                peer.address(family)
            );
            let logged = scene.sshd.logged()?;
            assert!(logged.contains(&failure), "no {failure:?} in {logged:?}");
        }
        Ok(())
    })
}
