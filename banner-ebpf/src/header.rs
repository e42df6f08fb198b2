//! Headers as they stand on the wire.
//!
//! They are made of 16-bit words: drivers place frames at even addresses and every header here has
//! an even length, so each word is one load, where bytes would be two.

// EtherTypes (IEEE 802, RFC 894, RFC 2464, 802.1Q, 802.1ad).
pub const IPV4: u16 = 0x0800_u16.to_be();
pub const IPV6: u16 = 0x86dd_u16.to_be();
pub const VLAN: u16 = 0x8100_u16.to_be();
pub const QINQ: u16 = 0x88a8_u16.to_be();

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Ethernet {
    addresses: [u16; 6],
    pub ether_type: u16,
}

#[derive(Clone, Copy)]
#[repr(C)]
pub struct Tag {
    control: u16,
    pub ether_type: u16,
}

/// The fixed part of an IPv4 header (RFC 791).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Ipv4 {
    pub version_and_length: u8,
    service: u8,
    total_length: u16,
    identification: u16,
    pub fragment: u16,
    time_to_live: u8,
    pub protocol: u8,
    checksum: u16,
    pub source: [u16; 2],
    destination: [u16; 2],
}

/// The fixed part of an IPv6 header (RFC 8200).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Ipv6 {
    pub version_and_class: u8,
    class_and_flow: u8,
    flow: u16,
    payload_length: u16,
    pub next_header: u8,
    hop_limit: u8,
    pub source: [u16; 8],
    destination: [u16; 8],
}

/// The beginning of most IPv6 extension headers (RFC 8200, RFC 6275, RFC 7401, RFC 5533), and of the
/// authentication header (RFC 4302).
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Extension {
    pub next_header: u8,
    pub length: u8,
}

/// The rest of an IPv6 fragment header (RFC 8200), behind its [`Extension`].
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Fragment {
    pub offset: u16,
    identification: [u16; 2],
}

/// Where TCP, UDP, SCTP and UDP-Lite begin.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Ports {
    source: u16,
    pub destination: u16,
}
