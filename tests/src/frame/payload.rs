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

/// A TCP SYN to port 22.
pub fn tcp_syn() -> Payload {
    let mut bytes = vec![0xc0, 0x00, 0x00, 22];
    // Sequence and acknowledgement numbers.
    bytes.extend([0; 8]);
    // Five words of header, SYN, window.
    bytes.extend([0x50, 0x02, 0xff, 0xff]);
    // Checksum and urgent pointer.
    bytes.extend([0; 4]);
    Payload { protocol: 6, bytes }
}

/// A UDP datagram of `length` bytes of data.
pub fn udp(length: u16) -> Payload {
    let mut bytes = vec![0xc0, 0x00, 0x00, 53];
    bytes.extend((8 + length).to_be_bytes());
    bytes.extend([0, 0]);
    bytes.resize(8 + usize::from(length), b'x');
    Payload {
        protocol: 17,
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
    Payload {
        protocol: 132,
        bytes: vec![0xc0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 20],
    }
}
