//! Bytes that no well-meaning daemon writes.

use std::{net::IpAddr, time::Duration};

use anyhow::Result;
use banner_tests::{agent::Event, sniffer::Knocker, topology::Family};

use super::watched::{MAX_RETRY, failure, watched};

const HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 66));
const VICTIM: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 9));

/// Writes `junk`, then shows that the lines after it are read as if it were not there, and that
/// nobody is banned for it.
fn survives(junk: &[u8]) -> Result<()> {
    watched(Some(""), |log| {
        log.write(failure(HOST).repeat(2))?;
        for _ in 0..MAX_RETRY {
            log.write(junk)?;
        }
        log.assert_one_missing(HOST)?;
        assert_eq!(log.pinned.ban(VICTIM)?, None, "banned for junk");
        let said = log.agent.lines()?.join("\n");
        assert!(
            !said.contains('\u{1b}') && !said.contains('\0'),
            "{}",
            said.escape_debug()
        );
        Ok(())
    })
}

#[test]
fn ten_megabytes_without_a_newline() -> Result<()> {
    let mut junk = vec![b'A'; 10 << 20];
    // What stands behind the limit is not a line of its own.
    junk.extend(failure(VICTIM).bytes());
    survives(&junk)
}

#[test]
fn zero_bytes() -> Result<()> {
    let mut junk = vec![0; 5000];
    // A line begins where it begins, not behind the zeros.
    junk.extend(failure(VICTIM).bytes());
    survives(&junk)
}

#[test]
fn bytes_that_are_no_text() -> Result<()> {
    let mut junk =
        b"Failed password for \xc3\x28 from 192.0.2.\xb2 port 1 ssh2\n\xf0\x9f\n\xff\xfe".to_vec();
    junk.extend(failure(VICTIM).bytes());
    survives(&junk)
}

#[test]
fn terminal_escapes() -> Result<()> {
    survives(b"\x1b[2J\x1b]0;owned\x07 from 198.51.100.9\x1b[31m port 1 ssh2\n")
}

#[test]
fn a_user_name_of_any_bytes_still_counts() -> Result<()> {
    watched(Some(""), |log| {
        for name in [
            &b"\x1b[31mroot\x1b[0m"[..],
            b"\xff\xfe\0",
            b"a b  c\t from nowhere",
        ] {
            let line = [
                b"Failed password for invalid user ",
                name,
                b" from 192.0.2.66 port 1 ssh2\n",
            ];
            log.write(line.concat())?;
        }
        log.agent.wait_for(Event::Ban, HOST)?;
        let said = log.agent.lines()?.join("\n");
        assert!(
            !said.contains('\u{1b}') && !said.contains('\0'),
            "{}",
            said.escape_debug()
        );
        Ok(())
    })
}

#[test]
fn a_mapped_address_bans_the_ipv4_address() -> Result<()> {
    watched(Some(""), |log| {
        log.write(failure("::ffff:192.0.2.66").repeat(MAX_RETRY as usize))?;
        log.agent.wait_for(Event::Ban, HOST)?;
        assert!(log.pinned.ban(HOST)?.is_some());
        assert_eq!(log.pinned.bans()?, 1);
        let attacker = &log.topology.attacker;
        let server = attacker.server(Family::V4, 22);
        let mut knocker = Knocker::new(attacker.namespace(), server)?;
        assert!(
            !knocker.connects(Duration::from_millis(1500))?,
            "{knocker:?}"
        );
        Ok(())
    })
}
