//! The network of a flood: one sender, and servers side by side, each on a link of its own, so that
//! all can be measured in turns without anything being set up in between.

use std::{cell::Cell, net::IpAddr, process::Command};

use anyhow::{Context as _, Result};
use banner_tests::{flood, lab::Lab, netns::Namespace, topology::Family};
use nix::net::if_::if_nametoindex;

use super::{cpus, peers};

/// Where the floods come from; also where legitimate clients are.
pub(crate) struct Sender {
    pub(crate) namespace: Namespace,
    /// Queues of each link.
    queues: usize,
    servers: Cell<u8>,
}

/// Who is flooded.
pub(crate) struct Server {
    pub(crate) namespace: Namespace,
    /// The sender's end of the link to it.
    link: &'static str,
    /// Its number in the sender's namespace.
    pub(crate) index: u32,
    /// Its own number among the servers.
    number: u8,
}

/// The server's end of that link.
pub(crate) const INTERFACE: &str = "eth0";

/// Its MAC address, the same on every link.
pub(crate) const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// An interface of the sender's that leads nowhere, for the flood from this CPU to be attached to.
pub(crate) fn spare(cpu: usize) -> String {
    format!("spare{cpu}")
}

impl Sender {
    /// With one queue per link for each CPU. The kernel gives a frame of a flood to the queue that
    /// has the sending CPU's number, so that CPUs that send at once receive at once.
    pub(crate) fn new() -> Result<Self> {
        Self::with_queues(cpus::highest()? + 1)
    }

    /// With so many queues per link.
    pub(crate) fn with_queues(queues: usize) -> Result<Self> {
        let namespace = Namespace::add("sender")?;
        for cpu in cpus::usable()? {
            let spare = spare(cpu);
            namespace.ip(&format!(
                "link add {spare} type veth peer name {spare}-peer\nlink set {spare} up\n"
            ))?;
        }
        Ok(Self {
            namespace,
            queues,
            servers: Cell::new(0),
        })
    }

    /// Adds a server.
    pub(crate) fn server(&self, lab: &Lab, name: &'static str) -> Result<Server> {
        let number = self.servers.get();
        self.servers.set(number + 1);
        let namespace = Namespace::add(name)?;
        let queues = format!("numtxqueues {0} numrxqueues {0}", self.queues);
        self.namespace.ip(&format!(
            "link add {name} address 02:00:00:00:00:02 {queues} type veth \
             peer name {INTERFACE} address 02:00:00:00:00:01 {queues} netns {name}\n"
        ))?;
        let server = Server {
            index: self
                .namespace
                .inside(|| if_nametoindex(name))?
                .with_context(|| format!("number of {name}"))?,
            namespace,
            link: name,
            number,
        };
        let (near, far) = (Side::Server, Side::Sender);
        for (namespace, interface, own, other, mac) in [
            (&server.namespace, INTERFACE, near, far, "02:00:00:00:00:02"),
            (&self.namespace, name, far, near, "02:00:00:00:00:01"),
        ] {
            let [own4, own6] = [Family::V4, Family::V6].map(|family| server.at(own, family));
            let [other4, other6] = [Family::V4, Family::V6].map(|family| server.at(other, family));
            namespace.ip(&format!(
                "address add {own4}/30 dev {interface}\n\
                 address add {own6}/64 dev {interface} nodad\n\
                 link set {interface} up\n\
                 neighbour add {other4} lladdr {mac} nud permanent dev {interface}\n\
                 neighbour add {other6} lladdr {mac} nud permanent dev {interface}\n"
            ))?;
        }
        for family in [Family::V4, Family::V6] {
            let (prefix, gateway) = (flood::prefix(family), server.at(far, family));
            server
                .namespace
                .ip(&format!("route add {prefix} via {gateway}\n"))?;
        }
        // Without GRO, a veth takes frames from an XDP program only for another XDP program.
        let mut gro = Command::new("ethtool");
        gro.args(["-K", INTERFACE, "gro", "on"]);
        server
            .namespace
            .inside(|| peers::run(lab, "gro", &mut gro))??;
        Ok(server)
    }
}

/// An end of a link.
#[derive(Clone, Copy)]
enum Side {
    Server = 1,
    Sender = 2,
}

/// What a server's kernel has counted since it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// UDP packets that got as far as the search for a socket.
    pub(crate) udp: u64,
}

impl Server {
    /// Packets that reached UDP.
    pub(crate) fn delivered(&self, family: Family) -> Result<Delivered> {
        let read = |file| {
            let path = format!("/proc/thread-self/net/{file}");
            self.namespace
                .inside(|| std::fs::read_to_string(&path))?
                .with_context(|| format!("read {path}"))
        };
        let udp = match family {
            Family::V4 => {
                // Two lines of each protocol: names, then figures.
                let text = read("snmp")?;
                let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
                let names = lines.next().context("no Udp in snmp")?;
                let figures = lines.next().context("no figures of Udp in snmp")?;
                let counts = |name: &str| ["InDatagrams", "NoPorts", "InErrors"].contains(&name);
                names
                    .split(' ')
                    .zip(figures.split(' '))
                    .filter(|(name, _)| counts(name))
                    .map(|(_, figure)| figure.parse::<u64>())
                    .sum::<Result<u64, _>>()?
            }
            Family::V6 => {
                let text = read("snmp6")?;
                let wanted = ["Udp6InDatagrams", "Udp6NoPorts", "Udp6InErrors"];
                text.lines()
                    .filter_map(|line| line.split_once(' '))
                    .filter(|(name, _)| wanted.contains(name))
                    .map(|(_, figure)| figure.trim().parse::<u64>())
                    .sum::<Result<u64, _>>()?
            }
        };
        Ok(Delivered { udp })
    }

    /// The sender's end of the link.
    pub(crate) fn link(&self) -> &str {
        self.link
    }

    /// The server's address.
    pub(crate) fn address(&self, family: Family) -> IpAddr {
        self.at(Side::Server, family)
    }

    /// The address at one end of its link, a documentation one (RFC 5737, RFC 3849).
    fn at(&self, side: Side, family: Family) -> IpAddr {
        let (link, side) = (self.number, side as u8);
        match family {
            Family::V4 => [192, 0, 2, 4 * link + side].into(),
            Family::V6 => {
                let [link, side] = [link, side].map(u16::from);
                [0x2001, 0xdb8, 0xa, link, 0, 0, 0, side].into()
            }
        }
    }
}
