//! The programs that the bench compares banner with do what their names say.

use std::net::IpAddr;

use anyhow::{Result, ensure};
use aya::{TestRun as _, TestRunOptions};
use banner_common::Ban;
use banner_tests::{
    bare::{self, Bare},
    flood::{Fate, Flood, Generator, source},
    frame::{ARP, Frame, Ipv4, Ipv6, udp},
    topology::Family,
};

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

fn from(source: IpAddr) -> Vec<u8> {
    match source {
        IpAddr::V4(source) => Frame::new().ipv4(&Ipv4::new(source, [192, 0, 2, 1].into(), udp(18))),
        IpAddr::V6(source) => Frame::new().ipv6(&Ipv6::new(
            source,
            [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into(),
            udp(2),
        )),
    }
}

fn verdict(bare: &Bare, program: &str, frame: &[u8]) -> Result<u32> {
    let options = TestRunOptions {
        data_in: Some(frame),
        ..TestRunOptions::new()
    };
    Ok(bare.program(program)?.test_run(options)?.return_value)
}

#[test]
fn bench_lookups_drop_what_is_listed_and_nothing_else() -> Result<()> {
    for family in FAMILIES {
        let mut bare = Bare::load(10)?;
        bare.list([source(family, 1)])?;
        let program = bare::lookup(family);
        assert_eq!(verdict(&bare, program, &from(source(family, 1)))?, XDP_DROP);
        assert_eq!(verdict(&bare, program, &from(source(family, 2)))?, XDP_PASS);
        let other = FAMILIES[usize::from(family == Family::V4)];
        assert_eq!(verdict(&bare, program, &from(source(other, 1)))?, XDP_PASS);
        let arp = Frame::new().other(ARP, &[0; 46]);
        assert_eq!(verdict(&bare, program, &arp)?, XDP_PASS);
        assert_eq!(verdict(&bare, bare::DROP, &arp)?, XDP_DROP);
    }
    Ok(())
}

#[test]
fn bench_values_are_as_large_as_bans() {
    assert_eq!(bare::VALUE_SIZE, Ban::SIZE);
}

/// Each with the right checksum: a kernel that drops packets for theirs would make any blocklist
/// look good.
#[test]
fn bench_floods_come_from_every_source_with_checksums_that_hold() -> Result<()> {
    const SOURCES: u32 = 5;
    for family in FAMILIES {
        let destination: IpAddr = match family {
            Family::V4 => [192, 0, 2, 1].into(),
            Family::V6 => [0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 1].into(),
        };
        let generator = Generator::load(Flood {
            first: 100,
            sources: SOURCES,
            to: [2, 0, 0, 0, 0, 1],
            destination,
            fate: Fate::Sent,
        })?;
        let mut seen = [0; SOURCES as usize];
        for _ in 0..500 {
            let (action, frame) = generator.make()?;
            assert_eq!(action, XDP_TX);
            let (address, covered): (IpAddr, Vec<u8>) = match family {
                Family::V4 => {
                    let address: [u8; 4] = frame[26..30].try_into()?;
                    (address.into(), frame[14..34].to_vec())
                }
                Family::V6 => {
                    let address: [u8; 16] = frame[22..38].try_into()?;
                    let length = u8::try_from(frame.len() - 54)?;
                    let pseudo = [0, length, 0, 17];
                    (address.into(), [&frame[22..], &pseudo].concat())
                }
            };
            let nth = (0..SOURCES).position(|n| source(family, 100 + n) == address);
            ensure!(nth.is_some(), "{address} is none of the sources");
            seen[nth.unwrap_or_default()] += 1;
            assert_eq!(checksum(&covered), 0, "{family:?} from {address}");
        }
        assert!(seen.iter().all(|&packets| packets > 50), "{seen:?}");
    }
    Ok(())
}

/// RFC 1071; 0 when the checksum among `bytes` is right.
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2);
    let sum = words.fold(0_u32, |sum, word| {
        sum + u32::from(u16::from_be_bytes([word[0], *word.get(1).unwrap_or(&0)]))
    });
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from((folded & 0xffff) + (folded >> 16)).expect("no carry is left")
}
