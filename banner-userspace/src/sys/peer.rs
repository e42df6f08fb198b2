//! Who is at the other end of a Unix socket.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

use nix::libc;

/// The groups that the peer was in when it connected, besides its own (`SO_PEERGROUPS`, 4.13).
pub(crate) fn groups(socket: BorrowedFd<'_>) -> io::Result<Vec<u32>> {
    // NGROUPS_MAX.
    let mut groups = vec![0_u32; 65_536];
    let mut length = libc::socklen_t::try_from(size_of_val(&groups[..])).unwrap_or(0);
    #[expect(unsafe_code, reason = "there is no safe wrapper for this option")]
    // SAFETY: the descriptor is open, and the kernel writes at most `length` bytes to the buffer, which
    // has as many and may hold any bytes.
    let failed = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if failed != 0 {
        return Err(io::Error::last_os_error());
    }
    groups.truncate(length as usize / size_of::<u32>());
    Ok(groups)
}

#[cfg(test)]
mod tests {
    use std::os::{fd::AsFd as _, unix::net::UnixStream};

    use super::*;

    #[test]
    fn the_groups_of_this_process_are_those_of_its_peer() {
        let (one, _other) = UnixStream::pair().unwrap();
        let mut found = groups(one.as_fd()).unwrap();
        let mut own: Vec<u32> = nix::unistd::getgroups()
            .unwrap()
            .into_iter()
            .map(nix::unistd::Gid::as_raw)
            .collect();
        found.sort_unstable();
        own.sort_unstable();
        assert_eq!(found, own);
    }
}
