//! Floods: test-run on live frames, each of which gets another source and goes out again.

use aya_ebpf::{
    bindings::xdp_action::XDP_ABORTED, helpers::bpf_get_prandom_u32, macros::xdp,
    programs::XdpContext,
};
use core::ptr::read_volatile;

use crate::header;

/// How many sources there are; they follow one another from [`FIRST`] on.
#[unsafe(no_mangle)]
static SOURCES: u32 = 1;
/// The first source, or of IPv6 its last 32 bits; host byte order.
#[unsafe(no_mangle)]
static FIRST: u32 = 0;
/// The Internet checksum's sum (RFC 1071) over everything that it covers but for those 32 bits of the
/// source, in units of the bytes as they lie in memory.
#[unsafe(no_mangle)]
static SUM: u32 = 0;
/// What becomes of a frame: `XDP_TX` sends it, `XDP_DROP` shows what making one costs.
#[unsafe(no_mangle)]
static ACTION: u32 = 0;

/// Where the source lies that changes, and the checksum that covers it, in bytes from the start of
/// an untagged frame.
struct Places {
    source: usize,
    checksum: usize,
}

/// The header checksum of IPv4 covers the source; the frame's UDP has none.
const IPV4: Places = Places {
    source: 26,
    checksum: 24,
};
/// IPv6 has no checksum; that of UDP covers its source.
const IPV6: Places = Places {
    source: 34,
    checksum: 60,
};

/// Sends UDP over IPv4 from random sources.
#[xdp]
pub fn generate4(ctx: XdpContext) -> u32 {
    rewrite(&ctx, IPV4)
}

/// Sends UDP over IPv6 from random sources.
#[xdp]
pub fn generate6(ctx: XdpContext) -> u32 {
    rewrite(&ctx, IPV6)
}

#[inline(always)]
fn rewrite(ctx: &XdpContext, places: Places) -> u32 {
    let (Some(source), Some(checksum)) = (
        header::<[u16; 2]>(ctx, places.source),
        header::<u16>(ctx, places.checksum),
    ) else {
        return XDP_ABORTED;
    };
    // SAFETY: the statics are set before the program is loaded and never change after that; read
    // as volatile, or the compiler would take the values that stand here.
    let (sources, first, sum, action) = unsafe {
        (
            read_volatile(&raw const SOURCES),
            read_volatile(&raw const FIRST),
            read_volatile(&raw const SUM),
            read_volatile(&raw const ACTION),
        )
    };
    // SAFETY: the helper has no preconditions.
    let random = u64::from(unsafe { bpf_get_prandom_u32() });
    // The upper half of the product is even over 0..sources, without a division.
    let nth = ((random * u64::from(sources)) >> 32) as u32;
    let address = (first + nth).to_be();
    let words = [address as u16, (address >> 16) as u16];
    let mut total = sum + u32::from(words[0]) + u32::from(words[1]);
    total = (total & 0xffff) + (total >> 16);
    total = (total & 0xffff) + (total >> 16);
    // SAFETY: `header` has checked both, and both offsets are even.
    unsafe {
        *source = words;
        *checksum = !(total as u16);
    }
    action
}
