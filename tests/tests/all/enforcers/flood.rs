//! Packets of a host, over both protocols, as fast as a shell sends them.

use std::{net::UdpSocket, process::Command};

use anyhow::{Context as _, Result};
use banner_tests::{
    process::Process,
    topology::Peer,
    wait::{PATIENCE, wait_until},
};
use nix::sys::signal::Signal;

use super::FAMILIES;
use crate::bad_input::site::Site;

/// Where they go; nobody else uses it.
const PORT: u16 = 4242;

/// Packets after which it is certain that more were sent: a shell sends one in less than a millisecond.
const ENOUGH: u64 = 300;

/// Senders, the sockets that they send to, and how far they are.
pub(super) struct Flood<'s> {
    site: &'s Site<'s>,
    sockets: Vec<UdpSocket>,
    senders: Vec<Process>,
}

impl<'s> Flood<'s> {
    /// Begins, and waits until packets arrive.
    pub(super) fn begin(site: &'s Site<'_>, from: &Peer) -> Result<Self> {
        let (mut sockets, mut senders) = (Vec::new(), Vec::new());
        for family in FAMILIES {
            let to = from.server(family, PORT);
            let socket = site.topology.server.inside(|| UdpSocket::bind(to))??;
            socket.set_nonblocking(true)?;
            sockets.push(socket);
            let path = format!("/dev/udp/{}/{PORT}", to.ip());
            // Counted, so that it can be seen that it goes on.
            let count = site
                .lab
                .dir()
                .join(format!("sent-{family:?}"))
                .display()
                .to_string();
            let script = format!(
                "n=0; while :; do echo x > {path}; n=$((n+1)); \
                 [ $((n % 100)) = 0 ] && echo $n > {count}; done 2> /dev/null"
            );
            let mut command = Command::new("bash");
            command.args(["-c", &script]);
            let spawn = || site.lab.spawn(&format!("flood-{family:?}"), &mut command);
            senders.push(from.namespace().inside(spawn)??);
        }
        let flood = Self {
            site,
            sockets,
            senders,
        };
        wait_until("the flood to arrive", PATIENCE, || Ok(flood.arrived()? > 0))?;
        Ok(flood)
    }

    /// Reads away what has come; how many packets that were.
    pub(super) fn arrived(&self) -> Result<u64> {
        let mut packets = 0;
        for socket in &self.sockets {
            loop {
                match socket.recv(&mut [0; 16]) {
                    Ok(_) => packets += 1,
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(error).context("read the socket"),
                }
            }
        }
        Ok(packets)
    }

    /// How many were sent of the family that is behind.
    pub(super) fn sent(&self) -> u64 {
        let count = |family| {
            let path = self.site.lab.dir().join(format!("sent-{family:?}"));
            let text = std::fs::read_to_string(path).unwrap_or_default();
            text.trim().parse::<u64>().unwrap_or(0)
        };
        FAMILIES.map(count).into_iter().min().unwrap_or(0)
    }

    /// Waits until many more were sent.
    pub(super) fn go_on(&self) -> Result<()> {
        let before = self.sent();
        wait_until("the flood to go on", PATIENCE, || {
            Ok(self.sent() >= before + ENOUGH)
        })
    }

    pub(super) fn end(self) -> Result<()> {
        for sender in self.senders {
            sender.signal(Signal::SIGKILL)?;
            sender.finish(PATIENCE)?;
        }
        Ok(())
    }
}
