use std::net::Ipv6Addr;

use super::{AUTHENTICATION, Payload};

/// Next header: hop-by-hop options (RFC 8200).
pub const HOP_BY_HOP: u8 = 0;
/// Next header: routing (RFC 8200).
pub const ROUTING: u8 = 43;
/// Next header: fragment (RFC 8200).
pub const FRAGMENT: u8 = 44;
/// Next header: destination options (RFC 8200).
pub const DESTINATION_OPTIONS: u8 = 60;
/// Next header: mobility (RFC 6275).
pub const MOBILITY: u8 = 135;
/// Next header: host identity (RFC 7401).
pub const HOST_IDENTITY: u8 = 139;
/// Next header: shim6 (RFC 5533).
pub const SHIM6: u8 = 140;

/// An IPv6 packet (RFC 8200). Fields that are public may be set wrong.
#[derive(Clone, Debug)]
pub struct Ipv6 {
    source: Ipv6Addr,
    destination: Ipv6Addr,
    payload: Payload,
    /// Extension headers in their order: type, and the bytes behind the next-header byte.
    extensions: Vec<(u8, Vec<u8>)>,
    /// First byte of the header, where it shall not be the right one.
    pub version_and_class: Option<u8>,
    /// Payload length, where it shall not be the right one.
    pub payload_length: Option<u16>,
}

impl Ipv6 {
    /// A packet without extension headers.
    pub fn new(source: Ipv6Addr, destination: Ipv6Addr, payload: Payload) -> Self {
        Self {
            source,
            destination,
            payload,
            extensions: Vec::new(),
            version_and_class: None,
            payload_length: None,
        }
    }

    /// Appends an extension header of eight bytes: options padded with `PadN`, or a routing header
    /// with no segments left; one of authentication has twelve more.
    #[must_use]
    pub fn extension(self, kind: u8) -> Self {
        match kind {
            ROUTING => self.raw_extension(kind, vec![0, 4, 0, 0, 0, 0, 0]),
            AUTHENTICATION => {
                let mut content = vec![4];
                content.resize(23, 0);
                self.raw_extension(kind, content)
            }
            _ => self.raw_extension(kind, vec![0, 1, 4, 0, 0, 0, 0]),
        }
    }

    /// Appends an extension header that holds `content` behind its next-header byte.
    #[must_use]
    pub fn raw_extension(mut self, kind: u8, content: Vec<u8>) -> Self {
        self.extensions.push((kind, content));
        self
    }

    /// Appends an extension header of `8 * (length + 1)` bytes; of `4 * (length + 2)` bytes where it is
    /// one of authentication.
    #[must_use]
    pub fn long_extension(self, kind: u8, length: u8) -> Self {
        let bytes = match kind {
            AUTHENTICATION => 4 * (usize::from(length) + 2),
            _ => 8 * (usize::from(length) + 1),
        };
        let mut content = vec![length];
        content.resize(bytes - 1, 0);
        self.raw_extension(kind, content)
    }

    /// Appends a fragment header, `offset` in units of eight bytes.
    #[must_use]
    pub fn fragment(mut self, offset: u16, more: bool) -> Self {
        let [high, low] = (offset << 3 | u16::from(more)).to_be_bytes();
        self.extensions
            .push((FRAGMENT, vec![0, high, low, 0, 0, 0x12, 0x34]));
        self
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let following = self.extensions.iter().skip(1).map(|(kind, _)| *kind);
        let mut chain = Vec::new();
        for ((_, content), next) in self
            .extensions
            .iter()
            .zip(following.chain([self.payload.protocol]))
        {
            chain.push(next);
            chain.extend(content);
        }
        let first = self
            .extensions
            .first()
            .map_or(self.payload.protocol, |(kind, _)| *kind);
        let length = u16::try_from(chain.len() + self.payload.bytes.len());
        let length = length.expect("at most 65535 bytes");

        let mut bytes = vec![self.version_and_class.unwrap_or(0x60), 0, 0, 0];
        bytes.extend(self.payload_length.unwrap_or(length).to_be_bytes());
        bytes.extend([first, 64]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        bytes.extend(chain);
        bytes.extend(&self.payload.bytes);
        bytes
    }
}
