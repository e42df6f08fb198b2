//! Packets of one source in the log, on demand.

use aya_ebpf::Global;
use aya_log_ebpf::info;
use banner_common::{Reason, TRACE_LATER_FRAGMENT, TRACE_OTHER, TRACE_UNREADABLE};

use crate::{family::Family, frame::Frame, parse, transport::Transport};

// Constants to the verifier, which removes what they switch off: the agent sets them in the object
// before it loads it, and loads another program to trace.
#[unsafe(no_mangle)]
static TRACE: Global<u8> = Global::new(0);
#[unsafe(no_mangle)]
static TRACE_ADDRESS: Global<[u16; 8]> = Global::new([0; 8]);

/// Logs the verdict on a packet if its source is the one that is traced: reason, index in the map of
/// ports or what stands for it, bytes, interface.
///
/// It parses the packet again: a cursor that were kept for it would be kept by the verifier too, which
/// would tell apart the ways that led to it, traced or not.
#[inline(always)]
pub fn packet<F: Family>(frame: &impl Frame, source: F, reason: Reason) {
    if TRACE.load() == 0 || source.mapped() != TRACE_ADDRESS.load() {
        return;
    }
    let mut packet = frame.cursor();
    if parse::source(&mut packet).is_err() {
        return;
    }
    let port = match F::transport(packet, 0) {
        Transport::Port(index) => index,
        Transport::Other => TRACE_OTHER,
        Transport::LaterFragment => TRACE_LATER_FRAGMENT,
        Transport::Unreadable => TRACE_UNREADABLE,
    };
    info!(
        frame.context(),
        "{} {} {} {}",
        reason as u32,
        port,
        frame.bytes(),
        frame.interface()
    );
}
