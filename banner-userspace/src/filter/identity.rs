//! Who failed, by the named parts of a line: fail2ban's rules.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use super::{
    fields::{Fields, Value},
    verdict::Key,
};

/// Who or what failed, and the address beside it.
#[derive(Debug)]
pub(super) struct Identity {
    pub(super) key: Key,
    pub(super) address: Option<IpAddr>,
}

impl From<Key> for Identity {
    fn from(key: Key) -> Self {
        let address = match key {
            Key::Address(address) => Some(address),
            Key::Prefix(_) | Key::Name(_) | Key::Id(_) => None,
        };
        Self { key, address }
    }
}

/// What the parts `fid`, `ip4`, `ip6`, `dns` and `cidr` say; `None` when none of the first four has
/// a value.
pub(super) fn identify(fields: &Fields) -> Option<Identity> {
    let id = fields.get("fid");
    let length = fields.text("cidr");
    let (text, key) = if let Some(text) = fields.text("ip4") {
        (text, address(text, Family::V4, length))
    } else if let Some(text) = fields.text("ip6") {
        (text, address(text, Family::V6, length))
    } else if let Some(text) = fields.text("dns") {
        (text, named(text))
    } else {
        return Some(identity_of(id?).into());
    };
    match id {
        Some(id) if !matches!(id, Value::Text(same) if same == text) => {
            let address = match key {
                Key::Address(address) => Some(address),
                _ => None,
            };
            Some(Identity {
                key: identity_of(id),
                address,
            })
        }
        _ => Some(key.into()),
    }
}

#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

/// An address in the shape of one family. With a length it is a prefix, of whichever family. What
/// is no address though it looks like one is a name.
fn address(text: &str, family: Family, length: Option<&str>) -> Key {
    let length = length.filter(|length| !length.is_empty());
    let parsed: Option<IpAddr> = match (length, family) {
        (Some(_), _) => text.parse().ok(),
        (None, Family::V4) => text.parse::<Ipv4Addr>().ok().map(IpAddr::V4),
        (None, Family::V6) => text.parse::<Ipv6Addr>().ok().map(IpAddr::V6),
    };
    let Some(address) = parsed else {
        return Key::Name(text.into());
    };
    match length {
        None => Key::Address(address.to_canonical()),
        Some(length) => prefix(address, length),
    }
}

/// A length beyond the address' own, and one of 0, change nothing but the bits that they take.
fn prefix(address: IpAddr, length: &str) -> Key {
    let whole = if address.is_ipv4() { 32 } else { 128 };
    let length = decimal(length).min(whole);
    match IpNet::new(address, length) {
        Ok(net) if length == whole => Key::Address(net.addr()),
        Ok(net) => Key::Prefix(net.trunc()),
        Err(_) => Key::Address(address),
    }
}

/// The number in these digits, in any script, as Python reads them; at most 255.
fn decimal(digits: &str) -> u8 {
    let mut number = 0u8;
    for c in digits.chars() {
        let digit = c.to_digit(10).unwrap_or_default();
        number = number
            .saturating_mul(10)
            .saturating_add(u8::try_from(digit).unwrap_or_default());
    }
    number
}

/// An address or a prefix as people write it, in brackets or not; else a name.
fn named(text: &str) -> Key {
    plain(text).unwrap_or_else(|| Key::Name(text.into()))
}

fn identity_of(id: &Value) -> Key {
    let text = id.to_string();
    match id {
        Value::Text(text) => plain(text),
        Value::Tuple(_) | Value::Users(_) => None,
    }
    .unwrap_or_else(|| Key::Id(text.into()))
}

fn plain(text: &str) -> Option<Key> {
    let text = (text.strip_prefix('['))
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(text);
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(Key::Address(address.to_canonical()));
    }
    let net: IpNet = text.parse().ok()?;
    Some(prefix(net.addr(), &net.prefix_len().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(parts: &[(&str, &str)]) -> Option<String> {
        let mut fields = Fields::default();
        for (name, value) in parts {
            fields.set(&(*name).into(), Some(Value::Text((*value).into())));
        }
        let found = identify(&fields)?;
        let kind = match found.key {
            Key::Address(_) => "address",
            Key::Prefix(_) => "prefix",
            Key::Name(_) => "name",
            Key::Id(_) => "id",
        };
        let beside = match (&found.key, found.address) {
            (Key::Id(_), Some(address)) => format!(" of {address}"),
            _ => String::new(),
        };
        Some(format!("{kind} {}{beside}", found.key))
    }

    #[test]
    fn who_failed_is_what_fail2ban_says() {
        for (parts, expected) in [
            (&[("ip4", "192.0.2.7")][..], "address 192.0.2.7"),
            (&[("ip4", "999.1.1.1")], "name 999.1.1.1"),
            (&[("ip4", "192.0.02.7")], "name 192.0.02.7"),
            (&[("ip6", "::ffff:192.0.2.7")], "address 192.0.2.7"),
            (&[("ip6", "2001:DB8::1")], "address 2001:db8::1"),
            (&[("ip6", "1:2:3")], "name 1:2:3"),
            (&[("dns", "a.example")], "name a.example"),
            (&[("fid", "alice")], "id alice"),
            (&[("fid", "192.0.2.7")], "address 192.0.2.7"),
            (
                &[("fid", "alice"), ("ip4", "192.0.2.7")],
                "id alice of 192.0.2.7",
            ),
            (
                &[("fid", "192.0.2.7"), ("ip4", "192.0.2.7")],
                "address 192.0.2.7",
            ),
            (
                &[("ip4", "192.0.2.7"), ("cidr", "24")],
                "prefix 192.0.2.0/24",
            ),
            (&[("ip4", "192.0.2.7"), ("cidr", "32")], "address 192.0.2.7"),
            (
                &[("ip4", "192.0.2.7"), ("cidr", "999")],
                "address 192.0.2.7",
            ),
            (
                &[("ip6", "2001:db8::7"), ("cidr", "64")],
                "prefix 2001:db8::/64",
            ),
        ] {
            assert_eq!(key(parts).as_deref(), Some(expected), "{parts:?}");
        }
        assert_eq!(key(&[("user", "alice")]), None);
    }
}
