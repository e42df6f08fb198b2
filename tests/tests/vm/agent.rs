//! The agent on a virtio network card.

use std::{fs::File, io::Write as _, net::TcpListener};

use anyhow::{Result, ensure};
use banner_common::Reason;
use banner_tests::{
    agent::{Config, Event, Seat},
    sniffer::Knocker,
    topology::Family,
};

use crate::{
    cards::with_cards,
    native::{SILENCE, SOON},
};

#[test]
fn it_bans_in_the_driver() -> Result<()> {
    with_cards(|lab, topology| {
        let attacker = &topology.attacker;
        let _listener = topology.server.inside(|| TcpListener::bind("[::]:7"))??;
        let config = Config {
            log: lab.dir().join("auth.log"),
            max_retry: 3,
            ban_time: "1h",
            observe: false,
            ignore: Vec::new(),
        };
        let mut log = File::create(&config.log)?;
        let interface = attacker.server_interface();
        let seat = Seat::new(lab, &topology.server, &[interface], &config)?;
        let mut agent = seat.start()?;
        agent.wait_to_say(&["ready", "to-attacker native"])?;
        for family in [Family::V4, Family::V6] {
            let host = attacker.address(family);
            let mut knocker = Knocker::new(attacker.namespace(), attacker.server(family, 7))?;
            ensure!(knocker.connects(SOON)?, "before");
            let failure = format!("Failed password for root from {host} port 4242 ssh2\n");
            log.write_all(failure.repeat(3).as_bytes())?;
            agent.wait_for(Event::Ban, host)?;
            let dropped = seat.pinned().counters()?[Reason::Drop].packets;
            ensure!(!knocker.connects(SILENCE)?, "banned");
            let now = seat.pinned().counters()?[Reason::Drop].packets;
            ensure!(now >= dropped + 2, "{dropped} packets dropped became {now}");
        }
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}
