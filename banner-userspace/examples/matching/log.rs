//! Logs that are the same in every run.

use std::fmt::Write as _;

/// An auth.log: `percent` of the lines are failures, of `attackers` addresses in turn.
pub(crate) fn log(lines: u32, percent: u32, attackers: u32) -> String {
    let mut text = String::new();
    // A generator with a fixed beginning (Knuth's MMIX constants).
    let mut state = 1u64;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 33).unwrap_or_default()
    };
    for n in 0..lines {
        let (hour, minute, second) = (n / 100_000 % 12, n / 1_700 % 60, n / 28 % 60);
        let pid = 1_000 + random() % 60_000;
        let port = 1_024 + random() % 60_000;
        let _ = write!(
            text,
            "Nov 20 {hour:02}:{minute:02}:{second:02} server sshd[{pid}]: "
        );
        let drawn = random() % attackers;
        // With nothing but failures each address has its turn.
        let a = if percent == 100 { n % attackers } else { drawn };
        let (b, c, d) = (a >> 16 & 255, a >> 8 & 255, a & 255);
        let address = format!("45.{b}.{c}.{d}");
        let _ = if random() % 100 < percent {
            match random() % 4 {
                0 => writeln!(text, "Invalid user admin{c} from {address} port {port}"),
                1 => writeln!(
                    text,
                    "Failed password for invalid user admin{c} from {address} port {port} ssh2"
                ),
                _ => writeln!(
                    text,
                    "Failed password for root from {address} port {port} ssh2"
                ),
            }
        } else {
            match random() % 6 {
                0 => writeln!(
                    text,
                    "Accepted publickey for deploy from 192.0.2.{d} port {port} ssh2: ED25519 \
                     SHA256:J97ZbDJ99JDXN0vAgFv+q7uXWQg7GY1cmVsHQR2AP7k"
                ),
                1 => writeln!(
                    text,
                    "pam_unix(sshd:session): session opened for user deploy(uid=1001) by (uid=0)"
                ),
                2 => writeln!(
                    text,
                    "Received disconnect from 192.0.2.{d} port {port}:11: disconnected by user"
                ),
                3 => writeln!(
                    text,
                    "Disconnected from user deploy 192.0.2.{d} port {port}"
                ),
                4 => writeln!(
                    text,
                    "pam_unix(sshd:session): session closed for user deploy"
                ),
                _ => writeln!(
                    text,
                    "Connection closed by 192.0.2.{d} port {port} [preauth]"
                ),
            }
        };
    }
    text
}
