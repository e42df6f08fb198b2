//! The tags for addresses: `<HOST>` and its kind.

use std::net::IpAddr;

/// The tag for an address.
pub(super) const TAG: &str = "<HOST>";

/// Name of the capture group that holds the address.
pub(super) const GROUP: &str = "host";

/// Digits and points in the shape of an IPv4 address.
macro_rules! v4 {
    () => {
        r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
    };
}

/// Hexadecimal digits and colons in the shape of an IPv6 address.
macro_rules! v6 {
    () => {
        concat!(
            r"(?:[0-9A-Fa-f]{0,4}:){2,7}(?:",
            v4!(),
            r"|[0-9A-Fa-f]{1,4})?"
        )
    };
}

/// A zone behind an address, which means nothing to anybody else.
macro_rules! zone {
    () => {
        r"(?:%[0-9A-Za-z_.-]{1,32})?"
    };
}

/// `<HOST>`: an address of either family, in brackets or not, with a zone or not. The shape is
/// loose; [`parse`] is strict.
pub(super) const PATTERN: &str = concat!(r"\[?(?P<host>", v4!(), "|", v6!(), ")", zone!(), r"\]?");

/// `<IPV4>`.
pub(super) const IPV4: &str = concat!("(?P<host>", v4!(), ")");

/// `<IPV6>`: in brackets or not.
pub(super) const IPV6: &str = concat!(r"\[?(?P<host>", v6!(), ")", zone!(), r"\]?");

/// `<PREFIX>`: an address of either family, with a length or not.
pub(super) const PREFIX: &str = concat!(
    r"\[?(?P<host>",
    v4!(),
    "|",
    v6!(),
    r")(?:/(?P<length>[0-9]{1,3}))?\]?"
);

/// The address in these bytes. An IPv4-mapped IPv6 address is the IPv4 address.
pub(super) fn parse(bytes: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = std::str::from_utf8(bytes).ok()?.parse().ok()?;
    Some(address.to_canonical())
}

#[cfg(test)]
mod tests {
    use regex::bytes::Regex;

    use super::*;

    fn found(text: &str) -> Option<IpAddr> {
        let regex = Regex::new(&format!("^{PATTERN}$")).unwrap();
        parse(regex.captures(text.as_bytes())?.name(GROUP)?.as_bytes())
    }

    #[test]
    fn addresses_are_recognised_in_every_spelling() {
        for (text, address) in [
            ("192.0.2.7", "192.0.2.7"),
            ("[192.0.2.7]", "192.0.2.7"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("::FFFF:c000:0201", "192.0.2.1"),
            ("0:0:0:0:0:ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::7", "2001:db8::7"),
            ("[2001:DB8::7]", "2001:db8::7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
            ("2001:db8::", "2001:db8::"),
            ("::1", "::1"),
            ("fe80::1%eth0", "fe80::1"),
        ] {
            assert_eq!(found(text), Some(address.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for text in [
            "",
            "192.0.2",
            "192.0.2.256",
            "192.0.2.7.8",
            "192.0.02.7",
            "host.example",
            ":",
            ":::",
            "1:2",
            "2001:db8::1::2",
            "12345::",
            "1:2:3:4:5:6:7:8:9",
            "192.0.2.7 ",
            "g::1",
        ] {
            assert_eq!(found(text), None, "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_address_is_found_as_it_is_printed(address: IpAddr) {
            proptest::prop_assert_eq!(found(&address.to_string()), Some(address.to_canonical()));
        }
    }
}
