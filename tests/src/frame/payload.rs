/// What an IP packet carries. Checksums are left 0: nothing in front of the kernel's own stack
/// looks at them.
#[derive(Clone, Debug)]
pub struct Payload {
    /// IANA's protocol number.
    pub protocol: u8,
    /// Header and data.
    pub bytes: Vec<u8>,
}

/// Nothing at all (RFC 8200: no next header).
pub fn none() -> Payload {
    Payload {
        protocol: 59,
        bytes: Vec::new(),
    }
}

/// Protocol: ICMP (RFC 792).
pub const ICMP: u8 = 1;
/// Protocol: TCP (RFC 9293).
pub const TCP: u8 = 6;
/// Protocol: UDP (RFC 768).
pub const UDP: u8 = 17;
/// Protocol: encapsulating security payload (RFC 4303).
pub const ESP: u8 = 50;
/// Protocol, and extension header: authentication (RFC 4302).
pub const AUTHENTICATION: u8 = 51;
/// Protocol: `ICMPv6` (RFC 4443).
pub const ICMP6: u8 = 58;
/// Protocol: SCTP (RFC 9260).
pub const SCTP: u8 = 132;
/// Protocol: UDP-Lite (RFC 3828).
pub const UDP_LITE: u8 = 136;

/// A TCP SYN to port 22.
pub fn tcp_syn() -> Payload {
    to_port(TCP, 22)
}

/// The beginning of a connection, or the one packet, of any protocol whose header begins with ports.
pub fn to_port(protocol: u8, port: u16) -> Payload {
    let mut bytes = vec![0xc0, 0x00];
    bytes.extend(port.to_be_bytes());
    match protocol {
        TCP => {
            // Sequence and acknowledgement numbers.
            bytes.extend([0; 8]);
            // Five words of header, SYN, window.
            bytes.extend([0x50, 0x02, 0xff, 0xff]);
            // Checksum and urgent pointer.
            bytes.extend([0; 4]);
        }
        // Tag, checksum, an INIT chunk's beginning.
        SCTP => bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20]),
        // Length (all that is covered, in UDP-Lite), checksum.
        _ => bytes.extend([0, 8, 0, 0]),
    }
    Payload { protocol, bytes }
}

/// `payload` behind an authentication header with a check value of 12 bytes.
pub fn authenticated(payload: Payload) -> Payload {
    // Its length is in words, less two.
    let mut bytes = vec![payload.protocol, 4];
    bytes.resize(24, 0);
    bytes.extend(payload.bytes);
    Payload {
        protocol: AUTHENTICATION,
        bytes,
    }
}

/// A UDP datagram of `length` bytes of data.
pub fn udp(length: u16) -> Payload {
    let mut bytes = vec![0xc0, 0x00, 0x00, 53];
    bytes.extend((8 + length).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.resize(8 + usize::from(length), b'x');
    Payload {
        protocol: UDP,
        bytes,
    }
}

/// An `ICMPv4` echo request.
pub fn icmp() -> Payload {
    Payload {
        protocol: 1,
        bytes: vec![8, 0, 0, 0, 0, 1, 0, 1],
    }
}

/// An `ICMPv6` neighbour solicitation.
pub fn icmp6() -> Payload {
    let mut bytes = vec![135, 0, 0, 0];
    bytes.resize(24, 0);
    Payload {
        protocol: 58,
        bytes,
    }
}

/// An SCTP INIT chunk's beginning.
pub fn sctp() -> Payload {
    to_port(SCTP, 22)
}

impl Payload {
    /// Cuts it to `length` bytes.
    #[must_use]
    pub fn cut(mut self, length: usize) -> Self {
        self.bytes.truncate(length);
        self
    }
}
