//! Tags in patterns, and named groups that mean something.

use super::host;

/// A DNS name, as far as its shape goes.
const NAME: &str = r"(?P<name>[0-9A-Za-z_](?:[0-9A-Za-z_.-]{0,252}[0-9A-Za-z_])?)";

/// Names of groups that only tags make.
const OF_TAGS: [&str; 4] = [host::GROUP, "length", "name", "stamp"];

/// The tags of which a pattern may have one: they say who failed.
const ADDRESSES: [(&str, &str); 4] = [
    (host::TAG, host::PATTERN),
    ("<IPV4>", host::IPV4),
    ("<IPV6>", host::IPV6),
    ("<PREFIX>", host::PREFIX),
];

const NAME_TAG: &str = "<NAME>";
pub(super) const STAMP_TAG: &str = "<STAMP>";

/// A pattern with groups for its tags, with `stamp` for its stamp; what is wrong with it, if
/// something is.
pub(super) fn expand(text: &str, stamp: &str) -> Result<String, String> {
    let addresses: Vec<&str> = (ADDRESSES.iter())
        .flat_map(|(tag, _)| text.matches(tag))
        .collect();
    match *addresses {
        [] | [_] => {}
        [first, ..] if addresses.iter().all(|tag| *tag == first) => {
            return Err(format!(
                "{first} stands in it {} times; one address is banned",
                addresses.len()
            ));
        }
        _ => {
            return Err(format!(
                "{} stand in it; one address is banned",
                addresses.join(" and ")
            ));
        }
    }
    for tag in [NAME_TAG, STAMP_TAG] {
        if text.matches(tag).count() > 1 {
            return Err(format!("{tag} stands in it more than once"));
        }
    }
    for name in OF_TAGS {
        if text.contains(&format!("(?P<{name}>")) || text.contains(&format!("(?<{name}>")) {
            return Err(format!(
                "a group named {name} of its own; that name belongs to a tag"
            ));
        }
    }
    let mut expanded = text.replace(NAME_TAG, NAME);
    for (tag, pattern) in ADDRESSES {
        expanded = expanded.replace(tag, pattern);
    }
    Ok(expanded.replace(STAMP_TAG, &format!("(?P<stamp>{stamp})")))
}

/// A pattern whose tags catch nothing.
pub(super) fn expand_silently(text: &str, stamp: &str) -> String {
    let mut expanded = text.to_owned();
    for (tag, pattern) in ADDRESSES.into_iter().chain([(NAME_TAG, NAME)]) {
        let silent = pattern
            .replace("?P<host>", "?:")
            .replace("?P<length>", "?:")
            .replace("?P<name>", "?:");
        expanded = expanded.replace(tag, &silent);
    }
    expanded.replace(STAMP_TAG, &format!("(?:{stamp})"))
}
