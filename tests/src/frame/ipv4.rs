use std::net::Ipv4Addr;

use super::Payload;

const FIXED_LENGTH: usize = 20;
const MORE_FRAGMENTS: u16 = 0x2000;

/// An IPv4 packet (RFC 791). Fields that are public may be set wrong.
#[derive(Clone, Debug)]
pub struct Ipv4 {
    source: Ipv4Addr,
    destination: Ipv4Addr,
    payload: Payload,
    /// A multiple of four bytes, at most 40.
    pub options: Vec<u8>,
    /// First byte of the header, where it shall not be the right one.
    pub version_and_length: Option<u8>,
    /// Total length, where it shall not be the right one.
    pub total_length: Option<u16>,
    flags_and_offset: u16,
}

impl Ipv4 {
    /// A whole packet without options.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, payload: Payload) -> Self {
        Self {
            source,
            destination,
            payload,
            options: Vec::new(),
            version_and_length: None,
            total_length: None,
            flags_and_offset: 0,
        }
    }

    /// Makes it a fragment, `offset` in units of eight bytes.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        self.flags_and_offset = offset | if more { MORE_FRAGMENTS } else { 0 };
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let header_length = FIXED_LENGTH + self.options.len();
        let length = header_length + self.payload.bytes.len();
        let words = u8::try_from(header_length / 4).expect("at most 60 bytes of header");
        let length = u16::try_from(length).expect("at most 65535 bytes");

        let mut bytes = vec![self.version_and_length.unwrap_or(0x40 | words), 0];
        bytes.extend(self.total_length.unwrap_or(length).to_be_bytes());
        bytes.extend([0x12, 0x34]);
        bytes.extend(self.flags_and_offset.to_be_bytes());
        bytes.extend([64, self.payload.protocol, 0, 0]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(&self.options);
        let checksum = checksum(&bytes);
        bytes[10..12].copy_from_slice(&checksum.to_be_bytes());
        bytes.extend(&self.payload.bytes);
        bytes
    }
}

/// The Internet checksum (RFC 1071).
fn checksum(header: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for word in header.chunks_exact(2) {
        sum += u32::from(u16::from_be_bytes([word[0], word[1]]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).expect("the carries are folded in")
}
