//! Packets of one source in the log, on demand.

use aya_ebpf::{
    Global,
    bindings::{__sk_buff, xdp_md},
    programs::{TcContext, XdpContext},
};
use aya_log_ebpf::info;
use banner_common::{Reason, TRACE_LATER_FRAGMENT, TRACE_OTHER, TRACE_UNREADABLE};

use crate::{
    family::Family,
    frame::{Frame, Linear, Skb},
    parse::{self, Source},
    thorough::opaque_zero,
    transport::Transport,
    verdict::now,
};

// Constants to the verifier, which removes what they switch off: the agent sets them in the object
// before it loads it, and loads another program to trace.
#[unsafe(no_mangle)]
static TRACE: Global<u8> = Global::new(0);
#[unsafe(no_mangle)]
static TRACE_ADDRESS: Global<[u16; 8]> = Global::new([0; 8]);

/// Logs the verdict on a packet, if that of its source is wanted.
#[inline(always)]
pub fn packet(frame: &impl Frame, reason: Reason) {
    if TRACE.load() != 0 {
        frame.trace(reason as u32);
    }
}

// Global functions to the kernel: verified once, and not for each way that leads to them.

/// Logs a packet at the XDP hook.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn banner_trace_xdp(ctx: *mut xdp_md, reason: u32) -> u32 {
    log(&Linear(XdpContext::new(ctx)), reason)
}

/// Logs a packet at the tcx hook.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn banner_trace_tcx(ctx: *mut __sk_buff, reason: u32) -> u32 {
    log(&Skb::new(TcContext::new(ctx)), reason)
}

/// Logs a packet if its source is the one that is traced: reason, index in the map of ports or what
/// stands for it, bytes of its first buffer, interface. Returns whether it did, because a global
/// function has to return something.
#[inline(always)]
fn log(frame: &impl Frame, reason: u32) -> u32 {
    let mut packet = frame.cursor();
    let zero = opaque_zero(now());
    let (source, transport) = match parse::source(&mut packet) {
        Ok(Source::V4(source)) => (source.mapped(), <[u16; 2]>::transport(packet, zero)),
        Ok(Source::V6(source)) => (source.mapped(), <[u16; 8]>::transport(packet, zero)),
        Err(_) => return 0,
    };
    if source != TRACE_ADDRESS.load() {
        return 0;
    }
    let port = match transport {
        Transport::Port(index) => index,
        Transport::Other => TRACE_OTHER,
        Transport::LaterFragment => TRACE_LATER_FRAGMENT,
        Transport::Unreadable => TRACE_UNREADABLE,
    };
    // Kernels before 6.8 verify this with each program, also where nothing is traced.
    let port = port ^ zero as u32;
    info!(
        frame.context(),
        "{} {} {} {}",
        reason,
        port,
        frame.bytes(),
        frame.interface()
    );
    1
}
