//! What `cargo xtask bench data-plane` measures banner against, and what sends its floods.
//!
//! An object of its own, which shares no line with the program that it is compared with.
#![no_std]
#![no_main]

mod generate;
mod lookup;

use aya_ebpf::{bindings::xdp_action::XDP_DROP, macros::xdp, programs::XdpContext};

/// The floor of floors: what the kernel makes every XDP program pay.
#[xdp]
pub fn bare_drop(_ctx: XdpContext) -> u32 {
    XDP_DROP
}

/// A reference to the `T` that lies `at` bytes behind the start of the packet, if it ends there or
/// later. The comparison has this form because the verifier recognises it.
#[inline(always)]
fn header<T>(ctx: &XdpContext, at: usize) -> Option<*mut T> {
    let start = ctx.data() + at;
    if start + size_of::<T>() > ctx.data_end() {
        return None;
    }
    Some(start as *mut T)
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
