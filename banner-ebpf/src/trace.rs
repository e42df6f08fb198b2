//! Packets of one source in the log, on demand.

use aya_ebpf::Global;
use aya_log_ebpf::info;
use banner_common::Reason;

use crate::frame::Frame;

// Constants to the verifier, which removes what they switch off: the agent sets them in the object
// before it loads it, and loads another program to trace.
#[unsafe(no_mangle)]
static TRACE: Global<u8> = Global::new(0);
#[unsafe(no_mangle)]
static TRACE_ADDRESS: Global<[u16; 8]> = Global::new([0; 8]);

/// Logs the verdict on a packet, if its source is the one that is traced.
#[inline(always)]
pub fn packet(frame: &impl Frame, source: [u16; 8], reason: Reason) {
    if TRACE.load() == 0 || source != TRACE_ADDRESS.load() {
        return;
    }
    info!(
        frame.context(),
        "{} {} {}",
        reason.name(),
        frame.bytes(),
        frame.interface()
    );
}
