use std::time::Duration;

use anyhow::Result;
use banner_tests::{
    account::Login,
    agent::{Agent, Config, Event, Seat},
    lab::{self, Lab},
    sniffer::Knocker,
    ssh::Client,
    sshd::Sshd,
    topology::{Family, Peer, Topology},
};

/// sshd's port.
const PORT: u16 = 22;

/// Failures that make a ban in these tests.
pub(crate) const MAX_RETRY: u32 = 3;

/// Longer than an answer takes that comes at all. The kernel repeats a SYN after 1 s.
pub(crate) const SOON: Duration = Duration::from_secs(20);
/// How long silence is listened to: the first SYN and its first repetition.
const SILENCE: Duration = Duration::from_millis(1500);

/// A server with sshd, an attacker, a friend, over one family.
pub(crate) struct Scene<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) family: Family,
    pub(crate) topology: Topology,
    pub(crate) sshd: Sshd,
}

/// Runs `test` in a scene of its own.
pub(crate) fn scene(
    family: Family,
    test: impl FnOnce(&Scene<'_>) -> Result<()> + Send,
) -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let sshd = Sshd::start(lab, &topology.server, PORT)?;
        test(&Scene {
            lab,
            family,
            topology,
            sshd,
        })
    })
}

/// Knocks at sshd's door from `peer`, over any family.
pub(crate) fn knocker(family: Family, peer: &Peer) -> Result<Knocker<'_>> {
    Knocker::new(peer.namespace(), peer.server(family, PORT))
}

impl Scene<'_> {
    /// A jail on sshd's log that bans after [`MAX_RETRY`] failures.
    pub(crate) fn config(&self, ban_time: &'static str) -> Config {
        Config {
            log: self.sshd.log().to_owned(),
            max_retry: MAX_RETRY,
            ban_time,
            observe: false,
            ignore: Vec::new(),
        }
    }

    /// A place for agents on both of the server's interfaces, so that the friend's packets go
    /// through the program too.
    pub(crate) fn seat(&self, config: &Config) -> Result<Seat<'_>> {
        let Topology {
            server,
            attacker,
            friend,
        } = &self.topology;
        let interfaces = [attacker.server_interface(), friend.server_interface()];
        Seat::new(self.lab, server, &interfaces, config)
    }

    pub(crate) fn client<'b>(&'b self, peer: &'b Peer) -> Client<'b> {
        let server = peer.server(self.family, PORT);
        Client {
            lab: self.lab,
            from: peer.namespace(),
            server,
        }
    }

    pub(crate) fn knocker<'b>(&self, peer: &'b Peer) -> Result<Knocker<'b>> {
        knocker(self.family, peer)
    }

    /// Fails as often as it takes, and waits for the ban.
    pub(crate) fn get_banned(&self, peer: &Peer, agent: &mut Agent) -> Result<()> {
        self.fail(peer, MAX_RETRY)?;
        agent.wait_for(Event::Ban, peer.address(self.family))
    }

    pub(crate) fn fail(&self, peer: &Peer, times: u32) -> Result<()> {
        for time in 1..=times {
            assert_eq!(
                self.client(peer).fail()?,
                Login::Refused,
                "{peer}, failure {time}"
            );
        }
        Ok(())
    }

    /// SYNs leave, and nothing comes back.
    pub(crate) fn assert_silent(&self, peer: &Peer) -> Result<()> {
        let mut knocker = self.knocker(peer)?;
        let connected = knocker.connects(SILENCE)?;
        assert!(!connected, "{peer} got through: {knocker:?}");
        assert!(
            knocker.sent >= 2 && knocker.answered == 0,
            "{peer}: {knocker:?}"
        );
        Ok(())
    }

    pub(crate) fn assert_logs_in(&self, peer: &Peer) -> Result<()> {
        assert_eq!(self.client(peer).log_in()?, Login::Accepted, "{peer}");
        Ok(())
    }
}
