use std::net::IpAddr;

use anyhow::{Result, ensure};
use banner_tests::{
    agent::{Agent, Event, JAIL, Seat},
    lab::{self, Lab},
    topology::{Family, Topology},
    wait::{PATIENCE, wait_until},
};

/// Failures that make a ban.
pub(crate) const MAX_RETRY: usize = 3;

/// A server whose agent reads some source.
pub(crate) struct Scene<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) topology: &'a Topology,
    pub(crate) seat: Seat<'a>,
}

/// Runs `test` with an agent that is yet to be started; its jail for sshd reads what `logs` makes of the
/// lab's folder, as YAML.
pub(crate) fn scene(
    logs: impl FnOnce(&str) -> String + Send,
    test: impl FnOnce(&mut Scene<'_>) -> Result<()> + Send,
) -> Result<()> {
    lab::run(|lab| {
        let topology = Topology::build()?;
        let logs = logs(&lab.dir().display().to_string());
        let config = format!(
            "enforce: [xdp]\ndefaults: {{ max_retry: {MAX_RETRY}, find_time: 10m, ban_time: 1h }}\n\
             jails:\n  {JAIL}:\n    filter: sshd\n    logs: [{logs}]\n"
        );
        let seat = Seat::with_text(lab, &topology.server, &["to-attacker"], &config)?;
        test(&mut Scene {
            lab,
            topology: &topology,
            seat,
        })
    })
}

/// What sshd says of a failed login.
pub(crate) fn failure(host: IpAddr) -> String {
    format!("Failed password for root from {host} port 4242 ssh2")
}

impl Scene<'_> {
    /// The attacker's address.
    pub(crate) fn attacker(&self, family: Family) -> IpAddr {
        self.topology.attacker.address(family)
    }

    /// Shows that the attacker gets through until `feed` has brought its failures, of either family, and not
    /// after that. `feed` is called with the messages, those of one host each time.
    pub(crate) fn bans_by(
        &self,
        agent: &mut Agent,
        mut feed: impl FnMut(&[String]) -> Result<()>,
    ) -> Result<()> {
        let attacker = &self.topology.attacker;
        for family in [Family::V4, Family::V6] {
            let host = attacker.address(family);
            wait_until("packets to come through", PATIENCE, || {
                attacker.reaches_server(family)
            })?;
            feed(&vec![failure(host); MAX_RETRY - 1])?;
            ensure!(
                !agent.has_reported(Event::Ban, host)?,
                "{host} is banned too early"
            );
            feed(&[failure(host)])?;
            agent.wait_for(Event::Ban, host)?;
            ensure!(
                self.seat.pinned().ban(host)?.is_some(),
                "{host} is not in the map"
            );
            ensure!(!attacker.reaches_server(family)?, "{host} gets through");
        }
        Ok(())
    }

    /// The line of `banner status` about a source.
    pub(crate) fn status_of(&self, source: &str) -> Result<String> {
        let status = self.seat.run("status")?.succeeded()?.stdout;
        let line = status.lines().find(|line| line.contains(source));
        Ok(line.unwrap_or_default().to_owned())
    }
}
