//! Random frames against a second, independent reading of the same rules.

use std::{
    cell::{Cell, RefCell},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use anyhow::{Result, ensure};
use banner_common::Reason;
use banner_tests::{
    bpf::Object,
    frame::{ARP, IPV4, IPV6, QINQ, VLAN},
};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, any},
    prop_oneof,
    test_runner::{Config, TestCaseError, TestRunner},
};

use super::row::{FOR_EVER, Row};

const GUILTY4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);
const GUILTY6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, 7);

/// Frames that are right more often than chance would have it, of any length from 14 bytes.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let tag = prop_oneof![Just(VLAN), Just(QINQ)];
    let ether_type = prop_oneof![
        4 => Just(IPV4),
        4 => Just(IPV6),
        1 => Just(ARP),
        1 => any::<u16>(),
    ];
    let first = prop_oneof![
        2 => 0x45_u8..=0x4f,
        3 => 0x60_u8..=0x6f,
        2 => any::<u8>(),
    ];
    let header = (
        vec((tag, any::<u16>()), 0..=3),
        ether_type,
        first,
        any::<[u8; 128]>(),
        // Which banned addresses stand where a source address would.
        any::<[bool; 2]>(),
    );
    (header, 14..170_usize).prop_map(|((tags, ether_type, first, mut noise, guilty), length)| {
        let mut frame = vec![2; 12];
        for (kind, control) in tags {
            frame.extend(kind.to_be_bytes());
            frame.extend(control.to_be_bytes());
        }
        frame.extend(ether_type.to_be_bytes());
        noise[0] = first;
        if guilty[0] {
            noise[8..24].copy_from_slice(&GUILTY6.octets());
        }
        if guilty[1] {
            noise[12..16].copy_from_slice(&GUILTY4.octets());
        }
        frame.extend(noise);
        frame.truncate(length);
        frame
    })
}

/// What the frame's source address is, or why it has none.
fn source(frame: &[u8]) -> Result<IpAddr, Reason> {
    let word = |at: usize| {
        let bytes = frame.get(at..at + 2).ok_or(Reason::Malformed)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    let tagged = |ether_type| ether_type == VLAN || ether_type == QINQ;
    let mut at = 12;
    while at < 12 + 2 * 4 && tagged(word(at)?) {
        at += 4;
    }
    let (ether_type, packet) = (word(at)?, &frame[at + 2..]);
    match ether_type {
        IPV4 => {
            let header: &[u8; 20] = packet.first_chunk().ok_or(Reason::Malformed)?;
            if header[0] >> 4 != 4 || header[0] & 0xf < 5 {
                return Err(Reason::Malformed);
            }
            Ok(Ipv4Addr::new(header[12], header[13], header[14], header[15]).into())
        }
        IPV6 => {
            let header: &[u8; 40] = packet.first_chunk().ok_or(Reason::Malformed)?;
            if header[0] >> 4 != 6 {
                return Err(Reason::Malformed);
            }
            let mut source = [0; 16];
            source.copy_from_slice(&header[8..24]);
            Ok(source.into())
        }
        _ => Err(Reason::NotIp),
    }
}

#[test]
fn random_frames_get_the_verdict_of_the_model() -> Result<()> {
    const CASES: u32 = 4096;
    let object = RefCell::new(Object::load()?);
    let drops = Cell::new(0);
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config).run(&frames(), |frame| {
        let row = match source(&frame) {
            Ok(source) if source == GUILTY4 || source == GUILTY6 => {
                drops.set(drops.get() + 1);
                Row::drop("banned", frame)
            }
            Ok(_) => Row::pass("not banned", frame, Reason::Pass),
            Err(reason) => Row::pass("no source", frame, reason),
        };
        row.ban(GUILTY4, FOR_EVER)
            .ban(GUILTY6, FOR_EVER)
            .check(&mut object.borrow_mut())
            .map_err(|error| TestCaseError::fail(format!("{error:#}")))
    })?;
    println!("random frames: {CASES}, dropped: {}", drops.get());
    // Otherwise the frames would hardly ever reach the lookup, and the test show little.
    ensure!(
        drops.get() >= CASES / 40,
        "only {} had a banned source",
        drops.get()
    );
    Ok(())
}
