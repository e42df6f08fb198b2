//! What the kernel says of a table of the iptables of before nftables.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use nix::{
    libc::{self, c_int, c_void, socklen_t},
    sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket},
};

/// `IPT_SO_GET_INFO` and `IP6T_SO_GET_INFO`, which are the same.
const GET_INFO: c_int = 64;

/// `struct ipt_getinfo`, and `struct ip6t_getinfo`, which is the same.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Info {
    name: [u8; 32],
    hooks: u32,
    entries_of_hooks: [u32; 5],
    underflows: [u32; 5],
    entries: u32,
    size: u32,
}

/// How many rules the table `filter` has, where each chain begins, and the like.
pub(crate) fn filter_table(v6: bool) -> io::Result<Info> {
    let (family, level) = if v6 {
        (AddressFamily::Inet6, libc::IPPROTO_IPV6)
    } else {
        (AddressFamily::Inet, libc::IPPROTO_IP)
    };
    let socket: OwnedFd = socket(
        family,
        SockType::Raw,
        SockFlag::SOCK_CLOEXEC,
        SockProtocol::Raw,
    )?;
    let mut info = Info {
        name: [0; 32],
        hooks: 0,
        entries_of_hooks: [0; 5],
        underflows: [0; 5],
        entries: 0,
        size: 0,
    };
    info.name[..6].copy_from_slice(b"filter");
    let mut length = socklen_t::try_from(size_of::<Info>()).map_err(io::Error::other)?;
    let to = (&raw mut info).cast::<c_void>();
    #[expect(unsafe_code, reason = "libc has no safe getsockopt(2)")]
    // SAFETY: `to` is a C structure of this option's layout and of `length` bytes, all of which any bits
    // may be in, and the socket is open.
    let result =
        unsafe { libc::getsockopt(socket.as_raw_fd(), level, GET_INFO, to, &raw mut length) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(info)
}
