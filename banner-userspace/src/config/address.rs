use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::report::Report;
use super::shape::{Shape, refuse};
use super::yaml::{Kind, Node};

/// An address or a prefix. IPv4-mapped IPv6 reads as IPv4, as it does in logs.
pub(crate) struct Network;

impl Shape for Network {
    type Value = IpNet;

    fn noun(&self) -> String {
        "an address or prefix".to_owned()
    }

    fn examples(&self) -> &'static str {
        "192.0.2.7, 192.0.2.0/24 or \"2001:db8::/32\""
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<IpNet> {
        let advice = |advice: String| match advice.as_str() {
            NO_NAMES => "a name belongs to `ignore_names` of the main file".to_owned(),
            _ => advice,
        };
        text_of(node)
            .and_then(network)
            .map_err(|why| refuse(self, node, path, report, &advice(why)))
            .ok()
    }
}

/// What to do about a name.
const NO_NAMES: &str = "names are not resolved: write the address";

impl Network {
    /// As [`Shape::read`], for a shape that takes more than networks: a refusal is in its words.
    pub(crate) fn read_as(
        shape: &impl Shape,
        node: &Node,
        path: &str,
        report: &mut Report,
    ) -> Option<IpNet> {
        text_of(node)
            .and_then(network)
            .map_err(|advice| refuse(shape, node, path, report, &advice))
            .ok()
    }
}

/// The text of a node, or what to do about it.
fn text_of(node: &Node) -> Result<&str, String> {
    match &node.kind {
        Kind::Text(text) => Ok(text),
        // To YAML, `fe80::` is the key `fe80:` with an empty value.
        Kind::Mapping(entries) => match entries.as_slice() {
            [(key, value)] if key.text.contains(':') && value.kind == Kind::Null => {
                Err(format!("put an IPv6 address in quotes: \"{}:\"", key.text))
            }
            _ => Err(String::new()),
        },
        _ => Err(String::new()),
    }
}

/// The network that a text names, or what to do about it.
fn network(text: &str) -> Result<IpNet, String> {
    let Some((address, length)) = text.split_once('/') else {
        let address: IpAddr = text.parse().map_err(|_| advice_on_address(text))?;
        return Ok(IpNet::from(address.to_canonical()));
    };
    let address: IpAddr = address.parse().map_err(|_| advice_on_address(address))?;
    if let Ok(mask) = length.parse::<Ipv4Addr>()
        && let IpAddr::V4(host) = address
        && let Ok(length) = ipnet::ipv4_mask_to_prefix(mask)
    {
        return Err(format!("write {}", truncated(host.into(), length)?));
    }
    let written = length;
    let length: u8 = written
        .parse()
        .ok()
        .filter(|_| written.bytes().all(|b| b.is_ascii_digit()))
        .ok_or_else(|| "what follows the / must be a prefix length".to_owned())?;
    let network = match (address, address.to_canonical()) {
        (IpAddr::V6(_), IpAddr::V4(mapped)) if length >= 96 => {
            truncated_or_itself(mapped.into(), length - 96)?
        }
        _ => truncated_or_itself(address, length)?,
    };
    Ok(network)
}

/// The network, if the address has no bits beyond the prefix; else which one was meant.
fn truncated_or_itself(address: IpAddr, length: u8) -> Result<IpNet, String> {
    let network = truncated(address, length)?;
    if network.addr() == address {
        Ok(network)
    } else {
        Err(format!(
            "write {network} for the network, or {address} for this host"
        ))
    }
}

fn truncated(address: IpAddr, length: u8) -> Result<IpNet, String> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    IpNet::new(address, length)
        .map(|network| network.trunc())
        .map_err(|_| format!("the prefix length must not be more than {most}"))
}

fn advice_on_address(text: &str) -> String {
    let advice = if text.contains('%') {
        "leave out the % and what follows"
    } else if text.starts_with('[') {
        "leave out the brackets"
    } else if !text.contains(':') && text.contains(|c: char| c.is_alphabetic()) {
        NO_NAMES
    } else {
        ""
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn networks_are_canonical() {
        let rows = [
            ("192.0.2.7", "192.0.2.7/32"),
            ("192.0.2.0/24", "192.0.2.0/24"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::1", "::1/128"),
            ("2001:DB8:0::/32", "2001:db8::/32"),
            ("::ffff:192.0.2.7", "192.0.2.7/32"),
            ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::/0", "::/0"),
        ];
        for (text, canonical) in rows {
            let read = network(text).map(|net| net.to_string());
            assert_eq!(read, Ok(canonical.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused_with_advice() {
        let rows = [
            (
                "192.0.2.7/24",
                "write 192.0.2.0/24 for the network, or 192.0.2.7 for this host",
            ),
            (
                "::ffff:192.0.2.7/120",
                "write 192.0.2.0/24 for the network, or 192.0.2.7 for this host",
            ),
            ("10.1.0.0/255.0.0.0", "write 10.0.0.0/8"),
            ("192.0.2.0/33", "the prefix length must not be more than 32"),
            (
                "2001:db8::/129",
                "the prefix length must not be more than 128",
            ),
            (
                "192.0.2.0/+24",
                "what follows the / must be a prefix length",
            ),
            ("192.0.2.0/", "what follows the / must be a prefix length"),
            (
                "10.0.0.0/255.0.255.0",
                "what follows the / must be a prefix length",
            ),
            ("fe80::1%eth0", "leave out the % and what follows"),
            ("[::1]", "leave out the brackets"),
            ("office.example.org", NO_NAMES),
            ("192.0.2", ""),
            ("192.0.2.256", ""),
            ("", ""),
        ];
        for (text, advice) in rows {
            assert_eq!(network(text), Err(advice.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_address_reads_as_itself_alone(bits: [u8; 16], v4: bool) {
            let address: IpAddr = if v4 {
                <[u8; 4]>::try_from(&bits[..4]).expect("four bytes").into()
            } else {
                bits.into()
            };
            let network = network(&address.to_string()).expect("an address");
            prop_assert_eq!(network.addr(), address.to_canonical());
            prop_assert_eq!(network.prefix_len(), network.max_prefix_len());
        }

        #[test]
        fn advice_for_bits_beyond_the_prefix_is_accepted(bits: u32, length in 0..=32_u8) {
            let text = format!("{}/{length}", Ipv4Addr::from(bits));
            if let Err(advice) = network(&text) {
                let proposed = advice.split(' ').nth(1).expect("write NETWORK");
                prop_assert!(network(proposed).is_ok(), "{}", advice);
            }
        }
    }
}
