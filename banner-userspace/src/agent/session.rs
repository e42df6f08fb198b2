//! Who is logged in over SSH and issued this command: never banned by what they start.

use std::{fs, net::IpAddr};

/// The peer of the SSH session in which this process was started, if it was. sudo takes the
/// variable out of the environment, so that of the ancestors is asked as well.
pub fn ssh_peer() -> Option<IpAddr> {
    // As procfs numbers processes, which may be otherwise than this process's namespace does.
    let mut process = "self".to_owned();
    // A chain of parents is short; the bound is for a table that changes meanwhile.
    for _ in 0..64 {
        if let Some(peer) = fs::read(format!("/proc/{process}/environ"))
            .ok()
            .and_then(|e| peer(&e))
        {
            return Some(peer);
        }
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        process = parent(&status).filter(|&parent| parent > 1)?.to_string();
    }
    None
}

/// `SSH_CONNECTION=ADDRESS PORT ADDRESS PORT`: the first is the client's.
fn peer(environment: &[u8]) -> Option<IpAddr> {
    let value = environment
        .split(|&byte| byte == 0)
        .find_map(|variable| variable.strip_prefix(b"SSH_CONNECTION="))?;
    let address = std::str::from_utf8(value).ok()?.split(' ').next()?;
    let address = address.split('%').next()?;
    Some(address.parse::<IpAddr>().ok()?.to_canonical())
}

fn parent(status: &str) -> Option<u32> {
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim()
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peer_is_the_first_address() {
        for (environment, address) in [
            (
                &b"A=b\0SSH_CONNECTION=192.0.2.9 50000 192.0.2.1 22\0C=d\0"[..],
                Some("192.0.2.9"),
            ),
            (
                b"SSH_CONNECTION=::ffff:192.0.2.9 5 ::ffff:192.0.2.1 22\0",
                Some("192.0.2.9"),
            ),
            (
                b"SSH_CONNECTION=fe80::9%eth0 5 fe80::1%eth0 22",
                Some("fe80::9"),
            ),
            (b"XSSH_CONNECTION=192.0.2.9 5 192.0.2.1 22\0", None),
            (b"SSH_CONNECTION=\0", None),
            (b"", None),
        ] {
            assert_eq!(
                peer(environment),
                address.map(|address| address.parse().unwrap())
            );
        }
    }

    #[test]
    fn the_parent_is_in_the_status() {
        assert_eq!(parent("Name:\tx\nPPid:\t42\n"), Some(42));
        assert_eq!(parent(""), None);
    }
}
