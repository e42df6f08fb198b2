use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use banner_tests::frame::{Frame, Ipv4, Ipv6, Payload, icmp, icmp6};

/// Who takes part in the rows that both families share.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) family: &'static str,
    /// The source of the frames.
    pub(crate) source: IpAddr,
    /// Addresses that are not the source and differ from it in one bit: the first, the last.
    pub(crate) near: [IpAddr; 2],
    /// Where the frames go.
    pub(crate) server: IpAddr,
    /// Prefixes that hold the source.
    pub(crate) around: Vec<(IpAddr, u32)>,
    /// Prefixes beside the source.
    pub(crate) beside: Vec<(IpAddr, u32)>,
    /// The family's own ICMP.
    pub(crate) icmp: Payload,
    /// The other family's.
    pub(crate) other_icmp: Payload,
}

pub(crate) fn v4() -> Cast {
    let source = Ipv4Addr::new(192, 0, 2, 7);
    let prefix = |a, b, c, d, length| (IpAddr::from([a, b, c, d]), length);
    Cast {
        family: "IPv4",
        source: source.into(),
        near: [[64, 0, 2, 7].into(), [192, 0, 2, 6].into()],
        server: [198, 51, 100, 1].into(),
        around: vec![
            prefix(0, 0, 0, 0, 0),
            prefix(192, 0, 0, 0, 8),
            prefix(192, 0, 0, 0, 16),
            prefix(192, 0, 2, 0, 24),
            prefix(192, 0, 2, 6, 31),
            prefix(192, 0, 2, 7, 32),
        ],
        beside: vec![
            prefix(64, 0, 0, 0, 8),
            prefix(192, 0, 3, 0, 24),
            prefix(192, 0, 2, 6, 32),
            prefix(198, 51, 100, 1, 32),
        ],
        icmp: icmp(),
        other_icmp: icmp6(),
    }
}

pub(crate) fn v6() -> Cast {
    let source = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 7);
    let prefix = |text: &str, length| {
        (
            IpAddr::V6(text.parse().expect("an address in this file")),
            length,
        )
    };
    Cast {
        family: "IPv6",
        source: source.into(),
        near: [prefix("a001:db8:a::7", 0).0, prefix("2001:db8:a::6", 0).0],
        server: prefix("2001:db8:b::1", 0).0,
        around: vec![
            prefix("::", 0),
            prefix("2001::", 16),
            prefix("2001:db8::", 32),
            prefix("2001:db8:a::", 48),
            prefix("2001:db8:a::", 64),
            prefix("2001:db8:a::6", 127),
            prefix("2001:db8:a::7", 128),
        ],
        beside: vec![
            prefix("a001::", 16),
            prefix("2001:db8:b::", 48),
            prefix("2001:db8:a:1::", 64),
            prefix("2001:db8:a::6", 128),
            prefix("2001:db8:b::1", 128),
        ],
        icmp: icmp6(),
        other_icmp: icmp(),
    }
}

impl Cast {
    /// `payload` from the source to the server behind `frame`, which holds addresses and tags.
    pub(crate) fn frame(&self, frame: Frame, payload: Payload) -> Vec<u8> {
        match (self.source, self.server) {
            (IpAddr::V4(source), IpAddr::V4(server)) => {
                frame.ipv4(&Ipv4::new(source, server, payload))
            }
            (IpAddr::V6(source), IpAddr::V6(server)) => {
                frame.ipv6(&Ipv6::new(source, server, payload))
            }
            _ => unreachable!("a cast is of one family"),
        }
    }

    /// `payload` in one packet split in fragments: the first, the middle, the last.
    pub(crate) fn fragment(&self, offset: u16, more: bool, payload: Payload) -> Vec<u8> {
        match (self.source, self.server) {
            (IpAddr::V4(source), IpAddr::V4(server)) => {
                Frame::new().ipv4(&Ipv4::new(source, server, payload).fragment(offset, more))
            }
            (IpAddr::V6(source), IpAddr::V6(server)) => {
                Frame::new().ipv6(&Ipv6::new(source, server, payload).fragment(offset, more))
            }
            _ => unreachable!("a cast is of one family"),
        }
    }
}
