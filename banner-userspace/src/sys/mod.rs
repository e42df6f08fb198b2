//! The one place outside the kernel program with `unsafe` in it.

pub(crate) mod bpf;
pub(crate) mod orphan;
pub(crate) mod peer;
pub(crate) mod pidfd;
pub(crate) mod xtables;

use std::{
    io,
    os::fd::{BorrowedFd, OwnedFd},
};

use tokio::io::{Interest, unix::AsyncFd};

/// A duplicate of `fd` that the runtime wakes for when there is something to read. Edge-triggered:
/// clear its readiness, then read until nothing is left.
pub(crate) fn readable(fd: BorrowedFd<'_>) -> io::Result<AsyncFd<OwnedFd>> {
    let owned = fd.try_clone_to_owned()?;
    #[expect(
        unsafe_code,
        reason = "tokio leaves it to the caller that the descriptor stays open"
    )]
    // SAFETY: an `OwnedFd` is open and the same until it is dropped, and the `AsyncFd` owns it.
    let registered = unsafe { AsyncFd::register_with_interest(owned, Interest::READABLE) };
    registered.map_err(Into::into)
}
