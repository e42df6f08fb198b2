//! What goes over a namespace's interfaces, seen from outside its TCP.

use std::{
    net::{SocketAddr, TcpStream},
    os::fd::{AsRawFd as _, OwnedFd},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrStorage, connect, recv,
        socket,
    },
};

use crate::{
    frame::{IPV4, IPV6},
    netns::Namespace,
};

const TCP: u8 = 6;
const SYN: u8 = 0x02;
const ACK: u8 = 0x10;

/// Sends SYNs to a server and counts them and their answers on the wire.
#[derive(Debug)]
pub struct Knocker<'a> {
    from: &'a Namespace,
    server: SocketAddr,
    packets: OwnedFd,
    /// SYNs seen to leave for the server's port.
    pub sent: u32,
    /// SYN-ACKs seen to come from the server's port.
    pub answered: u32,
}

impl<'a> Knocker<'a> {
    /// Watches all interfaces of `from`.
    pub fn new(from: &'a Namespace, server: SocketAddr) -> Result<Self> {
        let packets = from
            .inside(|| {
                let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
                socket(
                    AddressFamily::Packet,
                    SockType::Raw,
                    flags,
                    SockProtocol::EthAll,
                )
            })?
            .context("open a packet socket")?;
        Ok(Self {
            from,
            server,
            packets,
            sent: 0,
            answered: 0,
        })
    }

    /// Sends one SYN and gives up on its answer.
    pub fn knock(&mut self) -> Result<()> {
        let family = match self.server {
            SocketAddr::V4(_) => AddressFamily::Inet,
            SocketAddr::V6(_) => AddressFamily::Inet6,
        };
        let server = SockaddrStorage::from(self.server);
        self.from.inside(|| {
            let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
            let attempt = socket(family, SockType::Stream, flags, None)?;
            match connect(attempt.as_raw_fd(), &server) {
                Ok(()) | Err(Errno::EINPROGRESS) => Ok(()),
                Err(error) => Err(error).context("send a SYN"),
            }
        })??;
        self.count()
    }

    /// Whether a connection comes about within `within`; false only when nothing at all came back.
    pub fn connects(&mut self, within: Duration) -> Result<bool> {
        let outcome = self
            .from
            .inside(|| TcpStream::connect_timeout(&self.server, within))?;
        self.count()?;
        match outcome {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut => Ok(false),
            Err(error) => Err(error).with_context(|| format!("connect to {}", self.server)),
        }
    }

    /// Counts what has come in since the last time.
    fn count(&mut self) -> Result<()> {
        let mut frame = [0; 2048];
        loop {
            let length = match recv(self.packets.as_raw_fd(), &mut frame, MsgFlags::empty()) {
                Ok(length) => length,
                Err(Errno::EAGAIN) => return Ok(()),
                // Frames were lost: a count of none would mean nothing.
                Err(error) => bail!("read from the packet socket: {error}"),
            };
            let port = self.server.port();
            match segment(&frame[..length]) {
                Some(Segment { to, flags, .. }) if to == port && flags & (SYN | ACK) == SYN => {
                    self.sent += 1;
                }
                Some(Segment { from, flags, .. })
                    if from == port && flags & (SYN | ACK) == SYN | ACK =>
                {
                    self.answered += 1;
                }
                _ => {}
            }
        }
    }
}

struct Segment {
    from: u16,
    to: u16,
    flags: u8,
}

/// The TCP header of an untagged frame without extension headers, which is all the kernel sends here.
fn segment(frame: &[u8]) -> Option<Segment> {
    let ether_type = u16::from_be_bytes([*frame.get(12)?, *frame.get(13)?]);
    let packet = frame.get(14..)?;
    let (protocol, header_length) = match ether_type {
        IPV4 => (*packet.get(9)?, usize::from(packet.first()? & 0xf) * 4),
        IPV6 => (*packet.get(6)?, 40),
        _ => return None,
    };
    let header: &[u8; 20] = packet.get(header_length..)?.first_chunk()?;
    (protocol == TCP).then(|| Segment {
        from: u16::from_be_bytes([header[0], header[1]]),
        to: u16::from_be_bytes([header[2], header[3]]),
        flags: header[13],
    })
}
