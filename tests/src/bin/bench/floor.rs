//! The other side of each comparison.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::fd::AsFd as _,
};

use anyhow::{Context as _, Result};
use aya::{
    EbpfLoader,
    programs::{Xdp, XdpMode},
};
use banner_common::{ALL_PORTS, Ban, CHECKED, FOREVER, PROGRAM, Seen};
use banner_tests::bpf::{Object, object};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};

/// Waits for inotify, reads what is new, bans the address in the last line: no filter, no counting,
/// no rotation, one file.
pub(crate) fn latency(log: &str, interface: &str) -> Result<()> {
    let mut object = Object::load()?;
    object.attach(interface, XdpMode::Driver)?;
    let mut file = File::open(log).with_context(|| format!("open {log}"))?;
    file.seek(SeekFrom::End(0))?;
    let inotify = Inotify::init(InitFlags::IN_NONBLOCK)?;
    inotify.add_watch(log, AddWatchFlags::IN_MODIFY)?;
    say_ready()?;
    let mut lines = 0;
    let mut text = String::new();
    loop {
        poll(
            &mut [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)],
            PollTimeout::NONE,
        )?;
        inotify.read_events()?;
        text.clear();
        file.read_to_string(&mut text)?;
        for line in text.lines() {
            lines += 1;
            let host = line
                .split(" from ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            if lines % 3 == 0
                && let Some(host) = host.and_then(|host| host.parse().ok())
            {
                object.ban(
                    host,
                    Ban {
                        expires: FOREVER,
                        jail: 0,
                        flags: CHECKED,
                        scope: ALL_PORTS,
                        seen: Seen(0),
                    },
                )?;
            }
        }
    }
}

/// Loads and attaches, and says so.
pub(crate) fn start(interface: &str) -> Result<()> {
    let (_, bytes) = object()?;
    let mut ebpf = EbpfLoader::new().btf(None).load(&bytes)?;
    let program: &mut Xdp = ebpf
        .program_mut(PROGRAM)
        .context("the object has the program")?
        .try_into()?;
    program.load()?;
    program.attach(interface, XdpMode::Driver)?;
    say_ready()
}

fn say_ready() -> Result<()> {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "ready")?;
    Ok(stderr.flush()?)
}
