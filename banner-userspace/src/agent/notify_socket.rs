//! Tells a service manager that the agent is ready (`sd_notify`(3)).

use std::{
    env,
    os::{
        linux::net::SocketAddrExt as _,
        unix::{
            ffi::OsStrExt as _,
            net::{SocketAddr, UnixDatagram},
        },
    },
};

use crate::model::Mono;

/// `READY=1`, where the environment names somebody who wants to know.
pub(super) fn ready() {
    send("READY=1");
}

/// `RELOADING=1`, at this ns of `CLOCK_MONOTONIC`; [`ready`] ends it.
pub(super) fn reloading(now: Mono) {
    send(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.0 / 1000));
}

/// `STOPPING=1`.
pub(super) fn stopping() {
    send("STOPPING=1");
}

fn send(state: &str) {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&path),
    };
    // A service manager that does not listen will give up on its own terms.
    if let (Ok(address), Ok(socket)) = (address, UnixDatagram::unbound()) {
        let _ = socket.send_to_addr(state.as_bytes(), &address);
    }
}
