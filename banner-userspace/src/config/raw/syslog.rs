//! Where messages of syslog are taken, as it is written.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use crate::config::log_keys as keys;
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::shape::{Shape, Text, refuse};
use crate::config::yaml::{Kind, Node};
use crate::model::{Listen, SyslogLog};

/// The port of syslog (RFC 5426).
const PORT: u16 = 514;

/// The value of `syslog`.
pub(crate) struct SyslogOf;

impl Shape for SyslogOf {
    type Value = SyslogLog;

    fn noun(&self) -> String {
        "where to listen, or a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ listen: \"udp://[::]:514\", from: [192.0.2.0/24] }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<SyslogLog> {
        let (listen, from) = if matches!(node.kind, Kind::Mapping(_)) {
            let before = report.errors();
            let fields = Fields::read(&keys::SYSLOG_SECTION, node, node.spot, path, report)?;
            let listen = fields.require(&keys::LISTEN, report);
            let from = fields.get(&keys::FROM, report);
            if report.errors() > before {
                return None;
            }
            let from = from.map_or_else(Vec::new, |from| from.value);
            let from: Vec<IpNet> = from.into_iter().map(|net| net.value).collect();
            (listen?.value, from)
        } else {
            (ListenOf.read(node, path, report)?, Vec::new())
        };
        if from.is_empty() && is_open(&listen) {
            let message = "who can send to this address could have anybody banned; say from whom messages are \
                           taken, as in {listen: …, from: [192.0.2.0/24]}";
            report.error(node.spot, path, message);
            return None;
        }
        Some(SyslogLog { listen, from })
    }
}

/// Whether other machines may reach it.
fn is_open(listen: &Listen) -> bool {
    match listen {
        Listen::Udp(address) | Listen::Tcp(address) => !address.ip().to_canonical().is_loopback(),
        Listen::UnixDatagram(_) | Listen::UnixStream(_) => false,
    }
}

/// The value of `listen`.
pub(crate) struct ListenOf;

impl Shape for ListenOf {
    type Value = Listen;

    fn noun(&self) -> String {
        "where to listen".to_owned()
    }

    fn examples(&self) -> &'static str {
        "udp://127.0.0.1:514, \"tcp://[::1]:514\" or unix:///run/banner/log"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Listen> {
        let text = Text("where to listen").read(node, path, report)?;
        match listen(&text) {
            Ok(listen) => Some(listen),
            Err(advice) => {
                refuse(self, node, path, report, advice);
                None
            }
        }
    }
}

fn listen(text: &str) -> Result<Listen, &'static str> {
    let schemes = "it must begin with udp://, tcp://, unix:// or unix-stream://";
    let (scheme, rest) = text.split_once("://").ok_or(schemes)?;
    let address = || {
        let alone = rest.trim_start_matches('[').trim_end_matches(']');
        let alone = alone.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, PORT));
        (rest.parse::<SocketAddr>().or(alone))
            .map_err(|_| "write an address and a port, as in [::]:514")
    };
    let file = || {
        let absolute =
            rest.starts_with('/') && !rest.ends_with('/') && !rest.contains(char::is_control);
        absolute
            .then(|| PathBuf::from(rest))
            .ok_or("write an absolute path, as in unix:///run/banner/log")
    };
    match scheme {
        "udp" => address().map(Listen::Udp),
        "tcp" => address().map(Listen::Tcp),
        "unix" => file().map(Listen::UnixDatagram),
        "unix-stream" => file().map(Listen::UnixStream),
        _ => Err(schemes),
    }
}
