//! Ports and protocols of ban actions → those of a jail.

use std::collections::BTreeSet;

use super::ban_actions::Scope;
use crate::{config, import::ini::is_space};

/// For which ports a jail bans.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BanPorts {
    /// Entries as banner writes them; none: every port of every protocol.
    pub(super) entries: Option<Vec<String>>,
    /// What is left out, and why.
    pub(super) left_out: Vec<String>,
}

impl BanPorts {
    /// The ports of all ban actions together.
    pub(super) fn of<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> Self {
        let (mut entries, mut left_out) = (Vec::new(), Vec::new());
        let mut seen = BTreeSet::new();
        for scope in scopes {
            let Scope::Some { ports, protocol } = scope else {
                return Self::default();
            };
            for protocol in parts(protocol) {
                // `all` with ports means nothing to a packet filter but the protocols with ports.
                let protocols: &[&str] = match protocol {
                    "all" => &["tcp", "udp"],
                    "ipv6-icmp" | "icmpv6" => &["icmp"],
                    _ => &[protocol],
                };
                for &protocol in protocols {
                    for port in parts(ports) {
                        match entry(protocol, port) {
                            Ok(entry) if seen.insert(entry.clone()) => entries.push(entry),
                            Ok(_) => {}
                            Err(why) => left_out.push(why),
                        }
                    }
                }
            }
        }
        left_out.dedup();
        Self {
            entries: (!entries.is_empty()).then_some(entries),
            left_out,
        }
    }
}

fn parts(list: &str) -> impl Iterator<Item = &str> {
    let parts = list.split(|c| c == ',' || c == '{' || c == '}' || is_space(c));
    parts.filter(|part| !part.is_empty())
}

/// A port, a range or a name of one protocol.
fn entry(protocol: &str, port: &str) -> Result<String, String> {
    let range = port.replace(':', "-");
    let range = if range == "any" { "0-65535" } else { &range };
    let entry = match protocol {
        "icmp" => "icmp".to_owned(),
        "tcp" => range.to_owned(),
        other => format!("{other}/{range}"),
    };
    match config::listed_ports(&entry) {
        Ok(Some(_)) => Ok(entry),
        Ok(None) => Err(format!("port {port}: not understood")),
        Err(why) => Err(format!("port {port} of {protocol}: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scopes, the entries that they become, and how many are left out.
    type Row<'a> = (&'a [Scope], Option<&'a [&'a str]>, usize);

    #[test]
    fn ports_add_up() {
        let some = |ports: &str, protocol: &str| Scope::Some {
            ports: ports.to_owned(),
            protocol: protocol.to_owned(),
        };
        let rows: [Row<'_>; 7] = [
            (&[some("ssh", "tcp")], Some(&["ssh"]), 0),
            (
                &[some("http,https,8000:8100", "tcp"), some("53", "udp")],
                Some(&["http", "https", "8000-8100", "udp/53"]),
                0,
            ),
            (
                &[some("1,2", "tcp,udp")],
                Some(&["1", "2", "udp/1", "udp/2"]),
                0,
            ),
            (&[some("0:65535", "tcp")], Some(&["0-65535"]), 0),
            (&[some("22", "tcp"), Scope::All], None, 0),
            (&[some("no-such-service,22", "tcp")], Some(&["22"]), 1),
            (&[some("22", "xyz")], None, 1),
        ];
        for (scopes, entries, left_out) in rows {
            let ports = BanPorts::of(scopes);
            let expected = entries.map(|entries| entries.iter().map(|&e| e.to_owned()).collect());
            assert_eq!(ports.entries, expected, "{scopes:?}");
            assert_eq!(ports.left_out.len(), left_out, "{:?}", ports.left_out);
        }
    }
}
