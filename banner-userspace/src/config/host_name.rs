use super::report::Report;
use super::shape::{Shape, refuse};
use super::yaml::{Kind, Node};
use crate::dns::Name;

/// The DNS name of a host.
pub(crate) struct HostName;

impl Shape for HostName {
    type Value = Name;

    fn noun(&self) -> String {
        "the DNS name of a host".to_owned()
    }

    fn examples(&self) -> &'static str {
        "home.example.org"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Name> {
        let text = match &node.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        };
        let name = text.and_then(|text| Name::of(text));
        if name.is_none() {
            let is_address = text.is_some_and(|text| {
                text.contains(|c: char| ":/".contains(c))
                    || text.parse::<std::net::IpAddr>().is_ok()
            });
            let advice = if is_address {
                "addresses belong to `ignore`"
            } else {
                ""
            };
            refuse(self, node, path, report, advice);
        }
        name
    }
}
