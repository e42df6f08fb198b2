//! `ignoreip`.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use ipnet::{IpNet, Ipv4Net};

use crate::dns::Name;
use crate::import::{
    error::Place,
    ini::{self, is_space},
};

/// Longest file of addresses.
const LONGEST: u64 = 1 << 20;

/// What is never banned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    pub(super) nets: BTreeSet<IpNet>,
    /// Hosts by their DNS names.
    pub(super) names: BTreeSet<Name>,
    /// What is left out, and why.
    pub(super) left_out: Vec<String>,
    /// Files whose content was taken over.
    pub(super) files: Vec<String>,
}

impl Ignored {
    /// Reads a list with commas or white space between entries.
    pub(super) fn read(list: &str) -> Self {
        let mut ignored = Self::default();
        ignored.add(list, true);
        ignored
    }

    fn add(&mut self, list: &str, files: bool) {
        let words = list.split(|c| c == ',' || is_space(c));
        for word in words.filter(|word| !word.is_empty()) {
            if let Some(path) = word.strip_prefix("file:").filter(|_| files) {
                self.file(path);
                continue;
            }
            match net(word) {
                Some(net) => {
                    self.nets.insert(net);
                }
                None if let Some(name) = Name::of(word) => {
                    self.names.insert(name);
                }
                None => {
                    let text = format!("{word} in ignoreip is neither an address nor a name");
                    self.left_out.push(text);
                }
            }
        }
    }

    /// Entries of a file, as it is now; `#` begins a comment.
    fn file(&mut self, path: &str) {
        match ini::read(Path::new(path), &Place::whole(path), LONGEST) {
            Ok(Some(bytes)) => {
                let text = String::from_utf8_lossy(&bytes);
                for line in text.lines() {
                    self.add(line.split('#').next().unwrap_or(""), false);
                }
                self.files.push(path.to_owned());
            }
            Ok(None) => self
                .left_out
                .push(format!("{path} in ignoreip is not there")),
            Err(error) => self.left_out.push(format!("ignoreip: {error}")),
        }
    }
}

/// An address or prefix, the bits beyond its length cleared; masks can be written as addresses.
fn net(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let net = match (length, address) {
        ("", address) => IpNet::from(address),
        (mask, IpAddr::V4(address)) if mask.contains('.') => {
            let mask: Ipv4Addr = mask.parse().ok()?;
            Ipv4Net::with_netmask(address, mask).ok()?.into()
        }
        (length, address) => IpNet::new(address, length.parse().ok()?).ok()?,
    };
    let mapped = |address: IpAddr| match address {
        IpAddr::V6(six) => six.to_ipv4_mapped(),
        IpAddr::V4(_) => None,
    };
    Some(match mapped(net.addr()) {
        Some(four) if net.prefix_len() >= 96 => Ipv4Net::new(four, net.prefix_len() - 96)
            .ok()?
            .trunc()
            .into(),
        _ => net.trunc(),
    })
}

/// As banner writes it: an address alone where it is one.
pub(super) fn written(net: IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() {
        net.addr().to_string()
    } else {
        net.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("allow");
        std::fs::write(&file, "198.51.100.1 # the office\n\nfile:/etc/passwd\n").unwrap();
        let list = format!(
            "127.0.0.1/8 ::1,192.0.2.7/255.255.255.0\n  ::ffff:203.0.113.5 example.org 1.2.3.4/99 \
             file:{} file:/absent/x",
            file.display()
        );
        let ignored = Ignored::read(&list);
        let nets: Vec<_> = ignored.nets.iter().map(|net| written(*net)).collect();
        assert_eq!(
            nets,
            [
                "127.0.0.0/8",
                "192.0.2.0/24",
                "198.51.100.1",
                "203.0.113.5",
                "::1"
            ]
        );
        assert_eq!(
            ignored.left_out,
            [
                "1.2.3.4/99 in ignoreip is neither an address nor a name",
                "file:/etc/passwd in ignoreip is neither an address nor a name",
                "/absent/x in ignoreip is not there",
            ]
        );
        let names: Vec<_> = ignored.names.iter().map(Name::to_string).collect();
        assert_eq!(names, ["example.org"]);
        assert_eq!(ignored.files.len(), 1);
    }
}
