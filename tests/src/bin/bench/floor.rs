//! The other side of each comparison.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    net::IpAddr,
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
    let mut reader = Reader::default();
    loop {
        poll(
            &mut [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)],
            PollTimeout::NONE,
        )?;
        inotify.read_events()?;
        file.read_to_string(&mut reader.text)?;
        for host in reader.hosts() {
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

/// What was read and is no whole line yet: where a line crosses a page of the file, the first part can be
/// read before the second is written.
#[derive(Default)]
struct Reader {
    text: String,
    lines: u32,
}

impl Reader {
    /// The hosts of every third line.
    fn hosts(&mut self) -> Vec<IpAddr> {
        let whole = self.text.rfind('\n').map_or(0, |at| at + 1);
        let mut hosts = Vec::new();
        for line in self.text[..whole].lines() {
            self.lines += 1;
            let host = line
                .split(" from ")
                .nth(1)
                .and_then(|rest| rest.split(' ').next());
            if self.lines.is_multiple_of(3) {
                hosts.extend(host.and_then(|host| host.parse::<IpAddr>().ok()));
            }
        }
        self.text.drain(..whole);
        hosts
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

#[cfg(test)]
mod tests {
    use super::Reader;

    #[test]
    fn line_that_is_read_in_two_parts_counts_once() {
        let line = "Failed password for root from 198.18.0.167 port 4242 ssh2\n";
        let three = line.repeat(3);
        for cut in 0..three.len() {
            let mut reader = Reader::default();
            let mut hosts = Vec::new();
            for part in [&three[..cut], &three[cut..]] {
                reader.text.push_str(part);
                hosts.extend(reader.hosts());
            }
            assert_eq!(hosts, ["198.18.0.167".parse::<std::net::IpAddr>().unwrap()]);
        }
    }
}
