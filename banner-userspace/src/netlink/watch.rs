//! A file descriptor that becomes readable when the network changes.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};
use nix::errno::Errno;

use super::message::{Message, messages};

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

/// Errors of no known cause after which the socket is left alone until the kernel wakes again.
const MAX_ERRORS: u32 = 16;

impl Watch {
    /// Changes from now on are told of.
    pub fn open() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        let groups = LINK | IPV4_ADDRESS | IPV4_ROUTE | IPV6_ADDRESS | IPV6_ROUTE;
        socket.bind(&SocketAddr::new(0, groups))?;
        socket.set_non_blocking(true)?;
        Ok(Self { socket })
    }

    /// Takes all that is waiting; whether any of it can have changed the
    /// [`Network`](super::Network). Routes other than default ones are no part of that, and on a
    /// router they change all the time.
    pub fn drain(&self) -> bool {
        let mut any = false;
        let mut errors = 0;
        let mut buffer = [0_u8; 8192];
        loop {
            match self.socket.recv(&mut &mut buffer[..], 0) {
                Ok(length) => any |= matters(&buffer[..length.min(buffer.len())]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return any,
                Err(error) => {
                    any = true;
                    // ENOBUFS: more happened than fits. What does fit is still there, and until it
                    // is taken the kernel neither queues more nor wakes anybody.
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

/// Whether a datagram tells of anything but specific routes. One that is cut may.
fn matters(datagram: &[u8]) -> bool {
    messages(datagram).any(|message| !message.is_ok_and(Message::is_specific_route))
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::message::tests::message, *};

    #[test]
    fn one_message_that_matters_is_enough() {
        let specific = message(24, 0, &[2, 24, 0, 0]);
        let default = message(24, 0, &[2, 0, 0, 0]);
        let link = message(16, 0, &[0, 0, 0, 0]);
        assert!(!matters(&specific));
        assert!(!matters(&[&specific[..], &specific].concat()));
        assert!(matters(&[&specific[..], &default].concat()));
        assert!(matters(&[&specific[..], &link].concat()));
        assert!(matters(&link[..link.len() - 1]));
    }
}
