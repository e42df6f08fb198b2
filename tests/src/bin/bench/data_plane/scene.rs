//! The network of a flood: one sender, and servers side by side, each on a link of its own, so that
//! all can be measured in turns without anything being set up in between.

use std::{net::IpAddr, process::Command};

use anyhow::{Context as _, Result};
use banner_tests::{flood, lab::Lab, netns::Namespace, topology::Family};
use nix::net::if_::if_nametoindex;

use super::{cpus, peers};

/// Addresses are documentation ones (RFC 5737, RFC 3849).
const SERVER_V4: [u8; 4] = [192, 0, 2, 1];
const SERVER_V6: [u16; 8] = [0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1];

/// Where the floods come from.
pub(crate) struct Sender {
    pub(crate) namespace: Namespace,
}

/// Who is flooded.
pub(crate) struct Server {
    pub(crate) namespace: Namespace,
    /// The sender's end of the link to it.
    link: String,
    /// Its number in the sender's namespace.
    pub(crate) index: u32,
}

/// The server's end of that link.
pub(crate) const INTERFACE: &str = "eth0";

/// The server's address on that link.
pub(crate) fn address(family: Family) -> IpAddr {
    match family {
        Family::V4 => SERVER_V4.into(),
        Family::V6 => SERVER_V6.into(),
    }
}

/// Its MAC address, the same on every link.
pub(crate) const MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// An interface of the sender's that leads nowhere, for the flood from this CPU to be attached to.
pub(crate) fn spare(cpu: usize) -> String {
    format!("spare{cpu}")
}

impl Sender {
    pub(crate) fn new() -> Result<Self> {
        let namespace = Namespace::add("sender")?;
        for cpu in cpus::usable()? {
            let spare = spare(cpu);
            namespace.ip(&format!(
                "link add {spare} type veth peer name {spare}-peer\nlink set {spare} up\n"
            ))?;
        }
        Ok(Self { namespace })
    }

    /// Adds a server. One queue for each CPU: the kernel gives a frame to the queue that has the
    /// sending CPU's number, so that CPUs that send at once receive at once.
    pub(crate) fn server(&self, lab: &Lab, name: &'static str) -> Result<Server> {
        let namespace = Namespace::add(name)?;
        let queues = cpus::highest()? + 1;
        let queues = format!("numtxqueues {queues} numrxqueues {queues}");
        self.namespace.ip(&format!(
            "link add {name} address 02:00:00:00:00:02 {queues} type veth \
             peer name {INTERFACE} address 02:00:00:00:00:01 {queues} netns {name}\n\
             link set {name} up\n"
        ))?;
        namespace.ip(&format!(
            "address add 192.0.2.1/24 dev {INTERFACE}\n\
             address add 2001:db8:a::1/64 dev {INTERFACE} nodad\n\
             link set {INTERFACE} up\n\
             neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 nud permanent dev {INTERFACE}\n\
             neighbour add 2001:db8:a::2 lladdr 02:00:00:00:00:02 nud permanent dev {INTERFACE}\n\
             route add {} via 192.0.2.2\n\
             route add {} via 2001:db8:a::2\n",
            flood::prefix(Family::V4),
            flood::prefix(Family::V6)
        ))?;
        // Without GRO, a veth takes frames from an XDP program only for another XDP program.
        let mut gro = Command::new("ethtool");
        gro.args(["-K", INTERFACE, "gro", "on"]);
        namespace.inside(|| peers::run(lab, "gro", &mut gro))??;
        let index = self
            .namespace
            .inside(|| if_nametoindex(name))?
            .with_context(|| format!("number of {name}"))?;
        Ok(Server {
            namespace,
            link: name.to_owned(),
            index,
        })
    }
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
        &self.link
    }
}
