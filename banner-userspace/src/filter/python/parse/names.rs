//! Names of groups.

use std::sync::LazyLock;

use regex::Regex;

/// Whether Python takes this for a name.
pub(super) fn is_identifier(name: &str) -> bool {
    static IDENTIFIER: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\A[\p{XID_Start}_]\p{XID_Continue}*\z").ok());
    IDENTIFIER
        .as_ref()
        .is_some_and(|regex| regex.is_match(name))
}

/// The number that Python reads in this text, if it is one and not negative.
pub(super) fn number(text: &str) -> Option<usize> {
    let text = text.trim();
    let digits = text.strip_prefix('+').unwrap_or(text);
    let grouped = digits.split('_').all(|part| !part.is_empty());
    let plain = digits
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'_');
    if digits.is_empty() || !grouped || !plain {
        return None;
    }
    let digits: String = digits.chars().filter(|&char| char != '_').collect();
    Some(digits.parse().unwrap_or(usize::MAX))
}
