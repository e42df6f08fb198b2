//! Packets of one address in the program's log.

use std::{
    io,
    net::IpAddr,
    os::fd::{AsFd as _, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
};

use aya_log::EbpfLogger;
use banner_common::{ICMP_INDEX, Reason, TRACE_LATER_FRAGMENT, TRACE_OTHER, TRACE_UNREADABLE};

use tokio::io::unix::AsyncFd;

use super::{Xdp, XdpError};
use crate::sys;

impl Xdp {
    /// Puts programs in place that log every packet of an address, or programs that log nothing. No
    /// packet meets an interface without one. The kernel's ids of the programs, for [`TraceLog`].
    pub fn trace(&mut self, address: Option<IpAddr>) -> Result<Vec<u32>, XdpError> {
        let before = self.loader.traced;
        self.loader.traced = address;
        self.swap_all().inspect_err(|_| self.loader.traced = before)
    }
}

/// What became of one packet of the traced address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Traced {
    /// Why it was dropped or passed.
    pub reason: Reason,
    /// `tcp/22`, `icmp`, or what stands there instead.
    pub carries: String,
    /// Its length, Ethernet header included.
    pub bytes: u64,
    /// Index of the interface.
    pub interface: u32,
}

/// The log of a program that traces.
pub struct TraceLog {
    log: EbpfLogger<Lines>,
    lines: Lines,
    readable: AsyncFd<OwnedFd>,
}

impl TraceLog {
    /// That of the program with this id of the kernel's. Needs a tokio runtime around it.
    pub fn open(program: u32) -> Result<Self, XdpError> {
        let failed = |why: String| XdpError::TraceLog { program, why };
        let lines = Lines::default();
        let log = EbpfLogger::init_from_id_with_logger(program, lines.clone())
            .map_err(|why| failed(why.to_string()))?;
        let readable = sys::readable(log.as_fd()).map_err(|why| failed(why.to_string()))?;
        Ok(Self {
            log,
            lines,
            readable,
        })
    }

    /// What was logged since the last time, when something was. Packets that there was no room for in
    /// the log are lost.
    pub async fn read(&mut self) -> io::Result<Vec<Traced>> {
        self.readable.readable().await?.clear_ready();
        self.log.flush();
        let mut lines = (self.lines.0.lock()).unwrap_or_else(PoisonError::into_inner);
        Ok(lines.drain(..).filter_map(|line| traced(&line)).collect())
    }
}

impl std::fmt::Debug for TraceLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TraceLog").finish_non_exhaustive()
    }
}

/// Where aya-log's lines go.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// Reads a line as `trace.rs` of the program writes it.
fn traced(line: &str) -> Option<Traced> {
    let mut fields = line.split(' ');
    let reason = fields.next()?.parse::<usize>().ok()?;
    let index = fields.next()?.parse().ok()?;
    let bytes = fields.next()?.parse().ok()?;
    let interface = fields.next()?.parse().ok()?;
    Some(Traced {
        reason: *Reason::ALL.get(reason)?,
        carries: carries(index),
        bytes,
        interface,
    })
}

fn carries(index: u32) -> String {
    const NAMES: [&str; 4] = ["tcp", "udp", "sctp", "udplite"];
    match index {
        ICMP_INDEX => "icmp".into(),
        TRACE_OTHER => "no ports".into(),
        TRACE_LATER_FRAGMENT => "later fragment".into(),
        TRACE_UNREADABLE => "unreadable".into(),
        _ => {
            let protocol = usize::try_from(index >> 16).ok();
            let name = protocol.and_then(|protocol| NAMES.get(protocol));
            format!("{}/{}", name.unwrap_or(&"?"), index & 0xffff)
        }
    }
}

#[cfg(test)]
mod tests {
    use banner_common::port_index;

    use super::*;

    #[test]
    fn lines_of_the_program_are_understood() {
        let line = |index: u32| format!("1 {index} 60 3");
        for (index, carries) in [
            (port_index(0, 22), "tcp/22"),
            (port_index(1, 53), "udp/53"),
            (port_index(2, 0), "sctp/0"),
            (port_index(3, 65_535), "udplite/65535"),
            (ICMP_INDEX, "icmp"),
            (TRACE_OTHER, "no ports"),
            (TRACE_LATER_FRAGMENT, "later fragment"),
            (TRACE_UNREADABLE, "unreadable"),
        ] {
            let expected = Traced {
                reason: Reason::Drop,
                carries: carries.into(),
                bytes: 60,
                interface: 3,
            };
            assert_eq!(traced(&line(index)), Some(expected));
        }
        for line in ["", "1 2 3", "99 1 60 3", "a 1 60 3"] {
            assert_eq!(traced(line), None, "{line}");
        }
    }
}
