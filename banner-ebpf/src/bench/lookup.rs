//! The least that any blocklist of exact addresses costs: parse, look up, return.

use aya_ebpf::{
    bindings::xdp_action::{XDP_DROP, XDP_PASS},
    btf_maps::HashMap,
    macros::{btf_map, xdp},
    programs::XdpContext,
};

use crate::header;

/// As large as the value of banner's own ban maps; the bench fails where the two differ.
type Value = [u64; 3];

/// The bench sets the real size when it loads the program.
const MAX_ENTRIES: usize = 65_536;

#[btf_map]
static LOOKUP4: HashMap<[u16; 2], Value, MAX_ENTRIES> = HashMap::new();
#[btf_map]
static LOOKUP6: HashMap<[u16; 8], Value, MAX_ENTRIES> = HashMap::new();

// EtherTypes, as they stand on the wire (RFC 894, RFC 2464).
const IPV4: u16 = 0x0800_u16.to_be();
const IPV6: u16 = 0x86dd_u16.to_be();

#[repr(C)]
struct Ethernet {
    addresses: [u16; 6],
    ether_type: u16,
}

/// The fixed header (RFC 791). Of 16-bit words, so that a source address is two loads.
#[repr(C)]
struct Ipv4 {
    until_source: [u16; 6],
    source: [u16; 2],
    destination: [u16; 2],
}

/// The fixed header (RFC 8200).
#[repr(C)]
struct Ipv6 {
    until_source: [u16; 4],
    source: [u16; 8],
    destination: [u16; 8],
}

/// Drops IPv4 packets whose source is in the map, passes all others: no VLAN tags, no expiry, no
/// counter, no never-ban list, no scope.
///
/// One program for each family: in one for both the compiler merges the two calls, and the verifier
/// inlines a lookup only where it can tell the map.
#[xdp]
pub fn bare_lookup4(ctx: XdpContext) -> u32 {
    let Some(ip) = network::<Ipv4>(&ctx, IPV4) else {
        return XDP_PASS;
    };
    // SAFETY: `network` has checked the bounds, the fields are integers, and frames start at even
    // addresses, as their headers do behind one another. The key stays in the packet: no copy is
    // cheaper.
    let source = unsafe { &(*ip).source };
    match LOOKUP4.get_ptr(source) {
        Some(_) => XDP_DROP,
        None => XDP_PASS,
    }
}

/// The same for IPv6.
#[xdp]
pub fn bare_lookup6(ctx: XdpContext) -> u32 {
    let Some(ip) = network::<Ipv6>(&ctx, IPV6) else {
        return XDP_PASS;
    };
    // SAFETY: as above.
    let source = unsafe { &(*ip).source };
    match LOOKUP6.get_ptr(source) {
        Some(_) => XDP_DROP,
        None => XDP_PASS,
    }
}

/// The header behind an Ethernet header with this type.
#[inline(always)]
fn network<T>(ctx: &XdpContext, ether_type: u16) -> Option<*mut T> {
    let ethernet = header::<Ethernet>(ctx, 0)?;
    // SAFETY: `header` has checked the bounds; frames start at even addresses.
    if unsafe { (*ethernet).ether_type } != ether_type {
        return None;
    }
    header(ctx, size_of::<Ethernet>())
}
