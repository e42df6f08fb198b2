//! A flood goes on while agents are killed, started, replaced and given other maps: not one packet of a
//! banned source may reach the socket that it is for.

use std::{
    net::{SocketAddr, UdpSocket},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use banner_common::Reason;
use banner_tests::{
    agent::{Agent, Event, Seat},
    process::Process,
    topology::Peer,
    wait::{PATIENCE, wait_until},
};
use nix::sys::signal::Signal;

use super::{
    bad_input::site::{Site, site},
    interfaces::FAMILIES,
};

/// Where the flood goes; nobody else uses it.
const FLOODED: u16 = 4242;

/// How many packets have to be dropped in each state, and in each change of it at least.
const ENOUGH: u64 = 1_000;

/// The flood, over both protocols, and the sockets that it is for.
struct Flood<'s> {
    seat: &'s Seat<'s>,
    sockets: Vec<UdpSocket>,
    senders: Vec<Process>,
}

impl<'s> Flood<'s> {
    fn begin(site: &'s Site<'_>, seat: &'s Seat<'_>, attacker: &Peer) -> Result<Self> {
        let (mut sockets, mut senders) = (Vec::new(), Vec::new());
        for family in FAMILIES {
            let to = attacker.server(family, FLOODED);
            sockets.push(site.topology.server.inside(|| listening(to))??);
            // A new socket for each packet: refusals of the port are nobody's business.
            let path = format!("/dev/udp/{}/{FLOODED}", to.ip());
            let script = format!("while :; do echo flood > {path}; done 2> /dev/null");
            let mut command = Command::new("bash");
            command.args(["-c", &script]);
            let name = format!("flood-{family:?}");
            let spawn = || site.lab.spawn(&name, &mut command);
            senders.push(attacker.namespace().inside(spawn)??);
        }
        Ok(Self {
            seat,
            sockets,
            senders,
        })
    }

    /// Reads away what has come; how many packets that were.
    fn arrived(&self) -> Result<u64> {
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

    fn dropped(&self) -> Result<u64> {
        Ok(self.seat.pinned().counters()?[Reason::Drop].packets)
    }

    /// Waits until many more were dropped.
    fn go_on(&self) -> Result<()> {
        let before = self.dropped()?;
        wait_until("the flood to be dropped", PATIENCE, || {
            Ok(self.dropped()? >= before + ENOUGH)
        })
    }

    fn end(self) -> Result<()> {
        for sender in self.senders {
            sender.signal(Signal::SIGKILL)?;
            sender.finish(PATIENCE)?;
        }
        Ok(())
    }
}

fn listening(address: SocketAddr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind(address).with_context(|| format!("listen at {address}"))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[test]
fn no_packet_of_a_flood_gets_through_while_agents_die_and_are_replaced() -> Result<()> {
    site(|site| {
        let attacker = &site.topology.attacker;
        let limited = |bans: u32| site.yaml(&format!("limits: {{ bans: {bans} }}\n"));
        let seat = site.seat_with(&limited(1000))?;
        let mut agent = seat.start()?;
        let flood = Flood::begin(site, &seat, attacker)?;
        wait_until("the flood to arrive", PATIENCE, || Ok(flood.arrived()? > 0))?;
        for family in FAMILIES {
            site.fail(attacker.address(family))?;
            agent.wait_for(Event::Ban, attacker.address(family))?;
        }
        // What was on its way before the second ban.
        flood.go_on()?;
        flood.arrived()?;

        let began = flood.dropped()?;
        let start = |agent: &mut Option<Agent>| -> Result<()> {
            *agent = Some(seat.start()?);
            flood.go_on()
        };
        let mut next = None;
        for round in 0..3 {
            agent.kill()?;
            flood.go_on()?;
            start(&mut next)?;
            // Programs that trace, and those that do not again.
            let trace = format!(
                "trace --address {} --time 1s",
                attacker.address(FAMILIES[0])
            );
            seat.run(&trace)?.succeeded()?;
            ensure!(next.take().context("an agent")?.terminate()?.success());
            // Maps of another size: every entry moves, and every program is replaced.
            seat.configure(&limited(1000 - 100 * (round + 1)))?;
            start(&mut next)?;
            agent = next.take().context("an agent")?;
        }
        let arrived = flood.arrived()?;
        let dropped = flood.dropped()? - began;
        println!("{dropped} packets dropped, {arrived} arrived");
        ensure!(
            arrived == 0,
            "{arrived} packets got through, {dropped} did not"
        );

        // They would have arrived.
        seat.run("unban --all")?.succeeded()?;
        wait_until("the flood to arrive again", PATIENCE, || {
            Ok(flood.arrived()? > 0)
        })?;
        flood.end()?;
        ensure!(agent.terminate()?.success());
        Ok(())
    })
}
