//! The ports of services by their names.

use std::path::Path;

use super::files::{Files, LARGEST};
use super::nearest::nearest;
use crate::model::Protocol;

/// Where systems list them (services(5)).
const FILE: &str = "/etc/services";

/// The services that logs tell of most, for systems without the file, such as containers. Numbers
/// from IANA's registry of service names and ports.
const BUILT_IN: &str = "
ftp-data 20/tcp
ftp 21/tcp
ssh 22/tcp
telnet 23/tcp
smtp 25/tcp mail
domain 53/tcp
domain 53/udp
http 80/tcp www
http 80/udp
pop3 110/tcp pop-3
ntp 123/udp
imap 143/tcp imap2
snmp 161/udp
ldap 389/tcp
https 443/tcp
https 443/udp
submissions 465/tcp smtps ssmtp
submission 587/tcp
ldaps 636/tcp
rsync 873/tcp
ftps 990/tcp
imaps 993/tcp
pop3s 995/tcp
openvpn 1194/udp
ms-sql-s 1433/tcp
mysql 3306/tcp
ms-wbt-server 3389/tcp rdp
sieve 4190/tcp
sip 5060/tcp
sip 5060/udp
sips 5061/tcp sip-tls
xmpp-client 5222/tcp
xmpp-server 5269/tcp
postgresql 5432/tcp postgres
";

/// Names, protocols and ports; the first that fits counts.
#[derive(Debug)]
pub(crate) struct Services(Vec<(String, Protocol, u16)>);

impl Services {
    /// Those of the system, and for what it lacks the built-in ones. A file that cannot be read is as
    /// good as none: what was to be found in it is reported as unknown.
    pub(crate) fn read(files: &dyn Files) -> Self {
        let mut services = Self(Vec::new());
        if let Ok(bytes) = files.read(Path::new(FILE))
            && bytes.len() <= LARGEST
        {
            services.add(&String::from_utf8_lossy(&bytes));
        }
        services.add(BUILT_IN);
        services
    }

    /// The built-in ones.
    #[cfg(test)]
    pub(crate) fn built_in() -> Self {
        let mut services = Self(Vec::new());
        services.add(BUILT_IN);
        services
    }

    fn add(&mut self, text: &str) {
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or("");
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(port)) = (words.next(), words.next()) else {
                continue;
            };
            let Some((port, protocol)) = port.split_once('/') else {
                continue;
            };
            // Other protocols, such as ddp, have ports of their own.
            let (Ok(port), Some(protocol)) = (port.parse(), Protocol::named(protocol)) else {
                continue;
            };
            let names = std::iter::once(name).chain(words);
            (self.0).extend(names.map(|name| (name.to_owned(), protocol, port)));
        }
    }

    /// The port of a service, or why there is none.
    pub(crate) fn port(&self, name: &str, protocol: Protocol) -> Result<u16, String> {
        let with = |protocol: Protocol| {
            let mut all = self.0.iter();
            let found = all.find(|(known, with, _)| known == name && *with == protocol);
            found.map(|(_, _, port)| *port)
        };
        // UDP-Lite has the ports of UDP (RFC 3828, section 3).
        let known = match protocol {
            Protocol::UdpLite => with(protocol).or_else(|| with(Protocol::Udp)),
            _ => with(protocol),
        };
        known.ok_or_else(|| {
            let others = Protocol::ALL
                .into_iter()
                .filter(|other| with(*other).is_some());
            let others: Vec<_> = others
                .map(|other| format!("{}/{name}", other.name()))
                .collect();
            if others.is_empty() {
                self.unknown(name)
            } else {
                format!(
                    "{name} is no service of {}; write {}",
                    protocol.name(),
                    others.join(" or ")
                )
            }
        })
    }

    fn unknown(&self, name: &str) -> String {
        let names = self.0.iter().map(|(name, ..)| name.as_str());
        let advice = match nearest(name, names) {
            Some(near) => format!("did you mean {near}?"),
            None => "write its port".to_owned(),
        };
        format!("no service is named {name}; {advice}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::InMemory;

    #[test]
    fn the_file_goes_before_what_is_built_in() {
        let text = "# comment\nssh\t\t2222/tcp\t\tsecure # ssh here\nhttp 80/ddp\nbad line\nx 70000/tcp\n\
                    own 7/sctp\n";
        let files: InMemory = [("/etc/services", text)].into_iter().collect();
        let services = Services::read(&files);
        for (name, protocol, port) in [
            ("ssh", Protocol::Tcp, 2222),
            ("secure", Protocol::Tcp, 2222),
            ("http", Protocol::Tcp, 80),
            ("imaps", Protocol::Tcp, 993),
            ("own", Protocol::Sctp, 7),
            ("ntp", Protocol::UdpLite, 123),
        ] {
            assert_eq!(services.port(name, protocol), Ok(port), "{name}");
        }
        for (name, protocol, why) in [
            (
                "ntp",
                Protocol::Tcp,
                "ntp is no service of tcp; write udp/ntp",
            ),
            (
                "https",
                Protocol::Sctp,
                "https is no service of sctp; write tcp/https or udp/https",
            ),
            ("x", Protocol::Tcp, "no service is named x; write its port"),
            (
                "submision",
                Protocol::Tcp,
                "no service is named submision; did you mean submission?",
            ),
        ] {
            assert_eq!(services.port(name, protocol), Err(why.to_owned()));
        }
    }

    #[test]
    fn every_built_in_line_is_understood() {
        let services = Services::built_in();
        let names: usize = (BUILT_IN.lines())
            .map(|line| line.split(' ').count().saturating_sub(1))
            .sum();
        assert_eq!(services.0.len(), names);
    }
}
