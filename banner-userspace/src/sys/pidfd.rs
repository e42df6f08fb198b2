//! A descriptor that becomes readable when a process ends.

use std::{
    io,
    os::fd::{FromRawFd as _, OwnedFd, RawFd},
};

use nix::libc;

/// That of a child that has not been waited for (Linux 5.3).
pub(crate) fn of(pid: u32) -> io::Result<OwnedFd> {
    let pid = libc::pid_t::try_from(pid).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "no wrapper has this system call")]
    // SAFETY: it takes two integers and touches no memory of this process.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = RawFd::try_from(fd).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "the kernel gives a number")]
    // SAFETY: the kernel has just opened it, and nobody else knows it.
    let owned = unsafe { OwnedFd::from_raw_fd(fd) };
    Ok(owned)
}
