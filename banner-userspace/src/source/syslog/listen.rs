//! Sockets that messages come to.

use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use nix::sys::socket::sockopt::{Ipv6V6Only, KeepAlive, RcvBuf, RcvBufForce, ReuseAddr, RxqOvfl};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, UnixAddr, bind, listen,
    setsockopt, socket,
};
use nix::sys::stat::{Mode, fchmod};

use crate::model::Listen;

/// How much the kernel keeps of datagrams that were not read yet, in bytes.
const ROOM: usize = 8 << 20;

/// Connections that wait to be taken.
const WAITING: i32 = 64;

/// A socket that messages come to.
#[derive(Debug)]
pub(super) enum Door {
    /// Each datagram is a message.
    Datagrams(OwnedFd),
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Door {
    pub(super) fn open(at: &Listen) -> io::Result<Self> {
        match at {
            Listen::Udp(address) => {
                let socket = of_network(*address, SockType::Datagram)?;
                setsockopt(&socket, RxqOvfl, &1)?;
                Ok(Self::Datagrams(roomy(socket)))
            }
            Listen::Tcp(address) => {
                let socket = of_network(*address, SockType::Stream)?;
                listen(&socket, Backlog::new(WAITING)?)?;
                Ok(Self::Tcp(TcpListener::from(socket)))
            }
            Listen::UnixDatagram(path) => {
                Ok(Self::Datagrams(roomy(of_path(path, SockType::Datagram)?)))
            }
            Listen::UnixStream(path) => {
                let socket = of_path(path, SockType::Stream)?;
                listen(&socket, Backlog::new(WAITING)?)?;
                Ok(Self::Unix(UnixListener::from(socket)))
            }
        }
    }

    /// The next connection, and whose it is.
    pub(super) fn accept(&self) -> io::Result<(OwnedFd, Option<IpAddr>)> {
        match self {
            Self::Datagrams(_) => Err(io::ErrorKind::WouldBlock.into()),
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                stream.set_nonblocking(true)?;
                // Else one that vanished without a word keeps its place.
                setsockopt(&stream, KeepAlive, &true)?;
                Ok((stream.into(), Some(peer.ip().to_canonical())))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nonblocking(true)?;
                Ok((stream.into(), None))
            }
        }
    }
}

impl AsFd for Door {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Self::Datagrams(socket) => socket.as_fd(),
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix(listener) => listener.as_fd(),
        }
    }
}

fn flags() -> SockFlag {
    SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC
}

/// As much room as there may be; without privilege that is `net.core.rmem_max`.
fn roomy(socket: OwnedFd) -> OwnedFd {
    if setsockopt(&socket, RcvBufForce, &ROOM).is_err() {
        let _ = setsockopt(&socket, RcvBuf, &ROOM);
    }
    socket
}

fn of_network(address: SocketAddr, kind: SockType) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let socket = socket(family, kind, flags(), None)?;
    if kind == SockType::Stream {
        setsockopt(&socket, ReuseAddr, &true)?;
    }
    if address.is_ipv6() {
        // `[::]` is both families, whatever net.ipv6.bindv6only says.
        setsockopt(&socket, Ipv6V6Only, &!address.ip().is_unspecified())?;
    }
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(socket)
}

fn of_path(path: &Path, kind: SockType) -> io::Result<OwnedFd> {
    clear(path, kind)?;
    let socket = socket(AddressFamily::Unix, kind, flags(), None)?;
    // The file gets the rights of the socket: who can write to it can have any address banned.
    fchmod(&socket, Mode::from_bits_truncate(0o660))?;
    bind(socket.as_raw_fd(), &UnixAddr::new(path)?)?;
    Ok(socket)
}

/// Removes a socket at which nobody listens any more.
fn clear(path: &Path, kind: SockType) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::other("there is something that is no socket"));
    }
    let answer = if kind == SockType::Datagram {
        UnixDatagram::unbound().and_then(|socket| socket.connect(path))
    } else {
        UnixStream::connect(path).map(drop)
    };
    match answer {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Ok(()) => Err(io::Error::other("another program listens there")),
        Err(error) => Err(error),
    }
}
