//! The network of the end-to-end tests: a server with two neighbours, each on a link of its own.

use std::{
    fmt,
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use crate::{
    netns::Namespace,
    wait::{PATIENCE, wait_until},
};

/// Where no test listens: the TCP port of RFC 863.
const CLOSED_PORT: u16 = 9;

/// Which protocol a test runs over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// An address of each family.
#[derive(Clone, Copy, Debug)]
struct Pair {
    v4: [u8; 4],
    v6: [u16; 8],
}

impl Pair {
    fn of(self, family: Family) -> IpAddr {
        match family {
            Family::V4 => self.v4.into(),
            Family::V6 => self.v6.into(),
        }
    }
}

/// A machine with one interface, `eth0`, that leads to the server.
#[derive(Debug)]
pub struct Peer {
    namespace: Namespace,
    server_interface: &'static str,
    own: Pair,
    server: Pair,
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.namespace.name())
    }
}

impl Peer {
    /// The peer's namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The peer's address.
    pub fn address(&self, family: Family) -> IpAddr {
        self.own.of(family)
    }

    /// The server's end of the link.
    pub fn server_interface(&self) -> &'static str {
        self.server_interface
    }

    /// `port` at the server's address on this link.
    pub fn server(&self, family: Family, port: u16) -> SocketAddr {
        SocketAddr::new(self.server.of(family), port)
    }
}

impl Peer {
    /// Whether packets go to the server and back: nobody listens there, and that is an answer. A
    /// link that is up drops what it is given until the kernel has got round to starting its queue.
    pub fn reaches_server(&self, family: Family) -> Result<bool> {
        let closed = self.server(family, CLOSED_PORT);
        let attempt = || TcpStream::connect_timeout(&closed, Duration::from_millis(100));
        match self.namespace.inside(attempt)? {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(true),
            Err(error) if error.kind() == ErrorKind::TimedOut => Ok(false),
            Err(error) => Err(error).with_context(|| format!("reach {closed} from {self}")),
            Ok(_) => bail!("somebody listens at {closed}"),
        }
    }
}

/// The first five bytes of the addresses of both ends of the attacker's link.
const ATTACKERS_MAC: &str = "02:00:00:00:0a";

/// Server, attacker and friend.
#[derive(Debug)]
pub struct Topology {
    /// Where the daemons run.
    pub server: Namespace,
    /// Who gets banned.
    pub attacker: Peer,
    /// Who never must be.
    pub friend: Peer,
}

impl Topology {
    /// Builds the namespaces and links. All addresses are documentation ones (RFC 5737, RFC 3849).
    pub fn build() -> Result<Self> {
        let server = Namespace::add("server")?;
        let attacker = Peer {
            namespace: Namespace::add("attacker")?,
            server_interface: "to-attacker",
            own: Pair {
                v4: [192, 0, 2, 66],
                v6: [0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 0x66],
            },
            server: Pair {
                v4: [192, 0, 2, 1],
                v6: [0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1],
            },
        };
        let friend = Peer {
            namespace: Namespace::add("friend")?,
            server_interface: "to-friend",
            own: Pair {
                v4: [198, 51, 100, 7],
                v6: [0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 7],
            },
            server: Pair {
                v4: [198, 51, 100, 1],
                v6: [0x2001, 0xdb8, 0xf, 0, 0, 0, 0, 1],
            },
        };
        join(&server, &attacker, ATTACKERS_MAC)?;
        join(&server, &friend, "02:00:00:00:0f")?;
        for peer in [&attacker, &friend] {
            for family in [Family::V4, Family::V6] {
                wait_until("a link to carry packets", PATIENCE, || {
                    peer.reaches_server(family)
                })?;
            }
        }
        Ok(Self {
            server,
            attacker,
            friend,
        })
    }

    /// Makes the link of the attacker, which was deleted, once more.
    pub fn join_attacker_again(&self) -> Result<()> {
        join(&self.server, &self.attacker, ATTACKERS_MAC)
    }

    /// Deletes the link of the attacker and makes another one in its place, whose near end has this
    /// index.
    pub fn make_attackers_link_anew(&self, index: u32) -> Result<()> {
        let near = self.attacker.server_interface;
        self.server.ip(&format!(
            "link delete {near}\n{}",
            link(&self.attacker, ATTACKERS_MAC, &format!("index {index}"))
        ))?;
        address(&self.server, &self.attacker, ATTACKERS_MAC)
    }

    /// Gives the near end of the attacker's link its addresses again, which it loses when it goes
    /// from one namespace to another.
    pub fn address_attackers_link(&self) -> Result<()> {
        address_near(&self.server, &self.attacker, ATTACKERS_MAC)
    }
}

fn join(server: &Namespace, peer: &Peer, mac: &str) -> Result<()> {
    server.ip(&link(peer, mac, ""))?;
    address(server, peer, mac)
}

/// The `ip` command that makes the link; `more` is said of the near end.
fn link(peer: &Peer, mac: &str, more: &str) -> String {
    let (near, far) = (peer.server_interface, peer.namespace.name());
    format!(
        "link add {near} {more} address {mac}:01 type veth \
         peer name eth0 address {mac}:02 netns {far}\n"
    )
}

fn address(server: &Namespace, peer: &Peer, mac: &str) -> Result<()> {
    address_near(server, peer, mac)?;
    address_end(&peer.namespace, "eth0", peer.own, peer.server, (mac, "01"))
}

fn address_near(server: &Namespace, peer: &Peer, mac: &str) -> Result<()> {
    let near = peer.server_interface;
    address_end(server, near, peer.server, peer.own, (mac, "02"))
}

/// The neighbour entries are permanent: a ban drops neighbour solicitations too, and without an
/// entry a connection would fail for want of a MAC address rather than of an answer.
fn address_end(
    namespace: &Namespace,
    interface: &str,
    own: Pair,
    other: Pair,
    (mac, other_mac): (&str, &str),
) -> Result<()> {
    let [own4, own6, other4, other6] = [
        (own, Family::V4),
        (own, Family::V6),
        (other, Family::V4),
        (other, Family::V6),
    ]
    .map(|(pair, family)| pair.of(family));
    namespace.ip(&format!(
        "address add {own4}/24 dev {interface}\n\
         address add {own6}/64 dev {interface} nodad\n\
         link set {interface} up\n\
         neighbour add {other4} lladdr {mac}:{other_mac} nud permanent dev {interface}\n\
         neighbour add {other6} lladdr {mac}:{other_mac} nud permanent dev {interface}\n"
    ))
}
