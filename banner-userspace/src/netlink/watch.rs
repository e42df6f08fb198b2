//! A file descriptor that becomes readable when the network changes.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

/// Tells that interfaces, addresses or routes have changed, not how: read the
/// [`Network`](super::Network) again.
#[derive(Debug)]
pub struct Watch {
    socket: Socket,
}

// linux/rtnetlink.h, RTMGRP_*: one bit each.
const LINK: u32 = 0x1;
const IPV4_ADDRESS: u32 = 0x10;
const IPV4_ROUTE: u32 = 0x40;
const IPV6_ADDRESS: u32 = 0x100;
const IPV6_ROUTE: u32 = 0x400;

impl Watch {
    /// Changes from now on are told of.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        let groups = LINK | IPV4_ADDRESS | IPV4_ROUTE | IPV6_ADDRESS | IPV6_ROUTE;
        socket.bind(&SocketAddr::new(0, groups))?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// Takes what is waiting; whether there was anything.
    pub fn drain(&self) -> bool {
        let mut any = false;
        let mut buffer = [0_u8; 8192];
        loop {
            match self.socket.recv(&mut &mut buffer[..], 0) {
                Ok(_) => any = true,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
                // ENOBUFS: more happened than fits. That is a change, too.
                Err(_) => return true,
            }
        }
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
