//! The XDP program of banner: parse, look up, decide, count, return.
//!
//! `../ARCHITECTURE.md` states the contract between this program and the agent.
#![no_std]
#![no_main]

mod cursor;
mod maps;
mod parse;
mod verdict;

use aya_ebpf::{
    bindings::xdp_action::{XDP_DROP, XDP_PASS},
    helpers::{bpf_jiffies64, bpf_ktime_get_ns},
    macros::xdp,
    programs::XdpContext,
};
use banner_common::{ClockReading, Reason};

use crate::{cursor::Cursor, parse::Source};

/// The verdict on one packet.
#[xdp]
pub fn banner(ctx: XdpContext) -> u32 {
    let reason = match parse::source(&mut Cursor::new(&ctx)) {
        Ok(Source::V4(address)) => verdict::on(&maps::BANS4, &maps::NEVER4, address),
        Ok(Source::V6(address)) => verdict::on(&maps::BANS6, &maps::NEVER6, address),
        Err(reason) => reason,
    };
    maps::count(reason, ctx.data_end() - ctx.data());
    match reason {
        Reason::Drop => XDP_DROP,
        _ => XDP_PASS,
    }
}

/// Writes a [`ClockReading`] over the start of the packet. Never attached: the agent test-runs it.
#[xdp]
pub fn banner_clock(ctx: XdpContext) -> u32 {
    if let Some(reading) = Cursor::new(&ctx).take::<ClockReading>() {
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
