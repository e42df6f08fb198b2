//! What others do to the table.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use nix::errno::Errno;

use super::{message::messages, script::TABLE};

/// linux/netfilter/nfnetlink.h: `NFNLGRP_NFTABLES`, as a bit.
const GROUP: u32 = 1 << (7 - 1);

/// Errors of no known cause after which the socket is left alone until the kernel wakes again.
const MAX_ERRORS: u32 = 16;

/// The table that iptables over nftables keeps its rules in, in both families.
const FILTER: &str = "filter";

/// What others have changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noticed {
    /// Banner's table.
    pub table: bool,
    /// The rules of iptables, where these are kept in nftables.
    pub filter: bool,
}

/// Readable when somebody has changed tables of nftables.
pub struct Notices {
    socket: Socket,
}

impl std::fmt::Debug for Notices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notices").finish_non_exhaustive()
    }
}

impl Notices {
    /// Changes from now on are told of.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_NETFILTER)?;
        socket.bind(&SocketAddr::new(0, GROUP))?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// Takes all that is waiting; what of it is not the work of the socket with this port.
    pub fn drain(&self, own: Option<u32>) -> Noticed {
        let mut any = Noticed::default();
        let mut errors = 0;
        let mut buffer = vec![0_u8; 64 << 10];
        loop {
            match self.socket.recv(&mut &mut buffer[..], 0) {
                Ok(length) => {
                    for notice in messages(&buffer[..length.min(buffer.len())]) {
                        let table = notice.table();
                        any.table |= table == Some(TABLE) && Some(notice.port()) != own;
                        any.filter |= table == Some(FILTER);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
                Err(error) => {
                    // ENOBUFS: more happened than fits.
                    any = Noticed {
                        table: true,
                        filter: true,
                    };
                    let passing = [Errno::ENOBUFS, Errno::EINTR].map(|errno| Some(errno as i32));
                    if !passing.contains(&error.raw_os_error()) {
                        errors += 1;
                        if errors == MAX_ERRORS {
                            return any;
                        }
                    }
                }
            }
        }
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
