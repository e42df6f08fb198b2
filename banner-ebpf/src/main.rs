//! The XDP program of banner: parse, look up, decide, count, return.
//!
//! `../ARCHITECTURE.md` states the contract between this program and the agent.
#![no_std]
#![no_main]

mod cursor;
mod family;
mod frame;
mod header;
mod maps;
mod parse;
mod renew;
mod thorough;
mod trace;
mod transport;
mod verdict;

use aya_ebpf::{
    bindings::{
        TC_ACT_SHOT, TC_ACT_UNSPEC,
        xdp_action::{XDP_DROP, XDP_PASS},
    },
    helpers::{bpf_jiffies64, bpf_ktime_get_ns},
    macros::{classifier, xdp},
    programs::{TcContext, XdpContext},
};
use banner_common::{ClockReading, Reason};

use crate::{
    cursor::Cursor,
    family::Family as _,
    frame::{Frags, Frame, Linear, Skb},
    parse::Source,
    verdict::Verdict,
};

/// The verdict on one packet, which may lie in several buffers.
#[xdp(frags)]
pub fn banner(ctx: XdpContext) -> u32 {
    xdp_action(judge(&Frags(ctx)))
}

/// The same on kernels whose XDP packets lie in one buffer (before 5.18).
#[xdp]
pub fn banner_linear(ctx: XdpContext) -> u32 {
    xdp_action(judge(&Linear(ctx)))
}

/// The same at the tcx ingress hook, for an interface whose XDP slot is taken.
#[classifier]
pub fn banner_tcx(ctx: TcContext) -> i32 {
    match judge(&Skb::new(ctx)) {
        Reason::Drop => TC_ACT_SHOT,
        // TCX_NEXT: on to the next program, or to the stack.
        _ => TC_ACT_UNSPEC,
    }
}

#[inline(always)]
fn xdp_action(reason: Reason) -> u32 {
    match reason {
        Reason::Drop => XDP_DROP,
        _ => XDP_PASS,
    }
}

/// Decides, and counts.
#[inline(always)]
fn judge(frame: &impl Frame) -> Reason {
    let mut packet = frame.cursor();
    let Verdict { reason, ban } = match parse::source(&mut packet) {
        Ok(Source::V4(address)) => verdict::on(packet, address),
        Ok(Source::V6(address)) => verdict::on(packet, address),
        Err(reason) => Verdict::pass(reason),
    };
    let tally = maps::count(reason, frame.bytes());
    if let (Some(ban), Some(tally)) = (ban, tally) {
        let now = verdict::now();
        if let Some(packets) = maps::counts_for(tally, now) {
            // SAFETY: the entry of a map that this program run looked up. Two CPUs may write at
            // once; `Seen` says what that costs.
            let seen = unsafe { &mut (*ban).seen };
            *seen = seen.after(now, packets);
            count_top(frame, packets);
        }
    }
    trace::packet(frame, reason);
    reason
}

/// Adds packets to what the source of one has sent. The address is taken from the packet again: kept
/// until here, it would be kept by the verifier too, which would tell apart the ways that led to it.
#[inline(always)]
fn count_top(frame: &impl Frame, packets: u64) {
    match parse::source(&mut frame.cursor()) {
        Ok(Source::V4(address)) => maps::count_top(address.mapped(), packets),
        Ok(Source::V6(address)) => maps::count_top(address.mapped(), packets),
        Err(_) => {}
    }
}

/// Writes a [`ClockReading`] over the start of the packet. Never attached: the agent test-runs it.
#[xdp]
pub fn banner_clock(ctx: XdpContext) -> u32 {
    if let Some(reading) = Cursor::new(ctx.data(), ctx.data_end()).take::<ClockReading>() {
        // SAFETY: `take` has checked that the packet holds a whole reading. The verifier allows
        // unaligned packet writes.
        unsafe {
            reading.write_unaligned(ClockReading {
                jiffies: bpf_jiffies64(),
                monotonic: bpf_ktime_get_ns(),
            });
        }
    }
    XDP_PASS
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

/// The kernel grants helpers marked `gpl_only` to programs with this licence only.
#[cfg(target_arch = "bpf")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";
