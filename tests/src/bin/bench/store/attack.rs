//! Who attacks, and what a log says of it.

use std::{fmt::Write as _, net::Ipv4Addr, process::Command};

use anyhow::Result;

/// Failures that make a ban.
pub(super) const FAILURES: u32 = 3;

/// The stamp of now, as syslog writes it.
pub(super) fn stamp() -> Result<String> {
    let date = Command::new("date").arg("+%b %e %H:%M:%S").output()?;
    Ok(String::from_utf8(date.stdout)?.trim_end().to_owned())
}

/// The attacker of this number.
pub(super) fn v4(first: u32, number: u32) -> Ipv4Addr {
    Ipv4Addr::from(first + number)
}

/// The lines by which each of these attackers is banned.
pub(super) fn lines_v4(text: &mut String, stamp: &str, first: u32, numbers: std::ops::Range<u32>) {
    for number in numbers {
        failures(text, stamp, format_args!("{}", v4(first, number)));
    }
}

/// The same of IPv6 (RFC 3849), each from a network of its own.
pub(super) fn lines_v6(text: &mut String, stamp: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let (high, low) = (number >> 16, number & 0xffff);
        failures(text, stamp, format_args!("2001:db8:{high:x}:{low:x}::1"));
    }
}

fn failures(text: &mut String, stamp: &str, host: std::fmt::Arguments<'_>) {
    for port in 0..FAILURES {
        // A string takes what is written to it.
        let _ = writeln!(
            text,
            "{stamp} server sshd[7]: Failed password for root from {host} port {} ssh2",
            4242 + port
        );
    }
}
