//! Which ports a ban is for, as people write it.

use super::report::Report;
use super::services::Services;
use super::shape::{List, Shape, refuse, unexpected};
use super::yaml::{Kind, Located, Node};
use crate::model::{Ports, Protocol};

/// Ports as they were written: what a name of a service stands for is another matter.
#[derive(Clone, Debug)]
pub(crate) enum RawPorts {
    /// Every port of every protocol.
    All,
    /// At least one.
    Of(Vec<Located<RawPort>>),
}

/// `[PROTOCOL/]PORT[-PORT]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RawPort {
    Icmp,
    Range(Protocol, u16, u16),
    /// A name; without a protocol, it is one of TCP.
    Service(Option<Protocol>, String),
}

impl RawPort {
    /// What a text means, or what to do about it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (protocol, ports) = match text.split_once('/') {
            Some((protocol, ports)) => (Some(named(protocol)?), ports),
            None => (None, text),
        };
        match Protocol::named(ports) {
            Some(Protocol::Icmp) if protocol.is_none() => return Ok(Self::Icmp),
            Some(whole) if protocol.is_none() => {
                return Err(format!(
                    "for all ports of a protocol write {}/0-65535",
                    whole.name()
                ));
            }
            _ => {}
        }
        if protocol == Some(Protocol::Icmp) {
            return Err("ICMP has no ports: write icmp".to_owned());
        }
        if !ports.starts_with(|c: char| c.is_ascii_digit()) {
            if ports.is_empty() || ports.contains(|c: char| c.is_whitespace() || c == ',') {
                return Err("list its parts apart, each [PROTOCOL/]PORT[-PORT]".to_owned());
            }
            return Ok(Self::Service(protocol, ports.to_owned()));
        }
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        let (first, last) = (number(first)?, number(last)?);
        if last < first {
            return Err(format!("write {last}-{first}"));
        }
        Ok(Self::Range(protocol.unwrap_or(Protocol::Tcp), first, last))
    }

    /// Its ports, or why it has none.
    pub(crate) fn ports(&self, services: &Services) -> Result<Ports, String> {
        let (protocol, range) = match self {
            Self::Icmp => (Protocol::Icmp, 0..=0),
            Self::Range(protocol, first, last) => (*protocol, *first..=*last),
            Self::Service(protocol, name) => {
                let protocol = protocol.unwrap_or(Protocol::Tcp);
                let port = services.port(name, protocol)?;
                (protocol, port..=port)
            }
        };
        Ok(Ports::new([(protocol, range)]))
    }
}

fn named(protocol: &str) -> Result<Protocol, String> {
    Protocol::named(protocol).ok_or_else(|| {
        let words: Vec<_> = Protocol::ALL.iter().map(|known| known.name()).collect();
        format!("the protocols are {}", words.join(", "))
    })
}

fn number(text: &str) -> Result<u16, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ if digits && !text.is_empty() => Err("ports go from 0 to 65535".to_owned()),
        _ => Err("a range is PORT-PORT, in numbers".to_owned()),
    }
}

/// What ports are asked for on a command line: `all`, or entries with commas between. `None`: all.
pub(crate) fn listed(text: &str, services: &Services) -> Result<Option<Ports>, String> {
    if text == "all" {
        return Ok(None);
    }
    let mut all = Vec::new();
    for item in text.split(',').map(str::trim) {
        let ports = RawPort::parse(item).and_then(|port| port.ports(services));
        let ports = ports.map_err(|why| format!("{item:?} is not {}; {why}", Port.noun()))?;
        all.extend(ports.ranges());
    }
    Ok(Some(Ports::new(all)))
}

/// The value of `ports`.
pub(crate) struct PortsOf;

const LIST: List<Port> = List {
    item: Port,
    of: "ports",
};

impl Shape for PortsOf {
    type Value = RawPorts;

    fn noun(&self) -> String {
        "the word all, or a list of ports".to_owned()
    }

    fn examples(&self) -> &'static str {
        "[22], [ssh, 8000-8100] or [udp/53, icmp]"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawPorts> {
        match &node.kind {
            Kind::Text(word) if word == "all" => Some(RawPorts::All),
            Kind::List(_) => {
                let ports = LIST.read(node, path, report)?;
                if ports.is_empty() {
                    report.error(node.spot, path, "names no port; give one, or the word all");
                    return None;
                }
                Some(RawPorts::Of(ports))
            }
            Kind::Int(number) => {
                refuse(self, node, path, report, &format!("write [{number}]"));
                None
            }
            Kind::Text(text) if !text.is_empty() => {
                refuse(self, node, path, report, &format!("write [{text}]"));
                None
            }
            _ => {
                unexpected(self, node, path, report);
                None
            }
        }
    }
}

/// One item of them.
struct Port;

impl Shape for Port {
    type Value = RawPort;

    fn noun(&self) -> String {
        "a port, a range of ports or the name of a service".to_owned()
    }

    fn examples(&self) -> &'static str {
        "22, ssh, tcp/8000-8100, udp/53 or icmp"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawPort> {
        let parsed = match &node.kind {
            Kind::Int(port) => match u16::try_from(*port) {
                Ok(port) => Ok(RawPort::Range(Protocol::Tcp, port, port)),
                Err(_) => Err("ports go from 0 to 65535".to_owned()),
            },
            Kind::Text(text) if text == "all" => Err("for all leave out the brackets".to_owned()),
            Kind::Text(text) if !text.is_empty() => RawPort::parse(text),
            _ => Err(String::new()),
        };
        parsed
            .map_err(|advice| refuse(self, node, path, report, &advice))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_lists_ports_with_commas() {
        let services = Services::built_in();
        for (text, ports) in [
            ("all", None),
            ("ssh", Some("tcp/22")),
            ("22, udp/53,icmp", Some("tcp/22,udp/53,icmp")),
            ("8000-8100,tcp/http,sctp/9,udplite/ntp", {
                Some("tcp/80,tcp/8000-8100,sctp/9,udplite/123")
            }),
        ] {
            let listed = listed(text, &services).map(|ports| ports.map(|ports| ports.to_string()));
            assert_eq!(listed, Ok(ports.map(str::to_owned)), "{text}");
        }
        for (text, why) in [
            ("", "list its parts apart"),
            ("22,all", "no service is named all"),
            ("22-", "a range is PORT-PORT"),
            ("90-80", "write 80-90"),
            ("tcp", "write tcp/0-65535"),
            ("gre/1", "the protocols are tcp, udp, sctp, udplite, icmp"),
            ("icmp/8", "ICMP has no ports"),
            ("65536", "ports go from 0 to 65535"),
            ("tcp/1/2", "a range is PORT-PORT"),
            ("sssh", "did you mean ssh?"),
        ] {
            let refused = listed(text, &services).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
